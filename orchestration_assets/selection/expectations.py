"""What is expected of each service on the items of a batch, before any call."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa

from orchestration_assets.evidence.item_inputs import Floats32, ItemInputs
from orchestration_assets.evidence.item_terms import item_terms
from orchestration_assets.evidence.recorded_answers import Bools, Floats
from orchestration_assets.features.terms import packed_terms
from orchestration_assets.features.vectors import DIMENSIONS, embedded_words, hashed_words
from orchestration_assets.schemas.tables import PlanRow
from orchestration_assets.selection.content_inputs import FEATURE_TYPES, inputs_of_contents
from orchestration_assets.selection.learned_model import LearnedModel

UNFAMILIAR_BELOW: Final = 0.005
"""Familiarity below which an item is like nothing that was learned from: of items of the same kind
one in 200 is."""

_SHOWN_SERVICES: Final = 4


@dataclass(frozen=True, slots=True)
class ItemExpectation:
    """``scores`` (K,) in [0, 1] that are expected of the model's services on one item;
    ``familiarity`` in [0, 1] says how near it is to what was learned from, None where nothing is
    known of the item, so that the scores are the services' overall ones."""

    scores: tuple[float, ...]
    familiarity: float | None = None

    @property
    def is_unfamiliar(self) -> bool:
        """Whether the item is like nothing that was learned from."""
        return self.familiarity is not None and self.familiarity < UNFAMILIAR_BELOW


@dataclass(frozen=True)
class BatchInputs:
    """What is known of the contents of a batch: ``positions`` in ``inputs``, and (n,) which of
    them are ``described`` by a profile and vectors."""

    positions: Mapping[str, int]
    inputs: ItemInputs
    described: Bools

    def expectations(self, model: LearnedModel) -> dict[str, ItemExpectation]:
        """Content -> what the model expects on it; nothing without a predictor."""
        expected = model.expected_scores(self.inputs, self.described)
        if expected is None or model.predictor is None:
            return {}
        known = self.inputs.take(self.described)
        familiar: Iterator[float] = iter(model.predictor.familiarity(known) if len(known) else ())
        familiarities = [float(next(familiar)) if known else None for known in self.described]
        return {
            content: ItemExpectation(tuple(expected[at].tolist()), familiarities[at])
            for content, at in self.positions.items()
        }


def expected_by(plan: PlanRow, services: Sequence[str]) -> Floats | None:
    """(K,) what the plan says is expected of these services; None where it says nothing."""
    if plan.expected_scores is None:
        return None
    expected = {one.service: one.score for one in plan.expected_scores}
    return np.array([expected[name] for name in services])


def expected_words(services: Sequence[str], expected: Sequence[float] | Floats) -> str:
    """What is expected of the services, the best first, and of no more than a few."""
    order = sorted(range(len(services)), key=lambda k: (-expected[k], k))
    return ", ".join(f"{services[k]} {expected[k]:.2f}" for k in order[:_SHOWN_SERVICES])


@dataclass(frozen=True, slots=True)
class TextVectors:
    """What the table of vectors would hold of a text."""

    words: Floats32
    terms: Sequence[int]
    semantic: Floats32 | None


def text_vectors(text: str, *, semantic: bool) -> TextVectors:
    """The vectors of one text; ``semantic``: embedded words too."""
    meaning = embedded_words([text])[0] if semantic else None
    return TextVectors(hashed_words([text])[0], packed_terms(text), meaning)


def text_inputs(
    contents: Sequence[str], features: Sequence[Mapping[str, Any]], vectors: Sequence[TextVectors]
) -> BatchInputs:
    """The inputs of contents that no table holds, from the ``features`` of their profiles."""
    meanings = [one.semantic for one in vectors if one.semantic is not None]
    inputs = ItemInputs(
        pa.Table.from_pylist(list(features), FEATURE_TYPES),
        np.array([one.words for one in vectors], np.float32).reshape(-1, DIMENSIONS),
        np.array(meanings, np.float32) if meanings else None,
        item_terms(one.terms for one in vectors),
    )
    positions = {name: n for n, name in enumerate(contents)}
    return BatchInputs(positions, inputs, np.ones(len(contents), np.bool_))


def batch_inputs(
    contents: Sequence[str], profiles: pa.Table, vectors: pa.Table, *, semantic: bool
) -> BatchInputs:
    """The inputs of the contents of a batch, from its tables of profiles and vectors."""
    different = list(dict.fromkeys(contents))
    inputs, described = inputs_of_contents(different, [profiles], [vectors], semantic=semantic)
    return BatchInputs({name: n for n, name in enumerate(different)}, inputs, described)
