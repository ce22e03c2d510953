"""Which answer stands, how sure that is, and who gave it; every reading is kept beside it.

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
        heard, task = readings.get(key, ()), tasks[plan.task]
        try:
            row = resolve(
                plan,
                heard,
                task,
                decided_by(plan),
                rules,
                (weighed or {}).get(key),
                (basis or {}).get(plan.task, _STATED),
            )
        except Exception as error:  # noqa: BLE001 -- what one item breaks is its own failure
            row = _unresolved(plan, heard, task, rules or ResolutionRules(), error)
        yield row


def _unresolved(
    plan: PlanRow, heard: ServiceReadings, task: Task, rules: ResolutionRules, error: Exception
) -> ResolutionRow:
    """The failure of an item whose readings broke what weighs them; they are kept beside it."""
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
            ReadingSummary(name, one.status, shown(one.answer), one.confidence, None)
            for name, one in heard
        ),
    )


def resolve(
    plan: PlanRow,
    heard: ServiceReadings,
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
    found, reason = _decided(heard, task, decider, weighed)
    status = _status(heard)
    if status is ResolutionStatus.RESOLVED and _disputed(heard, task):
        found, reason, status = _by_policy(policy, heard, task, rules, weighed, (found, reason))
    is_label = task.kind is AnswerKind.LABEL and found.answer is not None
    risk = found.error_risk
    return ResolutionRow(
        batch=plan.batch,
        item_id=plan.item_id,
        content_hash=plan.content_hash,
        path=plan.path,
        task=plan.task,
        status=status,
        kind=task.kind,
        **answer_columns(found.answer),
        error_risk=risk,
        risk_basis=(weighed.basis if weighed else basis) if is_label else None,
        triage=None if risk is None else triage(risk, rules.review),
        policy=policy,
        spread=found.spread,
        supporters=found.supporters,
        dissenters=found.dissenters,
        reason=reason,
        readings=tuple(_summaries(heard, task, weighed)),
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
            key=lambda one: (
                one.answer is None,
                -(one.weight if one.weight is not None else 0.0),
                -(one.confidence if one.confidence is not None else 0.0),
            ),
        )
    )


def _decided(
    heard: ServiceReadings, task: Task, decider: str | None, weighed: WeighedAnswers | None
) -> tuple[Consensus, str]:
    """The decider's answer, or the consensus when there is none or it gave no answer."""
    decision = dict(heard).get(decider) if decider is not None else None
    decided = decision is not None and decision.status in _ANSWERED
    if decision is not None and decision.answer is not None and decided:
        found = support_of(decision.answer, heard, task)
    elif weighed is not None:
        found = support_of(weighed.answer, heard, task)
    else:
        found = consensus(heard, task)
    if weighed is not None and found.answer is not None:
        found = _reweighed(found, weighed)
    return found, _reason(heard, task, found, decider, decision)


def _reweighed(found: Consensus, weighed: WeighedAnswers) -> Consensus:
    risk = weighed.risk_of(cast(str, found.answer))
    return replace(found, certainty=1.0 - risk, error_risk=risk)


def _by_policy(
    policy: ResolutionPolicy,
    heard: ServiceReadings,
    task: Task,
    rules: ResolutionRules,
    weighed: WeighedAnswers | None,
    usual: tuple[Consensus, str],
) -> tuple[Consensus, str, ResolutionStatus]:
    """What stands of readings that disagree."""
    found, reason = usual
    if policy is ResolutionPolicy.WEIGHT:
        return found, reason, ResolutionStatus.RESOLVED
    named = ", ".join(f"{name} says {shown(one.answer)}" for name, one in ok_votes(heard))
    if policy in (ResolutionPolicy.PRESERVE_ALL, ResolutionPolicy.FAIL):
        nothing = Consensus(None, 0.0, None, found.spread, (), ())
        if policy is ResolutionPolicy.FAIL:
            words = f"services disagree, and the task's policy is to fail then: {named}"
            return nothing, words, ResolutionStatus.FAILED
        words = f"services disagree, and all readings are preserved: {named}"
        return nothing, words, ResolutionStatus.PRESERVED
    manner = _MANNERS[policy]
    manners = rules.manners.get(task.name, {})
    own = tuple(vote for vote in heard if manners.get(vote[0]) is manner)
    if not ok_votes(own):
        words = f"no service that reads in the {manner} manner answered: {reason}"
        return found, words, ResolutionStatus.RESOLVED
    answer = consensus(own, task).answer
    chosen = support_of(cast(Answer, answer), heard, task)
    if weighed is not None:
        chosen = _reweighed(chosen, weighed)
    against = f", against {', '.join(chosen.dissenters)}" if chosen.dissenters else ""
    words = f"the {manner} reading stands: {', '.join(chosen.supporters) or 'between'}{against}"
    return chosen, words, ResolutionStatus.RESOLVED


def _disputed(heard: ServiceReadings, task: Task) -> bool:
    if task.kind is AnswerKind.VECTOR:
        return False
    answers = [cast(Answer, one.answer) for _, one in ok_votes(heard)]
    return any(is_disagreement(distance(a, b, task), task) for a, b in combinations(answers, 2))


def _summaries(
    heard: ServiceReadings, task: Task, weighed: WeighedAnswers | None
) -> Iterator[ReadingSummary]:
    votes = ok_votes(heard)
    for name, reading in heard:
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
    others = [cast(Answer, one.answer) for other, one in votes if other != name]
    return 1.0 - fmean(distance(answer, other, task) for other in others) if others else 1.0


def _status(heard: ServiceReadings) -> ResolutionStatus:
    statuses = {reading.status for _, reading in heard}
    if statuses & _ANSWERED:
        return ResolutionStatus.RESOLVED
    # a task that every service declined is abstained; a failure among them could have answered
    return ResolutionStatus.ABSTAINED if statuses == {Status.ABSTAINED} else ResolutionStatus.FAILED


def _reason(
    heard: ServiceReadings,
    task: Task,
    found: Consensus,
    decider: str | None,
    decision: Reading | None,
) -> str:
    if found.answer is None:
        said = "; ".join(f"{name}: {reading.reason}" for name, reading in heard)
        return f"no answer ({said})" if said else "no service was asked"
    if decider is None:
        return _agreement(heard, task, found)
    if decision is None:
        return f"{decider} was not asked to decide: {_agreement(heard, task, found)}"
    if decision.status not in _ANSWERED:
        why = f" ({decision.reason})" if decision.reason else ""
        without = f"{decider} was to decide but gave no answer, {decision.status}{why}"
        return f"{without}: {_agreement(heard, task, found)}"
    against = f", against {', '.join(found.dissenters)}" if found.dissenters else ""
    return f"{decider} decides{against}"


def _agreement(heard: ServiceReadings, task: Task, found: Consensus) -> str:
    """How the services came to the answer among themselves."""
    if not found.dissenters:
        if len(found.supporters) == 1:
            return f"{found.supporters[0]} alone"
        if task.kind is AnswerKind.VECTOR:
            return f"the surest of {', '.join(found.supporters)}"
        return f"{', '.join(found.supporters)} agree"
    if not found.supporters:
        # a mean or a majority of members may be what no single service said
        return f"between {', '.join(found.dissenters)}, which lie apart"
    return f"{', '.join(found.supporters)} outweighs {', '.join(found.dissenters)}"
