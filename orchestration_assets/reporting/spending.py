"""What it took: calls, clocks and dollars per service, and the clocks of profiling."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.reporting.choices import ChoiceFigures
from orchestration_assets.reporting.counts import numbers
from orchestration_assets.schemas.enums import ProfileStatus, Status

_ANSWERED = (Status.OK.value, Status.ABSTAINED.value)
PAYMENT_COLUMNS = ("batch", "usd", "estimated")
_STAGES = ("preprocess_ms", "features_ms", "complexity_ms", "aggregation_ms")


@dataclass(frozen=True, slots=True)
class ServiceSpending:
    """What one service took. The percentiles are over its calls; the cache's are left out.

    Tokens are those that the service counted, 0 where it counts none. ``wasted_usd`` was paid for
    attempts that brought no answer; ``shortened`` counts attempts that could not send everything.
    """

    service: str
    called: int
    cached: int
    retries: int
    p50_ms: float | None
    p95_ms: float | None
    total_ms: float
    cost_usd: float
    tokens_in: int
    tokens_out: int
    wasted_usd: float
    shortened: int


@dataclass(frozen=True, slots=True)
class Payments:
    """What the spending ledger says was paid, in US dollars; ``estimated_usd`` of it is estimated:
    no service stated it."""

    usd: float = 0.0
    estimated_usd: float = 0.0


NO_PAYMENTS: Final = Payments()


def payments(spending: pa.Table, batch: str | None = None) -> Payments:
    """What was paid for a batch, every time that it was done; without one, by the whole home."""
    rows = spending if batch is None else spending.filter(pc.equal(spending["batch"], batch))
    return Payments(
        pc.sum(rows["usd"]).as_py() or 0.0,
        pc.sum(rows.filter(rows["estimated"])["usd"]).as_py() or 0.0,
    )


@dataclass(frozen=True, slots=True)
class StageClock:
    """The time that one stage of profiling took per item."""

    stage: str
    p50_ms: float
    p95_ms: float
    max_ms: float
    total_ms: float


def service_spending(calls: pa.Table) -> tuple[ServiceSpending, ...]:
    """Every service in the call log, the one that took most time first."""
    figures = []
    for name in sorted(pc.unique(calls["service"]).to_pylist()):
        rows = calls.filter(pc.equal(calls["service"], name))
        called = rows.filter(pc.equal(rows["origin"], "called"))
        clock = numbers(called["elapsed_ms"])
        in_vain = called.filter(pc.invert(pc.is_in(called["status"], pa.array(_ANSWERED))))
        figures.append(
            ServiceSpending(
                service=name,
                called=called.num_rows,
                cached=_count(pc.equal(rows["origin"], "cache")),
                retries=_count(pc.greater(called["attempt"], 1)),
                p50_ms=float(np.quantile(clock, 0.5)) if clock.size else None,
                p95_ms=float(np.quantile(clock, 0.95)) if clock.size else None,
                total_ms=float(clock.sum()),
                cost_usd=float(numbers(rows["cost_usd"]).sum()),
                tokens_in=pc.sum(called["tokens_in"]).as_py() or 0,
                tokens_out=pc.sum(called["tokens_out"]).as_py() or 0,
                wasted_usd=float(numbers(in_vain["cost_usd"]).sum()),
                shortened=len(called) - called["left_out"].null_count,
            )
        )
    return tuple(sorted(figures, key=lambda one: (-one.total_ms, one.service)))


def _count(flags: pa.ChunkedArray) -> int:
    return pc.sum(flags).as_py() or 0


@dataclass(frozen=True, slots=True)
class ForecastFigures:
    """What the plans of one task foresaw, beside what was asked, spent and paid."""

    task: str
    questions: int
    calls_min: int
    calls_max: int
    asked: int
    expected_ms: float
    spent_ms: float
    cost_usd_max: float
    cost_usd: float


def forecasts(choices: Sequence[ChoiceFigures]) -> tuple[ForecastFigures, ...]:
    """The choices of each task together."""
    return tuple(
        ForecastFigures(
            task=task,
            questions=sum(one.pairs for one in own),
            calls_min=sum(one.calls_min for one in own),
            calls_max=sum(one.calls_max for one in own),
            asked=sum(one.asked for one in own),
            expected_ms=sum(one.expected_ms for one in own),
            spent_ms=sum(one.spent_ms for one in own),
            cost_usd_max=sum(one.cost_usd_max for one in own),
            cost_usd=sum(one.cost_usd for one in own),
        )
        for task in dict.fromkeys(one.task for one in choices)
        if (own := [one for one in choices if one.task == task])
    )


def stage_clocks(profiles: pa.Table) -> tuple[StageClock, ...]:
    """The stages of profiling in their order, over the items that were profiled."""
    ok = profiles.filter(pc.equal(profiles.column("status"), ProfileStatus.OK.value))
    if not ok.num_rows:
        return ()
    clocks = ((stage, numbers(ok[stage])) for stage in _STAGES)
    return tuple(
        StageClock(
            stage.removesuffix("_ms"),
            float(np.quantile(clock, 0.5)),
            float(np.quantile(clock, 0.95)),
            float(clock.max()),
            float(clock.sum()),
        )
        for stage, clock in clocks
    )
