"""Teaching within a batch: the first items are asked of the teacher, and what it said is learned
before the others are; audits are judged while the batch goes on.

How many are asked first: ``lessons`` of the policy, less what earlier batches taught. Then twice as
many again, as long as that is at most an eighth of what would otherwise be passed on: more lessons
are cheap where little is answered yet, and dear where nearly everything is.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from orchestration_assets.processing.event_loop import BatchResult, BatchWork
from orchestration_assets.processing.near_copy_sharing import in_order
from orchestration_assets.processing.task_waves import whole_items, with_earlier_tasks
from orchestration_assets.processing.taught_audits import batch_audits, record_audits
from orchestration_assets.processing.taught_late_answers import with_late_answers
from orchestration_assets.processing.taught_lessons import (
    audits_in,
    count_sampled,
    lessons_in,
    stored_lessons,
)
from orchestration_assets.processing.taught_models import (
    store_taught,
    taught_services,
    teacher_identity,
)
from orchestration_assets.processing.taught_start import TaughtStart, taught_start, with_version
from orchestration_assets.schemas.items import Item
from orchestration_assets.schemas.tables import PROCESSING_PLANS, InterpretationRow, PlanRow
from orchestration_assets.services.taught.audit import place_of
from orchestration_assets.services.taught.lessons import TeacherAnswer
from orchestration_assets.services.taught.taught_service import TaughtService, TaughtState
from orchestration_assets.services.taught.teaching import (
    LEAST_LESSONS,
    MOST_LESSONS,
    Taught,
    describe,
    suspend,
    teach,
)
from resources.home import Home

Process = Callable[[Sequence[PlanRow], BatchWork], BatchResult]

_WORTH: Final = 8
_AUDITS_BETWEEN: Final = 50
"""Audits, about, after which those of a batch are judged."""
_LEAST_PART: Final = 200


@dataclass
class TaughtBatch:
    """Carries out the plans of one batch; its taught services learn on the way.

    ``words`` say of each taught service what came of it, for people. Without ``teaches``, where
    only what was deferred is asked again, nothing is learned: what is in force answers, and its
    audits are judged.
    """

    home: Home
    batch: str
    load_item: Callable[[str], Item]
    teaches: bool = True
    words: dict[str, str] = field(default_factory=dict)
    _starts: dict[str, TaughtStart] = field(default_factory=dict)
    _states: dict[str, TaughtState] = field(default_factory=dict)
    _lessons: dict[str, list[TeacherAnswer]] = field(default_factory=dict)
    _audits: dict[str, dict[float, bool]] = field(default_factory=dict)

    def process(self, plans: Sequence[PlanRow], work: BatchWork, process: Process) -> BatchResult:
        """What ``process`` yields for all plans, in their order.

        A batch may come in several parts: what one taught, the next knows.
        """
        if not (plans and taught_services(work.services)):
            return process(plans, work)
        parts: list[BatchResult] = []
        left = list(plans)
        # all of them first: none answers another one's lessons with what it learns in this batch
        for name in taught_services(work.services):
            work = self._begun(name, work)
        for name in taught_services(work.services):
            taken: list[BatchResult] = []
            while self.teaches and (lessons := self._next_lessons(name, work, left)):
                chosen = with_earlier_tasks(lessons, work.inputs)
                lessons = [plan for plan in left if (plan.item_id, plan.task) in chosen]
                left = [plan for plan in left if (plan.item_id, plan.task) not in chosen]
                # until it has learned from them it answers none of them itself
                taken.append(process(lessons, _knowing(work, name, _in_lessons(work, name))))
                known = len(self._lessons[name])
                work = self._taught(name, work, _rows(taken[-1]))
                work = self._all_judged(work, _rows(taken[-1]), but=name)
                if len(self._lessons[name]) == known:
                    break  # its teacher answers nothing now: the others are not asked for more
            service = _named(work, name)
            task = work.tasks[service.config.task]
            parts += [with_late_answers(part, service, task, self.load_item) for part in taken]
        while left:
            size = whole_items(left, self._part(work, left))
            part = process(left[:size], work)
            left = left[size:]
            parts.append(part)
            work = self._all_judged(work, _rows(part))
        for name, service in taught_services(work.services).items():
            if (taught := service.state.taught) is not None:
                self.words[name] = describe(taught, service.config)
        return in_order(plans, *parts)

    @property
    def warnings(self) -> list[str]:
        """What came of each taught service, one line each."""
        return [f"{name}, taught: {words}" for name, words in sorted(self.words.items())]

    def _begun(self, name: str, work: BatchWork) -> BatchWork:
        """With what a service knew when the batch began; where it answers nothing, with what
        earlier batches hold to teach it."""
        if name in self._states:
            return _knowing(work, name, self._states[name])
        service = _named(work, name)
        task, config = work.tasks[service.config.task], service.config
        if not self.teaches:
            version = service.state.version
            self._audits[name] = batch_audits(self.home.models, self.batch, name, version)
            return self._now_knowing(work, name, service.state)
        start = self._starts[name] = taught_start(self.home, self.batch, service, task)
        work = self._now_knowing(work, name, start.state)
        taught = start.state.taught
        if taught is not None and taught.threshold is not None:
            return work
        identity = teacher_identity(service, task)
        since = taught.since if taught else ""
        if taught is not None and not taught.suspended:
            # it was refused: only twice as many lessons are worth another look
            stored = count_sampled(self.home, service, identity, start.batches, since)
            if stored < min(2 * taught.certificate.lessons, MOST_LESSONS):
                return work
        lessons = stored_lessons(self.home, service, identity, start.batches, since)
        self._lessons[name] = lessons
        return self._learn(name, work, config.lessons)

    def _next_lessons(self, name: str, work: BatchWork, left: Sequence[PlanRow]) -> list[PlanRow]:
        service = _named(work, name)
        taught, config = service.state.taught, service.config
        if name not in self._lessons:
            return []
        open_plans = [
            plan
            for plan in left
            if plan.task == config.task and {name, config.by} <= set(plan.services)
        ]
        open_plans.sort(key=lambda plan: place_of(f"{name} lessons", plan.content_hash))
        known = sum(lesson.sampled for lesson in self._lessons[name])
        if taught is None or taught.suspended:
            return open_plans[: max(config.lessons - known, LEAST_LESSONS)]
        answered = taught.certificate.coverage if taught.threshold is not None else 0.0
        further = min(known, MOST_LESSONS - known)
        worth = (len(open_plans) - further) * (1.0 - answered) / _WORTH
        return open_plans[:further] if 0 < further <= worth else []

    def _taught(self, name: str, work: BatchWork, rows: Sequence[InterpretationRow]) -> BatchWork:
        """After lessons: with what could be learned from them."""
        service = _named(work, name)
        identity = teacher_identity(service, work.tasks[service.config.task])
        fresh = list(lessons_in(rows, service, identity, self._text))
        self._lessons[name] = [*self._lessons[name], *fresh]
        return self._learn(name, work, service.config.lessons)

    def _learn(self, name: str, work: BatchWork, at_least: int) -> BatchWork:
        service = _named(work, name)
        task = work.tasks[service.config.task]
        lessons = self._lessons[name]
        sampled = sum(lesson.sampled for lesson in lessons)
        if sampled < at_least:
            self.words[name] = f"{sampled} answers of {service.config.by} are too few to learn from"
            return work
        before = service.state.taught
        identity = teacher_identity(service, task)
        taught = teach(lessons, task, service.config, identity, before.since if before else "")
        self._audits[name] = {}
        return self._put_in_force(name, work, taught)

    def _all_judged(
        self, work: BatchWork, rows: Sequence[InterpretationRow], but: str = ""
    ) -> BatchWork:
        """After a part of the batch; it tells nothing of the service ``but`` that it taught."""
        for name in taught_services(work.services):
            if name != but:
                work = self._judged(name, work, rows)
        return work

    def _judged(self, name: str, work: BatchWork, rows: Sequence[InterpretationRow]) -> BatchWork:
        """After a part of the batch: suspended where its audits tell against it."""
        service = _named(work, name)
        taught, task = service.state.taught, work.tasks[service.config.task]
        if taught is None or taught.threshold is None:
            return work
        fresh = audits_in(rows, service, teacher_identity(service, task), task)
        audits = self._audits.setdefault(name, {})
        audits.update(fresh)
        result = record_audits(self.home.models, self.batch, service, taught, audits)
        if not result.suspended:
            return work
        # what was asked before is no lesson: it may be from before the drift
        self._lessons[name] = []
        # nor what later batches were told, where this one is made up for
        planned = self.home.tables.batches(PROCESSING_PLANS.name)
        since = max(self.batch, *self.home.series.not_later(self.batch, planned))
        suspended = suspend(taught, result, service.config, since)
        return self._put_in_force(name, work, suspended)

    def _put_in_force(self, name: str, work: BatchWork, taught: Taught) -> BatchWork:
        """Knowing it from now on; for new batches too, unless something else was put in force."""
        service = _named(work, name)
        start = self._starts.get(name)
        instead_of = {service.state.version, *(start.in_force if start else ())}
        state = store_taught(self.home.models, service, taught, instead_of)
        if start is not None:
            task = work.tasks[service.config.task]
            stored = self.home, self.batch, service, task
            self._starts[name] = with_version(*stored, start, state.version)
        return self._now_knowing(work, name, state)

    def _part(self, work: BatchWork, left: Sequence[PlanRow]) -> int:
        shares = [
            service.config.audit_share
            for service in taught_services(work.services).values()
            if service.state.taught is not None and service.state.taught.threshold is not None
        ]
        if not shares:
            return len(left)
        return max(_LEAST_PART, round(_AUDITS_BETWEEN / max(shares)))

    def _text(self, item_id: str) -> str | None:
        try:
            return self.load_item(item_id).text
        except Exception:  # noqa: BLE001 -- its reading says why the content could not be read
            return None

    def _now_knowing(self, work: BatchWork, name: str, state: TaughtState) -> BatchWork:
        self._states[name] = state
        return _knowing(work, name, state)


def _knowing(work: BatchWork, name: str, state: TaughtState) -> BatchWork:
    known = _named(work, name).knowing(state)
    return replace(work, services={**work.services, name: known})


def _in_lessons(work: BatchWork, name: str) -> TaughtState:
    """What it knows while it is taught: nothing, and in words why it is taught."""
    service = _named(work, name)
    taught = service.state.taught
    words = service.state.words if taught is None else describe(taught, service.config)
    return TaughtState(words=words, lesson=True)


def _named(work: BatchWork, name: str) -> TaughtService:
    service = work.services[name]
    assert isinstance(service, TaughtService)
    return service


def _rows(part: BatchResult) -> list[InterpretationRow]:
    return [row for rows in part.interpretations.values() for row in rows]
