"""Another policy over recorded answers: what it would have asked, answered and cost.

Plans are made and carried out by the very code that processes a batch; only the services are
replaced by the log. What the log does not hold is not guessed: the question is then not
answerable, and says why.
"""

import asyncio
import math
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from itertools import groupby
from typing import Any

import numpy as np

from orchestration_assets.disagreement.batch import rules_of
from orchestration_assets.disagreement.label_weights import learned_weights
from orchestration_assets.disagreement.readings import ServiceReadings
from orchestration_assets.disagreement.record_weights import RecordWeights
from orchestration_assets.disagreement.resolution import resolve
from orchestration_assets.evidence.intervals import Z
from orchestration_assets.evidence.recorded_answers import Floats
from orchestration_assets.evidence.records.judged import right_share
from orchestration_assets.evidence.weighted_estimates import (
    difference_estimate,
    share_estimate,
    weighted_mean,
)
from orchestration_assets.policy.task_graph import in_order, task_inputs
from orchestration_assets.policy.tasks import build_tasks
from orchestration_assets.processing.answer_cache import answer_key
from orchestration_assets.processing.asker import CACHE, AskResult
from orchestration_assets.processing.judged_inputs import Judged, with_verdict
from orchestration_assets.processing.plan_execution import execute
from orchestration_assets.processing.plan_result import Ask, PlanResult, roles_of
from orchestration_assets.processing.repairs import Repairs
from orchestration_assets.processing.selector_execution import run_learned, taught_first
from orchestration_assets.processing.standing_inputs import standing_of
from orchestration_assets.processing.task_waves import ABSENT, turned_away
from orchestration_assets.processing.validation import validated
from orchestration_assets.schemas.answers import Answer, shown
from orchestration_assets.schemas.enums import ProcessingModel, ProfileStatus
from orchestration_assets.schemas.items import Item, Question, Reading, Task
from orchestration_assets.schemas.policy import Choice, Policy
from orchestration_assets.schemas.record_answers import RecordAnswer, record_json, record_of
from orchestration_assets.schemas.record_fields import RecordField
from orchestration_assets.schemas.tables import ItemProfile, PlanRow
from orchestration_assets.schemas.task_inputs import InputAnswer, Inputs
from orchestration_assets.selection.active_selector import ChosenPoint
from orchestration_assets.selection.answer_conditions import Admission, admitted
from orchestration_assets.selection.expectations import expected_by, expected_usd_by
from orchestration_assets.selection.forecast import Price
from orchestration_assets.selection.learned_model import LearnedModel
from orchestration_assets.selection.plan import plan_items
from orchestration_assets.selection.strategies import DIRECTIVE
from orchestration_assets.selection.unrecorded_features import (
    unrecorded_for_asking,
    unrecorded_for_rules,
)
from orchestration_assets.services.contract import Service
from orchestration_assets.services.identity import service_identity
from orchestration_assets.services.taught.taught_service import TaughtService
from resources.ai_services.http.chat import ChatService

_REASONS = 3
_UNLEARNED = RecordWeights()


class NotRecordedError(Exception):
    """The log does not hold what the plan asks for; the message says what."""


@dataclass(frozen=True, slots=True)
class PathOutcome:
    """What one question took and yielded. ``record``: the answer as JSON, where it is a record."""

    answer: str | None
    calls: int
    usd: float
    ms: float
    record: str | None = None


@dataclass(frozen=True, slots=True)
class ReplayedQuestion:
    """One item and task: as it was recorded, and under the other policy (None: ``why`` not).

    ``learned``: a learned model decided under the other policy; ``in_sample``: one that was trained
    on the outcome of this very content.
    """

    item_id: str
    task: str
    recorded: PathOutcome
    other: PathOutcome | None
    why: str | None = None
    learned: bool = False
    in_sample: bool = False


