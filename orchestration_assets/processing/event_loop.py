"""Driving the plans of a batch in one event loop, many items at a time."""

import asyncio
import math
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol

from orchestration_assets.processing.answer_cache import AnswerCache
from orchestration_assets.processing.asker import (
    CALLED,
    NOT_CALLED,
    Asker,
    AskResult,
    UnsavedError,
)
from orchestration_assets.processing.funding import Funding
from orchestration_assets.processing.judged_inputs import Judged
from orchestration_assets.processing.last_answers import PATIENCE_S, held_signals
from orchestration_assets.processing.message_turns import (
    NOBODY_WAITS,
    MessageTurns,
    Numbered,
    message_turns,
    note_answers,
)
from orchestration_assets.processing.near_items import NearItems
from orchestration_assets.processing.part_asking import PartAsking, asks_of_parts
from orchestration_assets.processing.part_questions import part_questions
from orchestration_assets.processing.part_rows import part_rows
from orchestration_assets.processing.plan_execution import execute
from orchestration_assets.processing.plan_result import Ask, Decision, PlanResult
from orchestration_assets.processing.question_gains import FundingRules
from orchestration_assets.processing.repairs import Repairs
from orchestration_assets.processing.selector_execution import run_learned, taught_first
from orchestration_assets.processing.task_waves import (
    Answers,
    Given,
    builds_on_others,
    in_waves,
    with_lost,
)
from orchestration_assets.processing.taught_fallback import with_taught
from orchestration_assets.processing.thread_memories import ThreadMemories
from orchestration_assets.processing.tools.toolbox import Toolbox
from orchestration_assets.processing.unstorable_rows import (
    as_failed_part,
    as_failure,
    without_figure,
)
from orchestration_assets.processing.validation import validated
from orchestration_assets.schemas.answers import answer_columns, shown
from orchestration_assets.schemas.enums import ProcessingModel, Status
from orchestration_assets.schemas.items import Item, Question, Reading, Task
from orchestration_assets.schemas.part_readings import PART_READINGS, PartReadingRow
from orchestration_assets.schemas.policy import Choice
from orchestration_assets.schemas.quick_records import constructor
from orchestration_assets.schemas.row_list import RowList
from orchestration_assets.schemas.tables import (
    CALL_LOG,
    DECISION_LOG,
    INTERPRETATIONS,
    CallRow,
    DecisionRow,
    InterpretationRow,
    PlanRow,
    Redaction,
)
from orchestration_assets.schemas.task_inputs import InputAnswer, Inputs
from orchestration_assets.selection.expectations import expected_by, expected_usd_by
from orchestration_assets.selection.expected_price import expected_usd
from orchestration_assets.selection.shown_context import (
    NOTHING_SHOWN,
    ShownPieces,
    pieces_of,
)
from orchestration_assets.selection.trained_selector import TrainedSelector
from orchestration_assets.services.contract import EmbeddedService, Service
from orchestration_assets.services.identity import service_identity
from orchestration_assets.services.taught.taught_service import TaughtService
from orchestration_assets.text.token_estimates import token_estimate
from resources.ai_services.http.service import HttpService
from resources.ai_services.resilience.attempts import Attempt
from resources.ai_services.resilience.caller import Caller
from resources.ai_services.resilience.places import Places
from resources.ai_services.resilience.spend_budget import SpendBudget
from resources.spending.writer import UnrecordedError

_FLUSH_EVERY = 64
_MOST_IN_FLIGHT = 2048
_MOST_PARKED = 2048
"""Items that may wait for unavailable services beside those at work: they are held in memory."""

LoadItem = Callable[[str], Item]
IsHeavy = Callable[[str], bool]
Load = Callable[[str], Awaitable[Item]]


