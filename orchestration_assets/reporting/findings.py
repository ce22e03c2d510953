"""What stands out in a batch: the few comparisons worth a sentence at the top of its page."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from orchestration_assets.reporting.choices import ChoiceFigures
from orchestration_assets.reporting.counts import frame, share
from orchestration_assets.reporting.intake import FamilyFigures
from orchestration_assets.reporting.tasks import PairFigures, ServiceFigures, TaskFigures

# fewer than this say nothing about a pair, a family or a service
_MIN_COUNT = 20
_RARELY_ANSWERED = 0.9
_CERTAIN = 0.9


@dataclass(frozen=True, slots=True)
class Findings:
    """Each is None (or 0) when the batch gives no ground for it."""

    least_agreeing: tuple[str, PairFigures] | None
    most_disputed: FamilyFigures | None
    other_disputed_share: float
    least_answering: tuple[str, ServiceFigures] | None
    both_certain: int
    certain_from: float
    may_stop: int
    stopped_early: int
    readings_saved: int


def findings(
    tasks: Sequence[TaskFigures],
    families: Sequence[FamilyFigures],
    choices: Sequence[ChoiceFigures],
    disagreements: pa.Table,
) -> Findings:
    """Pick what stands out."""
    compared = [
        (task.task, pair)
        for task in tasks
        for pair in task.agreement
        if pair.overall.compared >= _MIN_COUNT and pair.overall.disagreed
    ]
    rarely_answering = [
        (task.task, service)
        for task in tasks
        for service in task.services
        if service.asked >= _MIN_COUNT and service.answered_share < _RARELY_ANSWERED
    ]
    family = max(
        (one for one in families if one.resolved >= _MIN_COUNT and one.disputed),
        key=lambda one: one.disputed_share,
        default=None,
    )
    others = [one for one in families if one is not family]
    stoppable = [choice for choice in choices if choice.may_stop]
    confidences = frame(disagreements, "confidence_a", "confidence_b")
    return Findings(
        least_agreeing=min(compared, key=lambda one: one[1].overall.agreed_share, default=None),
        most_disputed=family if any(one.resolved for one in others) else None,
        other_disputed_share=share(
            sum(o.disputed for o in others), sum(o.resolved for o in others)
        ),
        least_answering=min(rarely_answering, key=lambda one: one[1].answered_share, default=None),
        both_certain=int((confidences >= _CERTAIN).all(axis=1).sum()),
        certain_from=_CERTAIN,
        may_stop=sum(choice.pairs for choice in stoppable),
        stopped_early=sum(choice.stopped_early for choice in stoppable),
        readings_saved=sum(choice.calls_max - choice.asked for choice in stoppable),
    )
