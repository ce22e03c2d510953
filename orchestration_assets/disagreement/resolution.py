"""Resolves readings to the answer that stands, with its certainty, supporters and dissenters.

What stands when services disagree is the task's policy: ``weight``, the answer that the readings
support best (or the judge's, where there is one); ``literal`` or ``semantic``, the weightiest
answer among the services that read in this manner; ``preserve_all``, none above another;
``fail``, nothing, and the item counts as failed. Where services agree, all policies are alike.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations
from statistics import fmean
from typing import Final, cast

from orchestration_assets.disagreement.label_weights import WeighedAnswers
from orchestration_assets.disagreement.readings import ServiceReadings, ok_votes
from orchestration_assets.evidence.consensus import Consensus, consensus, support_of
from orchestration_assets.evidence.distances import distance, is_disagreement
from orchestration_assets.schemas.answers import Answer, answer_columns, shown
from orchestration_assets.schemas.enums import (
    AnswerKind,
    Manner,
    ResolutionPolicy,
    ResolutionStatus,
    Status,
    Triage,
)
from orchestration_assets.schemas.items import Reading, Task
from orchestration_assets.schemas.policy import Review
from orchestration_assets.schemas.storable_values import whole_text
from orchestration_assets.schemas.tables import PlanRow, ReadingSummary, ResolutionRow

_ANSWERED: Final = frozenset({Status.OK, Status.FALLBACK})
_STATED: Final = "stated confidences, unchecked"


@dataclass(frozen=True, slots=True)
class ResolutionRules:
    """How the answers of a batch are resolved.

    ``policies``: task -> what stands when services disagree (weight when missing). ``manners``:
    task -> service -> how it reads. ``review``: the bands of accept, review and reject.
    """

    policies: Mapping[str, ResolutionPolicy] = field(default_factory=dict)
    manners: Mapping[str, Mapping[str, Manner]] = field(default_factory=dict)
    review: Review = field(default_factory=Review)


_MANNERS: Mapping[ResolutionPolicy, Manner] = {
    ResolutionPolicy.LITERAL: Manner.LITERAL,
    ResolutionPolicy.SEMANTIC: Manner.SEMANTIC,
}


def resolve_plans(
    plans: Iterable[PlanRow],
    readings: Mapping[tuple[str, str], ServiceReadings],
    tasks: Mapping[str, Task],
    decided_by: Callable[[PlanRow], str | None],
    rules: ResolutionRules | None = None,
    weighed: Mapping[tuple[str, str], WeighedAnswers] | None = None,
    basis: Mapping[str, str] | None = None,
) -> Iterator[ResolutionRow]:
    """One resolution a plan, whether or not anybody answered.

    ``decided_by`` names the service whose answer stands alone (a judge, the last of a chain),
    None when the services decide together. ``weighed`` is what is known of labels, by item and
    task; ``basis`` says by task what the others' risk rests on.
    """
    for plan in plans:
        key = (plan.item_id, plan.task)
        answers, task = readings.get(key, ()), tasks[plan.task]
        try:
            row = resolve(
                plan,
                answers,
                task,
                decided_by(plan),
                rules,
                (weighed or {}).get(key),
                (basis or {}).get(plan.task, _STATED),
            )
        except Exception as error:  # noqa: BLE001 -- what one item breaks is its own failure
            row = _unresolved(plan, answers, task, rules or ResolutionRules(), error)
        yield row


def _unresolved(
    plan: PlanRow,
    readings: ServiceReadings,
    task: Task,
    rules: ResolutionRules,
    error: Exception,
) -> ResolutionRow:
    """The failed resolution of readings that raised an error; they are kept beside it."""
    return ResolutionRow(
        batch=plan.batch,
        item_id=plan.item_id,
        content_hash=plan.content_hash,
        path=plan.path,
        task=plan.task,
        status=ResolutionStatus.FAILED,
        kind=task.kind,
        **answer_columns(None),
        error_risk=None,
        risk_basis=None,
        triage=None,
        policy=rules.policies.get(task.name, ResolutionPolicy.WEIGHT),
        spread=None,
        supporters=(),
        dissenters=(),
        reason=whole_text(f"resolving broke: {type(error).__name__}: {error}"),
        readings=tuple(
            ReadingSummary(name, reading.status, shown(reading.answer), reading.confidence, None)
            for name, reading in readings
        ),
    )


def resolve(
    plan: PlanRow,
    readings: ServiceReadings,
    task: Task,
    decider: str | None = None,
    rules: ResolutionRules | None = None,
    weighed: WeighedAnswers | None = None,
    basis: str = _STATED,
) -> ResolutionRow:
    """The answer that the policy lets stand, with figures that weigh all readings in any case, so
    that a decision against the others shows as the risk that it is."""
    rules = rules or ResolutionRules()
    policy = rules.policies.get(task.name, ResolutionPolicy.WEIGHT)
    standing, reason = _decided(readings, task, decider, weighed)
    status = _status(readings)
    if status is ResolutionStatus.RESOLVED and _disputed(readings, task):
        standing, reason, status = _by_policy(
            policy, readings, task, rules, weighed, (standing, reason)
        )
    is_label = task.kind is AnswerKind.LABEL and standing.answer is not None
    risk = standing.error_risk
    return ResolutionRow(
        batch=plan.batch,
        item_id=plan.item_id,
        content_hash=plan.content_hash,
        path=plan.path,
        task=plan.task,
        status=status,
        kind=task.kind,
        **answer_columns(standing.answer),
        error_risk=risk,
        risk_basis=(weighed.basis if weighed else basis) if is_label else None,
        triage=None if risk is None else triage(risk, rules.review),
        policy=policy,
        spread=standing.spread,
        supporters=standing.supporters,
        dissenters=standing.dissenters,
        reason=reason,
        readings=tuple(_summaries(readings, task, weighed)),
    )


def triage(error_risk: float, review: Review) -> Triage:
    """Accept above, reject below, review between; the probabilities are of being right."""
    right = 1.0 - error_risk
    if right > review.accept_above:
        return Triage.ACCEPT
    return Triage.REJECT if right < review.reject_below else Triage.REVIEW


def ranked(readings: tuple[ReadingSummary, ...]) -> tuple[ReadingSummary, ...]:
    """Every reading again, the weightiest first: by weight, then confidence, then order of asking.

    Readings without an answer come last.
    """
    return tuple(
        sorted(
            readings,
            key=lambda reading: (
                reading.answer is None,
                -(reading.weight if reading.weight is not None else 0.0),
                -(reading.confidence if reading.confidence is not None else 0.0),
            ),
        )
    )


def _decided(
    readings: ServiceReadings,
    task: Task,
    decider: str | None,
    weighed: WeighedAnswers | None,
) -> tuple[Consensus, str]:
    """The decider's answer, or the consensus when there is none or it gave no answer."""
    decision = dict(readings).get(decider) if decider is not None else None
    decided = decision is not None and decision.status in _ANSWERED
    if decision is not None and decision.answer is not None and decided:
        standing = support_of(decision.answer, readings, task)
    elif weighed is not None:
        standing = support_of(weighed.answer, readings, task)
    else:
        standing = consensus(readings, task)
    if weighed is not None and standing.answer is not None:
        standing = _reweighed(standing, weighed)
    return standing, _reason(readings, task, standing, decider, decision)


