"""Rounds that read more and more of the content, until the answer settles."""

from collections.abc import Callable
from dataclasses import replace

from orchestration_assets.evidence.consensus import Consensus
from orchestration_assets.evidence.distances import distance
from orchestration_assets.processing.asker import AskResult
from orchestration_assets.processing.concurrent_calls import all_of, monotonic_clock
from orchestration_assets.processing.excerpt import excerpt
from orchestration_assets.processing.plan_result import (
    Ask,
    Decision,
    PlanResult,
    gave_answer,
    lead,
    settled,
    stop,
)
from orchestration_assets.schemas.items import Question
from orchestration_assets.schemas.policy import Choice, Rounds


async def run_iterative(choice: Choice, question: Question, ask: Ask) -> PlanResult:
    """Asks all services about a growing excerpt.

    Stops when everything was read, the answer moved by no more than ``settled_at`` (converged),
    the certainty rose by less than ``min_gain`` (no gain), after ``max_rounds`` (maximum), or
    when a further round would begin after ``max_ms`` (time). All rounds are kept; the last
    answer of each service is its final reading.
    """
    rounds = choice.rounds or Rounds()
    clock = monotonic_clock()
    began = clock()
    history: list[tuple[AskResult, ...]] = []
    decisions: list[Decision] = []
    before: Consensus | None = None
    while True:
        number = len(history)
        asked = question_of_round(rounds, number, question, history)
        results = await all_of(*(ask(service, asked) for service in choice.services))
        answered = tuple(replace(result, round=result.round + number) for result in results)
        history.append(answered)
        kept = settled([result for results in history for result in results])
        leading = lead(kept, question)
        # a round in which nobody answered moves nothing, which is no sign of an answer that holds
        heard = any(map(gave_answer, answered))
        gain = _moved(before, leading, question) if heard else None
        decisions.append(_round_decision(choice, number, asked, leading, gain))
        reason = _stop_reason(rounds, number, asked, before if heard else None, leading, gain)
        if reason is None and rounds.max_ms is not None:
            reason = _time_reason(rounds.max_ms, began, clock)
        if reason is not None:
            return PlanResult(kept, (*decisions, stop(reason, leading)), leading=leading)
        before = leading


def question_of_round(
    rounds: Rounds, number: int, question: Question, history: list[tuple[AskResult, ...]]
) -> Question:
    """What services are asked in a round, counted from 0, after the answers of those before it."""
    whole = question.item.text
    part = excerpt(whole, round(rounds.first_chars * rounds.grow**number))
    if len(part) < len(whole):
        item = replace(question.item, text=part)
        question = replace(question, item=item, coverage=len(part) / len(whole))
    if rounds.sees_earlier and history:
        earlier = tuple((result.service, result.reading) for result in history[-1])
        question = replace(question, earlier=earlier)
    return question


def _moved(before: Consensus | None, leading: Consensus, question: Question) -> float | None:
    if before is None or before.answer is None or leading.answer is None:
        return None
    return distance(before.answer, leading.answer, question.task)


def _round_decision(
    choice: Choice, number: int, asked: Question, leading: Consensus, gain: float | None
) -> Decision:
    reason = f"round {number + 1} reads {asked.coverage:.0%} of the content"
    certainty = leading.certainty if leading.answer is not None else None
    return Decision(
        "round", choice.services, reason, leading.answer, certainty, asked.coverage, gain
    )


def _stop_reason(
    rounds: Rounds,
    number: int,
    asked: Question,
    before: Consensus | None,
    leading: Consensus,
    gain: float | None,
) -> str | None:
    if gain is not None and gain <= rounds.settled_at:
        return f"converged: the answer moved by {gain:.3f}, {rounds.settled_at:g} is settled"
    if asked.coverage >= 1.0:
        return "the whole content was read"
    if rounds.min_gain is not None and before is not None and before.answer is not None:
        rise = leading.certainty - before.certainty
        if rise < rounds.min_gain:
            return f"no gain: the certainty rose by {rise:.3f}, {rounds.min_gain:g} is asked"
    if number + 1 >= rounds.max_rounds:
        return f"maximum of {rounds.max_rounds} rounds"
    return None


def _time_reason(max_ms: float, began: float, clock: Callable[[], float]) -> str | None:
    return f"time: {max_ms:g} ms are over" if (clock() - began) * 1000 >= max_ms else None