@dataclass(frozen=True, slots=True)
class BatchWork:
    """What plans refer to by name: choices by task and option, tasks, services, and learned
    models by version.

    ``inputs``: what tasks take from others that are answered before them; ``given``: by item and
    task, what stands of those whose plans were carried out before. ``judged``: what people said of
    answers, which stands for the tasks that build on them. ``toolbox`` carries out the tools that
    services may call, where there are such. ``memories`` knows what is remembered before messages,
    where services are shown that.
    """

    choices: Mapping[tuple[str, str], Choice]
    tasks: Mapping[str, Task]
    services: Mapping[str, Service]
    learned: Mapping[str, TrainedSelector] = field(default_factory=dict)
    inputs: Inputs = field(default_factory=dict)
    given: Given = field(default_factory=dict[tuple[str, str], InputAnswer])
    judged: Judged = field(default_factory=dict)
    toolbox: Toolbox | None = None
    memories: ThreadMemories | None = None


@dataclass
class BatchResult:
    """The rows that a batch's plans yield, by table.

    ``parts`` are the readings about parts of items. ``stopped`` says why a service was stopped for
    the run, by its name; ``circuits_opened`` how often its circuit breaker opened.
    """

    interpretations: dict[ProcessingModel, RowList[InterpretationRow]] = field(
        default_factory=lambda: {
            model: RowList(table, as_failure) for model, table in INTERPRETATIONS.items()
        }
    )
    decisions: RowList[DecisionRow] = field(default_factory=lambda: RowList(DECISION_LOG))
    calls: RowList[CallRow] = field(default_factory=lambda: RowList(CALL_LOG, without_figure))
    parts: RowList[PartReadingRow] = field(
        default_factory=lambda: RowList(PART_READINGS, as_failed_part)
    )
    stopped: dict[str, str] = field(default_factory=dict)
    circuits_opened: dict[str, int] = field(default_factory=dict)

    @property
    def row_lists(self) -> tuple[RowList[Any], ...]:
        """The rows of every table."""
        return *self.interpretations.values(), self.decisions, self.calls, self.parts

    def note_services(self, asker: Asker) -> None:
        """Takes down which services were stopped, and how often circuits opened."""
        callers = asker.callers.items()
        self.stopped = {name: caller.stopped for name, caller in callers if caller.stopped}
        self.circuits_opened = {name: caller.breaker.opened for name, caller in callers}


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """What a batch may take. The requests of a call, with the delays of its retries, take at most
    ``item_deadline_s``; no call goes on after ``ends_at`` of the monotonic clock; both in seconds.

    ``token_ratios``: billed over estimated tokens of a service, as seen in earlier batches.
    ``shared``: the folder by which processes keep the limits of services over HTTP together.
    """

    items_in_flight: int
    budget: SpendBudget = field(default_factory=SpendBudget)
    item_deadline_s: float = math.inf
    ends_at: float = math.inf
    token_ratios: Mapping[str, float] = field(default_factory=dict)
    funding: FundingRules = field(default_factory=FundingRules)
    shared: Path | None = None

    def in_flight(self, services: Iterable[Service]) -> int:
        """Items at work at once: enough that every service over HTTP can be kept busy.

        Items wait, which costs nothing; were there fewer, one slow service would hold them all
        and starve the others, and batches would leave incomplete.
        """
        room = sum(
            service.concurrency * service.batch_size
            for service in services
            if isinstance(service, HttpService)
        )
        return max(self.items_in_flight, min(room, _MOST_IN_FLIGHT))


class Companion(Protocol):
    """What is carried out in the event loop of a batch, beside its plans."""

    @property
    def asker(self) -> Asker: ...

    async def run(self, load: Load) -> None:
        """Carries it out, with items from ``load``, between opening and closing its asker."""


