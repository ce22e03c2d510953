"""The relation of two answers of free text, with a probability, a severity and a sentence.

``weights.json`` is written by ``python -m benchmarks fit_contradiction``: a multinomial logistic
regression over :data:`~orchestration_assets.evidence.contradiction.features.FEATURES`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from math import exp
from typing import Any, Final

from orchestration_assets.evidence.contradiction.differences import Difference, DifferenceKind
from orchestration_assets.evidence.contradiction.features import (
    FEATURES,
    Evidence,
    evidence,
)
from orchestration_assets.evidence.contradiction.readings import read_text

WEIGHTS_FILE: Final = "weights.json"
_LONGEST_QUOTE: Final = 80
_CONTRADICTS: Final = 0.5
# Set by judgement, not measured: what it costs to go by the wrong one of two answers.
_CONSEQUENCE: Final[Mapping[DifferenceKind, float]] = {
    DifferenceKind.NEGATION: 1.0,
    DifferenceKind.POLARITY: 0.9,
    DifferenceKind.ROLE: 0.9,
    DifferenceKind.NAME: 0.9,
    DifferenceKind.UNIT: 0.9,
    DifferenceKind.DATE: 0.8,
    DifferenceKind.AMOUNT: 0.8,
    DifferenceKind.CAUSE: 0.7,
    DifferenceKind.EXTENT: 0.7,
    DifferenceKind.WORDING: 0.5,
}


class RelationKind(StrEnum):
    """How two answers to one question relate."""

    CONTRADICTION = "contradiction"
    PARAPHRASE = "paraphrase"
    PART_WHOLE = "part_whole"
    DIFFERENT_FOCUS = "different_focus"
    UNRELATED = "unrelated"


@dataclass(frozen=True, slots=True)
class RelationWeights:
    """``coefficients`` (kinds, features) and ``intercepts`` (kinds,) in the order of ``kinds``;
    ``fitted_on``: the SHA-256 of the labelled pairs, which nobody should measure on."""

    kinds: tuple[RelationKind, ...]
    coefficients: tuple[tuple[float, ...], ...]
    intercepts: tuple[float, ...]
    fitted_on: str


@dataclass(frozen=True, slots=True)
class Relation:
    """``contradiction``: the probability, in [0, 1], that a reader could accept at most one of the
    two; ``kind``: contradiction from a probability of a half on, else the
    likeliest of the others; ``severity``: in [0, 1], the probability times what the
    difference may cost; ``difference``: where they differ most clearly, if anywhere (an empty span
    stands for what one side leaves out); ``sentence``: the same in words."""

    kind: RelationKind
    contradiction: float
    severity: float
    difference: Difference | None
    sentence: str


def relation(first: str, second: str) -> Relation:
    """How two answers to the same question about the same document relate.

    Symmetric but for the order of the spans. Of longer texts the first 4,000 characters are
    compared. Takes any text; raises nothing.
    """
    if second < first:
        turned = _relation(second, first)
        return _put(first, second, turned[0], turned[1], _mirrored(turned[2]))
    return _put(first, second, *_relation(first, second))


def probabilities(features: Sequence[float], weights: RelationWeights) -> dict[RelationKind, float]:
    """The probability of each relation by the softmax of the weighted features."""
    shown = [(place, value) for place, value in enumerate(features) if value]
    scores = [
        intercept + sum(row[place] * value for place, value in shown)
        for row, intercept in zip(weights.coefficients, weights.intercepts, strict=True)
    ]
    highest = max(scores)
    powers = [exp(score - highest) for score in scores]
    total = sum(powers)
    return {kind: power / total for kind, power in zip(weights.kinds, powers, strict=True)}


@cache
def packaged_weights() -> RelationWeights:
    """The weights that the package ships.

    Raises:
        ValueError: they were fitted for other features.
    """
    path = files("orchestration_assets.evidence.contradiction").joinpath(WEIGHTS_FILE)
    table: dict[str, Any] = json.loads(path.read_text("utf-8"))
    if tuple(table["features"]) != FEATURES:
        raise ValueError(
            f"{WEIGHTS_FILE}: fitted for other features; "
            "fit it again with python -m benchmarks fit_contradiction"
        )
    return RelationWeights(
        tuple(map(RelationKind, table["kinds"])),
        tuple(map(tuple, table["coefficients"])),
        tuple(table["intercepts"]),
        table["fitted_on"],
    )


def _relation(first: str, second: str) -> tuple[RelationKind, float, Difference | None]:
    if _spelled_the_same(first, second):
        return RelationKind.PARAPHRASE, 0.0, None
    seen: Evidence = evidence(first, second)
    chances = probabilities(seen.features, packaged_weights())
    contradiction = chances.pop(RelationKind.CONTRADICTION)
    likeliest = max(chances, key=lambda kind: chances[kind])
    kind = RelationKind.CONTRADICTION if contradiction >= _CONTRADICTS else likeliest
    return kind, contradiction, next(iter(seen.differences), None)


def _spelled_the_same(first: str, second: str) -> bool:
    """Whether the two have the same words, numbers and signs, whatever their case."""
    if first == second:
        return True
    one, other = read_text(first).tokens, read_text(second).tokens
    return bool(one) and [t.plain for t in one] == [t.plain for t in other]


def _put(
    first: str,
    second: str,
    kind: RelationKind,
    contradiction: float,
    difference: Difference | None,
) -> Relation:
    cost = (
        _CONSEQUENCE[DifferenceKind.WORDING]
        if difference is None
        else _CONSEQUENCE[difference.kind] * (0.5 + 0.5 * difference.size)
    )
    return Relation(
        kind,
        contradiction,
        contradiction * cost,
        difference,
        _sentence(first, second, kind, difference),
    )


def _mirrored(difference: Difference | None) -> Difference | None:
    if difference is None:
        return None
    return Difference(
        difference.kind,
        difference.second,
        difference.first,
        difference.strength,
        difference.size,
    )


_ALIKE: Final[Mapping[RelationKind, str]] = {
    RelationKind.PARAPHRASE: "they say the same in other words",
    RelationKind.PART_WHOLE: "one says what the other says, and more",
    RelationKind.DIFFERENT_FOCUS: "both can be true: they speak of different things",
    RelationKind.UNRELATED: "they have no subject in common",
}
_APART: Final[Mapping[DifferenceKind, str]] = {
    DifferenceKind.NAME: "they name different ones",
    DifferenceKind.DATE: "they give different dates or times",
    DifferenceKind.AMOUNT: "they give different amounts",
    DifferenceKind.UNIT: "they give different units",
    DifferenceKind.NEGATION: "one denies what the other states",
    DifferenceKind.POLARITY: "they say the opposite",
    DifferenceKind.ROLE: "they exchange who does it and to whom",
    DifferenceKind.CAUSE: "they give different reasons",
    DifferenceKind.EXTENT: "one says it of all, the other of a part",
    DifferenceKind.WORDING: "they say different things in the same place",
}


def _sentence(first: str, second: str, kind: RelationKind, difference: Difference | None) -> str:
    if kind is RelationKind.PARAPHRASE and not _share_words(first, second):
        return "neither excludes the other"
    if kind is not RelationKind.CONTRADICTION:
        return _ALIKE[kind]
    if difference is None:
        return "they exclude each other"
    a, b = _quoted(first, difference.first), _quoted(second, difference.second)
    return f"{_APART[difference.kind]}: {a} against {b}"


def _share_words(first: str, second: str) -> bool:
    """Whether the two have a word in common: without one, other words for the same are a guess."""
    a, b = ({word.key for word in read_text(text).words} for text in (first, second))
    return not a.isdisjoint(b)


def _quoted(text: str, span: tuple[int, int]) -> str:
    quote = " ".join(text[slice(*span)].split())
    if not quote:
        return "nothing of it"
    short = quote if len(quote) <= _LONGEST_QUOTE else f"{quote[: _LONGEST_QUOTE - 1]}\u2026"
    return f"\u201c{short}\u201d"
