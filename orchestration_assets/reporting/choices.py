"""How items were processed: the models chosen, why, and the forecast beside what happened."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.reporting.counts import (
    Numbers,
    Places,
    grouped,
    numbers,
    question_places,
    sums_of,
)
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.enums import ProcessingModel

_ALIKE = ("task", "model", "option", "strategy", "rule", "stop_at", "services")
_ENDS = {
    ProcessingModel.ITERATIVE.value: "see rounds",
    ProcessingModel.HYBRID.value: "see waves",
}


@dataclass(frozen=True, slots=True)
class ChoiceFigures:
    """The items of one task that were processed the same way for the same reason.

    ``wordings`` counts the different reasons in words, of which ``reason`` is the most
    frequent. ``asked`` counts readings, whether a service was called or the cache answered.
    """

    task: str
    model: str
    option: str
    strategy: str
    rule: str | None
    services: tuple[str, ...]
    stop_at: float | None
    reason: str
    wordings: int
    pairs: int
    of: int
    stopped_early: int
    calls_min: int
    calls_max: int
    asked: int
    called: int
    cached: int
    expected_ms: float
    spent_ms: float
    cost_usd_max: float
    cost_usd: float

    @property
    def may_stop(self) -> bool:
        """Whether the plan allows to stop before every service was asked."""
        return self.stop_at is not None

    @property
    def ends(self) -> str:
        """When it ends, in words, where it does not stop once the answer is sure."""
        return _ENDS.get(self.model, "asks all")


@dataclass(frozen=True, slots=True)
class _Outcomes:
    """What came of each plan, by its row; clocks in ms, costs in USD."""

    asked: Places
    called: Places
    cached: Places
    spent_ms: Numbers
    cost_usd: Numbers
    stopped_early: "np.ndarray[Any, np.dtype[np.bool_]]"


def choice_figures(
    plans: pa.Table, interpretations: pa.Table, decisions: pa.Table, calls: pa.Table
) -> tuple[ChoiceFigures, ...]:
    """The choices of each task, the most frequent first."""
    came = _outcomes(plans, interpretations, decisions, calls)
    foreseen = {
        name: plans[name].to_numpy()
        for name in ("calls_min", "calls_max", "expected_ms", "cost_usd_max")
    }
    alike = grouped((*words, tuple(services)) for *words, services in values(plans, *_ALIKE))
    sizes: Counter[str] = Counter()
    for (task, *_), rows in alike.items():
        sizes[task] += len(rows)
    figures = []
    for key in sorted(alike, key=_order):
        task, model, option, strategy, rule, stop_at, services = key
        rows = alike[key]
        reasons = Counter(plans["reason"].take(rows).to_pylist())
        figures.append(
            ChoiceFigures(
                task=task,
                model=model,
                option=option,
                strategy=strategy,
                rule=rule,
                services=services,
                stop_at=stop_at,
                # of equally frequent ones the first
                reason=max(reasons, key=lambda reason: reasons[reason]),
                wordings=len(reasons),
                pairs=len(rows),
                of=sizes[task],
                stopped_early=int(came.stopped_early[rows].sum()),
                calls_min=int(foreseen["calls_min"][rows].sum()),
                calls_max=int(foreseen["calls_max"][rows].sum()),
                asked=int(came.asked[rows].sum()),
                called=int(came.called[rows].sum()),
                cached=int(came.cached[rows].sum()),
                expected_ms=float(foreseen["expected_ms"][rows].sum()),
                spent_ms=float(came.spent_ms[rows].sum()),
                cost_usd_max=float(foreseen["cost_usd_max"][rows].sum()),
                cost_usd=float(came.cost_usd[rows].sum()),
            )
        )
    return tuple(sorted(figures, key=lambda one: (one.task, -one.pairs, one.rule or "", one.model)))


def _order(key: tuple[Any, ...]) -> tuple[Any, ...]:
    """The order of choices that are equally frequent; what has no rule or no end comes last."""
    task, model, option, strategy, rule, stop_at, services = key
    return (
        *(task, model, option, strategy, rule is None, rule or ""),
        *("\n".join(services), stop_at is None, stop_at or 0.0),
    )


def _outcomes(
    plans: pa.Table, interpretations: pa.Table, decisions: pa.Table, calls: pa.Table
) -> _Outcomes:
    """What was asked, called and spent for each plan, and whether it stopped early."""
    size = plans.num_rows
    asked = _counted(question_places(interpretations, plans), size)
    stops = _counted(
        question_places(decisions.filter(pc.equal(decisions["action"], "stop")), plans), size
    )
    places = question_places(calls, plans)
    called, cached = (
        pc.equal(calls["origin"], origin).to_numpy() for origin in ("called", "cache")
    )
    alike = dict(sorted(grouped(values(calls, "item_id", "task")).items()))
    plan = places[np.array([rows[0] for rows in alike.values()], dtype=np.int64)]

    def summed(amounts: Numbers) -> Numbers:
        sums = np.zeros(size)
        sums[plan[plan >= 0]] = sums_of(alike.values(), amounts)[plan >= 0]
        return sums

    sequential = pc.equal(plans["model"], ProcessingModel.SEQUENTIAL.value).to_numpy()
    admissible = pc.list_value_length(plans["services"]).to_numpy()
    return _Outcomes(
        asked=asked,
        called=_counted(places[called], size),
        cached=_counted(places[cached], size),
        spent_ms=summed(np.where(called, numbers(calls["elapsed_ms"]), 0.0)),
        cost_usd=summed(numbers(calls["cost_usd"])),
        # a sequence that ran to its end also ends with a decision to stop: only the unasked tell
        stopped_early=sequential & (stops > 0) & (asked < admissible),
    )


def _counted(places: Places, size: int) -> Places:
    """How many rows are at each place."""
    return np.bincount(places[places >= 0], minlength=size)
