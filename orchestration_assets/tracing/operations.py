"""Attempts put together to what a caller sees: one operation a service that was asked, with all its
retries, as the GenAI conventions of OpenTelemetry count them."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.processing.asker import CALLED
from orchestration_assets.schemas.decoding import column_names, decode
from orchestration_assets.schemas.enums import Status

ANSWERED: Final = frozenset({Status.OK, Status.ABSTAINED, Status.FALLBACK})
"""An attempt that ended so is no error."""
_HTTP_STATUS: Final = re.compile(r"HTTP (\d{3})\b")


@dataclass(frozen=True, slots=True)
class AttemptFacts:
    """The columns of ``call_log`` that a trace tells of; ``started_at`` in us since 1970, UTC."""

    item_id: str
    task: str
    service: str
    step: int
    round: int
    part: int | None
    attempt: int
    origin: str
    called: str | None
    status: Status
    reason: str | None
    cost_usd: float
    started_at: int
    elapsed_ms: float
    tokens_in: int | None
    tokens_out: int | None
    first_token_ms: float | None
    response_model: str | None
    response_id: str | None
    finish_reason: str | None

    @property
    def start_ns(self) -> int:
        return self.started_at * 1000

    @property
    def end_ns(self) -> int:
        return self.start_ns + round(self.elapsed_ms * 1_000_000)

    @property
    def error(self) -> str | None:
        """What went wrong, in a word of few values: the HTTP status where there is one, else how
        the attempt ended; None where nothing did. An unanswered one that nobody made is no error of
        the service."""
        if self.status in ANSWERED or self.origin != CALLED:
            return None
        stated = _HTTP_STATUS.search(self.reason or "")
        return stated[1] if stated else self.status.value


ATTEMPT_COLUMNS: Final = column_names(AttemptFacts)


@dataclass(frozen=True, slots=True)
class Operation:
    """One question to one service with every attempt at it, in order; at least one.

    ``called`` is the service that was asked: a fallback's operation stands beside that of the
    service it answers for, ``asked``.
    """

    item_id: str
    task: str
    asked: str
    called: str
    step: int
    round: int
    part: int | None
    attempts: tuple[AttemptFacts, ...]

    @property
    def key(self) -> str:
        part = "" if self.part is None else self.part
        where = f"item/{self.item_id}/{self.task}/{self.step}.{self.round}.{part}"
        return f"{where}/{self.asked}/{self.called}"

    @property
    def last(self) -> AttemptFacts:
        return self.attempts[-1]

    @property
    def was_called(self) -> bool:
        return self.last.origin == CALLED

    @property
    def start_ns(self) -> int:
        return min(one.start_ns for one in self.attempts)

    @property
    def end_ns(self) -> int:
        return max(one.end_ns for one in self.attempts)

    @property
    def cost_usd(self) -> float:
        return sum(one.cost_usd for one in self.attempts)

    @property
    def tokens_in(self) -> int | None:
        return _sum(one.tokens_in for one in self.attempts)

    @property
    def tokens_out(self) -> int | None:
        return _sum(one.tokens_out for one in self.attempts)


def since(calls: pa.Table, start_ns: int) -> pa.Table:
    """The rows of ``call_log`` that began at that moment or later, in ns since 1970, UTC."""
    began = calls["started_at"].cast(pa.timestamp("us", "UTC")).cast(pa.int64())
    return calls.filter(pc.greater_equal(began, start_ns // 1000))


def attempts_of(calls: pa.Table) -> list[AttemptFacts]:
    """The rows of ``call_log``, in the order of items, tasks, calls and attempts."""
    place = calls.schema.get_field_index("started_at")
    plain = calls.set_column(
        place, "started_at", calls["started_at"].cast(pa.timestamp("us", "UTC")).cast(pa.int64())
    )
    return sorted(decode(AttemptFacts, plain), key=_order)


def operations_of(attempts: Sequence[AttemptFacts]) -> list[Operation]:
    """The operations of attempts that are in the order of :func:`attempts_of`."""
    found: list[Operation] = []
    for (item, task, step, round_, part, asked), made in groupby(attempts, _call):
        by_service: dict[str, list[AttemptFacts]] = {}
        for one in made:
            by_service.setdefault(one.called or asked, []).append(one)
        found += (
            Operation(item, task, asked, called, step, round_, part if part else None, tuple(own))
            for called, own in by_service.items()
        )
    return found


def _call(one: AttemptFacts) -> tuple[str, str, int, int, int, str]:
    # parts count from 1
    return one.item_id, one.task, one.step, one.round, one.part or 0, one.service


def _order(one: AttemptFacts) -> tuple[str, str, int, int, int, str, int]:
    return (*_call(one), one.attempt)


def _sum(counts: Iterable[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
