"""Batches whose questions could not all be asked, and when these are asked again."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from orchestration_assets.schemas.tables import DISAGREEMENT_REPORT
from resources.damage import leaving_out_damage
from resources.home import Home

MAX_TAKE_UPS: Final = 12
ONLY_DEFERRED_TAG: Final = "orchestration/only_deferred"
"""Runs that ask only what was deferred carry it."""
_LONGEST_PAUSE: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DeferredBatch:
    """How many readings of a batch are still to be had, and the policy that its plans are under."""

    batch: str
    readings: int
    policy_hash: str


def deferred_batches(home: Home, batches: Iterable[str]) -> list[DeferredBatch]:
    """Those of the batches whose report says that readings were deferred, in the order given.

    The report is written last: until a batch is carried out to its end again, it stays listed. A
    damaged report is left out, and said.
    """
    tables, found = home.tables, []
    for batch in batches:
        if not tables.exists(DISAGREEMENT_REPORT.name, batch):
            continue
        with leaving_out_damage():
            columns = ["deferred_readings", "policy_hash"]
            (row,) = tables.read(DISAGREEMENT_REPORT.name, batch, columns).to_pylist()
            if row["deferred_readings"]:
                found.append(DeferredBatch(batch, row["deferred_readings"], row["policy_hash"]))
    return found


@dataclass(frozen=True, slots=True)
class TakeUps:
    """How often a batch was taken up, and when it was last carried out."""

    count: int
    latest: datetime


@dataclass(frozen=True, slots=True)
class TakeUpPlan:
    """What becomes of deferred batches now: taken up (``due``, with the number of the time, from
    0), ``waiting`` for their pause to be over, or left to a person (``given_up``)."""

    due: list[tuple[DeferredBatch, int]] = field(default_factory=list)
    waiting: list[DeferredBatch] = field(default_factory=list)
    given_up: list[DeferredBatch] = field(default_factory=list)


def pause_before(count: int, first: timedelta) -> timedelta:
    """The pause before a batch is taken up that was so ``count`` times: doubling, to a day."""
    doubled: timedelta = first * float(2 ** min(count, MAX_TAKE_UPS))
    return min(_LONGEST_PAUSE, doubled)


def plan_take_ups(
    deferred: Sequence[DeferredBatch],
    take_ups: Callable[[str], TakeUps],
    now: datetime,
    first_pause: timedelta,
    at_once: int,
) -> TakeUpPlan:
    """Which batches to take up now, at most ``at_once`` of them, the first ones first."""
    plan = TakeUpPlan()
    for one in deferred:
        before = take_ups(one.batch)
        if before.count >= MAX_TAKE_UPS:
            plan.given_up.append(one)
        elif now - before.latest < pause_before(before.count, first_pause):
            plan.waiting.append(one)
        elif len(plan.due) < at_once:
            plan.due.append((one, before.count))
        else:
            plan.waiting.append(one)
    return plan


@dataclass(frozen=True, slots=True)
class PolicyInForce:
    """The policy that runs begin with now, and since when: seconds since 1970 for the active one;
    infinity for a file, which may have changed at any time; minus infinity for the packaged one,
    which nobody chose."""

    hash: str
    since: float

    def replaces(self, policy_hash: str, made_at: float) -> bool:
        """Whether it was chosen after a batch that was made under another policy at ``made_at``
        (seconds since 1970), so that the batch is to be planned again under it."""
        return policy_hash != self.hash and self.since > made_at