def _reweighed(standing: Consensus, weighed: WeighedAnswers) -> Consensus:
    risk = weighed.risk_of(cast(str, standing.answer))
    return replace(standing, certainty=1.0 - risk, error_risk=risk)


def _by_policy(
    policy: ResolutionPolicy,
    readings: ServiceReadings,
    task: Task,
    rules: ResolutionRules,
    weighed: WeighedAnswers | None,
    usual: tuple[Consensus, str],
) -> tuple[Consensus, str, ResolutionStatus]:
    """What stands of readings that disagree."""
    standing, reason = usual
    if policy is ResolutionPolicy.WEIGHT:
        return standing, reason, ResolutionStatus.RESOLVED
    named = ", ".join(
        f"{name} says {shown(reading.answer)}" for name, reading in ok_votes(readings)
    )
    if policy in (ResolutionPolicy.PRESERVE_ALL, ResolutionPolicy.FAIL):
        nothing = Consensus(None, 0.0, None, standing.spread, (), ())
        if policy is ResolutionPolicy.FAIL:
            reason = f"services disagree, and the task's policy is to fail then: {named}"
            return nothing, reason, ResolutionStatus.FAILED
        reason = f"services disagree, and all readings are preserved: {named}"
        return nothing, reason, ResolutionStatus.PRESERVED
    manner = _MANNERS[policy]
    manners = rules.manners.get(task.name, {})
    own = tuple(vote for vote in readings if manners.get(vote[0]) is manner)
    if not ok_votes(own):
        reason = f"no service that reads in the {manner} manner answered: {reason}"
        return standing, reason, ResolutionStatus.RESOLVED
    answer = consensus(own, task).answer
    chosen = support_of(cast(Answer, answer), readings, task)
    if weighed is not None:
        chosen = _reweighed(chosen, weighed)
    against = f", against {', '.join(chosen.dissenters)}" if chosen.dissenters else ""
    reason = f"the {manner} reading stands: {', '.join(chosen.supporters) or 'between'}{against}"
    return chosen, reason, ResolutionStatus.RESOLVED


