"""Carrying out the plans that ask only services of this process: without an event loop."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final

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
from orchestration_assets.processing.plan_result import PlanResult
from orchestration_assets.processing.sure_questions import reads_in_rounds, sure_questions
from orchestration_assets.processing.task_waves import Answers, builds_on_others, in_waves
from orchestration_assets.schemas.items import Item, Question
from orchestration_assets.schemas.tables import PlanRow

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
    if plan.artefact is not None:
        return {*plan.services, *work.learned[plan.artefact].services}
    return {*plan.services, *work.choices[plan.task, plan.option].admissible}


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
            asker.answer_ahead(_sure_questions(portion, work))
            for group, item in portion:
                results = _all_carried_out(group, work, item, asker)
                for plan, done in zip(group, results, strict=True):
                    collect(plan, done, processed)
                advance(1)
            if cache.unsaved >= SAVE_EVERY:
                cache.flush()
    finally:
        cache.flush()
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
                for name in plan.services:
                    yield name, question


def _all_carried_out(
    plans: Sequence[PlanRow], work: BatchWork, item: Item | Exception, asker: EmbeddedAsker
) -> Iterable[PlanResult]:
    """What each plan of an item yields, in order."""
    if isinstance(item, Exception) or not builds_on_others(plans, work.inputs):
        return (_carried_out(plan, work, item, asker) for plan in plans)

    async def carry_out(plan: PlanRow, answers: Answers) -> PlanResult:
        return _carried_out(plan, work, item, asker, answers)

    return completed(in_waves(plans, work.inputs, work.tasks, work.given, carry_out))


def _sure_questions(portion: Iterable[_Loaded], work: BatchWork) -> Iterator[tuple[str, Question]]:
    """The questions about whole contents that are asked whatever their services answer."""
    for group, item in portion:
        if not isinstance(item, Item):
            continue
        for plan in group:
            if plan.task in work.inputs:
                continue  # whether it is asked hangs on the answers to others
            choice = work.choices.get((plan.task, plan.option)) if plan.artefact is None else None
            if choice is not None and not reads_in_rounds(choice):
                question = Question(work.tasks[plan.task], item)
                yield from sure_questions(choice, question, work.tasks)


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

    async def ask(name: str, question: Question) -> AskResult:
        results.append(await asker.ask(name, question))
        return results[-1]

    try:
        return completed(carry_out(plan, work, item, ask, answers))
    except Exception as error:  # noqa: BLE001 -- what an item breaks is that item's failure
        reason = f"processing broke: {type(error).__name__}: {error}"
        return failed(plan, work, asker.now(), reason, results)
