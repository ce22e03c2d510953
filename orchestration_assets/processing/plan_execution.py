"""Carrying out a choice with all that may surround it: router, judge, escalation."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from orchestration_assets.processing.answer_cache import CACHED
from orchestration_assets.processing.asker import AskResult
from orchestration_assets.processing.hybrid import run_hybrid
from orchestration_assets.processing.iterative import run_iterative
from orchestration_assets.processing.parallel import run_parallel
from orchestration_assets.processing.plan_result import Ask, Decision, PlanResult, lead, stop
from orchestration_assets.processing.sequential import run_sequential
from orchestration_assets.schemas.answers import shown
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
    if choice.route is not None:
        done = await _routed(choice.route, question, ask, tasks)
    else:
        done = await _RUNNERS[choice.model](choice, question, ask)
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
        await ask(route.service, replace(question, task=tasks[route.task])), final=False
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

    async def ask_beside(service: str, asked: Question) -> AskResult:
        # rows are told apart by service and round: a router that also answers comes after itself
        answered = await ask(service, asked)
        return replace(answered, round=answered.round + 1) if service == route.service else answered

    done = await execute(sub_plan or route.otherwise, question, ask_beside, tasks)
    return PlanResult((router, *done.answered), (decision, *done.decisions))


async def _judged(judge: Judge, done: PlanResult, question: Question, ask: Ask) -> PlanResult:
    """Shows the judge all final readings; its score is the confidence of its reading."""
    leading = lead(done.answered, question)
    if judge.when == "disagree" and not leading.dissenters:
        return done
    earlier = tuple((result.service, result.reading) for result in done.answered if result.final)
    verdict = await ask(judge.service, replace(question, earlier=earlier))
    against = f"; {', '.join(leading.dissenters)} dissent" if leading.dissenters else ""
    decision = Decision(
        "judge",
        (judge.service,),
        f"{judge.service} judges {len(earlier)} readings{against}",
        verdict.reading.answer,
        verdict.reading.confidence,
    )
    return PlanResult((*done.answered, verdict), (*done.decisions, decision))


async def _escalated(
    escalation: Escalation,
    done: PlanResult,
    question: Question,
    ask: Ask,
    tasks: Mapping[str, Task],
) -> PlanResult:
    """Carries out the sub-plan when the answer is not sure enough, and records what it changed."""
    before = lead(done.answered, question)
    if before.answer is not None and before.certainty >= escalation.below:
        return done
    results_by_key = {
        result.answer_key: result for result in done.answered if result.reading.status in CACHED
    }

    async def ask_new(service: str, asked: Question) -> AskResult:
        answered = await ask(service, asked)
        # the very same question was answered before, and its row stands already
        return results_by_key.get(answered.answer_key, answered)

    uncertain = f"{shown(before.answer)} is only {before.certainty:.3f} sure"
    reason = "there is no answer yet" if before.answer is None else uncertain
    target = ", ".join(escalation.to.admissible)
    escalation_decision = Decision(
        "escalate",
        escalation.to.admissible,
        f"{reason}, {escalation.below:g} is asked: on to {target}",
        before.answer,
        before.certainty if before.answer is not None else None,
    )
    more = await execute(escalation.to, question, ask_new, tasks)
    fresh = [
        result for result in more.answered if result is not results_by_key.get(result.answer_key)
    ]
    replaced = {result.service for result in fresh if result.final}
    kept = [
        replace(result, final=False) if result.final and result.service in replaced else result
        for result in done.answered
    ]
    # a service that is asked again, about more than before, goes on counting its rounds
    rounds = Counter(result.service for result in kept)
    fresh = [replace(result, round=result.round + rounds[result.service]) for result in fresh]
    answered = (*kept, *fresh)
    after = lead(answered, question)
    changed = "kept" if after.answer == before.answer else "changed"
    feedback = f"escalation {changed} the answer: {shown(before.answer)} -> {shown(after.answer)}"
    return PlanResult(
        answered, (*done.decisions, escalation_decision, *more.decisions, stop(feedback, after))
    )
