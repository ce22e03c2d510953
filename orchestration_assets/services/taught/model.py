"""A local model of a teacher's answers: labels, sets of members, scores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from orchestration_assets.schemas.answers import Answer
from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.services.taught.lessons import TEACHABLE, TeacherAnswer, same_answer
from orchestration_assets.services.taught.ridge import (
    Floats,
    RarityWeights,
    RidgeModel,
    fit_ridge,
)
from orchestration_assets.services.taught.text_features import hashed_terms

Bools = NDArray[np.bool_]

_NONE: Final = ""
"""The name under which a teacher's abstention is learned; no label is empty."""

_NEVER: Final = -np.inf
_SMALLEST_ERROR: Final = 1e-3


@dataclass(frozen=True, slots=True)
class Guess:
    """What the model would answer, None where it holds that its teacher would abstain.

    ``sureness`` orders guesses, the surer the higher; it is no probability. About 0 the odds are
    even that the teacher would say the same.
    """

    answer: Answer | None
    sureness: float


@dataclass(frozen=True)
class AnswerModel:
    """``names``: the labels, or the members that sets are made of; none for scores.

    Outputs are, for each name, near 1 where the teacher would give it and near -1 where not; of a
    score, its value and the logarithm of how far off it is, both where the scale is 0..1;
    ``tolerance``, on that scale too, is how far off still counts as the same.
    """

    kind: AnswerKind
    names: tuple[str, ...]
    scale: tuple[float, float]
    tolerance: float
    ridge: RidgeModel

    def guesses(self, texts: Sequence[str]) -> list[Guess]:
        """What the model would answer about each text."""
        return self.read(self.ridge.outputs(hashed_terms(texts)))

    def read(self, outputs: Floats) -> list[Guess]:
        """The guesses that outputs (n, m) stand for."""
        if self.kind is AnswerKind.LABEL:
            return [_label(self.names, row) for row in outputs]
        if self.kind is AnswerKind.SET:
            return [_set(self.names, row) for row in outputs]
        return [_score(self.scale, self.tolerance, row) for row in outputs]


@dataclass(frozen=True)
class LearnedAnswers:
    """A model with what it would have said about each of its lessons without having seen it."""

    model: AnswerModel
    held_out: tuple[Guess, ...]


def learn_answers(
    lessons: Sequence[TeacherAnswer],
    kind: AnswerKind,
    scale: tuple[float, float] = (0.0, 1.0),
    tolerance: float = 0.0,
    terms: Any = None,
) -> LearnedAnswers:
    """Learns at least two lessons; ``terms`` are their hashed terms where they are known.

    ``tolerance``: how far off a score still counts as the same, as a share of the scale. Raises
    ValueError for a kind that cannot be taught.
    """
    if kind not in TEACHABLE:
        raise ValueError(f"answers of kind {kind.value} cannot be taught")
    if terms is None:
        terms = hashed_terms([lesson.text for lesson in lessons])
    if kind is AnswerKind.SCORE:
        return _learn_scores(lessons, terms, scale, tolerance)
    names, targets = _label_targets(lessons) if kind is AnswerKind.LABEL else _set_targets(lessons)
    fitted = fit_ridge(terms, targets)
    model = AnswerModel(kind, names, scale, tolerance, fitted.model)
    return LearnedAnswers(model, tuple(model.read(fitted.held_out)))


def _label_targets(lessons: Sequence[TeacherAnswer]) -> tuple[tuple[str, ...], Floats]:
    given = [_NONE if lesson.answer is None else str(lesson.answer) for lesson in lessons]
    names = tuple(sorted(set(given)))
    return names, np.where(np.array(given)[:, None] == np.array(names), 1.0, -1.0)


def _set_targets(lessons: Sequence[TeacherAnswer]) -> tuple[tuple[str, ...], Floats]:
    given = [
        frozenset(map(str, lesson.answer)) if isinstance(lesson.answer, tuple) else frozenset()
        for lesson in lessons
    ]
    names = tuple(sorted(frozenset().union(*given)))
    targets = [[1.0 if name in members else -1.0 for name in names] for members in given]
    return names, np.array(targets, dtype=np.float64).reshape(len(lessons), len(names))


