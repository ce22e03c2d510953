"""Carrying out what was learned: after every answer, ask on or stop, as it is worth."""

from orchestration_assets.processing.asker import AskResult
from orchestration_assets.processing.plan_result import Ask, Decision, PlanResult
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Question
from orchestration_assets.selection.strategies import price_words
from orchestration_assets.selection.trained_selector import NextStep, TrainedSelector


async def run_learned(
    deployed: TrainedSelector, point: int, question: Question, ask: Ask
) -> PlanResult:
    """Asks one service after the other, each because the model expects it to be worth its price.

    A service without an answer counts as heard: it said nothing, and is not asked again.
    """
    answered: list[AskResult] = []
    decisions: list[Decision] = []
    while True:
        advice = deployed.advise(point, {one.service: _said(one) for one in answered})
        certainty = advice.sure if answered else None
        answer = advice.answer if answered else None
        if advice.ask is None:
            reason = _stop_words(advice)
            decisions.append(Decision("stop", (), reason, answer, certainty))
            return PlanResult(tuple(answered), tuple(decisions))
        reason = _ask_words(deployed, advice, answered)
        decisions.append(Decision("ask", (advice.ask,), reason, answer, certainty))
        answered.append(await ask(advice.ask, question))


def _said(one: AskResult) -> tuple[str | None, float | None]:
    reading = one.reading
    if reading.status is not Status.OK or not isinstance(reading.answer, str):
        return None, None
    return reading.answer, reading.confidence


def _ask_words(deployed: TrainedSelector, advice: NextStep, answered: list[AskResult]) -> str:
    service = advice.ask or ""
    k = deployed.services.index(service)
    price = price_words(float(deployed.usd[k]), float(deployed.ms[k]))
    if advice.gain is None:
        if not answered:
            return f"{service} comes first, for {price}"
        return f"the answers so far are not enough: {service}, for {price}"
    return f"{_state(advice, answered)}, expected gain {advice.gain:.3f} for {price}"


def _state(advice: NextStep, answered: list[AskResult]) -> str:
    given = [(one.service, _said(one)[0]) for one in answered]
    heard = [(name, answer) for name, answer in given if answer is not None]
    if not answered:
        return "nothing is known yet"
    if not heard:
        return "no answer yet"
    if len({answer for _, answer in heard}) > 1:
        said = ", ".join(f"{name} says {answer}" for name, answer in heard)
        return f"answers contradict each other: {said}"
    return f"{advice.answer} is {advice.sure:.3f} sure"


def _stop_words(advice: NextStep) -> str:
    if advice.sure is None:
        return "the last answer stands"
    sure = f"{advice.answer} is {advice.sure:.3f} sure"
    if advice.best is None or advice.gain is None or advice.price is None:
        return f"{sure}; every service that is of use was asked"
    return (
        f"{sure}; {advice.best} would add {max(advice.gain, 0.0):.3f}, its price is worth "
        f"{advice.price:.3f}"
    )