@dataclass(frozen=True)
class RecordedBatch:
    """What was recorded of a batch: profiles by item, readings by answer key, and by item and
    task the answer that stands with the services that were asked for it.

    ``taught`` holds the readings of taught services once more, by item, task, service and its
    identity: they count whatever was known when they were given, as the promise was the same.
    ``records``: the records that stand as JSON, and ``weights``, by task, what the values of
    records are settled by. ``judged``: verdicts about answers that other tasks build on.
    """

    batch: str
    profiles: Sequence[ItemProfile]
    readings: Mapping[str, Reading]
    stands: Mapping[tuple[str, str], str | None]
    asked: Mapping[tuple[str, str], Sequence[str]]
    taught: Mapping[tuple[str, str, str, str], Reading] = field(default_factory=dict)
    records: Mapping[tuple[str, str], str] = field(default_factory=dict)
    weights: Mapping[str, RecordWeights] = field(default_factory=dict)
    judged: Judged = field(default_factory=dict)


@dataclass(frozen=True)
class ReplayPolicy:
    """The policy to replay, with everything that its plans refer to.

    ``tool_data``: task -> what names all that its tools answer from, as it is now.
    """

    policy: Policy
    hash: str
    services: Mapping[str, Service]
    prices: Mapping[str, Price]
    known: Mapping[str, ChosenPoint | str] = field(default_factory=dict)
    tool_data: Mapping[str, str] = field(default_factory=dict)


def replay(log: RecordedBatch, other: ReplayPolicy) -> Iterator[ReplayedQuestion]:
    """Every question of the batch that both policies ask."""
    # one loop for all of them: to make one takes longer than most questions
    with closing(asyncio.new_event_loop()) as loop:
        yield from _replay(log, other, loop)


def _replay(
    log: RecordedBatch, other: ReplayPolicy, loop: asyncio.AbstractEventLoop
) -> Iterator[ReplayedQuestion]:
    profiles = {profile.item_id: profile for profile in log.profiles}
    tasks = build_tasks(other.policy)
    models = {
        one.model.version: one.model.learned
        for one in other.known.values()
        if isinstance(one, ChosenPoint)
    }
    selectors = {version: model.selector for version, model in models.items()}
    plans = plan_items(log.batch, log.profiles, other.policy, other.hash, other.prices, other.known)
    inputs = task_inputs(other.policy)
    unknown = _unknown_asking(log, other.policy)
    for (item_id, name), why in unknown.items():
        yield ReplayedQuestion(item_id, name, _recorded(log, other, (item_id, name)), None, why)
    for item_id, of_item in groupby(plans, key=lambda plan: plan.item_id):
        rows = {row.task: row for row in of_item if (item_id, row.task) not in unknown}
        # what stands of the item's tasks for those after them; in words, why that is not known
        before: dict[str, InputAnswer | str] = {
            task: unknown[item_id, task] for task in tasks if (item_id, task) in unknown
        }
        for name in in_order(list(rows), inputs):
            row, key = rows[name], (rows[name].item_id, name)
            if key not in log.stands:
                before[name] = "it was not asked"
                continue
            recorded = _recorded(log, other, key)
            profile = profiles[row.item_id]
            item = Item(row.item_id, row.content_hash, row.path, "", profile.features)
            question = Question(tasks[name], item)
            try:
                carry_out = partial(
                    _carried_out, row, question, log, other, models, tasks, inputs, before
                )
                judged = _judged_before(row, log, inputs)
                done = loop.run_until_complete(_as_recorded(carry_out, judged))
            except NotRecordedError as error:
                before[name] = str(error)
                yield ReplayedQuestion(row.item_id, name, recorded, None, str(error))
                continue
            before[name] = standing_of(done, tasks[name])
            if done.stands is not None and not done.answered:
                given = done.stands.answer
                record = record_json(given) if isinstance(given, RecordAnswer) else None
                taken = _path_outcome(shown(given), (), other.prices, record)
                yield ReplayedQuestion(row.item_id, name, recorded, taken)
                continue
            readings = _final_readings(done)
            weighed = learned_weights([row], {key: readings}, selectors).get(key)
            roles = roles_of(done.answered)
            rules, known = rules_of(other.policy), log.weights.get(name, _UNLEARNED)
            resolved = resolve(row, readings, tasks[name], roles, rules, weighed, records=known)
            asked = [one.service for one in done.answered]
            taken = _path_outcome(resolved.answer, asked, other.prices, resolved.answer_record)
            learned = None if row.artefact is None else models[row.artefact]
            in_sample = learned is not None and learned.was_trained_on(row.content_hash)
            yield ReplayedQuestion(
                row.item_id,
                name,
                recorded,
                taken,
                learned=learned is not None,
                in_sample=in_sample,
            )


