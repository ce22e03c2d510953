"""What came of one item while a policy is tried, read from the rows that its plans left."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from orchestration_assets.evidence.cohort_comparison import ItemOutcome, Stratum
from orchestration_assets.evidence.distances import distance, is_disagreement
from orchestration_assets.processing.asker import CALLED
from orchestration_assets.processing.event_loop import BatchResult
from orchestration_assets.processing.known_inputs import standing_of_rows
from orchestration_assets.schemas.answers import Answer
from orchestration_assets.schemas.enums import ProcessingModel, Status
from orchestration_assets.schemas.items import Task
from orchestration_assets.schemas.rollout import RolloutMetric
from orchestration_assets.schemas.tables import CallRow, InterpretationRow, PlanRow

FAILURES = frozenset({Status.FAILED, Status.TIMEOUT, Status.REJECTED_OUTPUT, Status.DEFERRED})
"""A service on trial that is unavailable has failed whoever asked it."""
_UNTOLD = frozenset({Status.OVER_BUDGET})


@dataclass
class TaskOutcome:
    """What came of one plan: its answer, and what its calls took."""

    plan: PlanRow
    readings: list[InterpretationRow] = field(default_factory=list)
    calls: list[CallRow] = field(default_factory=list)

    @property
    def statuses(self) -> set[Status]:
        return {row.status for row in self.readings}

    @property
    def is_asked(self) -> bool:
        """Whether a service was called, or would have been had it been there."""
        unavailable = Status.DEFERRED in self.statuses
        return unavailable or any(call.origin == CALLED for call in self.calls)

    @property
    def failed(self) -> float:
        """Share of its final readings that are failures; 0 without any."""
        final = [row.status in FAILURES for row in self.readings if row.final]
        return sum(final) / len(final) if final else 0.0

    @property
    def elapsed_ms(self) -> float:
        """Time of its calls: of the slowest service where all are asked at once, else of all."""
        by_service: defaultdict[str, float] = defaultdict(float)
        for call in self.calls:
            if call.origin == CALLED:
                by_service[call.service] += call.elapsed_ms
        at_once = self.plan.model is ProcessingModel.PARALLEL
        return max(by_service.values(), default=0.0) if at_once else sum(by_service.values())

    @property
    def cost_usd(self) -> float:
        return sum(call.cost_usd for call in self.calls)

    @property
    def answer_keys(self) -> tuple[str, ...]:
        """Under which the answers of its services are kept, each once."""
        return tuple(dict.fromkeys(row.answer_key for row in self.readings if row.answer_key))

    def answer(self, task: Task) -> Answer | None:
        """What its final readings amount to; None where nobody answered."""
        is_over = any(row.final for row in self.readings)
        return standing_of_rows(self.readings, task).answer if is_over else None


def outcomes_of(plans: Iterable[PlanRow], result: BatchResult) -> dict[str, dict[str, TaskOutcome]]:
    """Item -> task -> what came of its plan."""
    found: dict[str, dict[str, TaskOutcome]] = {}
    for plan in plans:
        found.setdefault(plan.item_id, {})[plan.task] = TaskOutcome(plan)
    for rows in result.interpretations.values():
        for row in rows:
            if (one := found.get(row.item_id, {}).get(row.task)) is not None:
                one.readings.append(row)
    for call in result.calls:
        if (one := found.get(call.item_id, {}).get(call.task)) is not None:
            one.calls.append(call)
    return found


KnownAnswers = dict[tuple[str, str], Answer]
"""Content hash and task, or item and task -> the answer to compare with."""


@dataclass(frozen=True, slots=True)
class OutcomeReader:
    """Reads outcomes: ``comparable`` are the tasks that both policies ask of the same items,
    ``family_of`` gives the content family of an item, ``before`` by item and
    task what the policy in force answered before, ``right`` by content and task what is right."""

    tasks: Mapping[str, Task]
    comparable: frozenset[str]
    family_of: Callable[[str], str]
    before: KnownAnswers
    right: KnownAnswers

    def item(self, plans: Mapping[str, TaskOutcome]) -> ItemOutcome | None:
        """The outcome of an item; None where it says nothing of the policy: nobody was asked, or
        the money was short.

        Errors are those of all tasks. All else is of what both policies ask of the same items.
        """
        every = [one for one in plans.values() if one.readings and one.is_asked]
        asked = [one for one in every if one.plan.task in self.comparable]
        short = any(one.statuses & _UNTOLD for one in plans.values())
        if not asked or short:
            return None
        first = asked[0].plan
        figures = {
            RolloutMetric.ERRORS: _mean([one.failed for one in every]),
            RolloutMetric.ABSTENTIONS: _mean(
                [float(one.statuses == {Status.ABSTAINED}) for one in asked]
            ),
        }
        if all(one.failed < 1.0 for one in asked):
            # what failed took the time until it was given up, which is no latency
            figures[RolloutMetric.LATENCY] = sum(one.elapsed_ms for one in asked)
            figures[RolloutMetric.COST] = sum(one.cost_usd for one in asked)
        for metric, known, key in (
            (RolloutMetric.DIFFERENCES, self.before, "item_id"),
            (RolloutMetric.WRONG, self.right, "content_hash"),
        ):
            told = [
                self.differs(one, known[getattr(one.plan, key), one.plan.task])
                for one in asked
                if (getattr(one.plan, key), one.plan.task) in known
            ]
            if sure := [one for one in told if one is not None]:
                figures[metric] = _mean([float(one) for one in sure])
        stratum: Stratum = (self.family_of(first.item_id), *sorted(one.plan.task for one in asked))
        return ItemOutcome(first.item_id, stratum, figures)

    def differs(self, outcome: TaskOutcome, other: Answer | None) -> bool | None:
        """Whether the answer of a plan disagrees with another one; None where either is missing."""
        task = self.tasks[outcome.plan.task]
        own = outcome.answer(task)
        if own is None or other is None:
            return None
        return is_disagreement(distance(own, other, task), task)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
