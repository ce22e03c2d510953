"""Carrying out what was learned: after every answer, ask on or stop, as it is worth."""

from orchestration_assets.processing.asker import AskResult
from orchestration_assets.processing.plan_result import Ask, Decision, PlanResult
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
        certainty = advice.probability if answered else None
        answer = advice.answer if answered else None
        if advice.ask is None:
            reason = _stop_words(advice)
            decisions.append(Decision("stop", (), reason, answer, certainty))
            return PlanResult(tuple(answered), tuple(decisions))
        reason = _ask_words(selector, advice, answered)
        decisions.append(Decision("ask", (advice.ask,), reason, answer, certainty))
        answered.append(await ask(advice.ask, question))


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


def _stop_words(advice: NextStep) -> str:
    if advice.probability is None:
        return "the last answer stands"
    state = f"{advice.answer} is {advice.probability:.3f} sure"
    if advice.best_service is None or advice.expected_gain is None or advice.price is None:
        return f"{state}; every service that is of use was asked"
    gain = max(advice.expected_gain, 0.0)
    return (
        f"{state}; {advice.best_service} would add {gain:.3f}, its price is worth "
        f"{advice.price:.3f}"
    )