def _recorded(log: RecordedBatch, other: ReplayPolicy, key: tuple[str, str]) -> PathOutcome:
    asked, record = log.asked.get(key, ()), log.records.get(key)
    return _path_outcome(log.stands[key], asked, other.prices, record)


def _unknown_asking(log: RecordedBatch, policy: Policy) -> dict[tuple[str, str], str]:
    """Item and task -> why it is not known whether the policy asks it, of what was recorded."""
    return {
        (profile.item_id, name): _not_computed(feature)
        for profile in log.profiles
        if profile.status is ProfileStatus.OK
        for name, task in policy.tasks.items()
        if (profile.item_id, name) in log.stands
        and (feature := unrecorded_for_asking(task, profile.features)) is not None
    }


def _not_computed(feature: str) -> str:
    return f"the feature {feature}, which it depends on, was not computed of it"


async def _as_recorded(
    carry_out: Callable[[Mapping[str, Answer]], Awaitable[PlanResult]],
    judged: Mapping[str, Answer],
) -> PlanResult:
    """What a plan yields by the log, which was made after the verdicts in ``judged`` were taken in,
    or before. Raises NotRecordedError."""
    try:
        return await carry_out(judged)
    except NotRecordedError as error:
        if not judged:
            raise
        try:
            return await carry_out({})
        except NotRecordedError:
            raise error from None


def _judged_before(row: PlanRow, log: RecordedBatch, inputs: Inputs) -> dict[str, Answer]:
    """Task -> the verdict about its answer, of the tasks that the plan's builds on."""
    named = inputs[row.task].waits_for if row.task in inputs else ()
    about = {task: (row.item_id, task) for task in named}
    return {task: log.judged[pair] for task, pair in about.items() if pair in log.judged}


async def _carried_out(
    row: PlanRow,
    question: Question,
    log: RecordedBatch,
    other: ReplayPolicy,
    models: Mapping[str, LearnedModel],
    tasks: Mapping[str, Task],
    inputs: Inputs,
    before: Mapping[str, InputAnswer | str],
    judged: Mapping[str, Answer],
) -> PlanResult:
    """What the plan yields by the log; ``judged``: verdicts about the answers that it builds on.
    Raises NotRecordedError."""
    if row.task in inputs:
        own, answers = inputs[row.task], dict[str, InputAnswer]()
        for task in own.waits_for:
            found, verdict = before.get(task, ABSENT), judged.get(task)
            if isinstance(found, str) and verdict is not None:
                # of a record, a verdict says nothing of the fields that nobody judged
                found = found if isinstance(verdict, RecordAnswer) else ABSENT
            if isinstance(found, str):
                raise NotRecordedError(f"{task}, which comes before it, has no answer: {found}")
            answers[task] = with_verdict(found, verdict, tasks[task])
        ended = admitted(own, answers)
        if ended.admission is not Admission.ADMIT:
            return turned_away(own, ended, ())
        shown_answers = tuple((task, answers[task].answer) for task in own.shown)
        question = replace(question, answers=shown_answers)
    if row.strategy != DIRECTIVE:
        config = other.policy.tasks[row.task]
        feature = unrecorded_for_rules(config, question.item.profile)
        if feature is not None:
            raise NotRecordedError(_not_computed(feature))
    choice = other.policy.tasks[row.task].choices[row.option]
    ask, repairs = recorded_answers(log, other), Repairs(question.task, other.services)
    asking = repairs.asking(ask)
    if row.artefact is not None and row.point is not None:
        model = models[row.artefact].selector
        expected = expected_by(row, model.services)
        usd = expected_usd_by(row, model.services)
        taught = taught_first(row, model.services, other.services)
        done = await run_learned(model, row.point, question, asking, expected, usd, taught)
    else:
        _whole_content_only(choice, question.item.profile)
        done = await execute(choice, question, asking, tasks)
    return await validated(done, question, ask, other.services, choice, repairs)


