"""The rows of what services said about parts."""

from collections import Counter
from math import fsum

import pyarrow as pa

from orchestration_assets.processing.asker import CACHE, CALLED, AskResult
from orchestration_assets.schemas.answers import answer_columns
from orchestration_assets.schemas.part_readings import PartReadingRow
from orchestration_assets.schemas.storable_values import whole_text
from orchestration_assets.schemas.tables import PlanRow


def part_rows(plan: PlanRow, step: int, result: AskResult) -> list[PartReadingRow]:
    """One row a part that the service was asked about; none where it was asked of the whole."""
    return [
        PartReadingRow(
            batch=plan.batch,
            item_id=plan.item_id,
            task=plan.task,
            service=result.service,
            round=result.round,
            part=part.number,
            parts=part.of,
            heading=whole_text(part.heading),
            start=part.start,
            end=part.end,
            part_hash=part.content_hash,
            step=step,
            status=part.reading.status,
            **answer_columns(part.reading.answer),
            confidence=part.reading.confidence,
            evidence=part.reading.evidence,
            reason=part.reading.reason,
            answer_key=part.answer_key,
            origin=CALLED if part.attempts else part.origin,
            attempts=len(part.attempts),
            cost_usd=fsum(attempt.cost_usd for attempt in part.attempts),
            elapsed_ms=part.elapsed_ms,
        )
        for part in result.parts
    ]


def part_figures(readings: pa.Table) -> dict[str, int | float]:
    """How the parts of a batch were answered: by status, and whether anything was asked."""
    origins = Counter(readings["origin"].to_pylist())
    return {
        "called": origins[CALLED],
        "from_cache": origins[CACHE],
        **Counter(readings["status"].to_pylist()),
    }