def process_plans(
    plans: Iterable[PlanRow],
    work: BatchWork,
    cache: AnswerCache,
    load_item: LoadItem,
    limits: BatchLimits,
    advance: Callable[[int], None] = lambda items: None,
    near: NearItems | None = None,
    is_heavy: IsHeavy = lambda item_id: False,
    over: Callable[[Sequence[PlanRow], Sequence[PlanResult]], None] | None = None,
    beside: Sequence[Companion] = (),
) -> BatchResult:
    """Carries out every plan; ``plans`` are sorted by item.

    ``load_item`` gives an item its content and may raise: then each service of its plans gets a
    failed reading with that reason, so that no plan goes without rows; likewise whatever else an
    item breaks is its own failure. ``is_heavy`` tells of an item whether it is loaded beside the
    event loop, in a thread. ``near`` supplies near items of earlier batches as context. Rows come
    out in the order of the plans, whichever item finishes first. Items that wait for an unavailable
    service take nobody's place: others are begun meanwhile. ``over`` is told what came of each item
    as soon as it is over; what is ``beside`` the plans is carried out at the same time.
    """
    groups = [list(group) for _, group in groupby(plans, key=lambda plan: plan.item_id)]
    executions: list[list[PlanResult]] = [[] for _ in groups]
    processed = BatchResult()

    async def drive() -> None:
        fresh = set(range(len(groups)))
        load = _loading(load_item, is_heavy)
        places = Places(min(limits.in_flight(work.services.values()), max(1, len(groups))))
        at_work, waiting = places.count, 0

        def parked(questions: int) -> None:
            # whoever waits for an unavailable service makes room for another item
            nonlocal waiting
            waiting += questions
            places.resize(at_work + min(waiting, _MOST_PARKED))

        asker = Asker(
            work.services,
            cache,
            budget=limits.budget,
            ratios=limits.token_ratios,
            call_limit_s=limits.item_deadline_s,
            near=near,
            parked=parked,
            shared=limits.shared,
            toolbox=work.toolbox,
        )
        funding = _funding(groups, work, asker, limits)

        async def serve(position: int, group: Sequence[PlanRow], turns: MessageTurns) -> None:
            try:
                process = process_item(group, work, asker, load, limits.ends_at, funding, turns)
                executions[position] = await with_last_answers(process, asker)
            finally:
                places.give_back()
                turns.over(group[0].item_id)
            if over is not None and position in fresh:
                over(group, executions[position])
            advance(position in fresh)
            fresh.discard(position)
            if position % _FLUSH_EVERY == 0:
                cache.flush()

        async def serve_all(begun: Iterable[Numbered]) -> None:
            queue, turns = message_turns(list(begun), work.memories, parked)
            await _one_by_one(places, queue, partial(serve, turns=turns))

        async def serve_rounds() -> None:
            await serve_all(enumerate(groups))
            while funding is not None and (again := funding.next_round()):
                await serve_all(one for one in enumerate(groups) if one[1][0].item_id in again)

        async with AsyncExitStack() as stack:
            askers = [asker, *(one.asker for one in beside)]
            for one in askers:
                await stack.enter_async_context(one)
            works = [serve_rounds(), *(one.run(load) for one in beside)]
            await signals.stopping(_together(works), *askers)
        processed.note_services(asker)

    warm_up(work)
    with held_signals() as signals:
        try:
            asyncio.run(drive())
        finally:
            cache.flush()
    _collect_all(groups, executions, processed)
    return processed


def _collect_all(
    groups: Sequence[Sequence[PlanRow]],
    executions: Sequence[Sequence[PlanResult]],
    processed: BatchResult,
) -> None:
    for group, done in zip(groups, executions, strict=True):
        for plan, execution in zip(group, done, strict=True):
            collect(plan, execution, processed)


async def _one_by_one(
    places: Places,
    queue: Iterable[Numbered],
    serve: Callable[[int, Sequence[PlanRow]], Coroutine[Any, Any, None]],
) -> None:
    """Serves each as soon as there is a place for it, which it gives back."""
    async with asyncio.TaskGroup() as tasks:
        for position, group in queue:
            await places.take()
            tasks.create_task(serve(position, group))


async def _together(works: Sequence[Coroutine[Any, Any, None]]) -> None:
    """All at the same time; what ends one of them by an error ends the others."""
    try:
        async with asyncio.TaskGroup() as tasks:
            for work in works:
                tasks.create_task(work)
    except BaseExceptionGroup as several:
        # what ends the batch ends it for one reason
        raise _first_of(several) from None


def _first_of(several: BaseExceptionGroup[BaseException]) -> BaseException:
    first = several.exceptions[0]
    return _first_of(first) if isinstance(first, BaseExceptionGroup) else first


