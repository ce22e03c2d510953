"""Carrying out a choice with all that may surround it: router, judge, escalation.

Wherever they stand, a judge's answer stands over the readings that it judged, and an escalation's
over what it escalated; where one gives no answer, the earlier answer stands.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from orchestration_assets.processing.answer_cache import CACHED
from orchestration_assets.processing.asker import AskResult
from orchestration_assets.processing.hybrid import run_hybrid
from orchestration_assets.processing.iterative import run_iterative
from orchestration_assets.processing.panel import run_panel
from orchestration_assets.processing.parallel import run_parallel
from orchestration_assets.processing.plan_result import (
    Ask,
    Decision,
    PlanResult,
    gave_answer,
    joined,
    lead,
    marked,
    positions_of_decisive,
    split,
    stop,
)
from orchestration_assets.processing.sequential import run_sequential
from orchestration_assets.schemas.answers import Answer, shown
from orchestration_assets.schemas.enums import ProcessingModel
from orchestration_assets.schemas.items import Question, Task
from orchestration_assets.schemas.policy import Choice, Escalation, Judge, Route

_RUNNERS: Mapping[ProcessingModel, Callable[[Choice, Question, Ask], Awaitable[PlanResult]]] = {
    ProcessingModel.SEQUENTIAL: run_sequential,
    ProcessingModel.PARALLEL: run_parallel,
    ProcessingModel.ITERATIVE: run_iterative,
    ProcessingModel.HYBRID: run_hybrid,
}


async def execute(
    choice: Choice, question: Question, ask: Ask, tasks: Mapping[str, Task]
) -> PlanResult:
    """The choice's model, then its judge, then its escalation, each when it applies."""

    async def ask_noting(service: str, asked: Question) -> AskResult:
        result = await ask(service, asked)
        if not asked.earlier:
            return result
        return replace(result, saw=tuple(dict.fromkeys(name for name, _ in asked.earlier)))

    return await _carried_out(choice, question, ask_noting, tasks)


async def _carried_out(
    choice: Choice, question: Question, ask: Ask, tasks: Mapping[str, Task]
) -> PlanResult:
    if choice.route is not None:
        done = await _routed(choice.route, question, ask, tasks)
    else:
        run = _RUNNERS[choice.model] if choice.panel is None else run_panel
        done = await run(choice, question, ask)
    if choice.judge is not None:
        done = await _judged(choice.judge, done, question, ask)
    if choice.escalate is not None:
        done = await _escalated(choice.escalate, done, question, ask, tasks)
    return done


async def _routed(
    route: Route, question: Question, ask: Ask, tasks: Mapping[str, Task]
) -> PlanResult:
    """Asks the router, and hands the item to the sub-plan that its answer names.

    The router's reading is kept, but takes no part in the answer: it is one to another question.
    """
    router = replace(
        await ask(route.service, replace(question, task=tasks[route.task])),
        takes_part=False,
        final=False,
    )
    routed_answer = router.reading.answer
    sub_plan = route.to.get(routed_answer) if isinstance(routed_answer, str) else None
    if routed_answer is None:
        reason = f"routing failed ({router.reading.status}), so the general sub-plan takes over"
    elif sub_plan is None:
        reason = f"{routed_answer} has no sub-plan of its own, so the general one takes over"
    else:
        reason = f"{routed_answer} has its own sub-plan"
    decision = Decision("route", (route.service,), reason, routed_answer, router.reading.confidence)
    done = await _carried_out(sub_plan or route.otherwise, question, ask, tasks)
    # rows are told apart by service and round: a router that also answers comes after itself
    return PlanResult(joined((router,), done.answered), (decision, *done.decisions))


async def _judged(judge: Judge, done: PlanResult, question: Question, ask: Ask) -> PlanResult:
    """Shows the judge all final readings; its answer stands over them."""
    contradicting = split(done.answered, question)
    if judge.when == "disagree" and not contradicting:
        return done
    earlier = tuple((result.service, result.reading) for result in done.answered if result.final)
    verdict = await ask(judge.service, replace(question, earlier=earlier))
    answered = joined(done.answered, (verdict,))
    answers = gave_answer(verdict)
    decides = [len(answered) - 1] if answers else positions_of_decisive(done.answered)
    answered = marked(answered, decides)
    against = f"; {', '.join(contradicting)} dissent" if contradicting else ""
    reason = f"{judge.service} judges {len(earlier)} readings{against}"
    after = lead(answered, question)
    if not answers:
        reason += f"; it gave no answer ({verdict.reading.status}), {_earlier_stands(after.answer)}"
    decision = Decision(
        "judge",
        (judge.service,),
        reason,
        after.answer,
        _sure(after.answer, after.certainty),
    )
    return PlanResult(answered, (*done.decisions, decision))


async def _escalated(
    escalation: Escalation,
    done: PlanResult,
    question: Question,
    ask: Ask,
    tasks: Mapping[str, Task],
) -> PlanResult:
    """Carries out the sub-plan when the answer is not sure enough, and records what it changed.

    A service that is asked the very same question again has answered it: its row stands already.
    """
    before = lead(done.answered, question)
    if before.answer is not None and before.certainty >= escalation.below:
        return done
    place_of = {
        result.answer_key: n
        for n, result in enumerate(done.answered)
        if result.takes_part and result.reading.status in CACHED
    }

    async def ask_new(service: str, asked: Question) -> AskResult:
        result = await ask(service, asked)
        place = place_of.get(result.answer_key)
        return result if place is None else done.answered[place]

    uncertain = f"{shown(before.answer)} is only {before.certainty:.3f} sure"
    reason = "there is no answer yet" if before.answer is None else uncertain
    target = ", ".join(escalation.to.admissible)
    escalation_decision = Decision(
        "escalate",
        escalation.to.admissible,
        f"{reason}, {escalation.below:g} is asked: on to {target}",
        before.answer,
        _sure(before.answer, before.certainty),
    )
    more = await _carried_out(escalation.to, question, ask_new, tasks)
    fresh = [result for result in more.answered if result.answer_key not in place_of]
    said = {result.answer_key: result.voice for result in more.answered}
    # what a panel begins with may have been answered before: it is a voice all the same
    known = [
        replace(one, voice=said[one.answer_key]) if said.get(one.answer_key) is not None else one
        for one in done.answered
    ]
    answered = joined(known, fresh)
    decides = [place_of[one.answer_key] for one in more.answered if _reused(one, place_of)]
    decides += [len(done.answered) + n for n, result in enumerate(fresh) if result.decides]
    answered = marked(answered, decides or positions_of_decisive(done.answered))
    after = lead(answered, question)
    if decides:
        changed = "kept" if after.answer == before.answer else "changed"
        change = f"{shown(before.answer)} -> {shown(after.answer)}"
        feedback = f"escalation {changed} the answer: {change}"
    else:
        feedback = f"escalation gave no answer, {_earlier_stands(after.answer)}"
    return PlanResult(
        answered, (*done.decisions, escalation_decision, *more.decisions, stop(feedback, after))
    )


def _reused(result: AskResult, place_of: Mapping[str, int]) -> bool:
    return result.decides and result.answer_key in place_of


def _earlier_stands(answer: Answer | None) -> str:
    return (
        "and there was none before" if answer is None else f"so the earlier {shown(answer)} stands"
    )


def _sure(answer: Answer | None, certainty: float) -> float | None:
    return None if answer is None else certainty
