"""The table of golden signals: how each batch went, figure by figure, and what waits."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

from orchestration_assets.schemas.records import Column, table_of


class Signal(StrEnum):
    """What is measured; the unit is part of the name, a rate or share is in [0, 1]."""

    LATENCY_P50_MS = "latency_p50_ms"
    LATENCY_P95_MS = "latency_p95_ms"
    LATENCY_P99_MS = "latency_p99_ms"
    CALLS = "calls"
    ERROR_RATE = "error_rate"
    TOKENS_PER_SECOND = "tokens_per_second"
    PARALLEL_EFFICIENCY = "parallel_efficiency"
    CACHE_HIT_RATE = "cache_hit_rate"
    COST_USD = "cost_usd"
    ABSTAINED_SHARE = "abstained_share"
    FAILED_SHARE = "failed_share"
    DISPUTED_SHARE = "disputed_share"
    ACCURACY = "accuracy"
    DEFERRED_QUESTIONS = "deferred_questions"
    WAITING_ENTRIES = "waiting_entries"
    OLDEST_WAITING_S = "oldest_waiting_s"
    OPEN_REVIEWS = "open_reviews"


LATENCIES: Final = {
    Signal.LATENCY_P50_MS: 0.50,
    Signal.LATENCY_P95_MS: 0.95,
    Signal.LATENCY_P99_MS: 0.99,
}
"""The signals that are quantiles of the times of answered attempts, and which."""
SHARES: Final = frozenset(
    {
        Signal.ERROR_RATE,
        Signal.CACHE_HIT_RATE,
        Signal.ABSTAINED_SHARE,
        Signal.FAILED_SHARE,
        Signal.DISPUTED_SHARE,
        Signal.ACCURACY,
    }
)
"""The signals that are counted shares, with a 95 % interval."""
SUMS: Final = frozenset({Signal.CALLS, Signal.COST_USD})
"""The signals that add up over batches."""
WAITING: Final = frozenset({Signal.WAITING_ENTRIES, Signal.OLDEST_WAITING_S})
"""The signals of what was listed and is not done, in the whole home at one moment."""
LEFT_OPEN: Final = frozenset({Signal.DEFERRED_QUESTIONS, Signal.OPEN_REVIEWS})
"""The signals of what batches leave open: the home's are those of all batches together."""
OF_SERVICES: Final = frozenset(
    {
        *LATENCIES,
        Signal.CALLS,
        Signal.ERROR_RATE,
        Signal.TOKENS_PER_SECOND,
        Signal.COST_USD,
    }
)
"""The signals that each service has, beside the one over all."""
OF_TASKS: Final = frozenset(
    {
        Signal.COST_USD,
        Signal.ABSTAINED_SHARE,
        Signal.FAILED_SHARE,
        Signal.DISPUTED_SHARE,
        Signal.ACCURACY,
    }
)
"""The signals that each task has, beside the one over all."""


@dataclass(frozen=True, slots=True)
class LatencyBucket:
    """How many attempts took a time within one bucket of a quantile sketch."""

    bucket: int
    attempts: int


@dataclass(frozen=True, slots=True)
class SignalRow:
    """One row a batch, signal, service, task and tier: how the batch went by this measure.

    Without a service, task and tier the row is about all of them. What is listed and waits stands
    at the newest batch, as it was when the table was made. The newest 300 batches are kept.
    """

    batch: Annotated[str, Column("batch (= partition) that the row is about")]
    at: Annotated[
        datetime, Column("start of its last attempt, else when it was listed", "UTC", True)
    ]
    signal: Annotated[Signal, Column("what is measured")]
    service: Annotated[str, Column("service that it is about; empty: all")]
    task: Annotated[str, Column("task that it is about; empty: all")]
    tier: Annotated[str, Column("tier of the cache, or answers, that it is about; empty: all")]
    value: Annotated[float, Column("the measure, in the unit that its name ends in", "", True)]
    low: Annotated[
        float | None, Column("lower end of the 95 % interval of a share", "0..1", True)
    ] = None
    high: Annotated[float | None, Column("upper end of it", "0..1", True)] = None
    count: Annotated[
        int | None, Column("attempts, lookups, questions or verdicts that it rests on", "", True)
    ] = None
    numerator: Annotated[
        float | None, Column("what was counted of the denominator, for a ratio", "", True)
    ] = None
    denominator: Annotated[
        float | None, Column("what it is a ratio to; adds up over batches", "", True)
    ] = None
    effective: Annotated[
        float | None, Column("verdicts of an even sample that would tell as much (Kish)")
    ] = None
    latencies: Annotated[
        tuple[LatencyBucket, ...] | None,
        Column("of calls: the times of answered attempts, in buckets 4 % wide", "", True),
    ] = None
    made_from: Annotated[
        str | None, Column("which making of its report and of gold it was counted from", "", True)
    ] = None


GOLDEN_SIGNALS: Final = table_of(
    "golden_signals", SignalRow, ("batch", "signal", "service", "task", "tier")
)
