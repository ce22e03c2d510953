"""Looking at a roll-out while a batch goes on: evidence so far, verdicts, and rows that say why."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from orchestration_assets.evidence.cohort_comparison import (
    RATIOS,
    Alarm,
    CohortEvidence,
    ItemOutcome,
    Pairing,
    evidence_of,
    grid,
    no_evidence,
)
from orchestration_assets.evidence.planned_test import Plan
from orchestration_assets.schemas.rollout import (
    Rollout,
    RolloutAction,
    RolloutDecisionRow,
    RolloutMetric,
    RolloutVerdict,
)

Gathered = Mapping[RolloutMetric, CohortEvidence]

_ALARM_SHARES: Final = {RolloutMetric.ERRORS: (0.08, 0.78), RolloutMetric.LATENCY: (0.04, 0.08)}
"""How the allowed probability of a false alarm is spent, on bets and on the plan: errors are rare,
so that a few more of them are hard to see; latency is measured on every item. Bets are for what is
plain at once, which needs little."""
_WATCHED: Final = (0.5, 0.5)


def alarm_of(config: Rollout, metric: RolloutMetric) -> Alarm:
    """The probability of a false alarm that a metric may spend; all of it where it has no limit,
    since nothing follows from it."""
    bets, planned = (config.false_alarm * share for share in _ALARM_SHARES.get(metric, _WATCHED))
    return Alarm(bets, Plan(config.planned_items, planned))


def limits_of(config: Rollout) -> dict[RolloutMetric, float]:
    """Beyond which difference (errors) or ratio (latency) a policy is rolled back."""
    return {
        RolloutMetric.ERRORS: config.most_errors,
        RolloutMetric.LATENCY: 1.0 + config.most_latency,
    }


def nothing_gathered(config: Rollout) -> dict[RolloutMetric, CohortEvidence]:
    """Before the first item."""
    limits = limits_of(config)
    return {metric: no_evidence(grid(metric, limits.get(metric))) for metric in RolloutMetric}


def added(one: Gathered, other: Gathered) -> dict[RolloutMetric, CohortEvidence]:
    """What both have gathered, of different items."""
    return {metric: one[metric] + other[metric] for metric in RolloutMetric}


@dataclass(frozen=True, slots=True)
class Look:
    """What is to be seen of one metric; of ratios all are ratios, else differences."""

    metric: RolloutMetric
    evidence: CohortEvidence
    estimate: float | None
    low: float | None
    high: float | None
    limit: float | None
    verdict: RolloutVerdict

    @property
    def words(self) -> str:
        """Estimate, interval and limit, for people."""
        found = in_words(self.metric, self.estimate)
        between = interval_in_words(self.metric, self.low, self.high)
        seen = f"{found}, {between}" if found else "nothing to compare"
        limit = f", limit {in_words(self.metric, self.limit)}" if self.limit is not None else ""
        return f"{self.metric} {seen}{limit}: {_WORDS[self.verdict]}"


def in_words(metric: RolloutMetric, value: float | None) -> str:
    """A difference or ratio of a metric as people read it; empty for None."""
    if value is None:
        return ""
    return f"{value:.2f} times" if metric in RATIOS else f"{value:+.1%}"


def interval_in_words(metric: RolloutMetric, low: float | None, high: float | None) -> str:
    """Where a difference or ratio lies; open on a side where nothing is ruled out."""
    if low is None and high is None:
        return "anything possible"
    if low is None or high is None:
        side = "below" if low is None else "above"
        return f"{side} {in_words(metric, high if low is None else low)}"
    return f"between {in_words(metric, low)} and {in_words(metric, high)}"


_WORDS: Final = {
    RolloutVerdict.WORSE: "beyond the limit",
    RolloutVerdict.WITHIN: "within the limit",
    RolloutVerdict.TOO_FEW: "too few to tell",
    RolloutVerdict.WATCHED: "watched",
}


def look_at(config: Rollout, gathered: Gathered) -> dict[RolloutMetric, Look]:
    """Verdicts by all that was gathered. Pure; may be asked at any time and as often as one likes.

    Within a limit is what has been shown to be, with the same certainty as what is beyond it.
    """
    limits = limits_of(config)
    return {metric: _look(config, metric, gathered[metric], limits) for metric in RolloutMetric}


def _look(
    config: Rollout,
    metric: RolloutMetric,
    evidence: CohortEvidence,
    limits: Mapping[RolloutMetric, float],
) -> Look:
    limit = limits.get(metric)
    found = evidence.bounds(grid(metric, limit), alarm_of(config, metric))
    verdict = RolloutVerdict.TOO_FEW
    if limit is None:
        verdict = RolloutVerdict.WATCHED
    elif found.low is not None and found.low >= limit:
        verdict = RolloutVerdict.WORSE
    elif found.high is not None and found.high <= limit:
        verdict = RolloutVerdict.WITHIN
    estimate = evidence.estimate(metric)
    return Look(metric, evidence, estimate, found.low, found.high, limit, verdict)


def decision_rows(
    looks: Sequence[Look],
    shared: Mapping[str, object],
    action: RolloutAction,
    reason: str,
    undone: int,
) -> list[RolloutDecisionRow]:
    """The rows of one look; ``shared`` are the columns that all of them have."""
    return [
        RolloutDecisionRow(
            **shared,  # type: ignore[arg-type]
            metric=look.metric,
            control_items=look.evidence.control,
            canary_items=look.evidence.pairs,
            estimate=look.estimate,
            low=look.low,
            high=look.high,
            limit=look.limit,
            verdict=look.verdict,
            action=action,
            undone=undone,
            reason=f"{reason}; {look.words}",
        )
        for look in looks
    ]


@dataclass
class RolloutWatch:
    """Gathers evidence as items are over; after every few of the canary it says whether to go on.

    ``before`` is what earlier batches have gathered. ``worse``: what was beyond its limit, once
    something was.
    """

    config: Rollout
    before: Gathered
    now: Callable[[], datetime]
    shared: Mapping[str, object]
    rows: list[RolloutDecisionRow] = field(default_factory=list)
    worse: tuple[Look, ...] = ()
    items: int = 0
    _controls: dict[str, ItemOutcome] = field(default_factory=dict)
    _pairs: list[tuple[ItemOutcome, tuple[ItemOutcome, ...]]] = field(default_factory=list)
    _looks: int = 0

    def __post_init__(self) -> None:
        share = self.shared["share"]
        # as many controls as there are to each item of the canary
        most = int((1.0 - share) / share) if isinstance(share, float) and 0.0 < share < 1.0 else 1
        self._pairing = Pairing(max(1, most))
        self.own: dict[RolloutMetric, CohortEvidence] = nothing_gathered(self.config)

    def add_control(self, outcome: ItemOutcome) -> None:
        """An item that the policy in force answered."""
        if self.config.shadow:
            self._controls[outcome.item_id] = outcome
        else:
            self._pairing.add_control(outcome)

    def add_canary(self, outcome: ItemOutcome) -> bool:
        """An item that the policy on trial answered; whether to go on."""
        self.items += 1
        if self.config.shadow:
            # both were asked about this very item
            if (partner := self._controls.get(outcome.item_id)) is not None:
                self._pairs.append((outcome, (partner,)))
        else:
            self._pairing.add_canary(outcome)
        if self.items % self.config.look_every == 0 and not self.worse:
            self._look()
        return not self.worse

    def gathered(self) -> dict[RolloutMetric, CohortEvidence]:
        """What this batch alone has gathered, the items of the last look included."""
        pairs = [*self._pairing.take(), *self._pairs]
        self._pairs = []
        if pairs:
            limits = limits_of(self.config)
            new = {
                metric: evidence_of(metric, pairs, grid(metric, limits.get(metric)))
                for metric in RolloutMetric
            }
            self.own = added(self.own, new)
        return self.own

    def next_look(self) -> int:
        """The number of the next look."""
        self._looks += 1
        return self._looks - 1

    def _look(self) -> None:
        looks = look_at(self.config, added(self.before, self.gathered()))
        self.worse = tuple(look for look in looks.values() if look.verdict is RolloutVerdict.WORSE)
        action = RolloutAction.ROLL_BACK if self.worse else RolloutAction.GO_ON
        reason = f"after {self.items} items of the batch"
        shared = {**self.shared, "look": self.next_look(), "decided_at": self.now()}
        told = [look for look in looks.values() if look.limit is not None]
        self.rows += decision_rows(told, shared, action, reason, 0)