def _path_outcome(
    answer: str | None,
    asked: Sequence[str],
    prices: Mapping[str, Price],
    record: str | None = None,
) -> PathOutcome:
    """At present prices, whether or not the cache answered then: policies are compared alike."""
    known = [prices[name] for name in asked if name in prices]
    usd = math.fsum(one.cost_usd for one in known)
    ms = math.fsum(one.expected_ms for one in known)
    return PathOutcome(answer, len(asked), usd, ms, record)


def recorded_answers(log: RecordedBatch, other: ReplayPolicy) -> Ask:
    """Asks the log, which raises NotRecordedError where it holds no answer."""

    async def ask(name: str, question: Question) -> AskResult:
        service = other.services[name]
        if isinstance(service, ChatService):
            question = replace(question, tool_data=other.tool_data.get(question.task.name, ""))
        key = answer_key(question, service)
        version = service_identity(service, question.task)
        if isinstance(service, TaughtService):
            about = question.item.item_id, question.task.name, name, version
            reading = log.taught.get(about)
        else:
            reading = log.readings.get(key)
        if reading is None:
            shown_others = bool(question.earlier) or (
                "answers" in service.reads and bool(question.answers)
            )
            context = ", with these earlier answers" if shown_others else ""
            raise NotRecordedError(f"{name} as it is now was not asked about it{context}")
        now = datetime(1970, 1, 1, tzinfo=UTC)
        return AskResult(name, version, key, reading, CACHE, 0.0, now, 0.0)

    return ask


def _whole_content_only(choice: Choice, features: Mapping[str, Any]) -> None:
    """The log holds readings, no content: rounds that read a part of it cannot be replayed."""
    for one in (choice, *choice.sub_choices.values()):
        if one.model is ProcessingModel.ITERATIVE and one.rounds is not None:
            length = features.get("char_count")
            if length is None or length > one.rounds.first_chars:
                raise NotRecordedError("its rounds read parts of the content, which no log holds")
        if one is not choice:
            _whole_content_only(one, features)


def _final_readings(done: PlanResult) -> ServiceReadings:
    return tuple((one.service, one.reading) for one in done.answered if one.final)


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """A mean under both policies, and the 95 % interval of the difference (paired, normal)."""

    before: float
    after: float
    low: float | None
    high: float | None


def change(before: Sequence[float], after: Sequence[float]) -> PairedDifference:
    """The change of a mean; no interval from fewer than two pairs."""
    old, new = np.array(before, dtype=np.float64), np.array(after, dtype=np.float64)
    gap = new - old
    if len(gap) < 2:
        return PairedDifference(float(old.sum()), float(new.sum()), None, None)
    half = Z * float(gap.std(ddof=1)) / math.sqrt(len(gap))
    middle = float(gap.mean())
    return PairedDifference(float(old.mean()), float(new.mean()), middle - half, middle + half)


