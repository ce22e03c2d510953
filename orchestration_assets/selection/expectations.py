"""What is expected of each service on the items of a batch, before any call."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa

from orchestration_assets.evidence.item_inputs import Floats32, ItemInputs
from orchestration_assets.evidence.item_terms import item_terms
from orchestration_assets.evidence.recorded_answers import Floats
from orchestration_assets.features.terms import packed_terms
from orchestration_assets.features.vectors import DIMENSIONS, embedded_words, hashed_words
from orchestration_assets.schemas.tables import PlanRow
from orchestration_assets.selection.choice_reasons import reasons
from orchestration_assets.selection.content_inputs import FEATURE_TYPES, inputs_of_contents
from orchestration_assets.selection.known_items import KnownItems
from orchestration_assets.selection.learned_model import LearnedModel

UNFAMILIAR_BELOW: Final = 0.005
"""Familiarity below which an item is like nothing that was learned from: of items of the same kind
one in 200 is."""

_SHOWN_SERVICES: Final = 4


@dataclass(frozen=True, slots=True)
class ItemExpectation:
    """``scores`` (K,) in [0, 1] that are expected of the model's services on one item, ``usd`` (K,)
    what a call to each costs, None where items are not told apart by price;
    ``familiarity`` in [0, 1] says how near it is to what was learned from, None where nothing is
    known of the item, so that the scores are the services' overall ones."""

    scores: tuple[float, ...]
    familiarity: float | None = None
    usd: tuple[float, ...] | None = None

    @property
    def is_unfamiliar(self) -> bool:
        """Whether the item is like nothing that was learned from."""
        return self.familiarity is not None and self.familiarity < UNFAMILIAR_BELOW


@dataclass(frozen=True)
class BatchInputs:
    """What is known of the contents of a batch, and the ``positions`` of these in ``items``."""

    positions: Mapping[str, int]
    items: KnownItems

    def expected(self, model: LearnedModel) -> "BatchExpectations | None":
        """What the model expects on every content; None without a predictor."""
        scores, known = model.expected_scores(self.items), self.items.described
        if scores is None or model.predictor is None:
            return None
        familiarity = np.full(len(scores), np.nan)
        if known.any():
            familiarity[known] = model.predictor.familiarity(self.items.inputs.take(known))
        return BatchExpectations(self, scores, familiarity, model.expected_usd(self.items))


@dataclass(frozen=True)
class BatchExpectations:
    """``scores`` (n, K) and ``familiarity`` (n,) of the contents of a batch, NaN where nothing is
    known of one; ``usd`` (n, K) what calls cost on each, None where that is not told apart."""

    batch: BatchInputs
    scores: Floats
    familiarity: Floats
    usd: Floats | None = None

    def of(self, content: str) -> ItemExpectation | None:
        """What is expected on a content; None for one that is not of the batch."""
        at = self.batch.positions.get(content)
        if at is None:
            return None
        familiarity = float(self.familiarity[at])
        known = None if np.isnan(familiarity) else familiarity
        usd = None if self.usd is None else tuple(self.usd[at].tolist())
        return ItemExpectation(tuple(self.scores[at].tolist()), known, usd)

    def first_words(self, model: LearnedModel, point: int) -> dict[str, str]:
        """Content -> which services an operating point asks first, and why; those alone of which
        something is known, and nothing where the point does not look at what is expected."""
        steps = model.selector.first_steps(point, self.scores, self.usd)
        if steps is None:
            return {}
        services = np.array(model.selector.services, dtype=object)
        first = steps.ask.argmax(axis=1)
        others = np.where(steps.ask, -np.inf, self.scores)
        runner_up = np.where(np.isinf(others).all(axis=1), first, others.argmax(axis=1))
        known = np.flatnonzero(self.batch.items.described)
        why = [""] * len(known)
        if model.reasons is not None and len(known):
            inputs = self.batch.items.inputs.take(known)
            why = reasons(model.reasons, inputs, self.scores[known], first[known], runner_up[known])
        because = dict(zip(known.tolist(), why, strict=True))
        return {
            content: _first_words(services[steps.ask[at]].tolist(), because[at])
            for content, at in self.batch.positions.items()
            if at in because
        }


def _first_words(services: Sequence[str], because: str) -> str:
    together = " at once" if len(services) > 1 else ""
    first = f"{' and '.join(services)} first{together}"
    return f"{first}: {because}" if because else first


def expected_by(plan: PlanRow, services: Sequence[str]) -> Floats | None:
    """(K,) what the plan says is expected of these services; None where it says nothing."""
    if plan.expected_scores is None:
        return None
    expected = {one.service: one.score for one in plan.expected_scores}
    return np.array([expected[name] for name in services])


def expected_usd_by(plan: PlanRow, services: Sequence[str]) -> Floats | None:
    """(K,) what the plan says calls to these services cost; None where it says nothing."""
    usd = {one.service: one.usd for one in plan.expected_scores or ()}
    if not usd or None in usd.values():
        return None
    return np.array([usd[name] for name in services], dtype=np.float64)


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
    return BatchInputs(positions, KnownItems(inputs, np.ones(len(contents), np.bool_)))


def batch_inputs(
    contents: Sequence[str], profiles: pa.Table, vectors: pa.Table, *, semantic: bool
) -> BatchInputs:
    """The inputs of the contents of a batch, from its tables of profiles and vectors."""
    different = list(dict.fromkeys(contents))
    inputs, described = inputs_of_contents(different, [profiles], [vectors], semantic=semantic)
    positions = {name: n for n, name in enumerate(different)}
    return BatchInputs(positions, KnownItems(inputs, described))
