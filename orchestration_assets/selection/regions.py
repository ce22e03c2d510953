"""Regions of content in which different services are best, found on some items and measured on
others.

A tree of conditions on profile features parts the items of the first half where the services'
scores, relative to each other, differ most (least squares for several outcomes; De'ath 2002).
Every split is then tested on the other half by permutation (Fisher 1935): the tree is honest
(Athey and Imbens 2016), and no number of features that were tried makes chance look like content.
The level of a test is 5 % times its share of the items, and a split is only tested where all above
it held (Meinshausen 2008), so that a tree of pure chance has a split in at most 5 % of cases.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import pyarrow as pa

from orchestration_assets.evidence.recorded_answers import Bools, Floats, Ints, RecordedAnswers
from orchestration_assets.evidence.weighted_estimates import (
    Estimate,
    difference_estimate,
    share_estimate,
)
from orchestration_assets.schemas.feature_words import FEATURE_WORDS
from orchestration_assets.selection.region_conditions import (
    Condition,
    all_hold,
    categories,
    is_number,
    merged,
    number_ranges,
    numbers,
    opposite,
    value_sets,
)

FEWEST: Final = 20
"""Items that a region has at least, on either half."""
AS_GOOD: Final = 0.02
"""Score by which a cheaper service may fall short of the best one and still be preferred; half of
it more where one standard error is added."""
PLAINNESS: Final = 0.75
"""What a difference by a feature that is harder to understand by one grade counts."""

_LEAST_SHARE: Final = 0.04
_DEPTH: Final = 3
_LEVEL: Final = 0.05
_PERMUTATIONS: Final = 999
_EACH_VALUE: Final = 0.95
_PRIOR: Final = 20.0  # items by whose weight scores of a region are drawn to those around it
_AT_ONCE: Final = 2_000_000
_ROUNDING: Final = 1e-9


@dataclass(frozen=True)
class ContentRegion:
    """Items of which all ``conditions`` hold.

    ``service`` is the one to ask: the cheapest of those that are best there within
    :data:`AS_GOOD`; ``next_service`` is the best of the others; both as the first half says, except
    that where the other half contradicts, the service of the content around stays the one to ask.
    ``scores`` and ``leads`` (K,) are the mean score of each service, and by how much ``service`` is
    ahead of it, on the ``items`` of the other half; ``prices`` (K,) are those of a call there.
    """

    conditions: tuple[Condition, ...]
    service: int
    next_service: int
    items: int
    scores: tuple[Estimate, ...]
    leads: tuple[Estimate, ...]
    prices: tuple[float, ...]


@dataclass(frozen=True)
class ContentRegions:
    """Disjoint ``regions`` that all items fall into, first those where another service is to be
    asked than ``overall``; only that one where content does not tell the services apart.

    ``overall`` has no conditions: it is about all content. ``found_on`` and ``measured_on`` count
    items, ``held`` the splits that the other half confirmed. ``graded``: scores are not only right
    or wrong.
    """

    services: tuple[str, ...]
    overall: ContentRegion
    regions: tuple[ContentRegion, ...]
    found_on: int
    measured_on: int
    held: int
    graded: bool = False

    @property
    def differ(self) -> bool:
        """Whether another service is to be asked in some region than in another."""
        return len(self.regions) > 1

    @cached_property
    def features(self) -> tuple[str, ...]:
        """The features that tell the regions apart, each once."""
        named = (one.feature for region in self.regions for one in region.conditions)
        return tuple(dict.fromkeys(named))

    def places(self, profiles: pa.Table) -> Ints:
        """(n,) the position of each item's region."""
        places = np.zeros(profiles.num_rows, dtype=np.int64)
        for place, region in enumerate(self.regions):
            places[all_hold(region.conditions, profiles)] = place
        return places


@dataclass(frozen=True)
class _Half:
    """``rows`` (n, K): the services' scores relative to each other, times the items' weights."""

    profiles: pa.Table
    recorded: RecordedAnswers
    rows: Floats

    def take(self, held: Bools) -> "_Half":
        recorded = self.recorded.take(held)
        return _half(self.profiles.filter(pa.array(held)), recorded)

    def __len__(self) -> int:
        return self.recorded.n_items


@dataclass(frozen=True)
class _Leaf:
    conditions: tuple[Condition, ...]
    found: _Half
    measured: _Half
    expected: Floats
    service: int


