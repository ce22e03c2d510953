"""What is kept of a failed run: what broke, why, what to do, and whether anybody was told."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

from orchestration_assets.schemas.records import Column, table_of


class Delivery(StrEnum):
    """What became of the message to the webhook."""

    NOT_CONFIGURED = "not_configured"
    PENDING = "pending"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"


@dataclass(frozen=True, slots=True)
class FailureRow:
    """One row a thing that broke in a failed run: a step, a blocking check, or the run itself."""

    run_id: Annotated[str, Column("run that failed", "", True)]
    failure: Annotated[int, Column("number of the failure within the run, from 0")]
    job: Annotated[str, Column("job of the run")]
    batch: Annotated[str | None, Column("batch (= partition) of the run, if it has one")]
    step: Annotated[str | None, Column("step that failed; null when the run broke outside a step")]
    check: Annotated[str | None, Column("blocking check that did not pass, with its table")]
    error_class: Annotated[str, Column("class of the exception")]
    message: Annotated[str, Column("what it said, shortened, with secrets masked")]
    remedy: Annotated[str, Column("what to do, in words")]
    failed_at: Annotated[datetime, Column("end of the run", "UTC", True)]
    delivery: Annotated[Delivery, Column("what became of the message to the webhook", "", True)]
    delivery_detail: Annotated[str | None, Column("why the message was not delivered", "", True)]


RUN_FAILURES: Final = table_of("run_failures", FailureRow, ("run_id", "failure"))
"""Kept as ``tables/run_failures/<run>.parquet``, one file a failed run."""
