"""Carrying out what was learned: after every answer, ask on or stop, as it is worth."""

from collections.abc import Mapping, Sequence

from orchestration_assets.evidence.recorded_answers import Floats
from orchestration_assets.processing.asker import AskResult
from orchestration_assets.processing.concurrent_calls import all_of
from orchestration_assets.processing.plan_result import (
    Ask,
    Decision,
    PlanResult,
    gave_answer,
    lead,
    marked,
    settled,
    stop,
)
from orchestration_assets.schemas.answers import Answer
from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.items import Question
from orchestration_assets.schemas.tables import PlanRow
from orchestration_assets.selection.expectations import expected_words
from orchestration_assets.selection.strategies import format_price
from orchestration_assets.selection.trained_selector import NextStep, TrainedSelector
from orchestration_assets.selection.training_records import ANY_ANSWER
from orchestration_assets.services.contract import Service
from orchestration_assets.services.taught.taught_service import TaughtService


def taught_first(
    plan: PlanRow, learned: Sequence[str], services: Mapping[str, Service]
) -> list[TaughtService]:
    """The taught services that come before those of the ``learned`` model of a plan."""
    before = [services[name] for name in plan.services if name not in learned]
    return [service for service in before if isinstance(service, TaughtService)]


async def run_learned(
    selector: TrainedSelector,
    point: int,
    question: Question,
    ask: Ask,
    expected: Floats | None = None,
    usd: Floats | None = None,
    taught: Sequence[TaughtService] = (),
) -> PlanResult:
    """Asks one service after the other, or several at once, each as it is worth its price.

    ``taught`` services come first: what one answers stands, and so does what its teacher says to a
    lesson or an audit. What they pass on is decided as it was learned.

    ``expected`` (K,) are the scores expected of the selector's services on the item before any
    call; None: what each scores by itself. ``usd`` (K,) is what calls cost on the item; None: what
    they cost on average. A service without an answer counts as heard: it said
    nothing, and is not asked again.
    """
    answered, decisions = await _ask_taught(taught, question, ask)
    if answered and gave_answer(answered[-1]):
        kept = marked(answered, [len(answered) - 1])
        leading = lead(kept, question)
        reason = f"the answer of {answered[-1].service} stands"
        return PlanResult(kept, (*decisions, stop(reason, leading)))
    passed_on = {service.name for service in taught}
    while True:
        heard = [result for result in answered if result.service not in passed_on]
        given = {result.service: _given_answer(result, question) for result in heard}
        advice = selector.next_step(point, given, expected, usd)
        kept = _decided(advice, answered)
        answer, certainty = _leading(advice, kept, question)
        if advice.ask is None:
            reason = _stop_words(advice, answer)
            decisions.append(Decision("stop", (), reason, answer, certainty))
            return PlanResult(kept, tuple(decisions))
        services = (advice.ask, *advice.also_ask)
        state = _state(advice, heard, question)
        if not heard and advice.expected_gain is not None and expected is not None:
            state = f"expected before any call: {expected_words(selector.services, expected)}"
        reason = f"{state}{_next_words(selector, services, advice, usd)}"
        decisions.append(Decision("ask", services, reason, answer, certainty))
        # `ask` turns failures into readings, so none ends the others
        answered += await all_of(*(ask(service, question) for service in services))


async def _ask_taught(
    taught: Sequence[TaughtService], question: Question, ask: Ask
) -> tuple[list[AskResult], list[Decision]]:
    """Asks taught services in turn until one answers, or its teacher where it must.

    One that was refused or suspended is not asked: each of its readings would be a lesson, and the
    teacher of all items the dearest there is.
    """
    answered: list[AskResult] = []
    decisions: list[Decision] = []
    for service in taught:
        if service.passes_all_on:
            continue
        teacher = service.config.by
        reason = f"{service.name} comes first: {teacher} taught it, and it costs nothing"
        decisions.append(Decision("ask", (service.name,), reason, None, None))
        answered.append(await ask(service.name, question))
        reading = answered[-1].reading
        asked = {result.service for result in answered}
        if service.needs_teacher(reading, question.item.content_hash) and teacher not in asked:
            words = reading.reason or "one of the share that is audited"
            decisions.append(Decision("ask", (teacher,), words, None, None))
            answered.append(await ask(teacher, question))
        if gave_answer(answered[-1]):
            break
    return answered, decisions


