"""Disagreement between vectors: an item that two services hold to be near to different items.

Spaces of different services have nothing in common but the items in them, so what is compared
is which items each service finds nearest, not the vectors themselves.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

import numpy as np

from orchestration_assets.disagreement.measure import (
    Contrast,
    Measure,
    TaskBatch,
    given,
    listed,
    with_evidence,
)
from orchestration_assets.disagreement.readings import Vote
from orchestration_assets.schemas.answers import Answer
from orchestration_assets.schemas.enums import DisagreementKind

NEIGHBOURS: Final = 10
# below this, two unrelated spaces share a third of the neighbours by chance
MIN_ITEMS: Final = 3 * NEIGHBOURS
WINDOW: Final = 2_048  # similarities within a window only: its square is 16 MB, whatever the batch
_TIE_STEP: Final = np.float32(1e-7)

Neighbourhoods = dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class VectorMeasure:
    """1 - shared nearest neighbours / 10, over the items of the batch that both answered.

    ``vectors``: service -> item -> vector, items in the order of the batch.
    """

    vectors: Mapping[str, Mapping[str, tuple[float, ...]]]
    paths: Mapping[str, str]
    _found: dict[tuple[str, str], tuple[Neighbourhoods, Neighbourhoods]] = field(
        default_factory=dict
    )
    _by_items: dict[tuple[str, tuple[str, ...]], Neighbourhoods] = field(default_factory=dict)

    @property
    def kind(self) -> DisagreementKind:
        return DisagreementKind.NEIGHBOURHOOD_SHIFT

    def distance(self, item_id: str, first: Vote, second: Vote) -> float | None:
        near_a, near_b = self._near(item_id, first[0], second[0])
        if not near_a:
            return None
        return 1.0 - len(set(near_a) & set(near_b)) / NEIGHBOURS

    def contrast(self, item_id: str, first: Vote, second: Vote) -> Contrast:
        near_a, near_b = self._near(item_id, first[0], second[0])
        only_a, only_b = self._paths(near_a, near_b), self._paths(near_b, near_a)
        words = (
            with_evidence(first, f"alone finds it near {listed(only_a)}"),
            with_evidence(second, f"alone finds it near {listed(only_b)}"),
        )
        return Contrast((only_a, only_b), words)

    def _paths(self, near: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(self.paths[item] for item in near if item not in other)

    def _near(
        self, item_id: str, first: str, second: str
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        pair = (first, second)
        if pair not in self._found:
            self._found[pair] = self._compared(first, second)
        near_a, near_b = self._found[pair]
        return near_a.get(item_id, ()), near_b.get(item_id, ())

    def _compared(self, first: str, second: str) -> tuple[Neighbourhoods, Neighbourhoods]:
        others = self.vectors[second]
        items = tuple(item for item in self.vectors[first] if item in others)
        if len(items) < MIN_ITEMS:
            return {}, {}
        return self._neighbourhoods(first, items), self._neighbourhoods(second, items)

    def _neighbourhoods(self, service: str, items: tuple[str, ...]) -> Neighbourhoods:
        """Mostly every service answers every item: then its neighbours serve all its pairs."""
        key = (service, items)
        if key not in self._by_items:
            vectors = np.array([self.vectors[service][item] for item in items], dtype=np.float32)
            self._by_items[key] = neighbourhoods(items, vectors)
        return self._by_items[key]


def vector_measure(batch: TaskBatch) -> Measure:
    """Neighbourhoods are found when the first pair of two services is compared."""
    vectors: defaultdict[str, dict[str, Answer]] = defaultdict(dict)
    for item, votes in batch.votes.items():
        for vote in votes:
            vectors[vote[0]][item] = given(vote)
    return VectorMeasure(
        {service: _of_one_space(by_item) for service, by_item in vectors.items()}, batch.paths
    )


def _of_one_space(by_item: Mapping[str, Answer]) -> dict[str, tuple[float, ...]]:
    """The vectors of the service's usual length; one of another length is in another space."""
    vectors = {item: cast(tuple[float, ...], answer) for item, answer in by_item.items()}
    (usual, _), *_ = Counter(map(len, vectors.values())).most_common(1)
    return {item: vector for item, vector in vectors.items() if len(vector) == usual}


def neighbourhoods(
    items: tuple[str, ...], vectors: np.ndarray[tuple[int, int], np.dtype[np.float32]]
) -> Neighbourhoods:
    """Item -> its 10 nearest others by cosine, nearest first, within its window.

    Windows are cut in the order of the items into equal parts of at most 2,048. Equal
    similarities go to the earlier item, so that copies of one item are ranked alike everywhere.
    """
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    directions = vectors / np.where(norms > 0.0, norms, 1.0)
    found: Neighbourhoods = {}
    start = 0
    for window in np.array_split(directions, -(-len(items) // WINDOW)):
        names = items[start : start + len(window)]
        for name, nearest in zip(names, _nearest(window), strict=True):
            found[name] = tuple(names[position] for position in nearest)
        start += len(window)
    return found


def _nearest(directions: Any) -> list[list[int]]:
    similar = directions @ directions.T
    similar -= _TIE_STEP * np.arange(len(directions), dtype=np.float32)
    np.fill_diagonal(similar, -np.inf)
    some = np.argpartition(-similar, NEIGHBOURS - 1, axis=1)[:, :NEIGHBOURS]
    order = np.argsort(-np.take_along_axis(similar, some, axis=1), axis=1, kind="stable")
    nearest: list[list[int]] = np.take_along_axis(some, order, axis=1).tolist()
    return nearest