def find_regions(
    found_on: RecordedAnswers,
    found_profiles: pa.Table,
    measured_on: RecordedAnswers,
    measured_profiles: pa.Table,
    prices: Floats | None = None,
) -> ContentRegions:
    """Finds regions on one part of the items and measures them on the other.

    Both parts have answers of the same services, and profiles of the same items in the same order.
    ``prices`` (K,) of a call, by which services that are as good are told apart; by default the
    mean costs. Raises ValueError for profiles of other items, and where either part has none.
    """
    for recorded, profiles in ((found_on, found_profiles), (measured_on, measured_profiles)):
        if recorded.n_items != profiles.num_rows or not recorded.n_items:
            raise ValueError(
                f"{recorded.name}: {recorded.n_items} recorded items, {profiles.num_rows} profiles"
            )
    cost = found_on.prices if prices is None else prices
    found, measured = _half(found_profiles, found_on), _half(measured_profiles, measured_on)
    overall = found_on.mean(found_on.scores)
    everything = _Leaf((), found, measured, overall, _preferred(overall, found_on, cost))
    leaves, held = _grown(everything, cost, len(measured))
    regions = [_region(leaf, cost) for leaf in leaves]
    regions.sort(key=lambda one: (one.service == everything.service, -one.items))
    graded = any(bool(((x.scores > 0.0) & (x.scores < 1.0)).any()) for x in (found_on, measured_on))
    return ContentRegions(
        found_on.services,
        _region(everything, cost),
        tuple(regions),
        len(found),
        len(measured),
        held,
        graded,
    )


def _half(profiles: pa.Table, recorded: RecordedAnswers) -> _Half:
    relative = recorded.scores - recorded.scores.mean(axis=1, keepdims=True)
    rows: Floats = recorded.weights[:, None] * (relative - recorded.mean(relative))
    return _Half(profiles, recorded, rows)


def _preferred(expected: Floats, recorded: RecordedAnswers, prices: Floats) -> int:
    """The service of the best expected score (K,), or the cheapest that is as good on the items;
    one more item on which they differ either way keeps few of them from saying so."""
    best = min(range(len(expected)), key=lambda k: (-expected[k], prices[k], k))
    behind = recorded.scores[:, [best]] - recorded.scores
    short, count = recorded.mean(behind), recorded.n_effective
    error = recorded.mean((behind - short) ** 2) / count + 2.0 / (count + 2.0) ** 2
    as_good = (short <= AS_GOOD) & (short + np.sqrt(error) <= 1.5 * AS_GOOD)
    cheaper = np.flatnonzero(as_good & (prices < prices[best])).tolist()
    return min([best, *cheaper], key=lambda k: (prices[k], -expected[k]))


def _grown(leaf: _Leaf, prices: Floats, n_measured: int) -> tuple[list[_Leaf], int]:
    """The leaves below, and how many splits held; leaves side by side that ask the same service
    are one."""
    condition = None
    if len(leaf.conditions) < _DEPTH:
        condition = _best_split(leaf.found)
    if condition is None or not _holds_up(condition, leaf.measured, n_measured):
        return [leaf], 0
    parts, held = [], 1
    for side in (condition, opposite(condition, leaf.found.profiles)):
        grown, below = _grown(_part(leaf, side, prices), prices, n_measured)
        parts.append(grown)
        held += below
    leaves = [one for part in parts for one in part]
    if len({one.service for one in leaves}) == 1:
        return [leaf], held
    return leaves, held


def _part(leaf: _Leaf, condition: Condition, prices: Floats) -> _Leaf:
    found = leaf.found.take(condition.holds(leaf.found.profiles))
    own = found.recorded
    effective = own.n_effective
    scores = own.mean(own.scores)
    expected = (effective * scores + _PRIOR * leaf.expected) / (effective + _PRIOR)
    measured = leaf.measured.take(condition.holds(leaf.measured.profiles))
    service, seen = _preferred(expected, own, prices), measured.recorded
    if seen.mean(seen.scores[:, leaf.service] - seen.scores[:, service]) > AS_GOOD:
        service = leaf.service
    return _Leaf((*leaf.conditions, condition), found, measured, expected, service)