def _decided(advice: NextStep, answered: list[AskResult]) -> tuple[AskResult, ...]:
    """The answers, marked: all decide that the model weighs against each other, or, where it takes
    one service's answer, that one, or the last that was given."""
    kept = settled(answered)
    if advice.accepted is not None:
        taken = [n for n, result in enumerate(answered) if result.service == advice.accepted]
        return marked(answered, taken)
    if advice.probability is not None:
        return kept
    given = [n for n, result in enumerate(answered) if gave_answer(result)]
    return marked(answered, given[-1:])


def _leading(
    advice: NextStep, kept: tuple[AskResult, ...], question: Question
) -> tuple[Answer | None, float | None]:
    """The answer that stands, as the model weighs it; a model knows no fallbacks."""
    weighed = any(_given_answer(result, question)[0] for result in kept)
    if weighed and advice.answer is not None and question.task.kind is AnswerKind.LABEL:
        return advice.answer, advice.probability
    standing = lead(kept, question)
    if standing.answer is None:
        return None, None
    known = weighed and advice.probability is not None
    return standing.answer, advice.probability if known else standing.certainty


def _given_answer(result: AskResult, question: Question) -> tuple[str | None, float | None]:
    """What the model is told of an answer: a label; of other kinds, that there is one."""
    reading = result.reading
    if reading.status is not Status.OK:
        return None, None
    if question.task.kind is not AnswerKind.LABEL:
        return ANY_ANSWER, reading.confidence
    return (reading.answer, reading.confidence) if isinstance(reading.answer, str) else (None, None)


def _state(advice: NextStep, answered: list[AskResult], question: Question) -> str:
    """What is known so far, in words."""
    if advice.expected_gain is None:
        return "the answers so far are not enough" if answered else "by the order that was learned"
    if not answered:
        return "nothing is known yet"
    given = [(result.service, _given_answer(result, question)[0]) for result in answered]
    given_answers = [(name, answer) for name, answer in given if answer is not None]
    if not given_answers:
        return "no answer yet"
    if len({answer for _, answer in given_answers}) > 1:
        contradiction = ", ".join(f"{name} says {answer}" for name, answer in given_answers)
        return f"answers contradict each other: {contradiction}"
    return _sure(advice)


def _next_words(
    selector: TrainedSelector, services: tuple[str, ...], advice: NextStep, usd: Floats | None
) -> str:
    """What is asked next, what it should gain, and its price."""
    at = [selector.services.index(service) for service in services]
    paid = selector.usd if usd is None else usd
    price = format_price(float(paid[at].sum()), float(selector.ms[at].max()))
    names = " and ".join(services) + (" at once" if len(services) > 1 else "")
    if advice.expected_gain is None:
        return f": {names}, for {price}"
    return f"; {names}: expected gain {advice.expected_gain:.3f} for {price}"


def _sure(advice: NextStep) -> str:
    """How sure the leading answer is; one that is no label is named by who gave it."""
    if advice.answer == ANY_ANSWER and advice.accepted is not None:
        return f"the answer of {advice.accepted} is expected to be {advice.probability:.3f} right"
    return f"{advice.answer} is {advice.probability:.3f} sure"


def _stop_words(advice: NextStep, answer: Answer | None) -> str:
    if answer is None:
        return "no service gave an answer"
    if advice.probability is None or advice.answer not in (answer, ANY_ANSWER):
        return "the last answer stands"
    state = _sure(advice)
    if advice.best_service is None or advice.expected_gain is None or advice.price is None:
        return f"{state}; every service that is of use was asked"
    gain = max(advice.expected_gain, 0.0)
    return (
        f"{state}; {advice.best_service} would add {gain:.3f}, its price is worth "
        f"{advice.price:.3f}"
    )
