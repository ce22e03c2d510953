"""The tables that disagreement makes of one batch."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.content.content_reader import ContentReader
from orchestration_assets.conversations.earlier import EarlierMessages
from orchestration_assets.disagreement.batch import (
    copies_of,
    declared_in,
    label_weights,
    pinned_thresholds,
    record_weights,
    rules_of,
    service_versions,
)
from orchestration_assets.disagreement.calibration_registry import (
    lessons_in_use,
    promoted_for,
    thresholds_in_use,
)
from orchestration_assets.disagreement.item_contents import ItemContents
from orchestration_assets.disagreement.kinds.citations import citation_rows
from orchestration_assets.disagreement.kinds.search import KindSearch, dispute_kinds
from orchestration_assets.disagreement.kinds.violations import violation_rows
from orchestration_assets.disagreement.label_weights import learned_weights
from orchestration_assets.disagreement.neighbour_history import (
    history_limits,
    neighbours_of,
    read_history,
    with_nearby,
)
from orchestration_assets.disagreement.pairs import disagreements
from orchestration_assets.disagreement.readings import (
    Key,
    NamedQuestion,
    ServiceReadings,
    group_alike,
    independent,
    readings_of,
)
from orchestration_assets.disagreement.resolution import resolve_alike
from orchestration_assets.disagreement.review import QuestionFacts, disputes_of, review_queue
from orchestration_assets.disagreement.review_contents import (
    QuestionContent,
    question_contents,
    votes_about,
    with_reasons,
)
from orchestration_assets.disagreement.review_files import is_open
from orchestration_assets.disagreement.rule_violations import (
    Evidence,
    resolve_in_order,
    said_of_answers,
)
from orchestration_assets.disagreement.turned_away import turned_away
from orchestration_assets.evidence.standing import Roles
from orchestration_assets.evidence.verdict_history import earlier_questions, gold_rows
from orchestration_assets.evidence.verdict_weights import (
    declared_and_answered,
    is_answer_to,
    sheets_of,
)
from orchestration_assets.policy.hidden_content import hides_content
from orchestration_assets.policy.pinned_policy import read_pinned_policy
from orchestration_assets.policy.task_graph import task_inputs
from orchestration_assets.policy.tasks import build_tasks
from orchestration_assets.processing.batch import learned_models
from orchestration_assets.schemas.decoding import column_names, decode, values
from orchestration_assets.schemas.disagreement import DISPUTE_KINDS, ReviewRow
from orchestration_assets.schemas.enums import Consequence, ResolutionStatus, Triage
from orchestration_assets.schemas.items import Task
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.record_answers import RecordAnswer, record_of
from orchestration_assets.schemas.records import TableResult, count_members, rows_to_arrow
from orchestration_assets.schemas.storable_values import whole_text
from orchestration_assets.schemas.tables import (
    DECISION_LOG,
    DISAGREEMENTS,
    INTERPRETATIONS,
    PROCESSING_PLANS,
)
from orchestration_assets.schemas.vectors import CONTENT_VECTORS, NeighboursRow
from resources.home import Home


@dataclass(frozen=True)
class InterpretedBatch:
    """What was asked about the items of a batch, and what services said.

    ``by_name`` maps the name of each table of interpretations to its rows; for resolving, the
    decision log is among them.
    """

    home: Home
    plans: pa.Table
    by_name: Mapping[str, pa.Table]

    @cached_property
    def policy(self) -> Policy | None:
        return read_pinned_policy(self.home.policies, self.plans)

    @property
    def policies(self) -> list[Policy]:
        """The policy, where there are plans."""
        return [self.policy] if self.policy else []

    @cached_property
    def tasks(self) -> dict[str, Task]:
        return build_tasks(self.policy)

    @property
    def interpretations(self) -> list[pa.Table]:
        return [self.by_name[table.name] for table in INTERPRETATIONS.values()]

    @cached_property
    def _answers(self) -> tuple[dict[Key, ServiceReadings], dict[Key, Roles]]:
        return group_alike(self.interpretations)

    @property
    def readings(self) -> dict[Key, ServiceReadings]:
        """Without evidence: questions that were answered alike share their readings."""
        return self._answers[0]

    def with_evidence(self, questions: Collection[Key]) -> dict[Key, ServiceReadings]:
        """The readings of these questions, with what they rest on."""
        return readings_of(questions, self.interpretations)

    @property
    def roles(self) -> dict[Key, Roles]:
        """Which readings decide, and what each was shown."""
        return self._answers[1]

    @cached_property
    def independent(self) -> dict[Key, ServiceReadings]:
        """The readings of services that were shown no other's answer."""
        return independent(self.readings, self.roles)

    @cached_property
    def versions(self) -> dict[str, dict[str, str]]:
        """Task -> service -> the version that answered."""
        return service_versions(self.interpretations)


