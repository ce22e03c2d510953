"""Disagreement between vectors: an item that two services hold to be near to different items.

Where thresholds are calibrated for the two services, they disagree about an item whose
neighbourhoods differ more than is usual for them; an item that neither holds to be near to anything
is not compared, because its neighbours are chance. Else they disagree from the task's
``disagree_at`` on.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import cast

import numpy as np

from orchestration_assets.disagreement.consequences.judgement import Judgement, harmless
from orchestration_assets.disagreement.measure import (
    AnswerComparison,
    Differences,
    Measure,
    Sides,
    TaskReadings,
    compare_by_policy,
    first_members,
    required_answer,
    with_evidence,
)
from orchestration_assets.disagreement.readings import Vote
from orchestration_assets.evidence.neighbourhoods import (
    MIN_ITEMS,
    NEIGHBOURS,
    WINDOW,
    Float32Array,
    nearest,
    shift,
    similarities,
)
from orchestration_assets.evidence.recorded_answers import Ints
from orchestration_assets.evidence.vector_thresholds import (
    SizeThreshold,
    ThresholdsInUse,
    has_near_neighbour,
    window_size,
)
from orchestration_assets.schemas.answers import Answer
from orchestration_assets.schemas.enums import Consequence, DisagreementKind
from orchestration_assets.schemas.items import Task


@dataclass(frozen=True, slots=True)
class BatchThresholds:
    """Thresholds that a batch has pinned, and the identities of the services that answered it."""

    in_use: ThresholdsInUse
    identities: Mapping[str, str]

    def threshold(self, pair: tuple[str, str], size: int) -> SizeThreshold | str:
        """What holds for two services, or in words why nothing does."""
        named = f"thresholds {self.in_use.version}"
        thresholds = self.in_use.thresholds.pairs.get(pair)
        if thresholds is None:
            return f"{named} do not know this pair"
        if (why := thresholds.mismatch(self.identities)) is not None:
            return f"{named} are not valid, {why}"
        found = thresholds.of_size(size)
        return f"{named}: {found}" if isinstance(found, str) else found

    def in_words(self) -> str:
        """The version, and the pairs for which it is not valid any more."""
        pairs = self.in_use.thresholds.pairs.values()
        whys = sorted({why for one in pairs if (why := one.mismatch(self.identities)) is not None})
        return self.in_use.version + (f", not valid: {'; '.join(whys)}" if whys else "")


@dataclass(frozen=True, slots=True)
class _Window:
    """Items compared with each other: their names, similarities and nearest rows."""

    names: tuple[str, ...]
    similar: Float32Array
    near: Ints


@dataclass(frozen=True, slots=True)
class _ItemNeighbours:
    """One item in the eyes of two services: what each holds nearest; by how much that shifts, None
    without a threshold; and whether either holds it near to anything."""

    near: tuple[tuple[str, ...], tuple[str, ...]]
    shift: float | None = None
    has_near_neighbour: bool = True


@dataclass(frozen=True, slots=True)
class _PairComparison:
    """What two services see, and by which threshold that is judged: None or why there is none."""

    seen: Mapping[str, _ItemNeighbours]
    threshold: SizeThreshold | str


@dataclass(frozen=True, slots=True)
class VectorMeasure:
    """1 - shared nearest neighbours / 10, over the items of the batch that both answered.

    ``vectors``: service -> item -> vector, items in the order of the batch.
    """

    task: Task
    vectors: Mapping[str, Mapping[str, tuple[float, ...]]]
    paths: Mapping[str, str]
    thresholds: BatchThresholds | None = None
    _pairs: dict[tuple[str, str], _PairComparison] = field(default_factory=dict)

    @property
    def kind(self) -> DisagreementKind:
        return DisagreementKind.NEIGHBOURHOOD_SHIFT

    def compare(self, item_id: str, first: Vote, second: Vote) -> AnswerComparison | None:
        judged = self._pair_comparison(first[0], second[0])
        seen = judged.seen.get(item_id)
        if seen is None:
            return None
        near_a, near_b = seen.near
        distance = 1.0 - len(set(near_a) & set(near_b)) / NEIGHBOURS
        threshold = judged.threshold
        if isinstance(threshold, str) or seen.shift is None or self.thresholds is None:
            why = f": {threshold}" if threshold else ""
            unknown = harmless(f"what is usual between the two is not calibrated{why}")
            return compare_by_policy(distance, self.task, unknown, str(threshold))
        if not seen.has_near_neighbour:
            return None
        in_use = self.thresholds.in_use
        share = in_use.thresholds.share
        far = 0.0 < seen.shift >= threshold.from_shift(share)
        only = self._exclusive(seen.near)
        return AnswerComparison(
            distance,
            far,
            Judgement(
                Consequence.OTHER_NEIGHBOURS,
                threshold.strength(seen.shift),
                f"{first[0]} alone finds it near {first_members(only[0])}; "
                f"{second[0]} near {first_members(only[1])}",
            )
            if far
            else harmless("no more than is usual between the two"),
            threshold.unusual(seen.shift),
            f"thresholds {in_use.version}: {1.0 - share:.0%} of {threshold.contents} recorded "
            f"contents lie nearer, {threshold.size} compared at once",
        )

    def differences(self, item_id: str, first: Vote, second: Vote) -> Differences:
        near = self._pair_comparison(first[0], second[0]).seen[item_id].near
        only_a, only_b = self._exclusive(near)
        words = (
            with_evidence(first, f"alone finds it near {first_members(only_a)}"),
            with_evidence(second, f"alone finds it near {first_members(only_b)}"),
        )
        return Differences((only_a, only_b), words)

    def _exclusive(self, near: tuple[tuple[str, ...], tuple[str, ...]]) -> Sides:
        return self._paths(near[0], near[1]), self._paths(near[1], near[0])

    def _paths(self, near: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(self.paths[item] for item in near if item not in other)

    def _pair_comparison(self, first: str, second: str) -> _PairComparison:
        pair = (first, second)
        if pair not in self._pairs:
            self._pairs[pair] = self._compare_pair(pair)
        return self._pairs[pair]

    def _compare_pair(self, pair: tuple[str, str]) -> _PairComparison:
        first, second = pair
        others = self.vectors[second]
        items = tuple(item for item in self.vectors[first] if item in others)
        threshold: SizeThreshold | str = ""
        if self.thresholds is not None:
            threshold = self.thresholds.threshold(pair, window_size(len(items), WINDOW))
        if len(items) < MIN_ITEMS:
            return _PairComparison({}, threshold)
        seen: dict[str, _ItemNeighbours] = {}
        windows = (self._windows(service, items) for service in pair)
        for one, other in zip(*windows, strict=True):
            seen |= _item_neighbours(one, other, None if isinstance(threshold, str) else threshold)
        return _PairComparison(seen, threshold)

    def _windows(self, service: str, items: tuple[str, ...]) -> Iterator[_Window]:
        vectors = np.array([self.vectors[service][item] for item in items], dtype=np.float32)
        return windows_of(items, vectors)


def _item_neighbours(
    one: _Window, other: _Window, threshold: SizeThreshold | None
) -> dict[str, _ItemNeighbours]:
    rows = range(len(one.names))
    near = [(_named(one, row), _named(other, row)) for row in rows]
    if threshold is None:
        return {name: _ItemNeighbours(both) for name, both in zip(one.names, near, strict=True)}
    shifts = shift(one.near, one.similar, other.near, other.similar)
    tops = [window.similar.max(axis=1).astype(np.float64) for window in (one, other)]
    has_near = has_near_neighbour(tops[0], tops[1], threshold.near_at)
    return {
        name: _ItemNeighbours(near[row], float(shifts[row]), bool(has_near[row]))
        for row, name in enumerate(one.names)
    }


def _named(window: _Window, row: int) -> tuple[str, ...]:
    return tuple(window.names[position] for position in window.near[row].tolist())


def vector_measure(batch: TaskReadings, thresholds: BatchThresholds | None = None) -> Measure:
    """Neighbourhoods are found when the first pair of two services is compared."""
    vectors: defaultdict[str, dict[str, Answer]] = defaultdict(dict)
    for item, votes in batch.votes.items():
        for vote in votes:
            vectors[vote[0]][item] = required_answer(vote)
    same_length = {service: _same_length(by_item) for service, by_item in vectors.items()}
    return VectorMeasure(batch.task, same_length, batch.paths, thresholds)


def _same_length(by_item: Mapping[str, Answer]) -> dict[str, tuple[float, ...]]:
    """The vectors of the service's usual length; one of another length is in another space."""
    vectors = {item: cast(tuple[float, ...], answer) for item, answer in by_item.items()}
    (usual, _), *_ = Counter(map(len, vectors.values())).most_common(1)
    return {item: vector for item, vector in vectors.items() if len(vector) == usual}


def windows_of(items: tuple[str, ...], vectors: Float32Array) -> Iterator[_Window]:
    """The items in their order, cut into equal windows of at most 2,048, each within itself.

    One window at a time is held: the similarities of all would take 16 MB each.
    """
    start = 0
    for part in np.array_split(vectors, -(-len(items) // WINDOW)):
        similar = similarities(part)
        yield _Window(items[start : start + len(part)], similar, nearest(similar))
        start += len(part)