def _loading(load_item: LoadItem, is_heavy: IsHeavy) -> Load:
    """Loads an item, a heavy one in a thread; belongs to the event loop that it is made in."""
    one_at_a_time = asyncio.Lock()

    async def load(item_id: str) -> Item:
        if not is_heavy(item_id):
            return load_item(item_id)
        # several would only hold more memory at once
        async with one_at_a_time:
            return await asyncio.to_thread(load_item, item_id)

    return load


def _funding(
    groups: Sequence[Sequence[PlanRow]], work: BatchWork, asker: Asker, limits: BatchLimits
) -> Funding | None:
    """Who decides which questions are asked; None where the money is enough for all of them."""
    left = limits.budget.left_usd
    if math.fsum(plan.cost_usd_max for group in groups for plan in group) <= left:
        return None

    def price(name: str, question: Question) -> float:
        parts = question.task.parts
        if parts is None or isinstance(work.services.get(name), TaughtService):
            item = question.item
            tokens = item.profile.get("token_estimate") or token_estimate(item.text)
            return price_of_one(name, question, tokens)
        asked = part_questions(question)
        of_parts = math.fsum(price_of_one(name, q, token_estimate(q.item.text)) for q in asked)
        # what is joined is as long as the answers are
        joins = asker.callers.get(parts.joiner or "")
        written = 0.0 if joins is None else joins.output.expected(math.inf)
        return of_parts + (0.0 if joins is None else usd(joins, written * len(asked)))

    def price_of_one(name: str, question: Question, tokens: float) -> float:
        caller = asker.callers.get(name)
        if caller is None or asker.is_kept(name, question):
            return 0.0
        return usd(caller, tokens, pieces_of(question))

    def usd(caller: Caller, tokens: float, shown: ShownPieces = NOTHING_SHOWN) -> float:
        written = caller.output.expected(math.inf)
        return expected_usd(caller.service, tokens, caller.scale.ratio, written, shown)

    return Funding(limits.funding, work.services, lambda: limits.budget.left_usd, price)


def warm_up(work: BatchWork) -> None:
    """Lets embedded services load what they need before any call over HTTP is under way.

    Loading a model stalls the event loop for as long as it takes, and with it every call's clock.
    """
    services = work.services.values()
    if not any(isinstance(service, HttpService) for service in services):
        return
    item = Item("", "", "warm-up.txt", "Nothing is asked about this.")
    for service in services:
        task = next((task for task in work.tasks.values() if task.kind in service.kinds), None)
        if isinstance(service, EmbeddedService | TaughtService) and task is not None:
            # whatever is wrong with it comes up again where it is really asked
            with suppress(Exception):
                service.answer(Question(task, item))


async def with_last_answers(process: Awaitable[list[PlanResult]], asker: Asker) -> list[PlanResult]:
    """The results; where nothing can be kept or recorded any more, raises that at the end of the
    calls that are under way, which are paid for."""
    try:
        return await process
    except (UnsavedError, UnrecordedError):
        await asker.last_answers(PATIENCE_S)
        raise


