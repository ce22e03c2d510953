"""The spending ledger as a table: every attempt at a priced service, since the home exists."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final

from orchestration_assets.schemas.records import Column, table_of


class SpendingState(StrEnum):
    """Whether the end of an attempt is recorded."""

    SETTLED = "settled"
    IN_FLIGHT = "in_flight"


@dataclass(frozen=True, slots=True)
class SpendingRow:
    """One row an attempt at a priced service and task: what it cost, or may cost.

    An attempt that is under way, or whose process was killed, is ``in_flight`` and counts at what
    it was expected to cost.
    """

    file: Annotated[str, Column("writer that recorded the attempt", "", True)]
    number: Annotated[int, Column("attempt of this writer, from 0", "", True)]
    at: Annotated[int, Column("when it was sent", "microseconds since 1970, UTC", True)]
    purpose: Annotated[str, Column("batch, or probe (a check of the service)")]
    batch: Annotated[str, Column("batch that it was sent for; empty for a probe")]
    batch_pass: Annotated[str, Column("which time the batch was carried out; empty: the first")]
    account: Annotated[str, Column("account of the run that it was sent for", "", True)]
    run: Annotated[str, Column("process that sent it", "", True)]
    service: Annotated[str, Column("service that it went to")]
    model: Annotated[str, Column("model that the service was to use")]
    task: Annotated[str, Column("task that it was about")]
    items: Annotated[tuple[str, ...], Column("items that it was about")]
    usd: Annotated[float, Column("what it cost, by what was billed or estimated", "USD", True)]
    most_usd: Annotated[float, Column("highest cost that its request allowed", "USD", True)]
    state: Annotated[SpendingState, Column("whether its end is recorded", "", True)]
    estimated: Annotated[bool, Column("whether the cost is an estimate", "", True)]
    tokens_in: Annotated[int | None, Column("tokens that the service read", "tokens", True)]
    tokens_out: Annotated[int | None, Column("tokens that the service wrote", "tokens", True)]
    status: Annotated[str, Column("how it ended; empty while in flight", "", True)]


SPENDING: Final = table_of("spending", SpendingRow, ("file", "number", "task"))
