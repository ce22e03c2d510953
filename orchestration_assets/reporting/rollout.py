"""The trial of a policy in a batch: who was asked, whose answers stand, and what was decided."""

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.processing.rollout_watch import in_words, interval_in_words
from orchestration_assets.schemas.rollout import (
    ROLLOUT_ANSWERS,
    ROLLOUT_DECISIONS,
    RolloutAction,
    RolloutDecisionRow,
    RolloutMetric,
    RolloutVerdict,
)

_ACTIONS: Mapping[RolloutAction, str] = {
    RolloutAction.GO_ON: "The trial goes on",
    RolloutAction.PASSED: "It passed, and the trial goes on",
    RolloutAction.STEP_UP: "It passed, and is tried on more of the items",
    RolloutAction.PROMOTE: "It passed, and is in force from now on",
    RolloutAction.ROLL_BACK: "It was rolled back",
}
_METRICS: Mapping[RolloutMetric, str] = {
    RolloutMetric.ERRORS: "Failed answers",
    RolloutMetric.LATENCY: "Time of the calls",
    RolloutMetric.COST: "Price of the calls",
    RolloutMetric.ABSTENTIONS: "Abstentions",
    RolloutMetric.DIFFERENCES: "Disagrees with the answer in force",
    RolloutMetric.WRONG: "Wrong, by gold or verdicts",
}
_VERDICTS: Mapping[RolloutVerdict, str] = {
    RolloutVerdict.WORSE: "beyond the limit",
    RolloutVerdict.WITHIN: "within the limit",
    RolloutVerdict.TOO_FEW: "too few to tell",
    RolloutVerdict.WATCHED: "no limit",
}


@dataclass(frozen=True, slots=True)
class MetricFigures:
    """One metric at the end of the batch, in words; ``is_worse``: beyond its limit."""

    metric: str
    estimate: str
    interval: str
    limit: str
    verdict: str
    is_worse: bool


@dataclass(frozen=True, slots=True)
class RolloutFigures:
    """The trial of a policy at the end of a batch.

    ``canary`` and ``control`` are the items compared over all its batches; ``asked``, ``stand`` and
    ``cost_usd`` what the policy on trial was asked in this batch, how many of its answers stand,
    and their price.
    """

    policy_hash: str
    in_force_hash: str
    share: float
    action: str
    reason: str
    is_rolled_back: bool
    canary: int
    control: int
    asked: int
    stand: int
    undone: int
    cost_usd: float
    metrics: tuple[MetricFigures, ...]


def rollout_figures(tables: Mapping[str, pa.Table]) -> RolloutFigures | None:
    """What a batch shows of the policy that is tried; None where none is."""
    decisions = tables.get(ROLLOUT_DECISIONS.name)
    if decisions is None or not decisions.num_rows:
        return None
    rows = list(ROLLOUT_DECISIONS.rows(decisions))
    last = [row for row in rows if row.look == rows[-1].look]
    answers, first = tables[ROLLOUT_ANSWERS.name], last[0]
    return RolloutFigures(
        policy_hash=first.policy_hash,
        in_force_hash=first.in_force_hash,
        share=first.share,
        action=_ACTIONS[first.action],
        reason=first.reason.partition("; ")[0],
        is_rolled_back=first.action is RolloutAction.ROLL_BACK,
        canary=max(row.canary_items for row in last),
        control=max(row.control_items for row in last),
        asked=_count(answers, "asked"),
        stand=_count(answers, "stands"),
        undone=first.undone,
        cost_usd=float(pc.sum(answers["cost_usd"]).as_py() or 0.0),
        metrics=tuple(map(_metric, last)),
    )


def _metric(row: RolloutDecisionRow) -> MetricFigures:
    known = row.estimate is not None
    return MetricFigures(
        _METRICS[row.metric],
        in_words(row.metric, row.estimate) or "not known",
        interval_in_words(row.metric, row.low, row.high) if known else "",
        in_words(row.metric, row.limit),
        _VERDICTS[row.verdict] if known or row.limit is not None else "",
        row.verdict is RolloutVerdict.WORSE,
    )


def _count(answers: pa.Table, column: str) -> int:
    return int(pc.sum(answers[column]).as_py() or 0)
