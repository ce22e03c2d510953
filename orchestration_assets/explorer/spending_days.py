"""Spending by day and service: pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.schemas.decoding import values

COLUMNS: Final = ("at", "service", "usd", "estimated")
DAYS_SHOWN: Final = 60
_DAY: Final = 86_400_000_000


@dataclass(frozen=True, slots=True)
class DaySpending:
    """One UTC day: US dollars by service, in all, and how much of it is estimated."""

    day: str
    by_service: dict[str, float]
    usd: float
    estimated_usd: float
    attempts: int


def spending_days(rows: pa.Table) -> tuple[tuple[str, ...], tuple[DaySpending, ...]]:
    """The services, dearest first, and the latest 60 days on which something was paid, newest
    first. ``rows`` has the columns of :data:`COLUMNS`; ``at`` is in microseconds since 1970."""
    if not rows.num_rows:
        return (), ()
    day = pc.divide(rows["at"], _DAY)
    table = rows.append_column("day", day)
    folded = table.group_by(["day", "service", "estimated"]).aggregate(
        [("usd", "sum"), ("usd", "count")]
    )
    totals: dict[str, float] = {}
    days: dict[int, DaySpending] = {}
    ordered = sorted(values(folded, "day", "service", "estimated", "usd_sum", "usd_count"))
    for number, service, estimated, usd, count in ordered:
        totals[service] = totals.get(service, 0.0) + usd
        before = days.get(number) or DaySpending(_written(number), {}, 0.0, 0.0, 0)
        by_service = before.by_service | {service: before.by_service.get(service, 0.0) + usd}
        days[number] = DaySpending(
            before.day,
            by_service,
            before.usd + usd,
            before.estimated_usd + (usd if estimated else 0.0),
            before.attempts + count,
        )
    services: Sequence[str] = sorted(totals, key=lambda name: (-totals[name], name))
    newest = sorted(days, reverse=True)[:DAYS_SHOWN]
    return tuple(services), tuple(days[number] for number in newest)


def _written(day: int) -> str:
    return datetime.fromtimestamp(day * 86_400, UTC).date().isoformat()
