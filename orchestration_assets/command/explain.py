"""`orchestrate explain`: everything that is known of one item, and why it is so."""

import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.command.item_content import ItemContent, item_content
from orchestration_assets.command.typed_paths import typed_addresses
from orchestration_assets.content.name_filter import batches_naming
from orchestration_assets.conversations.earlier import EarlierMessages
from orchestration_assets.conversations.messages_before import MessagesBefore, messages_before
from orchestration_assets.conversations.stale import unsettled_items
from orchestration_assets.disagreement.part_differences import PartDifference, part_differences
from orchestration_assets.disagreement.readings import reading_of
from orchestration_assets.disagreement.task_questions import allowed_answers
from orchestration_assets.policy.load import LoadedPolicy, load_policy
from orchestration_assets.policy.tasks import build_tasks
from orchestration_assets.policy.unnamed_policy import policy_of_plans
from orchestration_assets.processing.answer_checks import asked_task
from orchestration_assets.schemas.decoding import Record
from orchestration_assets.schemas.enums import Consequence, ProfileStatus
from orchestration_assets.schemas.errors import OrchestrationError
from orchestration_assets.schemas.items import Task
from orchestration_assets.schemas.part_readings import PART_READINGS, PartReadingRow
from orchestration_assets.schemas.records import Table
from orchestration_assets.schemas.services import SensitiveKind
from orchestration_assets.schemas.states import ITEM_STATES, StateRow
from orchestration_assets.schemas.tables import (
    CALL_LOG,
    CONTENT_MANIFEST,
    CONTENT_PROFILES,
    DECISION_LOG,
    DISAGREEMENTS,
    INTERPRETATIONS,
    PROCESSING_PLANS,
    RESOLUTIONS,
    TABLES,
    CallRow,
    DecisionRow,
    DisagreementRow,
    FieldResolution,
    InterpretationRow,
    ManifestRow,
    PlanRow,
    ProfileRow,
    ResolutionRow,
    profiles_of,
)
from orchestration_assets.schemas.tool_use import TOOL_LOG, ToolLogRow
from orchestration_assets.schemas.vectors import CONTENT_VECTORS, VectorRow
from orchestration_assets.services.identity import changed_parts, service_identity
from orchestration_assets.settings import Settings
from orchestration_assets.text.content_excerpts import ContentExcerpt, redacted
from orchestration_assets.text.redaction import redact
from orchestration_assets.text.replies.stored_answers import taken_out
from resources.damage import leaving_out_damage
from resources.home import Home
from resources.table_store import BatchStore, TableStore

_FEW_ROWS: Final = 256
_PARTS_SHOWN: Final = 5
_UNSURE_FROM: Final = 0.05
"""The risk from which on a value is shown that all services agree on."""
_TELLING: Final = (
    *("family", "language_guess", "byte_count", "line_count", "word_count", "prose_word_count"),
    *("structure_score", "creativity_score", "technicality_score", "ambiguity_score"),
    "complexity_score",
)


class UnknownItemError(OrchestrationError):
    """No batch of the home has such an item; the message says what was looked for."""


