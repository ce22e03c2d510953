"""What a run could not do, and what to do about it: one line for each kind and service."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from orchestration_assets.reporting.failure_reasons import telling_reason
from orchestration_assets.schemas.enums import Status
from resources.ai_services.resilience.caller import is_stop

TEMPORARY_FAILURE: Final = 75
"""The exit code when nothing failed and running again later does the rest (EX_TEMPFAIL)."""


class Shortfall(StrEnum):
    """Why questions stayed without an answer."""

    DEFERRED = "deferred"
    STOPPED = "stopped"
    DEADLINE = "deadlines"
    OVER_BUDGET = "over budget"
    FAILED = "no answer"
    UNREADABLE = "bad replies"


_REMEDIES: Final = {
    Shortfall.DEFERRED: (
        "run again: only these are asked; give the service a fallback, or a longer breaker.wait_s"
    ),
    Shortfall.STOPPED: "mend what the service says, then run again: only these are asked",
    Shortfall.DEADLINE: (
        "raise timeouts.total_s of the service, or item_deadline_s or batch_deadline_s under "
        "execution, then run again with --reprocess"
    ),
    Shortfall.OVER_BUDGET: (
        "raise --budget-usd or execution.budget_usd, then run again with --reprocess"
    ),
    Shortfall.FAILED: (
        "mend what the service says, or replace it, then run again with --reprocess: answers that "
        "are kept cost nothing"
    ),
    Shortfall.UNREADABLE: (
        "its replies do not fit the task: say in the question what is asked for, or take another "
        "model, then run again with --reprocess"
    ),
}


@dataclass(frozen=True, slots=True)
class UnaskedReading:
    """One reading that is no answer."""

    service: str
    status: Status
    reason: str


@dataclass(frozen=True, slots=True)
class ShortfallCount:
    """So many readings of a service fell short in the same way.

    ``reason`` is the commonest that says why, given for ``for_it`` of them; for all of them where
    it tells of an outage and of the open circuit that followed from it.
    """

    kind: Shortfall
    service: str
    readings: int
    reason: str
    remedy: str
    for_it: int

    def __str__(self) -> str:
        counted = "1 question" if self.readings == 1 else f"{self.readings:,} questions"
        mostly = f"{self.for_it:,} times: " if self.for_it < self.readings else ""
        why = self.reason or "no reason given"
        return f"{counted} of {self.service} ({mostly}{why}): {self.remedy}"


def shortfalls(readings: Iterable[UnaskedReading]) -> tuple[ShortfallCount, ...]:
    """The counts, by kind and service; readings that fell short of nothing are left out."""
    reasons: dict[tuple[Shortfall, str], Counter[str]] = {}
    for reading in readings:
        kind = _kind(reading)
        if kind is not None:
            reasons.setdefault((kind, reading.service), Counter())[reading.reason] += 1
    order = list(Shortfall)
    return tuple(
        ShortfallCount(
            kind,
            service,
            counted.total(),
            reason,
            _REMEDIES[kind],
            counted.get(reason, counted.total()),
        )
        for (kind, service), counted in sorted(
            reasons.items(), key=lambda pair: (order.index(pair[0][0]), pair[0][1])
        )
        for reason in (telling_reason(counted),)
    )


def _kind(reading: UnaskedReading) -> Shortfall | None:
    match reading.status:
        case Status.DEFERRED:
            return Shortfall.STOPPED if is_stop(reading.reason) else Shortfall.DEFERRED
        case Status.TIMEOUT:
            return Shortfall.DEADLINE
        case Status.OVER_BUDGET:
            return Shortfall.OVER_BUDGET
        case Status.FAILED:
            return Shortfall.FAILED
        case Status.REJECTED_OUTPUT:
            return Shortfall.UNREADABLE
        case _:
            return None
