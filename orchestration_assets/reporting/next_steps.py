"""What a person should do next, as the batch tells."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from orchestration_assets.evidence.intervals import wilson
from orchestration_assets.reporting.failure_reasons import telling_reason
from orchestration_assets.reporting.formatting import ENOUGH
from orchestration_assets.reporting.tasks import TaskFigures
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.tables import ReportRow

_FAILURES: Final = (Status.FAILED, Status.TIMEOUT, Status.REJECTED_OUTPUT, Status.DEFERRED)
_MOST: Final = 0.5
_HARDLY_EVER: Final = 0.02


@dataclass(frozen=True, slots=True)
class StepForPeople:
    """Something to do: ``count`` of what ``what`` says; ``how`` to do it; ``link`` on the page or
    to another one, None where there is none."""

    name: str
    count: int
    what: str
    how: str
    link: str | None = None


@dataclass(frozen=True, slots=True)
class ServiceTrouble:
    """A service that mostly failed: how often, of how many readings, and the commonest reason
    that says why."""

    service: str
    failed: int
    asked: int
    reason: str


def service_troubles(interpretations: pa.Table) -> tuple[ServiceTrouble, ...]:
    """Services of whose readings at least half are failures, by name."""
    asked: Counter[str] = Counter()
    reasons: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for service, status, reason in values(interpretations, "service", "status", "reason"):
        asked[service] += 1
        if status in _FAILURES:
            reasons[service][reason or status] += 1
    return tuple(
        ServiceTrouble(service, failed.total(), asked[service], telling_reason(failed))
        for service, failed in sorted(reasons.items())
        if failed.total() >= _MOST * asked[service]
    )


def next_steps(
    row: ReportRow,
    tasks: Sequence[TaskFigures],
    troubles: Sequence[ServiceTrouble],
    questions: int,
    misnamed: int,
    over_budget: int = 0,
) -> tuple[StepForPeople, ...]:
    """What to do, the most pressing first.

    ``questions``: how many are in the review queue; ``misnamed``: files whose name and content say
    different things; ``over_budget``: readings that there was no money for.
    """
    return (
        *_unanswered(row, troubles),
        *_unpaid(over_budget),
        *_to_judge(row, questions, misnamed),
        *_redundant(tasks),
    )


def _unanswered(row: ReportRow, troubles: Sequence[ServiceTrouble]) -> Iterator[StepForPeople]:
    for one in troubles:
        yield StepForPeople(
            f"trouble|{one.service}",
            one.failed,
            f"of {one.asked:,} readings of {one.service} failed",
            f"mend or replace the service: {one.reason}",
        )
    if row.failed:
        yield StepForPeople(
            "to_mend", row.failed, "failed", "see why below, mend it, run again", "#unanswered"
        )
    if row.deferred_readings:
        waiting = f"{row.deferred:,} questions have no answer yet"
        yield StepForPeople(
            "to_take_up",
            row.deferred_readings,
            "readings are deferred" + (f"; {waiting}" if row.deferred else ""),
            "run the same command again: only these are asked",
        )


def _unpaid(over_budget: int) -> Iterator[StepForPeople]:
    if over_budget:
        yield StepForPeople(
            "to_pay",
            over_budget,
            "readings are over budget" if over_budget > 1 else "reading is over budget",
            "raise execution.budget_usd or --budget-usd, then run again with --reprocess: only "
            "what is missing is paid for",
        )


def _to_judge(row: ReportRow, questions: int, misnamed: int) -> Iterator[StepForPeople]:
    if misnamed:
        yield StepForPeople(
            "misnamed",
            misnamed,
            "files are likely misnamed" if misnamed > 1 else "file is likely misnamed",
            "the name says one thing, the content another: rename or leave out",
            "#disputes",
        )
    if questions:
        yield StepForPeople(
            "to_review",
            questions,
            "questions to review" if questions > 1 else "question to review",
            f"fill in review/{row.batch}.csv from the top and drop it into verdicts/",
            f"{row.batch}-review.html",
        )


def _redundant(tasks: Sequence[TaskFigures]) -> Iterator[StepForPeople]:
    for task in tasks:
        if task.kind is not AnswerKind.LABEL:
            continue
        for pair in task.agreement:
            both = pair.overall
            surely = both.compared >= ENOUGH and (
                wilson(pair.differing, both.compared)[1] < _HARDLY_EVER
            )
            if surely:
                yield StepForPeople(
                    f"redundant|{task.task}|{pair.a}|{pair.b}",
                    both.compared - pair.differing,
                    f"of {both.compared:,} items both answered alike: {pair.a} and {pair.b} on "
                    f"{task.task.replace('_', ' ')}",
                    "for content like this one of the two may be enough",
                )
