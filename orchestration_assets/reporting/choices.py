"""How items were processed: the models chosen, why, and the forecast beside what happened."""

from dataclasses import dataclass

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.reporting.counts import frame, groups
from orchestration_assets.schemas.enums import ProcessingModel

_PAIR = ["item_id", "task"]
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


def choice_figures(
    plans: pa.Table, interpretations: pa.Table, decisions: pa.Table, calls: pa.Table
) -> tuple[ChoiceFigures, ...]:
    """The choices of each task, the most frequent first."""
    rows = _plans_with_outcome(plans, interpretations, decisions, calls)
    by = ["task", "model", "option", "strategy", "rule", "services_text", "stop_at"]
    sizes = rows.groupby("task").size()
    figures = []
    for key, group in groups(rows, by):
        task, model, option, strategy, rule, services, stop_at = key
        reasons = group["reason"].value_counts(sort=True)
        figures.append(
            ChoiceFigures(
                task=str(task),
                model=str(model),
                option=str(option),
                strategy=str(strategy),
                rule=None if pd.isna(rule) else str(rule),
                services=tuple(str(services).split("\n")),
                stop_at=None if pd.isna(stop_at) else float(stop_at),
                reason=str(reasons.index[0]),
                wordings=len(reasons),
                pairs=len(group),
                of=int(sizes[task]),
                stopped_early=int(group["stopped_early"].sum()),
                calls_min=int(group["calls_min"].sum()),
                calls_max=int(group["calls_max"].sum()),
                asked=int(group["asked"].sum()),
                called=int(group["called"].sum()),
                cached=int(group["cached"].sum()),
                expected_ms=float(group["expected_ms"].sum()),
                spent_ms=float(group["spent_ms"].sum()),
                cost_usd_max=float(group["cost_usd_max"].sum()),
                cost_usd=float(group["cost_usd"].sum()),
            )
        )
    return tuple(sorted(figures, key=lambda one: (one.task, -one.pairs, one.rule or "", one.model)))


def _plans_with_outcome(
    plans: pa.Table, interpretations: pa.Table, decisions: pa.Table, calls: pa.Table
) -> pd.DataFrame:
    """One row a plan, beside it what was asked, called, spent, and whether it stopped early."""
    rows = frame(
        plans,
        *_PAIR,
        *("model", "option", "strategy", "rule", "stop_at", "reason"),
        *("calls_min", "calls_max", "expected_ms", "cost_usd_max"),
    )
    services = plans.column("services").combine_chunks()
    # service names hold no newline (the policy allows [a-z0-9_] only)
    words = services.cast(pa.list_(pa.string()))  # no kernel joins members declared not null
    rows["services_text"] = pc.binary_join(words, "\n").to_pandas()
    rows["admissible"] = pc.list_value_length(services).to_pandas()

    asked = frame(interpretations, *_PAIR).groupby(_PAIR).size().rename("asked")
    log = frame(calls, *_PAIR, "origin", "elapsed_ms", "cost_usd")
    log["called"] = log["origin"] == "called"
    log["cached"] = log["origin"] == "cache"
    log["spent_ms"] = log["elapsed_ms"].where(log["called"], 0.0)
    spent = log.groupby(_PAIR)[["called", "cached", "spent_ms", "cost_usd"]].sum()
    taken = frame(decisions, *_PAIR, "action")
    stopped = taken[taken["action"] == "stop"].groupby(_PAIR).size().rename("stops")

    rows = rows.join(asked, on=_PAIR).join(spent, on=_PAIR).join(stopped, on=_PAIR)
    filled = ["asked", "called", "cached", "spent_ms", "cost_usd", "stops"]
    rows[filled] = rows[filled].astype("float64").fillna(0.0)
    # a sequence that ran to its end also ends with a decision to stop: only the unasked tell
    rows["stopped_early"] = (
        (rows["model"] == ProcessingModel.SEQUENTIAL.value)
        & (rows["stops"] > 0)
        & (rows["asked"] < rows["admissible"])
    )
    return rows
