"""Resolves readings to the answer that stands, with its certainty, supporters and dissenters.

Which readings decide is recorded with them: a judge's stands over those that it judged, an
escalation's over what it escalated. What stands when the deciding readings disagree is the task's
policy: ``weight``, the answer that they support best; ``literal`` or ``semantic``, the weightiest
answer among the services that read in this manner; ``preserve_all``, none above another;
``fail``, nothing, and the item counts as failed. Where they agree, all policies are alike.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter
from statistics import fmean
from typing import Final, cast

import numpy as np
import pyarrow as pa

from orchestration_assets.disagreement.label_weights import WeighedAnswers
from orchestration_assets.disagreement.readings import Key, ServiceReadings, ok_votes
from orchestration_assets.disagreement.record_weights import RecordWeights
from orchestration_assets.disagreement.rule_violations import (
    Evidence,
    RuleEvidence,
    Violations,
    violations_of,
)
from orchestration_assets.disagreement.turned_away import TurnedAway, resolution_of
from orchestration_assets.evidence.consensus import Consensus, consensus, support_of
from orchestration_assets.evidence.distances import distance
from orchestration_assets.evidence.standing import (
    ANSWERED,
    Roles,
    deciding,
    decisive,
    disputed,
    overruled,
    standing,
    voices,
)
from orchestration_assets.schemas.answers import Answer, answer_columns, shown
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.enums import (
    AnswerKind,
    Manner,
    ResolutionPolicy,
    ResolutionStatus,
    Status,
    Triage,
)
from orchestration_assets.schemas.equal_rows import first_of_each
from orchestration_assets.schemas.items import Reading, Task
from orchestration_assets.schemas.policy import Review
from orchestration_assets.schemas.record_answers import RecordAnswer, value_at, value_text
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.storable_values import whole_text
from orchestration_assets.schemas.tables import (
    PROCESSING_PLANS,
    RESOLUTIONS,
    FieldResolution,
    OtherValue,
    PlanRow,
    ReadingSummary,
    ResolutionRow,
)

_STATED: Final = "stated confidences, unchecked"
_UNLEARNED: Final = RecordWeights()
_NO_EVIDENCE: Final = RuleEvidence()
_OF_ITEM: Final = ("batch", "item_id", "content_hash", "path")


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
    roles: Mapping[tuple[str, str], Roles] | None = None,
    rules: ResolutionRules | None = None,
    weighed: Mapping[tuple[str, str], WeighedAnswers] | None = None,
    basis: Mapping[str, str] | None = None,
    records: Mapping[str, RecordWeights] | None = None,
    unasked: Mapping[tuple[str, str], TurnedAway] | None = None,
    evidence: Evidence | None = None,
) -> Iterator[ResolutionRow]:
    """One resolution a plan, whether or not anybody answered.

    ``roles`` says by item and task which readings decide and what each was shown; where it says
    nothing, all decide together. ``weighed`` is what is known of labels, by item and
    task; ``basis`` says by task what the others' risk rests on. ``records``: what the values of
    record tasks are settled by. ``unasked``: by item and task, how questions ended that nobody was
    asked; ``evidence``: what the rules of the task go by beside the answer.
    """
    for plan in plans:
        key = (plan.item_id, plan.task)
        if unasked and key in unasked:
            policies = (rules or ResolutionRules()).policies
            policy = policies.get(plan.task, ResolutionPolicy.WEIGHT)
            yield resolution_of(plan, unasked[key], tasks[plan.task], policy)
            continue
        answers, task = readings.get(key, ()), tasks[plan.task]
        try:
            row = resolve(
                plan,
                answers,
                task,
                (roles or {}).get(key),
                rules,
                (weighed or {}).get(key),
                (basis or {}).get(plan.task, _STATED),
                (records or {}).get(plan.task, _UNLEARNED),
                (evidence or {}).get(key, _NO_EVIDENCE),
            )
        except Exception as error:  # noqa: BLE001 -- what one item breaks is its own failure
            row = _unresolved(plan, answers, task, rules or ResolutionRules(), error)
        yield row


def resolve_alike(
    plans: pa.Table,
    readings: Mapping[Key, ServiceReadings],
    tasks: Mapping[str, Task],
    roles: Mapping[Key, Roles],
    rules: ResolutionRules,
    weighed: Mapping[Key, WeighedAnswers],
    basis: Mapping[str, str],
    records: Mapping[str, RecordWeights] | None = None,
    unasked: Mapping[Key, TurnedAway] | None = None,
    evidence: Evidence | None = None,
) -> pa.Table:
    """The table of what :func:`resolve_plans` finds, made once for all questions of a task that
    share their readings, their roles, what is known of their labels, and what rules go by."""
    known: dict[tuple[str | int, ...], int] = {}
    known_of = readings, roles, weighed, unasked or {}, evidence or {}
    number = np.fromiter(
        (
            known.setdefault((task, *(id(of.get((item, task))) for of in known_of)), len(known))
            for item, task in values(plans, "item_id", "task")
        ),
        np.int64,
        plans.num_rows,
    )
    first, number = first_of_each(number)
    asked = PROCESSING_PLANS.rows(plans.take(pa.array(first, pa.int64())))
    known_by = readings, tasks, roles, rules, weighed, basis, records, unasked, evidence
    rows = resolve_plans(asked, *known_by)
    spread = rows_to_arrow(RESOLUTIONS, rows).take(pa.array(number, pa.int64()))
    for name in _OF_ITEM:
        at = RESOLUTIONS.schema.get_field_index(name)
        spread = spread.set_column(at, RESOLUTIONS.schema.field(name), plans[name])
    return spread


def _unresolved(
    plan: PlanRow,
    readings: ServiceReadings,
    task: Task,
    rules: ResolutionRules,
    error: Exception,
) -> ResolutionRow:
    """The failed resolution of readings that raised an error; they are kept beside it."""
    reason = whole_text(f"resolving broke: {type(error).__name__}: {error}")
    ended = TurnedAway(ResolutionStatus.FAILED, reason, None)
    policy = rules.policies.get(task.name, ResolutionPolicy.WEIGHT)
    kept = (
        ReadingSummary(name, reading.status, shown(reading.answer), reading.confidence, None)
        for name, reading in readings
    )
    return replace(resolution_of(plan, ended, task, policy), readings=tuple(kept))


def resolve(
    plan: PlanRow,
    readings: ServiceReadings,
    task: Task,
    roles: Roles | None = None,
    rules: ResolutionRules | None = None,
    weighed: WeighedAnswers | None = None,
    basis: str = _STATED,
    records: RecordWeights = _UNLEARNED,
    evidence: RuleEvidence = _NO_EVIDENCE,
) -> ResolutionRow:
    """The answer that the policy lets stand, with figures that weigh all readings in any case, so
    that a decision against the others shows as the risk that it is."""
    rules = rules or ResolutionRules()
    policy = rules.policies.get(task.name, ResolutionPolicy.WEIGHT)
    roles = roles or decisive(readings, {})
    stands, reason, spoken = _decided(readings, task, roles, weighed, records)
    status = _status(readings)
    if status is ResolutionStatus.RESOLVED and disputed(readings, roles, task):
        stands, reason, status, spoken = _by_policy(
            policy, readings, roles, task, rules, weighed, (stands, reason, spoken), records
        )
    violated = violations_of(stands.answer, task, evidence)
    if violated.refusing:
        stands = replace(stands, answer=None)
        status, reason = ResolutionStatus.FAILED, f"it violates {'; '.join(violated.refusing)}"
    reason = "; ".join((reason, *violated.unchecked))
    if weighed is not None:
        basis = weighed.basis if spoken else _unspoken(weighed)
    if task.kind is AnswerKind.RECORD:
        basis = records.basis
    risk = stands.error_risk
    return ResolutionRow(
        batch=plan.batch,
        item_id=plan.item_id,
        content_hash=plan.content_hash,
        path=plan.path,
        task=plan.task,
        status=status,
        kind=task.kind,
        **answer_columns(stands.answer),
        error_risk=risk,
        risk_basis=None if risk is None else basis,
        triage=None if risk is None else _triage(risk, rules.review, violated),
        policy=policy,
        spread=stands.spread,
        supporters=stands.supporters,
        dissenters=stands.dissenters,
        reason=reason,
        readings=tuple(_summaries(readings, roles, task, weighed if spoken else None)),
        fields=_fields(stands, readings) if task.kind is AnswerKind.RECORD else None,
        violations=violated.words if task.value_rules else None,
    )


def _triage(risk: float, review: Review, violated: Violations) -> Triage:
    """By the risk; what violates a rule, or could not be validated, is not accepted, however sure
    it is."""
    found = triage(risk, review)
    is_open = bool(violated.words or violated.unchecked)
    return Triage.REVIEW if is_open and found is Triage.ACCEPT else found


def _fields(stands: Consensus, readings: ServiceReadings) -> tuple[FieldResolution, ...]:
    """What stands of each value of a record."""
    records = {
        name: reading.answer
        for name, reading in readings
        if isinstance(reading.answer, RecordAnswer)
    }
    loose = {name: frozenset(record.ungrounded) for name, record in records.items()}
    answer = stands.answer if isinstance(stands.answer, RecordAnswer) else RecordAnswer(())
    return tuple(
        FieldResolution(
            one.cell.path,
            None if one.value is None else _value_words(answer, one.cell.path),
            one.risk,
            one.supporters,
            tuple(
                OtherValue(name, _value_words(records[name], one.cell.own[name]))
                for name in one.dissenters
            ),
            one.missing,
            tuple(name for name, path in one.cell.own.items() if path in loose.get(name, ())),
        )
        for one in stands.cells
    )


def _value_words(record: RecordAnswer, path: str) -> str:
    value = value_at(record, path)
    return "" if value is None else value_text(value)


def _unspoken(weighed: WeighedAnswers) -> str:
    """What the risk of an answer rests on that the weighing says nothing about."""
    return (
        f"{_STATED}: {weighed.basis} speaks of the readings that were overruled, and makes their "
        f"{shown(weighed.answer)} {1.0 - weighed.risk:.3f} sure"
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
    roles: Roles,
    weighed: WeighedAnswers | None,
    records: RecordWeights,
) -> tuple[Consensus, str, bool]:
    """What the deciding readings say, weighed by what is known of labels where anything is; and
    whether what is known speaks about it."""
    answer = _weightiest(readings, roles, weighed) if weighed is not None else None
    found = standing(readings, roles, task, answer, records.models)
    stands, spoken = _reweighed(found, readings, roles, weighed)
    return stands, _reason(readings, task, stands, roles), spoken


def _weightiest(readings: ServiceReadings, roles: Roles, weighed: WeighedAnswers) -> Answer | None:
    """The most probable of the deciding labels; that of all together where all decide."""
    unaided = {name for name, _ in ok_votes(readings) if roles.unaided(name)}
    given = [cast(str, reading.answer) for _, reading in deciding(readings, roles)]
    if not given:
        return None
    if unaided == roles.decides or weighed.answer in given:
        return weighed.answer
    return max(given, key=lambda label: weighed.probabilities.get(label, 0.0))


def _reweighed(
    stands: Consensus, readings: ServiceReadings, roles: Roles, weighed: WeighedAnswers | None
) -> tuple[Consensus, bool]:
    """The answer with the risk that the weighing states, where it speaks about it.

    It knows of the readings that were found without each other. Of an answer that a judge, an
    escalation or a later step gave against them it says nothing: that is as sure as all readings
    support it.
    """
    if weighed is None or stands.answer is None:
        return stands, True
    answer = cast(str, stands.answer)
    decided_by = [name for name, one in deciding(readings, roles) if one.answer == answer]
    if answer != weighed.answer and not any(map(roles.unaided, decided_by)):
        return stands, False
    risk = weighed.risk_of(answer)
    return replace(stands, certainty=1.0 - risk, error_risk=risk), True


def _by_policy(
    policy: ResolutionPolicy,
    readings: ServiceReadings,
    roles: Roles,
    task: Task,
    rules: ResolutionRules,
    weighed: WeighedAnswers | None,
    usual: tuple[Consensus, str, bool],
    records: RecordWeights,
) -> tuple[Consensus, str, ResolutionStatus, bool]:
    """What stands of deciding readings that disagree."""
    stands, reason, spoken = usual
    if policy is ResolutionPolicy.WEIGHT:
        return stands, reason, ResolutionStatus.RESOLVED, spoken
    own = deciding(readings, roles)
    named = ", ".join(
        f"{name} says {shown(reading.answer)}" for name, reading in sorted(own, key=itemgetter(0))
    )
    if policy in (ResolutionPolicy.PRESERVE_ALL, ResolutionPolicy.FAIL):
        nothing = Consensus(None, 0.0, None, stands.spread, (), ())
        if policy is ResolutionPolicy.FAIL:
            reason = f"services disagree, and the task's policy is to fail then: {named}"
            return nothing, reason, ResolutionStatus.FAILED, spoken
        reason = f"services disagree, and all readings are preserved: {named}"
        return nothing, reason, ResolutionStatus.PRESERVED, spoken
    manner = _MANNERS[policy]
    manners = rules.manners.get(task.name, {})
    own = [vote for vote in own if manners.get(vote[0]) is manner]
    if not own:
        reason = f"no service that reads in the {manner} manner answered: {reason}"
        return stands, reason, ResolutionStatus.RESOLVED, spoken
    answer = cast(Answer, consensus(own, task, records.models).answer)
    found = standing(readings, roles, task, answer, records.models)
    chosen, spoken = _reweighed(found, readings, roles, weighed)
    against = f", against {', '.join(chosen.dissenters)}" if chosen.dissenters else ""
    reason = f"the {manner} reading stands: {', '.join(chosen.supporters) or 'between'}{against}"
    return chosen, reason, ResolutionStatus.RESOLVED, spoken


def _summaries(
    readings: ServiceReadings, roles: Roles, task: Task, weighed: WeighedAnswers | None
) -> Iterator[ReadingSummary]:
    # answers that repeat what others were heard to say support nothing
    votes = ok_votes(tuple(voices(readings, roles)))
    for name, reading in readings:
        weight: float | None = None
        if reading.status is Status.OK and task.kind is not AnswerKind.VECTOR:
            weight = _weight(name, reading, votes, task, weighed)
        yield ReadingSummary(
            name,
            reading.status,
            shown(reading.answer),
            reading.confidence,
            weight,
            name in roles.decides,
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
    if statuses & ANSWERED:
        return ResolutionStatus.RESOLVED
    if Status.DEFERRED in statuses:
        return ResolutionStatus.DEFERRED
    # a task that every service declined is abstained; a failure among them could have answered
    return ResolutionStatus.ABSTAINED if statuses == {Status.ABSTAINED} else ResolutionStatus.FAILED


def _reason(readings: ServiceReadings, task: Task, stands: Consensus, roles: Roles) -> str:
    if stands.answer is None:
        said = "; ".join(f"{name}: {reading.reason}" for name, reading in readings)
        return f"no answer ({said})" if said else "no service was asked"
    if roles.voices and not roles.decides.isdisjoint(roles.voices):
        return "; ".join((_agreement(readings, task, stands), *_moves(readings, roles)))
    answered = [name for name, reading in readings if reading.status in ANSWERED]
    decides = [name for name in answered if name in roles.decides]
    silent = list(_silent_judges(readings, roles, decides))
    without = f"{'; '.join(silent)}: " if silent else ""
    votes = [name for name, _ in ok_votes(readings)]
    if len(decides) == len(answered) or roles.decides.issuperset(votes):
        return f"{without}{_agreement(readings, task, stands)}"
    among = f", where {_agreement(readings, task, stands)}" if len(decides) > 1 else ""
    lost = overruled(readings, roles, task, stands.answer)
    over = f", overruling {', '.join(lost)}" if lost else ""
    dissent = [name for name in stands.dissenters if name not in lost]
    against = f", against {', '.join(dissent)}" if dissent and not among else ""
    verb = "decides" if len(decides) == 1 else "decide"
    return f"{without}{', '.join(decides)} {verb}{over}{against}{among}"


def _moves(readings: ServiceReadings, roles: Roles) -> Iterator[str]:
    """Which members of a panel moved, from what to what, and to whose answer."""
    for name, reading in readings:
        whose = roles.follows.get(name)
        if not whose:
            continue
        first = roles.voices.get(name)
        was = "no answer" if first is None else shown(first.answer)
        yield f"{name} moved from {was} to {shown(reading.answer)}, as {', '.join(whose)} said"


def _silent_judges(
    readings: ServiceReadings, roles: Roles, decides: Iterable[str]
) -> Iterator[str]:
    """What to say of services that were shown what stands now, and gave no answer."""
    for name, reading in readings:
        if reading.status not in ANSWERED and any(roles.knew(name, other) for other in decides):
            why = f" ({reading.reason})" if reading.reason else ""
            yield f"{name} was to decide but gave no answer, {reading.status}{why}"


_COMPOSED: Final = {
    AnswerKind.SCORE: "the weighted mean of",
    AnswerKind.SET: "the members that carry most of",
    AnswerKind.TEXT: "the text nearest to those of",
}
"""How an answer stands whose supporters lie near it, and need not say the same."""


def _agreement(readings: ServiceReadings, task: Task, stands: Consensus) -> str:
    """How the services came to the answer among themselves."""
    if not stands.dissenters:
        if len(stands.supporters) == 1:
            return f"{stands.supporters[0]} alone"
        if task.kind is AnswerKind.VECTOR:
            return f"the surest of {', '.join(stands.supporters)}"
        given = [reading.answer for name, reading in readings if name in stands.supporters]
        if task.kind in _COMPOSED and any(answer != given[0] for answer in given):
            return f"{_COMPOSED[task.kind]} {', '.join(stands.supporters)}"
        where = ", where they say something" if any(one.missing for one in stands.cells) else ""
        return f"{', '.join(stands.supporters)} agree{where}"
    if not stands.supporters:
        # a mean or a majority of members may be what no single service said
        return f"between {', '.join(stands.dissenters)}, which lie apart"
    return f"{_outweigh(stands.supporters)} {', '.join(stands.dissenters)}"


def _outweigh(names: Sequence[str]) -> str:
    """``a outweighs``, ``a and b outweigh``: the verb of one service, or of several."""
    if len(names) == 1:
        return f"{names[0]} outweighs"
    return f"{', '.join(names[:-1])} and {names[-1]} outweigh"
