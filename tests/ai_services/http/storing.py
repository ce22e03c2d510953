"""Whether what came of a service can be kept: as rows of the real tables, and in the cache."""

from datetime import UTC, datetime

import pyarrow as pa

from orchestration_assets.processing.answer_cache import decode, encode
from orchestration_assets.schemas.answers import answer_columns
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Reading
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.storable_readings import is_kept
from orchestration_assets.schemas.tables import (
    CALL_LOG,
    INTERPRETATIONS,
    CallRow,
    InterpretationRow,
)
from resources.ai_services.http.service import Reply

_WHERE = {"batch": "b", "item_id": "i", "task": "t"}


def stored(reading: Reading, reply: Reply | None = None, reason: str | None = None) -> pa.Table:
    """The reading's row of interpretations; its call's row is made too. Raises what Arrow does."""
    assert is_kept(reading), reading
    assert decode(encode(reading)) == reading
    row = InterpretationRow(
        **_WHERE,
        content_hash="c",
        service="s",
        service_version="1",
        step=0,
        round=0,
        final=True,
        decides=True,
        saw=(),
        status=reading.status,
        **answer_columns(reading.answer),
        confidence=reading.confidence,
        alternatives=reading.alternatives,
        evidence=reading.evidence,
        reason=reading.reason,
        answer_key="k",
    )
    if reply is not None:
        call = CallRow(
            **_WHERE,
            service="s",
            step=0,
            round=0,
            attempt=1,
            origin="called",
            status=Status.OK,
            cost_usd=0.0,
            started_at=datetime(2026, 1, 1, tzinfo=UTC),
            elapsed_ms=1.0,
            tokens_in=reply.tokens_in,
            tokens_out=reply.tokens_out,
            reason=reason or reading.reason,
        )
        rows_to_arrow(CALL_LOG, [call]).validate(full=True)
    table = rows_to_arrow(next(iter(INTERPRETATIONS.values())), [row])
    table.validate(full=True)
    return table