async def process_item(
    plans: Sequence[PlanRow],
    work: BatchWork,
    asker: Asker,
    load: Load,
    deadline: float,
    funding: Funding | None,
    turns: MessageTurns = NOBODY_WAITS,
) -> list[PlanResult]:
    """What the plans of one item yield, in their order; what breaks is a failure of that plan.

    With ``turns`` a message waits for what is remembered of those before it.
    """
    try:
        item = await load(plans[0].item_id)
    except Exception as error:  # noqa: BLE001 -- an unreadable item is a row, not the batch's end
        reason = f"content not readable: {error}"
        return [
            failed(plan, work, asker.now(), reason, funding.abandon(plan) if funding else ())
            for plan in plans
        ]
    answered = False

    async def ask(name: str, question: Question) -> AskResult:
        nonlocal answered
        if answered:
            # what an earlier wave was answered is on disk before the next one is paid for
            await asker.durable()
        found = await asker.ask(name, question, deadline)
        answered = True
        return found

    async def serve(plan: PlanRow, answers: Answers) -> PlanResult:
        results: list[AskResult] = []
        if await turns.take(plan.item_id, plan.task):
            # what earlier messages were answered is on disk before this one is paid for
            await asker.durable()
        of_parts = PartAsking(work.services) if asks_of_parts(work.tasks) else None
        ask_whole = of_parts.asking(ask) if of_parts else ask

        async def ask_and_keep(name: str, question: Question) -> AskResult:
            found = await ask_whole(name, question)
            results.append(found)
            return found

        try:
            seen = (*answers, *_remembered(plan, work))
            ask_funded = funding.asking(plan, ask_and_keep, seen) if funding else ask_and_keep
            answering = with_taught(ask_funded, plan.services, work.services)
            if of_parts:
                answering = of_parts.noting(answering)
            carried_out = await carry_out(plan, work, item, answering, answers)
            return carried_out if funding is None else with_lost(carried_out, funding.lost(plan))
        except (UnsavedError, UnrecordedError):
            raise
        except Exception as error:  # noqa: BLE001 -- what an item breaks is that item's failure
            reason = f"processing broke: {type(error).__name__}: {error}"
            told = funding.abandon(plan) if funding else results
            return failed(plan, work, asker.now(), reason, told)

    async def serve_and_note(plan: PlanRow, answers: Answers) -> PlanResult:
        done = await serve(plan, answers)
        _note([(plan, done)], work)
        turns.over(plan.item_id, plan.task)
        return done

    if builds_on_others(plans, work.inputs):
        release = funding.release if funding else lambda plan: ()
        known = work.inputs, work.tasks, work.given
        done = await in_waves(plans, *known, serve_and_note, release, work.judged)
        _note(zip(plans, done, strict=True), work)
    else:
        done = list(await asyncio.gather(*(serve_and_note(plan, ()) for plan in plans)))
    # no item is begun while answers to another are not on disk: a kill loses what is under way
    await asker.durable()
    return done


async def carry_out(
    plan: PlanRow, work: BatchWork, item: Item, ask: Ask, answers: Answers = ()
) -> PlanResult:
    """Carries out one plan, and validates the answer that it comes to.

    ``answers`` are those to other tasks that its services may be shown, and its rules read.
    """
    question = Question(
        work.tasks[plan.task],
        item,
        answers=answers,
        passages=plan.passages or (),
        memory=work.memories.of(plan.item_id, plan.task) if work.memories else None,
    )
    repairs = Repairs(question.task, work.services)
    done = await _asked(plan, work, question, repairs.asking(ask))
    choice = work.choices[plan.task, plan.option]
    return await validated(done, question, ask, work.services, choice, repairs)


def _remembered(plan: PlanRow, work: BatchWork) -> Answers:
    """What is remembered before a message, among the answers that its questions go with: it
    changes with them."""
    memories = work.memories
    if memories is None or not memories.remembered:
        return ()
    memory = memories.of(plan.item_id, plan.task)
    return () if memory is None else (("memory", memory.digest),)


def _note(done: Iterable[tuple[PlanRow, PlanResult]], work: BatchWork) -> None:
    """Later messages remember what stands of these plans."""
    if work.memories is not None:
        note_answers(done, work.memories, work.tasks, work.judged)


async def _asked(plan: PlanRow, work: BatchWork, question: Question, ask: Ask) -> PlanResult:
    """What services say: as the plan's choice has it, or the learned model that it has pinned."""
    if plan.artefact is not None and plan.point is not None:
        model = work.learned[plan.artefact]
        expected = expected_by(plan, model.services)
        usd = expected_usd_by(plan, model.services)
        taught = taught_first(plan, model.services, work.services)
        return await run_learned(model, plan.point, question, ask, expected, usd, taught)
    choice = work.choices[plan.task, plan.option]
    return await execute(choice, question, ask, work.tasks)


