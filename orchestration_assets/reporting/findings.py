"""What stands out in a batch: the few comparisons worth a sentence at the top of its page."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.reporting.choices import ChoiceFigures
from orchestration_assets.reporting.formatting import ENOUGH
from orchestration_assets.reporting.tasks import PairFigures, ServiceFigures, TaskFigures

_RARELY_ANSWERED = 0.9
_CERTAIN = 0.9


@dataclass(frozen=True, slots=True)
class Findings:
    """Each is None (or 0) when the batch gives no ground for it."""

    least_agreeing: tuple[str, PairFigures] | None
    least_answering: tuple[str, ServiceFigures] | None
    both_certain: int
    certain_from: float
    may_stop: int
    stopped_early: int
    readings_saved: int


def findings(
    tasks: Sequence[TaskFigures],
    choices: Sequence[ChoiceFigures],
    disputes: pa.Table,
) -> Findings:
    """Pick what stands out."""
    compared = [
        (task.task, pair)
        for task in tasks
        for pair in task.agreement
        if pair.overall.compared >= ENOUGH and pair.overall.disagreed
    ]
    rarely_answering = [
        (task.task, service)
        for task in tasks
        for service in task.services
        if service.asked >= ENOUGH and service.answered_share < _RARELY_ANSWERED
    ]
    stoppable = [choice for choice in choices if choice.may_stop]
    certain = [pc.greater_equal(disputes[f"confidence_{side}"], _CERTAIN) for side in "ab"]
    return Findings(
        least_agreeing=min(compared, key=lambda one: one[1].overall.agreed_share, default=None),
        least_answering=min(rarely_answering, key=lambda one: one[1].answered_share, default=None),
        both_certain=pc.sum(pc.and_(*certain)).as_py() or 0,
        certain_from=_CERTAIN,
        may_stop=sum(choice.pairs for choice in stoppable),
        stopped_early=sum(choice.stopped_early for choice in stoppable),
        readings_saved=sum(choice.calls_max - choice.asked for choice in stoppable),
    )
