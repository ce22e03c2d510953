"""What the calls of the latest batches were like: times, failures, tokens, money."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.tables import CALL_LOG
from resources.damage import leaving_out_damage
from resources.table_store import TableStore

_BATCHES: Final = 20
_LEAST_ATTEMPTS: Final = 200
"""A 99.5th percentile of fewer attempts is the longest of them, by chance."""
_TIMEOUT_MARGIN: Final = 1.5
_COLUMNS: Final = (
    *("called", "origin", "status", "elapsed_ms", "attempt"),
    *("tokens_estimated", "tokens_in", "tokens_out"),
)


@dataclass(frozen=True, slots=True)
class Spread:
    """A mean, and the 10th and 90th percentile around it."""

    low: float
    mean: float
    high: float


@dataclass(frozen=True, slots=True)
class ObservedUsage:
    """The attempts at one service. Times in ms, of answered attempts; None without one.

    ``token_ratio``: billed over estimated tokens; ``tokens_out``: written in one answer.
    ``attempts_per_call``: 1 without retries and repairs.
    """

    attempts: int
    failed_share: float
    attempts_per_call: float
    p50_ms: float | None
    p95_ms: float | None
    p995_ms: float | None
    token_ratio: Spread | None
    tokens_out: Spread | None

    @property
    def suggested_timeout_ms(self) -> float | None:
        """The 99.5th percentile with a margin, once there are attempts enough to tell."""
        if self.p995_ms is None or self.attempts < _LEAST_ATTEMPTS:
            return None
        return self.p995_ms * _TIMEOUT_MARGIN


def observed_usage(
    store: TableStore, batches: Sequence[str] | None = None
) -> dict[str, ObservedUsage]:
    """Service -> its usage in the latest 20 call logs, by default of all ``batches``; one that was
    never called has none."""
    known = store.batches(CALL_LOG.name) if batches is None else batches
    logs = [_read(store, batch) for batch in known[-_BATCHES:]]
    log = pa.concat_tables([one for one in logs if one is not None] or [_empty()])
    called = log.filter(pc.equal(log["origin"], "called"))
    return {
        name: _usage(called.filter(pc.equal(called["called"], name)))
        for name in sorted(pc.unique(called["called"]).to_pylist())
    }


def _read(store: TableStore, batch: str) -> pa.Table | None:
    """None for a log that is damaged, or of an older version: it tells nothing of tokens."""
    with leaving_out_damage():
        return store.read(CALL_LOG.name, batch, list(_COLUMNS))
    return None


def _empty() -> pa.Table:
    return pa.schema([CALL_LOG.schema.field(name) for name in _COLUMNS]).empty_table()


def _usage(rows: pa.Table) -> ObservedUsage:
    answered = rows.filter(pc.is_in(rows["status"], pa.array([Status.OK, Status.ABSTAINED])))
    times = answered["elapsed_ms"].to_numpy()
    p50, p95, p995 = (
        (float(one) for one in np.percentile(times, (50, 95, 99.5)))
        if times.size
        else (None, None, None)
    )
    billed = answered.filter(
        pc.and_(pc.is_valid(answered["tokens_in"]), pc.greater(answered["tokens_estimated"], 0))
    )
    tokens, estimated = (billed[name].to_numpy() for name in ("tokens_in", "tokens_estimated"))
    of_totals = float(tokens.sum() / estimated.sum()) if tokens.size else None
    first = pc.sum(pc.equal(rows["attempt"], 1)).as_py() or 1
    return ObservedUsage(
        rows.num_rows,
        1.0 - answered.num_rows / rows.num_rows,
        max(1.0, rows.num_rows / first),
        p50,
        p95,
        p995,
        _spread(tokens / estimated, of_totals),
        _spread(billed["tokens_out"].to_numpy(zero_copy_only=False)),
    )


def _spread(values: NDArray[np.float64], mean: float | None = None) -> Spread | None:
    if not values.size:
        return None
    low, high = np.percentile(values, (10, 90))
    return Spread(float(low), float(np.mean(values)) if mean is None else mean, float(high))