def _learn_scores(
    lessons: Sequence[TeacherAnswer], terms: Any, scale: tuple[float, float], tolerance: float
) -> LearnedAnswers:
    low, high = scale
    answered = np.array([isinstance(lesson.answer, float) for lesson in lessons])
    given = np.array([x.answer if isinstance(x.answer, float) else low for x in lessons])
    values = (given - low) / (high - low)
    # what is not answered is far from any value: its model expects to be wrong there
    middle = float(values[answered].mean()) if answered.any() else 0.0
    first = fit_ridge(terms, np.where(answered, values - middle, 0.0)[:, None])
    errors = np.where(answered, np.abs(first.held_out[:, 0] + middle - values), 1.0)
    off = np.log(errors + _SMALLEST_ERROR)[:, None]
    second = fit_ridge(terms, off, [first.model.weights])
    ridge = RidgeModel(
        first.model.weights,
        np.hstack([first.model.coefficients, second.model.coefficients]),
        np.hstack([first.model.intercept + middle, second.model.intercept]),
    )
    model = AnswerModel(AnswerKind.SCORE, (), scale, tolerance, ridge)
    outputs = np.hstack([first.held_out + middle, second.held_out])
    return LearnedAnswers(model, tuple(model.read(outputs)))


def _label(names: Sequence[str], row: Floats) -> Guess:
    order = np.argsort(-row, kind="stable")
    name = names[order[0]]
    if name == _NONE:
        return Guess(None, _NEVER)
    other = row[order[1]] if len(order) > 1 else -1.0
    return Guess(name, float(row[order[0]] - other))


def _set(names: Sequence[str], row: Floats) -> Guess:
    members = [names[n] for n in np.argsort(-row, kind="stable") if row[n] > 0.0]
    if not members:
        return Guess(None, _NEVER)
    return Guess(tuple(members), float(np.abs(row).min()))


def _score(scale: tuple[float, float], tolerance: float, row: Floats) -> Guess:
    low, high = scale
    value = min(max(float(row[0]), 0.0), 1.0)
    sureness = float(np.log(tolerance + _SMALLEST_ERROR) - row[1])
    return Guess(low + value * (high - low), sureness)


def agreements(
    lessons: Sequence[TeacherAnswer], guesses: Sequence[Guess], kind: AnswerKind, tolerance: float
) -> Bools:
    """(n,) whether each guess is what the teacher answered."""
    pairs = zip(lessons, guesses, strict=True)
    return np.array(
        [same_answer(kind, guess.answer, lesson.answer, tolerance) for lesson, guess in pairs],
        dtype=np.bool_,
    )


def pack_answers(model: AnswerModel) -> tuple[dict[str, Any], dict[str, Any]]:
    """The model as arrays, and as facts for JSON."""
    arrays = {
        "places": model.ridge.weights.places,
        "rarity": model.ridge.weights.rarity,
        "coefficients": model.ridge.coefficients.astype(np.float32),
        "intercept": model.ridge.intercept,
    }
    facts = {
        "kind": model.kind.value,
        "names": list(model.names),
        "scale": list(model.scale),
        "tolerance": model.tolerance,
        "unknown": model.ridge.weights.unknown,
    }
    return arrays, facts


def unpack_answers(arrays: Mapping[str, Any], facts: Mapping[str, Any]) -> AnswerModel:
    """What :func:`pack_answers` packed. Raises KeyError or ValueError for anything else."""
    low, high = (float(end) for end in facts["scale"])
    weights = RarityWeights(arrays["places"], arrays["rarity"], float(facts["unknown"]))
    coefficients = np.asarray(arrays["coefficients"], dtype=np.float64)
    if coefficients.shape != (len(weights.places), len(arrays["intercept"])):
        raise ValueError("the coefficients do not fit the places of the terms")
    return AnswerModel(
        AnswerKind(facts["kind"]),
        tuple(str(name) for name in facts["names"]),
        (low, high),
        float(facts["tolerance"]),
        RidgeModel(weights, coefficients, np.asarray(arrays["intercept"], dtype=np.float64)),
    )
