"""What became of the questions of a batch: abstained, failed, disputed, and deferred."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.enums import Consequence, ResolutionStatus
from orchestration_assets.schemas.signals import Signal
from orchestration_assets.signals.measures import ALL, SignalMeasure, Subject, share

RESOLUTION_COLUMNS: Final = ("task", "status")
DISAGREEMENT_COLUMNS: Final = ("item_id", "task", "consequence")
_ABSTAINED: Final = (ResolutionStatus.ABSTAINED, ResolutionStatus.PRESERVED)


def question_measures(resolutions: pa.Table, disagreements: pa.Table) -> Iterator[SignalMeasure]:
    """The shares of all questions, and of those of each task; what was skipped is none.

    The tables are those of one batch, with the columns ``RESOLUTION_COLUMNS`` and
    ``DISAGREEMENT_COLUMNS`` at least.
    """
    by_task: dict[str, Counter[str]] = {}
    counted = resolutions.group_by(["task", "status"]).aggregate([([], "count_all")])
    for task, status, count in values(counted, "task", "status", "count_all"):
        by_task.setdefault(task, Counter())[status] += count
    disputed = _disputed(disagreements)
    for task, statuses in sorted(by_task.items()):
        yield from _shares(Subject(task=task), statuses, disputed[task])
    if by_task:
        total = sum(by_task.values(), Counter[str]())
        yield from _shares(ALL, total, disputed.total())


def deferred(resolutions: pa.Table) -> int:
    """How many questions wait for a service that was unavailable."""
    waits = pc.equal(resolutions["status"], ResolutionStatus.DEFERRED.value)
    return int(pc.sum(waits).as_py() or 0)


def _disputed(disagreements: pa.Table) -> Counter[str]:
    """Task -> questions on which two services differ with a consequence."""
    grave = disagreements.filter(pc.not_equal(disagreements["consequence"], Consequence.NONE))
    questions = grave.group_by(["item_id", "task"]).aggregate([])
    return Counter(questions["task"].to_pylist())


def _shares(subject: Subject, statuses: Counter[str], disputed: int) -> Iterator[SignalMeasure]:
    asked = statuses.total() - statuses[ResolutionStatus.SKIPPED]
    if asked:
        abstained = sum(statuses[one] for one in _ABSTAINED)
        failed = statuses[ResolutionStatus.FAILED]
        yield share(Signal.ABSTAINED_SHARE, subject, abstained, asked)
        yield share(Signal.FAILED_SHARE, subject, failed, asked)
        yield share(Signal.DISPUTED_SHARE, subject, min(disputed, asked), asked)
