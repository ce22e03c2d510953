"""Carrying out the plans that ask only services of this process: without an event loop."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final

from orchestration_assets.policy.task_graph import in_order
from orchestration_assets.processing.answer_cache import AnswerCache
from orchestration_assets.processing.asker import AskResult
from orchestration_assets.processing.concurrent_calls import completed
from orchestration_assets.processing.embedded_asker import EmbeddedAsker, never_waits
from orchestration_assets.processing.event_loop import (
    BatchResult,
    BatchWork,
    LoadItem,
    carry_out,
    collect,
    failed,
)
from orchestration_assets.processing.judged_inputs import with_verdict
from orchestration_assets.processing.part_asking import PartAsking, asks_of_parts
from orchestration_assets.processing.part_questions import are_known_beforehand, part_questions
from orchestration_assets.processing.plan_result import PlanResult
from orchestration_assets.processing.standing_inputs import standing_of
from orchestration_assets.processing.sure_questions import reads_in_rounds, sure_part_questions
from orchestration_assets.processing.task_waves import (
    ABSENT,
    Answers,
    builds_on_others,
    shown_to,
    turned_away,
    with_admission,
)
from orchestration_assets.processing.validation import asked_besides
from orchestration_assets.schemas.items import Item, Question
from orchestration_assets.schemas.tables import PlanRow
from orchestration_assets.schemas.task_inputs import InputAnswer
from orchestration_assets.selection.answer_conditions import Admission, Admitted, admitted
from resources.lmdb_database import close_unused

# items whose kept answers are looked up together; all of them are in memory
_PORTION_ITEMS: Final = 256
_PORTION_CHARS: Final = 1 << 22
# what was answered without being kept yet is lost when the process dies
SAVE_EVERY: Final = 2_000

_Loaded = tuple[Sequence[PlanRow], Item | Exception]


def embedded_items(plans: Iterable[PlanRow], work: BatchWork) -> frozenset[str]:
    """The items all of whose plans ask only services that never wait."""
    known: dict[tuple[str, str, str | None], bool] = {}
    waiting: set[str] = set()
    items: set[str] = set()
    for plan in plans:
        way = plan.task, plan.option, plan.artefact
        if way not in known:
            known[way] = all(never_waits(work.services.get(name)) for name in _asked(plan, work))
        (items if known[way] else waiting).add(plan.item_id)
    return frozenset(items - waiting)


def _asked(plan: PlanRow, work: BatchWork) -> set[str]:
    """Every service that the plan may ask."""
    task = work.tasks[plan.task]
    joiner = {task.parts.joiner} if task.parts and task.parts.joiner else set[str]()
    named = {*plan.services, *asked_besides(task.value_rules), *joiner}
    if plan.artefact is not None:
        return named | {*work.learned[plan.artefact].services}
    return named | {*work.choices[plan.task, plan.option].admissible}


def process_embedded(
    plans: Iterable[PlanRow],
    work: BatchWork,
    cache: AnswerCache,
    load_item: LoadItem,
    advance: Callable[[int], None] = lambda items: None,
) -> BatchResult:
    """Carries out every plan, one item after the other; ``plans`` are sorted by item.

    The rows are those of :func:`process_plans`, clocks aside, and so is what an item does that
    cannot be loaded or breaks something. Answers are kept in portions.
    """
    asker = EmbeddedAsker(work.services, cache)
    processed = BatchResult()
    groups = (list(group) for _, group in groupby(plans, key=lambda plan: plan.item_id))
    try:
        for portion in _portions(groups, load_item):
            asker.recall(_first_questions(portion, work))
            # pages that were looked at are in memory as long as their file is open
            close_unused()
            asker.answer_ahead(_sure_questions(portion, work))
            done = _carried_out_later(portion, work, asker)
            for group, item in portion:
                for plan in group:
                    later = done.get((plan.item_id, plan.task))
                    collect(plan, later or _carried_out(plan, work, item, asker), processed)
                advance(1)
            if cache.unsaved >= SAVE_EVERY:
                cache.flush()
                close_unused()
    finally:
        cache.flush()
        close_unused()
    return processed


def _portions(groups: Iterable[Sequence[PlanRow]], load: LoadItem) -> Iterator[list[_Loaded]]:
    portion: list[_Loaded] = []
    chars = 0
    for group in groups:
        item: Item | Exception
        try:
            item = load(group[0].item_id)
            chars += len(item.text)
        except Exception as error:  # noqa: BLE001 -- an unreadable item is a row, not the batch's end
            item = error
        portion.append((group, item))
        if len(portion) >= _PORTION_ITEMS or chars >= _PORTION_CHARS:
            yield portion
            portion, chars = [], 0
    if portion:
        yield portion


def _first_questions(portion: Iterable[_Loaded], work: BatchWork) -> Iterator[tuple[str, Question]]:
    for group, item in portion:
        if isinstance(item, Item):
            for plan in group:
                question = Question(work.tasks[plan.task], item)
                if are_known_beforehand(question.task):
                    for asked in part_questions(question):
                        for name in plan.services:
                            yield name, asked


def _carried_out_later(
    portion: Sequence[_Loaded], work: BatchWork, asker: EmbeddedAsker
) -> dict[tuple[str, str], PlanResult]:
    """By item and task, what the plans yield of items with tasks that build on others.

    Task by task through the portion: nothing waits in this process, and services that answer many
    questions together are asked so about all items whose answers admit it.
    """
    plans = {
        (plan.item_id, plan.task): (plan, item)
        for group, item in portion
        # of an item that cannot be read every plan fails, for this one reason
        if isinstance(item, Item) and builds_on_others(group, work.inputs)
        for plan in group
    }
    done: dict[tuple[str, str], PlanResult] = {}
    standing: dict[tuple[str, str], InputAnswer] = {}

    def stands(pair: tuple[str, str]) -> InputAnswer:
        if pair not in standing:
            own = done.get(pair)
            known = standing_of(own, work.tasks[pair[1]]) if own else work.given.get(pair)
            standing[pair] = with_verdict(
                known or ABSENT, work.judged.get(pair), work.tasks[pair[1]]
            )
        return standing[pair]

    of_task: dict[str, list[str]] = {}
    for item_id, task in plans:
        of_task.setdefault(task, []).append(item_id)
    for task in in_order(sorted(of_task), work.inputs):
        own = work.inputs.get(task)
        admissions: list[tuple[PlanRow, Item, Admitted, Answers]] = []
        for item_id in of_task[task]:
            plan, item = plans[item_id, task]
            if own is None:
                done[item_id, task] = _carried_out(plan, work, item, asker)
                continue
            answers = {one: stands((item_id, one)) for one in own.waits_for}
            found = admitted(own, answers)
            if found.admission is Admission.ADMIT:
                admissions.append((plan, item, found, shown_to(own, answers)))
            else:
                done[item_id, task] = turned_away(own, found, ())
        asker.answer_ahead(
            question
            for plan, item, _, shown in admissions
            for question in _sure_questions_of(plan, item, work, shown)
        )
        for plan, item, found, shown in admissions:
            carried_out = _carried_out(plan, work, item, asker, shown)
            done[plan.item_id, task] = with_admission(carried_out, found)
    return done


def _sure_questions(portion: Iterable[_Loaded], work: BatchWork) -> Iterator[tuple[str, Question]]:
    """The questions about whole contents that are asked whatever their services answer."""
    for group, item in portion:
        for plan in group:
            # whether what builds on others is asked hangs on their answers
            if plan.task not in work.inputs:
                yield from _sure_questions_of(plan, item, work)


def _sure_questions_of(
    plan: PlanRow, item: Item | Exception, work: BatchWork, answers: Answers = ()
) -> Iterable[tuple[str, Question]]:
    choice = work.choices.get((plan.task, plan.option)) if plan.artefact is None else None
    if choice is None or isinstance(item, Exception) or reads_in_rounds(choice):
        return ()
    question = Question(work.tasks[plan.task], item, answers=answers, passages=plan.passages or ())
    return sure_part_questions(choice, question, work.tasks)


def _carried_out(
    plan: PlanRow,
    work: BatchWork,
    item: Item | Exception,
    asker: EmbeddedAsker,
    answers: Answers = (),
) -> PlanResult:
    if isinstance(item, Exception):
        return failed(plan, work, asker.now(), f"content not readable: {item}", ())
    results: list[AskResult] = []
    of_parts = PartAsking(work.services) if asks_of_parts(work.tasks) else None
    ask_whole = of_parts.asking(asker.ask) if of_parts else asker.ask

    async def ask(name: str, question: Question) -> AskResult:
        results.append(await ask_whole(name, question))
        return results[-1]

    try:
        asking = of_parts.noting(ask) if of_parts else ask
        return completed(carry_out(plan, work, item, asking, answers))
    except Exception as error:  # noqa: BLE001 -- what an item breaks is that item's failure
        reason = f"processing broke: {type(error).__name__}: {error}"
        return failed(plan, work, asker.now(), reason, results)