def _best_split(half: _Half) -> Condition | None:
    """The condition that parts the rows most, of similar ones the plainest."""
    least = max(FEWEST, int(_LEAST_SHARE * len(half)))
    if len(half) < 2 * least or not half.rows.any():
        return None
    listed = list(candidates(half.profiles, half.rows, least))
    if not listed:
        return None
    masks = np.stack([condition.holds(half.profiles) for condition, _ in listed])
    parted, _ = _distances(half.rows, masks.astype(np.float64))
    weighed = parted * np.array([plain for _, plain in listed])
    return listed[int(weighed.argmax())][0]


def candidates(
    profiles: pa.Table, outcomes: Floats, least: int
) -> Iterator[tuple[Condition, float]]:
    """Conditions on features that people have words for, each with its plainness in (0, 1]."""
    for feature, words in FEATURE_WORDS.items():
        if feature not in profiles.column_names:
            continue
        plain = PLAINNESS**words.plainness
        if is_number(profiles, feature):
            for one in number_ranges(feature, numbers(profiles, feature), least):
                yield one, plain
        else:
            kinds = categories(profiles, feature)
            for some in value_sets(feature, kinds, outcomes, least):
                # that a feature has no value says little of what the items are
                sides = (set(some.values), set(kinds) - set(some.values))
                named = PLAINNESS if {None} in sides else 1.0
                yield some, plain * named * _EACH_VALUE ** (len(some.values) - 1)


def _distances(rows: Floats, masks: Floats) -> tuple[Floats, Floats]:
    """(m,) how far the means of centred rows (n, K) in each mask (m, n) of ones and noughts lie
    from those outside it: squared and times the harmonic mean of the counts, so that it does not
    depend on how many items are on either side; and the same over its own variance, which may
    differ between the sides."""
    n, counts = len(rows), masks.sum(axis=1)
    squares = (rows**2).sum(axis=1)
    sums, norms = masks @ rows, masks @ squares
    outside, others = rows.sum(axis=0) - sums, n - counts
    means, other_means = sums / counts[:, None], outside / others[:, None]
    spread = norms / counts - (means**2).sum(axis=1)
    other_spread = (squares.sum() - norms) / others - (other_means**2).sum(axis=1)
    least = _ROUNDING * squares.mean()
    variances = np.maximum(spread, least) / counts + np.maximum(other_spread, least) / others
    distances: Floats = ((means - other_means) ** 2).sum(axis=1)
    return distances * counts * others / n, distances / variances


def _holds_up(condition: Condition, half: _Half, n_measured: int) -> bool:
    """Whether a condition parts the rows of a half that it was not found on more than chance."""
    inside = condition.holds(half.profiles)
    if min(inside.sum(), (~inside).sum()) < FEWEST:
        return False
    return p_value(half.rows, inside) <= _LEVEL * len(half) / n_measured


def p_value(rows: Floats, inside: Bools, permutations: int = _PERMUTATIONS) -> float:
    """The chance that rows (n, K) parted at random, in the same numbers, are as far apart.

    The distance is over its own variance: the test holds its level too where answers are more
    varied on one side than on the other (Chung and Romano 2013).
    """
    if not rows.any():
        return 1.0
    rng = np.random.default_rng(len(rows))
    n, part = len(rows), int(inside.sum())
    least = _distances(rows, inside[None].astype(np.float64))[1][0] * (1.0 - 1e-9)
    as_far, left = 1, permutations
    while left:
        count = min(left, max(1, _AT_ONCE // n))
        order = np.argpartition(rng.random((count, n)), part - 1, axis=1)[:, :part]
        masks = np.zeros((count, n))
        np.put_along_axis(masks, order, 1.0, axis=1)
        as_far += int((_distances(rows, masks)[1] >= least).sum())
        left -= count
    return as_far / (permutations + 1)


def _region(leaf: _Leaf, prices: Floats) -> ContentRegion:
    own = leaf.measured.recorded
    scores, weights = own.scores, own.weights
    others = [k for k in range(own.n_services) if k != leaf.service]
    following = max(others, key=lambda k: (leaf.expected[k], -prices[k], -k), default=leaf.service)
    return ContentRegion(
        merged(leaf.conditions),
        leaf.service,
        following,
        own.n_items,
        tuple(_known(share_estimate(scores[:, k], weights)) for k in range(own.n_services)),
        tuple(
            _known(difference_estimate(scores[:, leaf.service] - scores[:, k], weights))
            for k in range(own.n_services)
        ),
        tuple(own.prices.tolist()),
    )


def _known(estimate: Estimate | None) -> Estimate:
    assert estimate is not None, "a region has items"
    return estimate
