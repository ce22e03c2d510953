"""Two cohorts of items side by side: what one has more of than the other, tested as items come in.

Each item of the canary is held against items of the control cohort of the same stratum that no
other was held against, so that what is seen of one pair says nothing of the next. Both were
processed at about the same time: what slows down everybody cancels out.

Errors, abstentions and the like are compared as differences of shares. Latency and cost, whose
tails are heavy, by the share of pairs in which the canary takes more than ``ratio`` times as much
as the control (Mann and Whitney 1947): that is a half where the medians' ratio is ``ratio``,
whatever the distribution that both are shifted from.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

import numpy as np

from orchestration_assets.evidence.betting import (
    Bounds,
    Floats,
    Wealth,
    bets,
    bounds,
    no_wealth,
    shown_by,
)
from orchestration_assets.evidence.planned_test import Plan, power_sums, standard_errors
from orchestration_assets.schemas.rollout import RolloutMetric

Stratum = tuple[str, ...]


RATIOS: Final = frozenset({RolloutMetric.LATENCY, RolloutMetric.COST})
"""Metrics that are compared as the ratio of canary to control; all others as the difference."""
_SHARES: Final = (
    *(-0.5, -0.3, -0.2, -0.1, -0.05, -0.03, -0.02, -0.01, -0.005, 0.0),
    *(0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7),
)
_TIMES: Final = (
    *(0.2, 0.33, 0.5, 0.67, 0.8, 0.9, 0.95, 1.0),
    *(1.05, 1.1, 1.2, 1.35, 1.5, 2.0, 3.0, 5.0, 10.0),
)


@dataclass(frozen=True, slots=True)
class ItemOutcome:
    """What came of one item, in one cohort.

    ``figures`` holds a value of each metric that is known of it: shares in [0, 1], milliseconds,
    US dollars.
    """

    item_id: str
    stratum: Stratum
    figures: Mapping[RolloutMetric, float]


_LEAST: Final = {RolloutMetric.LATENCY: 1.0, RolloutMetric.COST: 1e-6}
"""Less counts as this: nobody waits for a part of a millisecond, and nothing costs nothing."""


def grid(metric: RolloutMetric, limit: float | None = None) -> tuple[float, ...]:
    """The values that a metric is tested against, rising; ``limit`` is among them."""
    values = set(_TIMES if metric in RATIOS else _SHARES)
    return tuple(sorted(values if limit is None else values | {limit}))


@dataclass(frozen=True, slots=True)
class Alarm:
    """The probability of a false alarm on one side, and how it is spent: on ``bets``, which are
    exact and go on for ever, and on a ``plan``."""

    bets: float
    plan: Plan


_NOTHING: Final = Bounds(None, None)


@dataclass(frozen=True, slots=True)
class CohortEvidence:
    """What pairs have shown of one metric. Sums and counts of parts add up.

    ``powers``: see :func:`power_sums`, of what was held against each value of the grid, shape (K,
    3). ``sum_control`` and ``sum_canary`` are of values, of their logarithms where the metric is a
    ratio, over the items that were paired. ``shown``: bounds that an earlier look has shown.
    """

    wealth: Wealth
    powers: Floats
    pairs: int = 0
    control: int = 0
    canary_sum: float = 0.0
    control_sum: float = 0.0
    shown: Bounds = _NOTHING

    def __add__(self, other: "CohortEvidence") -> "CohortEvidence":
        return CohortEvidence(
            self.wealth + other.wealth,
            self.powers + other.powers,
            self.pairs + other.pairs,
            self.control + other.control,
            self.canary_sum + other.canary_sum,
            self.control_sum + other.control_sum,
            _narrower(self.shown, other.shown),
        )

    def estimate(self, metric: RolloutMetric) -> float | None:
        """Canary less control, or canary over control (a ratio of geometric means)."""
        if not self.pairs:
            return None
        difference = (self.canary_sum - self.control_sum) / self.pairs
        return float(np.exp(difference)) if metric in RATIOS else difference

    def bounds(self, values: Sequence[float], alarm: Alarm) -> Bounds:
        """Where the difference or ratio lies among ``values``, the grid that was tested: by bets,
        by the plan, or as it was shown before."""
        above, below = shown_by(self.wealth, alarm.bets)
        count = np.array(self.pairs, dtype=np.float64)
        errors, needed = standard_errors(self.powers, count), alarm.plan.needed(count)
        now = bounds(values, above | (errors >= needed), below | (errors <= -needed))
        return _narrower(self.shown, now)


def _narrower(one: Bounds, other: Bounds) -> Bounds:
    lows = [low for low in (one.low, other.low) if low is not None]
    highs = [high for high in (one.high, other.high) if high is not None]
    return Bounds(max(lows, default=None), min(highs, default=None))


def no_evidence(values: Sequence[float]) -> CohortEvidence:
    """Before the first pair."""
    return CohortEvidence(no_wealth(len(values)), np.zeros((len(values), 3)))


@dataclass
class Pairing:
    """Pairs of items as they come in: one canary item with fresh control items of its stratum.

    It gets at most ``most`` of them, the latest: where many come at once, such as what needs no
    calls, some are left for the canary items that come after them.
    """

    most: int | None = None
    _control: dict[Stratum, list[ItemOutcome]] = field(default_factory=dict)
    _canary: dict[Stratum, list[ItemOutcome]] = field(default_factory=dict)

    def add_control(self, outcome: ItemOutcome) -> None:
        self._control.setdefault(outcome.stratum, []).append(outcome)

    def add_canary(self, outcome: ItemOutcome) -> None:
        self._canary.setdefault(outcome.stratum, []).append(outcome)

    def take(self) -> list[tuple[ItemOutcome, tuple[ItemOutcome, ...]]]:
        """The pairs that can be made of what came in; what finds no partner yet is kept.

        Who is paired with whom depends on the order in which items came, never on their outcome.
        """
        pairs = []
        for stratum, canaries in self._canary.items():
            controls = self._control.get(stratum, [])
            paired = min(len(canaries), len(controls))
            if not paired:
                continue
            spent = len(controls) if self.most is None else min(len(controls), self.most * paired)
            kept, fresh = controls[:-spent], controls[-spent:]
            ahead = iter(fresh)
            share, more = divmod(len(fresh), paired)
            for number, canary in enumerate(canaries[:paired]):
                partners = tuple(islice(ahead, share + (number < more)))
                pairs.append((canary, partners))
            self._canary[stratum] = canaries[paired:]
            self._control[stratum] = kept
        return pairs


def evidence_of(
    metric: RolloutMetric,
    pairs: Iterable[tuple[ItemOutcome, Sequence[ItemOutcome]]],
    values: Sequence[float],
) -> CohortEvidence:
    """What pairs show of a metric, tested against each of ``values``.

    Pairs of which the metric is not known on both sides say nothing.
    """
    known = [
        (canary.figures[metric], [one.figures[metric] for one in controls if metric in one.figures])
        for canary, controls in pairs
        if metric in canary.figures
    ]
    known = [(canary, controls) for canary, controls in known if controls]
    if not known:
        return no_evidence(values)
    against = np.array(values)
    count = sum(len(controls) for _, controls in known)
    if metric in RATIOS:
        least = _LEAST[metric]
        logs = [
            (float(np.log(max(canary, least))), np.log(_positive(controls, least)))
            for canary, controls in known
        ]
        signs = [np.sign(one - np.log(against)[:, None] - two).mean(axis=1) for one, two in logs]
        seen: Floats = np.array(signs)
        wealth, powers = bets(seen, np.zeros(len(values))), power_sums(seen)
        own = float(sum(one for one, _ in logs))
        other = float(sum(two.mean() for _, two in logs))
        return CohortEvidence(wealth, powers, len(known), count, own, other)
    means = [(canary, sum(controls) / len(controls)) for canary, controls in known]
    differences: Floats = np.array([one - two for one, two in means])
    wealth, powers = bets(differences, against), power_sums(differences[:, None] - against)
    own, other = (float(sum(column)) for column in zip(*means, strict=True))
    return CohortEvidence(wealth, powers, len(known), count, own, other)


def _positive(values: Sequence[float], least: float) -> Floats:
    positive: Floats = np.maximum(np.array(values), least)
    return positive