def resolve_batch(batch: InterpretedBatch) -> TableResult:
    """The answer that stands for each plan, its readings weighed against each other."""
    policy, registry = batch.policy, batch.home.models
    learned_from = batch.plans.filter(pc.is_valid(batch.plans["artefact"]))
    plans = PROCESSING_PLANS.rows(learned_from)
    calibrated = promoted_for(registry)
    weights = label_weights(batch.independent, batch.tasks, batch.versions, policy, calibrated)
    lessons = partial(lessons_in_use, registry)
    records = record_weights(batch.independent, batch.tasks, batch.versions, policy, lessons)
    learned = learned_weights(plans, batch.independent, learned_models(batch.plans, registry))
    log, inputs = batch.by_name[DECISION_LOG.name], task_inputs(policy)
    unasked = turned_away(log, inputs)

    def resolve(plans: pa.Table, evidence: Evidence) -> pa.Table:
        return resolve_alike(
            plans,
            batch.readings,
            batch.tasks,
            batch.roles,
            rules_of(policy),
            weights.by_question | learned,
            weights.basis,
            records,
            unasked,
            evidence,
        )

    said = said_of_answers(log, batch.tasks)
    table = resolve_in_order(batch.plans, batch.tasks, inputs, said, resolve)
    bands = count_members(table["triage"], Triage)
    figures = {
        **count_members(table["status"], ResolutionStatus),
        **{f"triage_{band}": count for band, count in bands.items()},
        **{f"calibration: {task}": version for task, version in weights.versions.items()},
        **{f"records: {task}": one.basis for task, one in records.items()},
        **{f"field lessons: {task}": one.version for task, one in records.items() if one.version},
    }
    return TableResult(table, figures)


def compare_batch(batch: InterpretedBatch, resolutions: pa.Table, key: str) -> TableResult:
    """The pairs of answers that differ, neither being built on the other.

    ``key`` is the name of the batch.
    """
    home, tasks = batch.home, batch.tasks
    in_use = partial(thresholds_in_use, home.models)
    known = pinned_thresholds(batch.plans, batch.interpretations, in_use)
    errors: dict[str, str] = {}
    asked = decode(NamedQuestion, resolutions)
    answered = batch.readings, tasks, known, errors, batch.roles, batch.with_evidence
    rows = list(disagreements(asked, *answered, _standing_records(resolutions)))
    vectors = home.tables.read(CONTENT_VECTORS.name, key, column_names(NeighboursRow))
    near = neighbours_of(vectors, {row.item_id for row in rows})
    home.series.await_earlier(key, DISAGREEMENTS.name)
    earlier = read_history(home.tables, near, batch.versions, history_limits(batch.policy))
    table = rows_to_arrow(DISAGREEMENTS, with_nearby(rows, near, earlier, tasks))
    disputes = table.filter(pc.not_equal(table["consequence"], Consequence.NONE.value))
    figures = {
        **{f"of_{kind}": n for kind, n in Counter(disputes["kind"].to_pylist()).items()},
        "disputes": disputes.num_rows,
        "without_consequence": table.num_rows - disputes.num_rows,
        **{f"thresholds: {task}": one.in_words() for task, one in known.items()},
        "items_in_dispute": len(pc.unique(disputes["item_id"])),
        "highest_severity": pc.max(table["severity"]).as_py() or 0.0,
        "not_compared": len(errors),
        "with_nearby": table.num_rows - table["near_items"].null_count,
        **{f"earlier batch {one} not read": why for one, why in earlier.skipped.items()},
    }
    return TableResult(table, figures, list(_warnings("not compared", errors)))


