"""Carrying out what was learned: after every answer, ask on or stop, as it is worth."""

from orchestration_assets.processing.asker import AskResult
from orchestration_assets.processing.plan_result import (
    Ask,
    Decision,
    PlanResult,
    gave_answer,
    lead,
    marked,
    settled,
)
from orchestration_assets.schemas.answers import Answer
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Question
from orchestration_assets.selection.strategies import format_price
from orchestration_assets.selection.trained_selector import NextStep, TrainedSelector


async def run_learned(
    selector: TrainedSelector, point: int, question: Question, ask: Ask
) -> PlanResult:
    """Asks one service after the other, each because the model expects it to be worth its price.

    A service without an answer counts as heard: it said nothing, and is not asked again.
    """
    answered: list[AskResult] = []
    decisions: list[Decision] = []
    while True:
        advice = selector.next_step(
            point, {result.service: _given_answer(result) for result in answered}
        )
        kept = _decided(advice, answered)
        answer, certainty = _leading(advice, kept, question)
        if advice.ask is None:
            reason = _stop_words(advice, answer)
            decisions.append(Decision("stop", (), reason, answer, certainty))
            return PlanResult(kept, tuple(decisions))
        reason = _ask_words(selector, advice, answered)
        decisions.append(Decision("ask", (advice.ask,), reason, answer, certainty))
        answered.append(await ask(advice.ask, question))


def _decided(advice: NextStep, answered: list[AskResult]) -> tuple[AskResult, ...]:
    """The answers, marked: all decide that the model weighs against each other, or, where it takes
    one service's answer, the last that was given."""
    kept = settled(answered)
    if advice.probability is not None:
        return kept
    given = [n for n, result in enumerate(answered) if gave_answer(result)]
    return marked(answered, given[-1:])


def _leading(
    advice: NextStep, kept: tuple[AskResult, ...], question: Question
) -> tuple[Answer | None, float | None]:
    """The answer that stands, as the model weighs it; a model knows no fallbacks."""
    if advice.answer is not None and any(_given_answer(result)[0] for result in kept):
        return advice.answer, advice.probability
    standing = lead(kept, question)
    return standing.answer, None if standing.answer is None else standing.certainty


def _given_answer(result: AskResult) -> tuple[str | None, float | None]:
    reading = result.reading
    if reading.status is not Status.OK or not isinstance(reading.answer, str):
        return None, None
    return reading.answer, reading.confidence


def _ask_words(selector: TrainedSelector, advice: NextStep, answered: list[AskResult]) -> str:
    service = advice.ask or ""
    k = selector.services.index(service)
    price = format_price(float(selector.usd[k]), float(selector.ms[k]))
    if advice.expected_gain is None:
        if not answered:
            return f"{service} comes first, for {price}"
        return f"the answers so far are not enough: {service}, for {price}"
    return f"{_state(advice, answered)}, expected gain {advice.expected_gain:.3f} for {price}"


def _state(advice: NextStep, answered: list[AskResult]) -> str:
    given = [(result.service, _given_answer(result)[0]) for result in answered]
    given_answers = [(name, answer) for name, answer in given if answer is not None]
    if not answered:
        return "nothing is known yet"
    if not given_answers:
        return "no answer yet"
    if len({answer for _, answer in given_answers}) > 1:
        contradiction = ", ".join(f"{name} says {answer}" for name, answer in given_answers)
        return f"answers contradict each other: {contradiction}"
    return f"{advice.answer} is {advice.probability:.3f} sure"


def _stop_words(advice: NextStep, answer: Answer | None) -> str:
    if answer is None:
        return "no service gave an answer"
    if advice.probability is None or advice.answer != answer:
        return "the last answer stands"
    state = f"{advice.answer} is {advice.probability:.3f} sure"
    if advice.best_service is None or advice.expected_gain is None or advice.price is None:
        return f"{state}; every service that is of use was asked"
    gain = max(advice.expected_gain, 0.0)
    return (
        f"{state}; {advice.best_service} would add {gain:.3f}, its price is worth "
        f"{advice.price:.3f}"
    )