@dataclass(frozen=True, slots=True)
class TaskTrace:
    """A plan with what came of it: readings with their calls, decisions, answer, dissent.

    ``question`` and ``allowed`` answers in words are those of the policy that asked; ``excerpt`` is
    the part of the content that tells which of the answers is right. ``parts`` are the readings
    about parts of the item, ``differing`` those parts on which services differ. ``tool_calls`` are
    those that services made before they answered.
    """

    plan: PlanRow
    question: str
    allowed: str
    excerpt: ContentExcerpt
    readings: list[tuple[InterpretationRow, CallRow | None]]
    decisions: list[DecisionRow]
    resolution: ResolutionRow | None
    disagreements: list[DisagreementRow]
    parts: list[PartReadingRow] = field(default_factory=list)
    differing: list[PartDifference] = field(default_factory=list)
    tool_calls: list[ToolLogRow] = field(default_factory=list)

    def parts_of(self, reading: InterpretationRow) -> list[PartReadingRow]:
        """What a reading of the whole item was joined of; empty where it was asked of the whole."""
        about = reading.service, reading.round
        return [row for row in self.parts if (row.service, row.round) == about]

    def plain(self) -> dict[str, Any]:
        """The same as plain values, each call within its reading."""
        readings = [
            asdict(reading) | {"call": call and asdict(call)} for reading, call in self.readings
        ]
        return asdict(self) | {"readings": readings}


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is known of one item, newest batch first.

    ``seen`` are its manifest rows without metadata, which hold gold too; ``metadata`` is what of it
    may be shown. ``states`` are the transitions of the latest; ``computed_in`` is
    the batch, and ``computed_as`` the item, whose rows hold its results: both None when it never
    had any. ``conversation`` is where it stands in one. ``next_run`` says what a run over the same
    content would reuse and what it would compute, and why.
    """

    item_id: str
    path: str
    address: str
    seen: list[ManifestRow]
    states: list[StateRow] = field(default_factory=list)
    computed_in: str | None = None
    computed_as: str | None = None
    profile: ProfileRow | None = None
    features: Mapping[str, Any] = field(default_factory=dict)
    metadata: tuple[tuple[str, str], ...] = ()
    vectors: VectorRow | None = None
    tasks: list[TaskTrace] = field(default_factory=list)
    conversation: MessagesBefore | None = None
    next_run: list[str] = field(default_factory=list)

    def plain(self) -> dict[str, Any]:
        """The explanation as plain values."""
        plain = asdict(self) | {"tasks": [task.plain() for task in self.tasks]}
        features = plain.pop("features")
        if self.profile is not None:
            plain["profile"] |= features
        for name in ("vector", "semantic", "sketch", "terms") if self.vectors is not None else ():
            del plain["vectors"][name]
        return plain


def explain(settings: Settings, item: str, *, as_json: bool) -> int:
    """Prints what is known of the item; returns the exit code.

    Raises UnknownItemError and PolicyError.
    """
    found = explanation(Home(settings.home), item, load_policy(settings.policy))
    text = json.dumps(found.plain(), indent=1, default=str) if as_json else render(found)
    sys.stdout.write(text + "\n")
    return 0


def explanation(home: Home, item: str, loaded: LoadedPolicy) -> Explanation:
    """What the tables and caches of the home know of an item: its id, path or address, or the
    name of a record within its file.

    Where ``loaded`` is the packaged policy that nobody chose, the one that the item was planned
    under stands in for it. Raises UnknownItemError.
    """
    store = home.tables
    typed = typed_addresses(item)
    # a name that is not UTF-8 stands in the tables as it is shown there
    item = os.fsencode(item).decode("utf-8", "backslashreplace")
    rows = list(_seen(store, item)) or list(_records(store, item))
    rows = rows or next(filter(None, (list(_seen(store, one)) for one in typed)), [])
    seen = [replace(row, metadata=()) for row in rows]
    if not seen:
        waiting = any(
            _entries(home.batches, key, one)
            for key in home.batches.recorded()
            for one in (item, *typed)
        )
        where = (
            "is recorded but not yet processed: orchestrate run SOURCE"
            if waiting
            else (
                "is in no batch; give its id, its path (from here, or relative to the source), its "
                "address, or the id of a record"
            )
        )
        raise UnknownItemError(f"{item!r} {where} (home {home.folder})")
    latest = seen[0]
    if len({row.item_id for row in seen}) > 1:
        several = ", ".join(sorted({f"{row.item_id} ({row.address})" for row in seen}))
        raise UnknownItemError(f"{item!r} names several items; give one of: {several}")
    states = _rows(store, ITEM_STATES, latest.batch, latest.item_id)
    base = Explanation(latest.item_id, latest.path, latest.address, seen, states)
    held = next((row for row in rows if row.computed_as), None)
    results = _computed_in(store, held) if held else None
    if held is None or results is None:
        return base
    batch, source_item = results
    profiles = _stored(store, CONTENT_PROFILES.name, batch, source_item)
    profile = next(CONTENT_PROFILES.rows(profiles), None)
    features: Mapping[str, Any] = next((one.features for one in profiles_of(profiles)), {})
    plans = _stored(store, PROCESSING_PLANS.name, batch, source_item)
    by_plans = policy_of_plans(home, loaded, plans)
    with item_content(home, by_plans.policy, held, profiles, plans) as content:
        metadata = content.metadata
        tasks = list(_tasks(store, batch, source_item, build_tasks(content.policy), content))
        conversation = None
        with leaving_out_damage():
            # what is told of one item has nothing of the messages before it
            earlier = EarlierMessages(Home(home.folder, home.claim, home.series), batch)
            conversation = messages_before(earlier, source_item, hidden=content.hidden)
    return Explanation(
        base.item_id,
        base.path,
        base.address,
        seen,
        states,
        batch,
        source_item,
        profile,
        features,
        metadata,
        next(iter(_rows(store, CONTENT_VECTORS, batch, source_item)), None),
        tasks,
        conversation,
        list(_next_run(home, by_plans, held, profile, tasks, chosen=by_plans is loaded)),
    )


def _seen(store: TableStore, item: str) -> Iterator[ManifestRow]:
    for batch in batches_naming(store, item, CONTENT_MANIFEST.name):
        with leaving_out_damage():
            table = store.read(CONTENT_MANIFEST.name, batch)
            yield from CONTENT_MANIFEST.rows(table.filter(_is(table, item)))


def _records(store: TableStore, name: str) -> Iterator[ManifestRow]:
    """The records that are known by such a name within their files, the newest first."""
    for batch in reversed(store.batches(CONTENT_MANIFEST.name)):
        with leaving_out_damage():
            paths = store.read(CONTENT_MANIFEST.name, batch, ["path"])["path"]
            named = pc.ends_with(paths, f"#{name}")
            if pc.any(named).as_py():
                manifest = store.read(CONTENT_MANIFEST.name, batch)
                yield from CONTENT_MANIFEST.rows(manifest.filter(named))


def _is(table: pa.Table, item: str) -> Any:
    by_id, by_path = pc.equal(table["item_id"], item), pc.equal(table["path"], item)
    return pc.or_(pc.or_(by_id, by_path), pc.equal(table["address"], item))


def _entries(store: BatchStore, batch: str, item: str) -> int:
    with leaving_out_damage():
        entries = store.read(batch)
        return int(entries.filter(_is(entries, item)).num_rows)
    return 0


def _computed_in(store: TableStore, held: ManifestRow) -> tuple[str, str] | None:
    """The batch and item whose rows hold the results of this content, newest first."""
    item = held.computed_as
    if item is None:
        return None
    for batch in batches_naming(store, item, CONTENT_PROFILES.name):
        columns = ["item_id", "content_hash"]
        with leaving_out_damage():
            profiles = store.read(CONTENT_PROFILES.name, batch, columns)
            same = pc.and_(
                pc.equal(profiles["item_id"], item),
                pc.equal(profiles["content_hash"], held.content_hash),
            )
            if pc.any(same).as_py():
                return batch, item
    return None


def _stored(store: TableStore, table: str, batch: str, item: str) -> pa.Table:
    """The rows about an item; none of a table that is missing or damaged."""
    if store.exists(table, batch):
        with leaving_out_damage():
            data = store.read(table, batch)
            # what is kept by item need not be copied
            return data if _is_all_about(data, item) else data.filter(_about(data, item))
    return TABLES[table].schema.empty_table()


def _about(data: pa.Table, item: str) -> Any:
    return pc.equal(data["item_id"], item)


def _is_all_about(data: pa.Table, item: str) -> bool:
    """Whether few rows are all about the item."""
    return data.num_rows <= _FEW_ROWS and set(data["item_id"].to_pylist()) <= {item}


def _rows(store: TableStore, table: Table[Record], batch: str, item: str) -> list[Record]:
    return list(table.rows(_stored(store, table.name, batch, item)))


def _tasks(
    store: TableStore, batch: str, item: str, asked: Mapping[str, Task], content: ItemContent
) -> Iterator[TaskTrace]:
    """Every plan of the item with what was asked, of which content, and what came of it.

    What answers rest on may quote the content: it is left out where that is hidden.
    """
    calls = {
        (call.task, call.service, call.round): call for call in _rows(store, CALL_LOG, batch, item)
    }
    readings = [
        (
            replace(row, evidence=None) if content.hidden else row,
            calls.get((row.task, row.service, row.round)),
        )
        for table in INTERPRETATIONS.values()
        for row in _rows(store, table, batch, item)
    ]
    parts = _part_readings(store, batch, item, content)
    tool_calls = _rows(store, TOOL_LOG, batch, item)
    decisions = _rows(store, DECISION_LOG, batch, item)
    resolutions = {row.task: row for row in _rows(store, RESOLUTIONS, batch, item)}
    disagreements = [
        replace(row, evidence=_both_answers(row)) if content.hidden else row
        for row in _rows(store, DISAGREEMENTS, batch, item)
    ]
    for plan in _rows(store, PROCESSING_PLANS, batch, item):
        task = asked.get(plan.task)
        own = [one for one in readings if one[0].task == plan.task]
        own_parts = [row for row in parts if row.task == plan.task]
        yield TaskTrace(
            _with_shown_passages(plan, content),
            task.question if task else "",
            allowed_answers(task) if task else "the policy no longer names the task",
            content.excerpt([(row.service, reading_of(row)) for row, _ in own if row.final]),
            own,
            [row for row in decisions if row.task == plan.task],
            resolutions.get(plan.task),
            [row for row in disagreements if row.task == plan.task],
            own_parts,
            part_differences(own_parts, task) if task and own_parts else [],
            [_shown_call(row, content) for row in tool_calls if row.task == plan.task],
        )


def _shown_call(row: ToolLogRow, content: ItemContent) -> ToolLogRow:
    """Arguments and results may quote the content."""
    if content.hidden:
        return replace(row, arguments="", result="")
    return replace(row, arguments=redacted(row.arguments), result=redacted(row.result))


def _part_readings(
    store: TableStore, batch: str, item: str, content: ItemContent
) -> list[PartReadingRow]:
    """Headings are content: they are left out where that is hidden."""
    rows = _rows(store, PART_READINGS, batch, item)
    if content.hidden:
        return [replace(row, heading="", evidence=None) for row in rows]
    return [replace(row, heading=redact(row.heading, tuple(SensitiveKind)).text) for row in rows]


def _with_shown_passages(plan: PlanRow, content: ItemContent) -> PlanRow:
    """The plan with its passages as people are shown content: redacted, or only where they are
    from."""
    if not plan.passages:
        return plan
    told = [
        replace(one, heading="", text="")
        if content.hidden
        else replace(one, heading=redacted(one.heading), text=redacted(one.text))
        for one in plan.passages
    ]
    return replace(plan, passages=tuple(told))


def _both_answers(row: DisagreementRow) -> str:
    return f"{row.service_a}: {row.answer_a}; {row.service_b}: {row.answer_b}"


def _stale(home: Home, batch: str, item_id: str) -> str | None:
    """Why a message is to be asked about again; None where it is not."""
    with leaving_out_damage():
        return unsettled_items(home, batch).get(item_id)
    return None


def _next_run(
    home: Home,
    loaded: LoadedPolicy,
    held: ManifestRow,
    profile: ProfileRow | None,
    tasks: Sequence[TaskTrace],
    *,
    chosen: bool,
) -> Iterator[str]:
    """``chosen``: whether a run that names no policy would follow this one."""
    from orchestration_assets.profiling.batch import stands_in_own_table
    from orchestration_assets.profiling.profile_cache import profile_key
    from orchestration_assets.services.pool import build_services

    path = profile.path if profile else held.path
    key = profile_key(held.content_hash, held.encoding, path)
    cache = loaded.policy.execution.cache
    tier = home.features(cache).peek_many([key]).get(key)
    if tier is None and profile and stands_in_own_table(home, held, cache):
        tier = "the batch's own table"
    yield (
        f"profile: reused, {tier} has it"
        if tier
        else "profile: computed, no tier has it for this content, name and profiler version"
    )
    if tasks and (why := _stale(home, tasks[0].plan.batch, tasks[0].plan.item_id)):
        yield f"stale: asked about again, {why}"
    hashes = {task.plan.policy_hash for task in tasks}
    if not chosen:
        yield (
            f"policy: looked at under {loaded.kept_as} of {loaded.source}, as it was planned; "
            "a run that names no policy follows the packaged one"
        )
    elif hashes and hashes != {loaded.hash}:
        yield f"plans: made under policy {hashes.pop()}, now {loaded.hash} is in force"
    services, questions = build_services(loaded.policy.services), build_tasks(loaded.policy)
    keys = {reading.answer_key for task in tasks for reading, _ in task.readings}
    keys |= {row.answer_key for task in tasks for row in task.parts}
    kept = home.answers.get_many(keys)
    for task in tasks:
        for reading, _ in task.readings:
            service, asked = services.get(reading.service), questions.get(reading.task)
            what = f"{reading.task}, {reading.service}"
            about = asked and asked_task(asked, reading.service, final=reading.final)
            if service is None or about is None:
                yield f"{what}: not asked, the policy no longer names it"
            elif (now := service_identity(service, about)) != reading.service_version:
                changed = changed_parts(reading.service_version, now)
                yield f"{what}: asked again, it {changed}"
            elif of_parts := task.parts_of(reading):
                missing = sum(row.answer_key not in kept for row in of_parts)
                again = f"asked of {missing} of {len(of_parts)} parts again" if missing else ""
                yield f"{what}: {again or 'reused, the answers about all parts are kept'}"
            elif reading.answer_key in kept:
                yield f"{what}: reused, the answer is kept"
            else:
                yield f"{what}: asked again, {reading.status} is not kept"


def render(explanation: Explanation) -> str:
    """The explanation as lines for people."""
    return "\n".join(printable(line) for line in _lines(explanation))


def _lines(explanation: Explanation) -> list[str]:
    lines = [
        f"{explanation.path}",
        f"  item          {explanation.item_id}",
        f"  address       {explanation.address}",
    ]
    for row in explanation.seen:
        why = "; ".join(part for part in (row.reason, row.detail) if part)
        lines.append(f"  {row.batch}  {row.outcome}{f' ({why})' if why else ''}")
    if explanation.states:
        path = " > ".join(row.to_state for row in explanation.states)
        lines.append(f"  state         {path}: {explanation.states[-1].why}")
    if explanation.computed_in is None:
        return [*lines, "  no results    nothing was computed for it"]
    other = (
        f" as item {explanation.computed_as}"
        if explanation.computed_as != explanation.item_id
        else ""
    )
    lines.append(f"  results       in batch {explanation.computed_in}{other}")
    lines += [
        *_profile_lines(explanation.profile, explanation.features),
        *_vector_lines(explanation.vectors),
        *_conversation_lines(explanation.conversation),
    ]
    lines += [f"  {name[:13]:<13} {_short(value)}" for name, value in explanation.metadata]
    shown: dict[ContentExcerpt, str] = {}
    for task in explanation.tasks:
        lines += _task_lines(task, shown.get(task.excerpt))
        shown.setdefault(task.excerpt, task.plan.task)
    return [*lines, "If it were run again:", *(f"  {words}" for words in explanation.next_run)]


def _profile_lines(profile: ProfileRow | None, features: Mapping[str, Any]) -> Iterator[str]:
    if profile is None:
        return
    if profile.status is not ProfileStatus.OK:
        yield f"  state         {profile.status}: {profile.reason}"
        return
    origin = profile.origin
    yield f"  profile       {'computed' if origin == 'computed' else f'reused, {origin} had it'}"
    telling = [f"{n} {features[n]}" for n in _TELLING if features.get(n) not in (None, "")]
    yield f"                {', '.join(telling)}"
    if profile.features_missing:
        yield f"                cut or not there: {', '.join(profile.features_missing)}"


def _conversation_lines(before: MessagesBefore | None) -> Iterator[str]:
    if before is not None:
        yield f"  conversation  {before.place}"
        yield from (f"    before      {_short(line)}" for line in before.lines)


def _vector_lines(row: VectorRow | None) -> Iterator[str]:
    if row is None:
        return
    if row.representative != row.item_id:
        share = f"{row.similarity:.0%} of its word runs"
        where = f"{row.representative} of batch {row.representative_batch}"
        yield f"  near-copy     of {where}, {share}"
    for near in row.neighbours:
        where = f"{near.item_id} of batch {near.batch}"
        yield f"  neighbour     {where}, cosine {near.similarity:.3f}"


def _planned_lines(plan: PlanRow) -> Iterator[str]:
    """Under which policy a plan was made, what it waits for, and what services are shown."""
    if plan.cohort is not None:
        answers = plan.trial_hash or plan.policy_hash
        yield f"  roll-out      {plan.cohort} of {plan.rollout}: policy {answers} answers"
    if plan.after:
        needs = f", where {plan.condition}" if plan.condition else ""
        yield f"  comes after   {', '.join(plan.after)}{needs}"
    for number, shown in enumerate(plan.passages or (), start=1):
        place = f"{shown.document}, {shown.heading}" if shown.heading else shown.document
        text = f": {_short(shown.text)}" if shown.text else ""
        yield f"  passage [{number}]   {shown.corpus}: {_short(place)}{text}"


def _task_lines(task: TaskTrace, shown_for: str | None) -> Iterator[str]:
    plan, resolution = task.plan, task.resolution
    yield f"{plan.task}"
    yield f"  question      {_short(task.question)}"
    yield f"  answers       {_short(task.allowed)}"
    yield from _content_lines(task.excerpt, shown_for)
    yield f"  plan          {plan.model} ({plan.option}): {plan.reason}"
    yield from _planned_lines(plan)
    looked = ", ".join(f"{one.feature} {one.value}" for one in plan.inputs)
    if looked:
        yield f"  looked at     {looked}"
    for option in plan.rejected:
        price = f"up to {option.calls_max} calls, {option.cost_usd_max:.4f} USD"
        yield f"  not taken     {option.option} ({option.model}): {option.reason}; {price}"
    for reading, call in task.readings:
        said = reading.answer if reading.answer is not None else reading.reason
        sure = f", {reading.confidence:.3f} sure" if reading.confidence is not None else ""
        origin = (
            f"shared from {reading.shared_from}"
            if reading.shared_from
            else (call.origin if call else "no call recorded")
        )
        price = f"{call.elapsed_ms:.1f} ms, {call.cost_usd:.4f} USD" if call else ""
        if of_parts := task.parts_of(reading):
            origin, price = _parts_origin(of_parts), _parts_price(of_parts)
        decides = ", decides" if reading.decides else ""
        yield (
            f"  {reading.service:<13} {reading.status}: {_short(said)}{sure}{decides}"
            f" [{', '.join(part for part in (origin, price) if part)}]"
        )
        yield from _beside(reading)
        for called in task.tool_calls:
            if (called.service, called.step) == (reading.service, reading.step):
                part = f", part {called.part}" if called.part is not None else ""
                asked = f"{called.tool} {_short(called.arguments)} (reply {called.reply}{part})"
                yield (f"                called {asked}, {called.outcome}: {_short(called.result)}")
    for decision in task.decisions:
        yield f"  decided       {decision.action}: {decision.reason}"
    if resolution is not None:
        risk = resolution.error_risk
        words = f", error risk {risk:.3f}" if risk is not None else ""
        said = f": {_short(resolution.answer)}" if resolution.answer is not None else ""
        yield f"  answer        {resolution.status}{said}{words}"
        yield f"                {resolution.reason}"
        yield from _field_lines(resolution.fields or ())
    yield from _part_lines(task.differing)
    for one in task.disagreements:
        yield f"  disagreement  {one.service_a} against {one.service_b}: {one.evidence}"
        yield f"                {_consequence_words(one)}"
        if one.basis:
            yield f"                by {one.basis}"
        if one.nearby:
            yield f"                {one.nearby}"


def _beside(reading: InterpretationRow) -> Iterator[str]:
    """What an answer rests on, and what was taken out of it."""
    if reading.evidence:
        yield f"                because {_short(reading.evidence)}"
    if gone := taken_out(reading.answer, reading.evidence, reading.reason):
        told = ", ".join(f"{count} {kind}" for kind, count in gone.items())
        yield f"                taken out before it was kept: {told}"


def _field_lines(fields: Sequence[FieldResolution]) -> Iterator[str]:
    """The values of a record on which services differ, or that are unsure; how many others are."""
    quiet = [one for one in fields if _is_quiet(one)]
    for one in fields:
        if _is_quiet(one):
            continue
        others = [f"{other.service} says {_short(other.value)}" for other in one.dissenters]
        if one.missing:
            others.append(f"{', '.join(one.missing)} nothing")
        if one.ungrounded:
            others.append(f"what {', '.join(one.ungrounded)} quotes does not stand in the content")
        value = "no value" if one.value is None else _short(one.value)
        against = f"; {'; '.join(others)}" if others else ""
        yield f"    {one.path:<18} {value}, error risk {one.risk:.3f}{against}"
    if quiet:
        riskiest = max(one.risk for one in quiet)
        yield f"    {len(quiet)} values on which all agree, error risk at most {riskiest:.3f}"


def _parts_origin(rows: Sequence[PartReadingRow]) -> str:
    origins = Counter(row.origin.replace("_", " ") for row in rows)
    said = ", ".join(f"{count} {origin}" for origin, count in sorted(origins.items()))
    return f"of {len(rows)} parts {said}"


def _parts_price(rows: Sequence[PartReadingRow]) -> str:
    ms, usd = sum(row.elapsed_ms for row in rows), sum(row.cost_usd for row in rows)
    return f"{ms:.1f} ms, {usd:.4f} USD"


def _part_lines(differing: Sequence[PartDifference]) -> Iterator[str]:
    """The first parts on which services differ, and how many more there are."""
    for part in differing[:_PARTS_SHOWN]:
        place = f" at {part.start}-{part.end}" if part.start is not None else ""
        heading = f" ({_short(part.heading)})" if part.heading else ""
        yield f"  part          {part.number} of {part.of}{heading}{place}"
        for one in part.says:
            said = one.answer if one.answer is not None else f"{one.status}: {one.reason}"
            yield f"    {one.service:<18} {_short(said)}"
    if len(differing) > _PARTS_SHOWN:
        yield f"                and {len(differing) - _PARTS_SHOWN} more parts on which they differ"


def _is_quiet(one: FieldResolution) -> bool:
    return not (one.dissenters or one.missing or one.ungrounded) and one.risk < _UNSURE_FROM


def _content_lines(excerpt: ContentExcerpt, shown_for: str | None) -> Iterator[str]:
    """The excerpt, marked words between » and «; by reference where an earlier task has it."""
    if shown_for is not None and excerpt.pieces:
        yield f"  content       as for {shown_for}"
        return
    head = "content"
    for line in excerpt.as_text().splitlines():
        if line.strip():
            yield f"  {head:<13} {line.expandtabs(4)}"
            head = ""
    if excerpt.pieces and excerpt.note:
        yield f"                ({excerpt.note})"


def _consequence_words(row: DisagreementRow) -> str:
    if row.consequence is Consequence.NONE:
        return f"no consequence: {row.sentence}"
    return f"{row.consequence.replace('_', ' ')}, severity {row.severity:.2f}: {row.sentence}"


def printable(line: str) -> str:
    """What content says must not steer the terminal that shows it."""
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in line)


def _short(value: Any) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= 100 else text[:99] + "…"