def failed(
    plan: PlanRow, work: BatchWork, now: datetime, reason: str, results: Sequence[AskResult]
) -> PlanResult:
    """What is left of a plan that broke: what was paid for, and failures that say why.

    The answers heard before are kept, but none is final: the plan was not carried out.
    """
    rounds: Counter[str] = Counter()
    kept = []
    for result in results:
        kept.append(replace(result, round=rounds[result.service], final=False, decides=False))
        rounds[result.service] += 1
    reading = Reading(Status.FAILED, reason=reason)
    names = tuple(dict.fromkeys(plan.services))
    versions = {
        name: service_identity(work.services[name], work.tasks[plan.task]) for name in names
    }
    failures = [
        replace(
            AskResult(name, versions[name], "", reading, NOT_CALLED, 0.0, now, 0.0),
            round=rounds[name],
        )
        for name in names
    ]
    return PlanResult((*kept, *failures), (Decision("stop", (), reason),))


def collect(plan: PlanRow, execution: PlanResult, processed: BatchResult) -> None:
    """Adds the rows of a plan that was carried out."""
    where: dict[str, Any] = {"batch": plan.batch, "item_id": plan.item_id, "task": plan.task}
    rows = processed.interpretations[plan.model]
    for step, result in enumerate(execution.answered):
        reading = result.reading
        rows.append(
            constructor(InterpretationRow)(
                **where,
                content_hash=plan.content_hash,
                service=result.service,
                service_version=result.service_version,
                step=step,
                round=result.round,
                final=result.final,
                decides=result.decides,
                saw=result.saw,
                status=reading.status,
                **answer_columns(reading.answer),
                confidence=reading.confidence,
                alternatives=reading.alternatives,
                evidence=reading.evidence,
                reason=reading.reason,
                answer_key=result.answer_key,
                voice=result.voice,
                follows=result.follows,
            )
        )
        processed.parts += part_rows(plan, step, result)
        for part, number, origin, attempt in _attempts(result):
            processed.calls.append(
                _call_row(where, result.service, step, result.round, part, number, origin, attempt)
            )
    for number, decision in enumerate(execution.decisions):
        processed.decisions.append(
            constructor(DecisionRow)(
                **where,
                decision=number,
                action=decision.action,
                services=decision.services,
                reason=decision.reason,
                answer=shown(decision.answer),
                certainty=decision.certainty,
                coverage=decision.coverage,
                gain=decision.gain,
            )
        )


def _attempts(result: AskResult) -> Iterator[tuple[int | None, int, str, Attempt]]:
    """Every attempt: the part that it was about, its number from 1, and its origin; one for what
    was not called."""
    service = result.service
    for part in result.parts:
        uncalled = Attempt(service, part.reading.status, part.started_at, part.elapsed_ms)
        origin = CALLED if part.attempts else part.origin
        for number, attempt in enumerate(part.attempts or (uncalled,), start=1):
            yield part.number, number, origin, attempt
    attempts, origin = result.attempts[sum(len(part.attempts) for part in result.parts) :], CALLED
    if not attempts:
        if result.parts:
            return
        status, origin = result.reading.status, result.origin
        attempts = (Attempt(service, status, result.started_at, result.elapsed_ms),)
    for number, attempt in enumerate(attempts, start=1):
        yield None, number, origin, attempt


def _call_row(
    where: Mapping[str, Any],
    service: str,
    step: int,
    round_: int,
    part: int | None,
    number: int,
    origin: str,
    attempt: Attempt,
) -> CallRow:
    sent = attempt.sent
    return constructor(CallRow)(
        **where,
        service=service,
        step=step,
        round=round_,
        attempt=number,
        origin=origin,
        called=attempt.service if origin == CALLED else None,
        status=attempt.status,
        reason=attempt.reason if attempt.status is not Status.OK else None,
        cost_usd=attempt.cost_usd,
        cost_estimated=attempt.cost_estimated,
        tokens_estimated=attempt.tokens_estimated,
        tokens_in=attempt.tokens_in,
        tokens_out=attempt.tokens_out,
        started_at=attempt.started_at,
        elapsed_ms=attempt.elapsed_ms,
        first_token_ms=attempt.first_token_ms,
        content_share=sent.content_share if sent else None,
        left_out=sent.left_out if sent else None,
        redacted=tuple(Redaction(*pair) for pair in sent.redacted.items()) if sent else (),
        injection_markers=sent.injection_markers if sent else 0,
        part=part,
        response_model=attempt.facts.model,
        response_id=attempt.facts.id,
        finish_reason=attempt.facts.finish_reason,
    )