def _standing_records(resolutions: pa.Table) -> dict[Key, RecordAnswer]:
    """What stands of each question that is answered by a record."""
    stand = resolutions.filter(pc.is_valid(resolutions["answer_record"]))
    named = values(stand, "item_id", "task", "answer_record")
    return {(item, task): record_of(text) for item, task, text in named}


def classify_disputes(
    batch: InterpretedBatch, resolutions: pa.Table, search: KindSearch
) -> TableResult:
    """What sets the readings apart, question by question that several services answered."""
    asked = decode(NamedQuestion, resolutions)
    errors: dict[str, str] = {}
    found = dispute_kinds(asked, batch.independent, batch.tasks, search, errors)
    told = (*violation_rows(resolutions), *citation_rows(batch.plans, batch.readings))
    table = rows_to_arrow(DISPUTE_KINDS, [*found, *told])
    figures = {**Counter(table["kind"].to_pylist()), "not_looked_through": len(errors)}
    return TableResult(table, figures, list(_warnings("not looked through", errors)))


@dataclass(frozen=True)
class AnsweredBatch:
    """A batch with what its services said, and what was made of it.

    ``readings`` are the tables of interpretations.
    """

    home: Home
    name: str
    manifest: pa.Table
    profiles: pa.Table
    plans: pa.Table
    readings: Sequence[pa.Table]
    resolutions: pa.Table
    disagreements: pa.Table
    kinds: pa.Table

    @cached_property
    def policy(self) -> Policy | None:
        return read_pinned_policy(self.home.policies, self.plans)


def queue_questions(batch: AnsweredBatch) -> list[ReviewRow]:
    """What people should look at, and what they have answered in earlier rounds."""
    policy, home = batch.policy, batch.home
    if policy is None:
        return []
    gold = gold_rows(home.tables)
    of_content, answered = declared_and_answered(gold)
    # gold was made under an earlier policy, which may have declared what this one does not
    of_content = {key for key in of_content if _declares(policy, key[1])}
    before = earlier_questions(home.tables, batch.name)
    now, sheets = max((row.round for row in before), default=1), sheets_of(gold)
    elsewhere = {key for key in answered if not is_answer_to(batch.name, now, sheets[key])}
    by_question: dict[Key, list[str]] = {}
    for item, task, kind in values(batch.kinds, "item_id", "task", "kind"):
        by_question.setdefault((item, task), []).append(kind)
    disputes = disputes_of(DISAGREEMENTS.rows(batch.disagreements))
    rows = review_queue(
        batch.resolutions,
        QuestionFacts(build_tasks(policy), by_question, disputes),
        copies_of(batch.manifest),
        {name: task.impact for name, task in policy.tasks.items()},
        of_content | answered | declared_in(policy, batch.name, batch.manifest),
        policy.disagreement.review.max_rows,
        policy.disagreement.review.audit_share,
        before,
        answered,
        elsewhere,
    )
    votes = votes_about([row for row in rows if is_open(row)], batch.readings)
    return with_reasons(rows, votes, quotes=not hides_content([policy]))


def _declares(policy: Policy, task: str) -> bool:
    return task in policy.tasks and policy.tasks[task].gold is not None


def contents_of_questions(
    batch: AnsweredBatch, rows: Sequence[ReviewRow]
) -> dict[Key, QuestionContent]:
    """What is shown of the content of the questions that are open, read again."""
    asked = [row for row in rows if is_open(row)]
    votes = votes_about(asked, batch.readings)
    with ContentReader(batch.home, batch.home.batches.source(batch.name)) as reader:
        policies = [batch.policy] if batch.policy else []
        contents = ItemContents(policies, batch.manifest, batch.profiles, reader)
        earlier = EarlierMessages(batch.home, batch.name)
        return question_contents(asked, contents, votes, batch.plans, earlier)


def _warnings(what: str, errors: Mapping[str, str]) -> Iterator[str]:
    for place, why in errors.items():
        yield f"{place}: {what}: {whole_text(why)}"