@dataclass(frozen=True, slots=True)
class ReplayFigures:
    """One task under both policies, over the questions that the log can answer.

    ``accuracy`` and ``interval`` (95 %, of the other policy) rest on ``gold`` of them, each weighed
    by what its verdict stands for. ``in_sample`` others have gold too, and are left out: the model
    that decides there was trained on their outcomes, so that it would look better than it is on new
    items. Those that it was not trained on stand for them.
    ``reasons`` are the most frequent ones for the rest.
    """

    task: str
    questions: int
    answerable: int
    changed: int
    usd: PairedDifference
    ms: PairedDifference
    calls: PairedDifference
    gold: int
    in_sample: int
    accuracy: PairedDifference | None
    interval: tuple[float, float] | None
    reasons: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class WeighedGold:
    """The right ``answer`` of an item, and how many items its verdict stands for. Of a record,
    what the verdict says of some of its ``fields``."""

    answer: str
    weight: float
    record: RecordAnswer | None = None
    fields: tuple[RecordField, ...] = ()

    def right(self, outcome: PathOutcome) -> float | None:
        """How right an answer is, in [0, 1]: of a record, the share of the judged values; None
        where the verdict judges none of the fields."""
        if self.record is None:
            return float(outcome.answer == self.answer)
        given = RecordAnswer(()) if outcome.record is None else record_of(outcome.record)
        return right_share(given, self.record, self.fields)


@dataclass(frozen=True, slots=True)
class _Judged:
    """A question with gold: how right both policies are, and what it counts."""

    old_right: float
    new_right: float
    weight: float
    learned: bool
    in_sample: bool


def _out_of_sample(judged: Sequence[_Judged]) -> tuple[Floats, Floats, Floats]:
    """(n,) how right both policies are, and weights, of the questions that no model was trained on.

    Those of learned models stand for all that these decide, so that the shares of rules and of what
    was learned stay as they are; none where all of these were trained on.
    """
    all_learned = math.fsum(one.weight for one in judged if one.learned)
    unseen = math.fsum(one.weight for one in judged if one.learned and not one.in_sample)
    if all_learned > 0.0 and not unseen > 0.0:
        return np.zeros(0), np.zeros(0), np.zeros(0)
    rows = [
        (one.old_right, one.new_right, one.weight * (all_learned / unseen if one.learned else 1.0))
        for one in judged
        if not one.in_sample
    ]
    old_right, new_right, weights = np.array(rows, dtype=np.float64).reshape(-1, 3).T
    return old_right, new_right, weights


def _accuracy_change(old: Floats, new: Floats, weights: Floats) -> PairedDifference | None:
    gain = difference_estimate(new - old, weights)
    if gain is None:
        return None
    before, after = weighted_mean(old, weights), weighted_mean(new, weights)
    return PairedDifference(before, after, gain.low, gain.high)


def figures(
    replayed: Sequence[ReplayedQuestion], gold: Mapping[tuple[str, str], WeighedGold]
) -> list[ReplayFigures]:
    """The figures of every task, by name; ``gold`` is by item and task."""
    found = []
    for task in sorted({one.task for one in replayed}):
        mine = [one for one in replayed if one.task == task]
        pairs = [(one.recorded, one.other) for one in mine if one.other is not None]
        judged = [
            _Judged(
                old,
                new,
                truth.weight,
                one.learned,
                one.in_sample,
            )
            for one in mine
            if one.other is not None
            and (truth := gold.get((one.item_id, task))) is not None
            and (old := truth.right(one.recorded)) is not None
            and (new := truth.right(one.other)) is not None
        ]
        old_right, new_right, weights = _out_of_sample(judged)
        share = share_estimate(new_right, weights)
        reasons = Counter(one.why for one in mine if one.why is not None)
        found.append(
            ReplayFigures(
                task=task,
                questions=len(mine),
                answerable=len(pairs),
                changed=sum(old.answer != new.answer for old, new in pairs),
                usd=change([old.usd for old, _ in pairs], [new.usd for _, new in pairs]),
                ms=change([old.ms for old, _ in pairs], [new.ms for _, new in pairs]),
                calls=change([old.calls for old, _ in pairs], [new.calls for _, new in pairs]),
                gold=len(weights),
                in_sample=sum(one.in_sample for one in judged),
                accuracy=_accuracy_change(old_right, new_right, weights),
                interval=(share.low, share.high) if share else None,
                reasons=tuple(reasons.most_common(_REASONS)),
            )
        )
    return found