def _disputed(readings: ServiceReadings, task: Task) -> bool:
    if task.kind is AnswerKind.VECTOR:
        return False
    answers = [cast(Answer, reading.answer) for _, reading in ok_votes(readings)]
    return any(is_disagreement(distance(a, b, task), task) for a, b in combinations(answers, 2))


def _summaries(
    readings: ServiceReadings, task: Task, weighed: WeighedAnswers | None
) -> Iterator[ReadingSummary]:
    votes = ok_votes(readings)
    for name, reading in readings:
        weight: float | None = None
        if reading.status is Status.OK and task.kind is not AnswerKind.VECTOR:
            weight = _weight(name, reading, votes, task, weighed)
        yield ReadingSummary(
            name, reading.status, shown(reading.answer), reading.confidence, weight
        )


def _weight(
    name: str, reading: Reading, votes: ServiceReadings, task: Task, weighed: WeighedAnswers | None
) -> float:
    answer = cast(Answer, reading.answer)
    if task.kind is AnswerKind.LABEL:
        if weighed is not None:
            return 1.0 - weighed.risk_of(cast(str, answer))
        return support_of(answer, votes, task).certainty
    others = [cast(Answer, reading.answer) for other, reading in votes if other != name]
    return 1.0 - fmean(distance(answer, other, task) for other in others) if others else 1.0


def _status(readings: ServiceReadings) -> ResolutionStatus:
    statuses = {reading.status for _, reading in readings}
    if statuses & _ANSWERED:
        return ResolutionStatus.RESOLVED
    if Status.DEFERRED in statuses:
        return ResolutionStatus.DEFERRED
    # a task that every service declined is abstained; a failure among them could have answered
    return ResolutionStatus.ABSTAINED if statuses == {Status.ABSTAINED} else ResolutionStatus.FAILED


def _reason(
    readings: ServiceReadings,
    task: Task,
    standing: Consensus,
    decider: str | None,
    decision: Reading | None,
) -> str:
    if standing.answer is None:
        said = "; ".join(f"{name}: {reading.reason}" for name, reading in readings)
        return f"no answer ({said})" if said else "no service was asked"
    if decider is None:
        return _agreement(readings, task, standing)
    if decision is None:
        return f"{decider} was not asked to decide: {_agreement(readings, task, standing)}"
    if decision.status not in _ANSWERED:
        why = f" ({decision.reason})" if decision.reason else ""
        without = f"{decider} was to decide but gave no answer, {decision.status}{why}"
        return f"{without}: {_agreement(readings, task, standing)}"
    against = f", against {', '.join(standing.dissenters)}" if standing.dissenters else ""
    return f"{decider} decides{against}"


def _agreement(readings: ServiceReadings, task: Task, standing: Consensus) -> str:
    """How the services came to the answer among themselves."""
    if not standing.dissenters:
        if len(standing.supporters) == 1:
            return f"{standing.supporters[0]} alone"
        if task.kind is AnswerKind.VECTOR:
            return f"the surest of {', '.join(standing.supporters)}"
        return f"{', '.join(standing.supporters)} agree"
    if not standing.supporters:
        # a mean or a majority of members may be what no single service said
        return f"between {', '.join(standing.dissenters)}, which lie apart"
    return f"{', '.join(standing.supporters)} outweighs {', '.join(standing.dissenters)}"
