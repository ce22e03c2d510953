"""What stands in the place of a row that no table can hold."""

from dataclasses import replace
from typing import Any

from orchestration_assets.schemas.answers import ANSWER_COLUMNS
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.part_readings import PartReadingRow
from orchestration_assets.schemas.records import UnstorableError
from orchestration_assets.schemas.tables import CallRow, InterpretationRow


def as_failure(row: InterpretationRow, error: UnstorableError) -> InterpretationRow:
    """An interpretation that no table can hold is a failed one, and says why."""
    return replace(row, decides=False, alternatives=(), **_failure(error))


def as_failed_part(row: PartReadingRow, error: UnstorableError) -> PartReadingRow:
    """The same of what was said about a part."""
    return replace(row, heading="", **_failure(error))


def _failure(error: UnstorableError) -> dict[str, Any]:
    return {
        **dict.fromkeys(ANSWER_COLUMNS),
        "status": Status.FAILED,
        "confidence": None,
        "evidence": None,
        "reason": f"the answer cannot be stored: {error.column} {error.problem}",
    }


def without_figure(row: CallRow, error: UnstorableError) -> CallRow:
    """A call with a figure that no table can hold is kept without that figure."""
    without: dict[str, Any] = {error.column: None}
    return replace(row, **without)
