"""Every table of a home: one record type each, with the type, unit and meaning of each column.

Batch tables live in ``tables/<name>/<batch>.parquet``, corpus tables in
``tables/<name>.parquet``. ``TABLES`` lists them all.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import repeat
from typing import Annotated, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.schemas.cache import FEATURE_CACHE_REPORT
from orchestration_assets.schemas.conversations import THREAD_MESSAGES, MessagePlace
from orchestration_assets.schemas.decoding import decode, values
from orchestration_assets.schemas.disagreement import (
    CALIBRATION,
    DISPUTE_KINDS,
    REVIEW_QUEUE,
    SERVICE_SCORECARDS,
    VECTOR_THRESHOLDS,
)
from orchestration_assets.schemas.enums import (
    AnswerKind,
    Consequence,
    DisagreementKind,
    EntryOutcome,
    ItemPresence,
    ProcessingModel,
    ProfileStatus,
    RejectReason,
    ResolutionPolicy,
    ResolutionStatus,
    Status,
    Triage,
)
from orchestration_assets.schemas.failures import RUN_FAILURES
from orchestration_assets.schemas.features import FEATURE_NAMES, feature_columns
from orchestration_assets.schemas.health import SERVICE_HEALTH
from orchestration_assets.schemas.items import Alternative
from orchestration_assets.schemas.knowledge import KNOWLEDGE, RetrievedPassage
from orchestration_assets.schemas.outcomes import OUTCOMES
from orchestration_assets.schemas.part_readings import PART_READINGS
from orchestration_assets.schemas.policies import ACTIVE_POLICY_TABLE
from orchestration_assets.schemas.records import Column, Table, table_of
from orchestration_assets.schemas.rollout import ROLLOUT_ANSWERS, ROLLOUT_DECISIONS, Cohort
from orchestration_assets.schemas.selection import SELECTION_FRONTIER, SELECTION_MODEL
from orchestration_assets.schemas.signals import GOLDEN_SIGNALS
from orchestration_assets.schemas.states import ITEM_STATES
from orchestration_assets.schemas.taught import TAUGHT_SERVICES
from orchestration_assets.schemas.tool_use import TOOL_LOG
from orchestration_assets.schemas.vectors import CONTENT_VECTORS, Float32
from orchestration_assets.schemas.verdicts import GOLD_LABELS

_Batch = Annotated[str, Column("batch (= partition) that the row belongs to")]
_ItemId = Annotated[str, Column("item: blake2b-64 of its address, hex")]
_ContentHash = Annotated[str, Column("blake2b-128 of the item's bytes, hex")]
_Path = Annotated[str, Column("path relative to the source, for people")]
_TaskName = Annotated[str, Column("task that was asked")]
_ServiceName = Annotated[str, Column("service that was asked")]


@dataclass(frozen=True, slots=True)
class RejectCount:
    """How many records were rejected for one reason."""

    reason: RejectReason
    count: int


@dataclass(frozen=True, slots=True)
class EntryRow:
    """A batch as it was listed: immutable, stored before the partition is registered.

    An entry is a file, or a piece of a record file; ``start`` and ``stop`` then bound the piece:
    bytes of the file (of its unpacked copy when ``unpacked_as`` names one), rows of Parquet. Pieces
    of an earlier version that stand in a later one byte for byte are one entry, ``unchanged``.
    """

    item_id: _ItemId
    source: Annotated[str, Column("source that listed the entry, as a URL")]
    address: Annotated[str, Column("where the content is, as a URL")]
    file: Annotated[str, Column("address of the file that the entry is, or is a piece of")]
    path: _Path
    size_bytes: Annotated[int, Column("size of the file when listed", "bytes")]
    modified_ns: Annotated[int, Column("modification time when listed", "ns since 1970, UTC")]
    changed_ns: Annotated[
        int, Column("when the file or its permissions last changed", "ns since 1970, UTC")
    ]
    etag: Annotated[str | None, Column("version that the store itself gives to the content")]
    listed_at: Annotated[datetime, Column("when the listing began", "UTC")]
    problem: Annotated[RejectReason | None, Column("why it cannot be read, known from listing")]
    detail: Annotated[str | None, Column("the problem in words, where there is more to say")] = None
    gone: Annotated[bool, Column("true when the listing no longer has this known address")] = False
    records: Annotated[
        str | None, Column("how its records are declared in the policy, as JSON; null for a file")
    ] = None
    start: Annotated[int | None, Column("first byte or row of a piece")] = None
    stop: Annotated[int | None, Column("byte or row after the last of a piece")] = None
    first_record: Annotated[int | None, Column("number of the first record, from 1")] = None
    record_count: Annotated[int | None, Column("records in the piece", "records")] = None
    final: Annotated[bool, Column("false for a piece that others of the file follow")] = True
    unpacked_as: Annotated[
        str | None, Column("name below content/unpacked of a compressed file's plain copy")
    ] = None
    piece_hash: Annotated[
        str | None,
        Column(
            "blake2b-128 of the file's bytes from the end of the piece before to stop, hex; null "
            "where what follows could change how they are read"
        ),
    ] = None
    unchanged: Annotated[
        bool | None,
        Column("true for records that earlier batches hold, byte for byte, and that are not read"),
    ] = None
    rejected: Annotated[
        tuple[RejectCount, ...] | None,
        Column("those of the unchanged records that were rejected, by reason"),
    ] = None


@dataclass(frozen=True, slots=True)
class Metadatum:
    """One declared metadata column of a record, its value as text."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class RecordPlace:
    """Where one record stands, with all that is needed to read it again.

    ``start`` and ``stop`` are bytes of the file, or of its unpacked copy when ``unpacked_as``
    names one; for Parquet ``start`` is the row. ``field`` is the key (JSONL), the position of the
    column (CSV) or its name (Parquet) that holds the text.
    """

    file: str
    format: str
    field: str
    delimiter: str
    start: int
    stop: int
    unpacked_as: str | None


@dataclass(frozen=True, slots=True)
class ManifestRow:
    """One row a listed entry or record of the batch, with what became of it.

    Records of a file that are byte for byte as earlier batches hold them have one row together, and
    one more for each reason that some of them were rejected for: ``record_count`` says how many.
    """

    batch: _Batch
    item_id: _ItemId
    entry_id: Annotated[str, Column("listed entry that the row comes from; a file: itself")]
    address: Annotated[str, Column("where the content is, as a URL")]
    path: _Path
    outcome: Annotated[
        EntryOutcome, Column("what became of the entry; outcomes add up to the listing")
    ]
    reason: Annotated[RejectReason | None, Column("why it was rejected")]
    detail: Annotated[str | None, Column("the reason in words")]
    computed_as: Annotated[
        str | None,
        Column("item whose rows hold this content's results: itself, or an identical earlier one"),
    ]
    content_hash: Annotated[
        str | None, Column("blake2b-128 of the bytes (of a record: its text as UTF-8), hex")
    ]
    size_bytes: Annotated[int, Column("size as read (as listed when not read)", "bytes")]
    modified_ns: Annotated[int, Column("modification time of the file", "ns since 1970, UTC")]
    encoding: Annotated[str | None, Column("text encoding that decodes the bytes")]
    encoding_from: Annotated[
        str | None,
        Column("what it rests on (bom, utf-8, detected, ...), and how many bytes are replaced"),
    ]
    kept: Annotated[bool, Column("true when the bytes are kept below content/ under their hash")]
    record: Annotated[RecordPlace | None, Column("where a record stands; null for a whole file")]
    metadata: Annotated[tuple[Metadatum, ...], Column("declared metadata columns of a record")]
    record_count: Annotated[
        int | None,
        Column(
            "unchanged records of earlier batches that the row stands for; null for one entry or "
            "record",
            "records",
        ),
    ] = None
    message: Annotated[
        MessagePlace | None,
        Column("where a record stands in a conversation; null: its file declares none"),
    ] = None


@dataclass(frozen=True, slots=True)
class AcceptedItem:
    """The columns of an accepted manifest row with which its content is read again."""

    item_id: str
    address: str
    path: str
    content_hash: str
    size_bytes: int
    encoding: str
    kept: bool
    record: RecordPlace | None


def outcome_weights(manifest: pa.Table) -> pa.ChunkedArray:
    """For how many entries or records each row of a manifest counts."""
    return pc.fill_null(manifest["record_count"], 1)


def weighed_counts(manifest: pa.Table, column: str) -> dict[str, int]:
    """Value -> for how many entries or records it stands in a column, nulls left out, by value."""
    weighed = pa.table({"value": manifest[column], "count": outcome_weights(manifest)})
    sums = weighed.group_by("value").aggregate([("count", "sum")]).sort_by("value")
    return {
        value: count for value, count in values(sums, "value", "count_sum") if value is not None
    }


def accepted_items(manifest: pa.Table) -> Iterator[AcceptedItem]:
    """The accepted items of a manifest, in the order of its rows."""
    return decode(
        AcceptedItem, manifest.filter(pc.equal(manifest["outcome"], EntryOutcome.ACCEPTED))
    )


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One row an item of the corpus: its latest version, and what became of it."""

    item_id: _ItemId
    source: Annotated[str, Column("source that listed it, as a URL")]
    address: Annotated[str, Column("where the content is, as a URL")]
    path: _Path
    state: Annotated[
        ItemPresence,
        Column("present, rejected, gone, superseded (a newer version is to come) or forgotten"),
    ]
    reason: Annotated[RejectReason | None, Column("why it was rejected")]
    content_hash: Annotated[str | None, Column("blake2b-128 of its latest content, hex")]
    computed_as: Annotated[str | None, Column("item whose rows hold this content's results")]
    size_bytes: Annotated[int, Column("size of the latest version", "bytes")]
    modified_ns: Annotated[int, Column("modification time of the file", "ns since 1970, UTC")]
    batch: Annotated[str, Column("batch that it was last in")]
    first_batch: Annotated[str, Column("batch that it was first in")]
    versions: Annotated[int, Column("different contents that it has had", "contents")]


@dataclass(frozen=True, slots=True)
class AddedFeature:
    """One profile feature of a plug-in: its ``value`` as JSON, or the ``reason`` why there is none.

    ``cut``: its time was used up, so that a rerun may have a value.
    """

    feature: str
    value: str | None
    reason: str | None
    cut: bool
    version: str


@dataclass(frozen=True, slots=True)
class ProfileRow:
    """One row an accepted item: what it looks like. Feature columns follow the stage clocks."""

    batch: _Batch
    item_id: _ItemId
    content_hash: _ContentHash
    path: _Path
    status: Annotated[ProfileStatus, Column("ok, superseded (changed since listed) or failed")]
    reason: Annotated[str | None, Column("why there is no profile")]
    coverage: Annotated[float, Column("share of the characters that text features saw", "0..1")]
    features_missing: Annotated[
        tuple[str, ...], Column("features that were cut or do not apply to this content")
    ]
    origin: Annotated[
        str,
        Column("computed, or what had it: memory, lmdb, redis, durable, table (its own)", "", True),
    ]
    cut_by_clock: Annotated[
        bool,
        Column("whether the deadline cut some of them: only then may a rerun differ", "", True),
    ]
    preprocess_ms: Annotated[float, Column("preprocessing stage clock", "ms", True)]
    features_ms: Annotated[float, Column("feature stage clock", "ms", True)]
    complexity_ms: Annotated[float, Column("complexity stage clock", "ms", True)]
    aggregation_ms: Annotated[float, Column("aggregation stage clock", "ms", True)]
    added_features: Annotated[
        tuple[AddedFeature, ...] | None,
        Column("features of plug-ins that the policy names, each with its value as JSON"),
    ] = None


@dataclass(frozen=True, slots=True)
class ItemProfile:
    """What a policy looks at of a profiled item; ``features`` maps their names to values."""

    item_id: str
    content_hash: str
    path: str
    status: ProfileStatus
    features: Mapping[str, Any]


# rows that are taken apart together
_BLOCK_ROWS: Final = 1_000


def profiles_of(data: pa.Table) -> Iterator[ItemProfile]:
    """The rows of a table of profiles, with the features that it has; a block of them at a time."""
    held = set(data.column_names)
    names = [name for name in FEATURE_NAMES if name in held]
    for start in range(0, data.num_rows, _BLOCK_ROWS):
        block = data.slice(start, _BLOCK_ROWS)
        features = values(block, *names) if names else repeat((), len(block))
        for row, found in zip(CONTENT_PROFILES.rows(block), features, strict=True):
            known = dict(zip(names, found, strict=True))
            if row.added_features:
                known |= added_values(row.added_features)
            yield ItemProfile(row.item_id, row.content_hash, row.path, row.status, known)


@dataclass(frozen=True, slots=True)
class ProfiledItems:
    """The rows of a table of profiles, each time that they are gone through: a record of every
    item takes many times the memory of its row."""

    data: pa.Table

    def __iter__(self) -> Iterator[ItemProfile]:
        return profiles_of(self.data)


def added_values(added: Iterable[AddedFeature] | None) -> dict[str, Any]:
    """Feature -> value of those of plug-ins; None where there is none."""
    return {
        one.feature: None if one.value is None else json.loads(one.value) for one in added or ()
    }


@dataclass(frozen=True, slots=True)
class FeatureInput:
    """One profile feature that a rule looked at, with its value as text."""

    feature: str
    value: str


@dataclass(frozen=True, slots=True)
class RejectedOption:
    """A way to process the item that was not taken, with its forecast.

    ``expected_accuracy`` is what is expected of it on this item, where what was learned tells that,
    and else what it showed on items with gold, where that is known.
    """

    option: str
    model: ProcessingModel
    reason: str
    calls_max: int
    expected_ms: float
    cost_usd_max: float
    expected_accuracy: float | None = None


@dataclass(frozen=True, slots=True)
class ExpectedScore:
    """How right a service is expected to be on an item before any call, from 0 to 1, and what a
    call costs in ``usd``, None where that is not told apart by item."""

    service: str
    score: float
    usd: float | None = None


@dataclass(frozen=True, slots=True)
class PlanRow:
    """One row an item and applicable task: how it will be processed, why, and at what price."""

    batch: _Batch
    item_id: _ItemId
    content_hash: _ContentHash
    path: _Path
    task: _TaskName
    kind: Annotated[AnswerKind, Column("kind of answer that the task asks for")]
    model: Annotated[ProcessingModel, Column("processing model chosen")]
    option: Annotated[str, Column("the task's way of processing that was taken, by name")]
    services: Annotated[tuple[str, ...], Column("admissible services, in the order of asking")]
    stop_at: Annotated[
        float | None, Column("sequential stops once the answer is this sure", "0..1")
    ]
    strategy: Annotated[str, Column("who chose: directive, rules, learned, explore or default")]
    rule: Annotated[str | None, Column("name of the rule that matched")]
    inputs: Annotated[tuple[FeatureInput, ...], Column("the features that the rule looked at")]
    reason: Annotated[str, Column("the choice in words")]
    calls_min: Annotated[
        int, Column("forecast: fewest calls; those about the parts of an item are one", "calls")
    ]
    calls_max: Annotated[
        int, Column("forecast: most calls; those about the parts of an item are one", "calls")
    ]
    expected_ms: Annotated[float, Column("forecast: time of all admissible calls", "ms")]
    cost_usd_max: Annotated[float, Column("forecast: highest cost", "USD")]
    rejected: Annotated[tuple[RejectedOption, ...], Column("options not taken, and why")]
    policy_hash: Annotated[str, Column("hash of the policy that was pinned")]
    artefact: Annotated[
        str | None, Column("version of the learned model that decides each step, pinned here")
    ] = None
    point: Annotated[
        int | None, Column("operating point of that model: how it weighs accuracy and price")
    ] = None
    expected_accuracy: Annotated[
        float | None,
        Column("forecast: how often such a plan was right, on unseen outcomes", "0..1"),
    ] = None
    expected_usd: Annotated[
        float | None, Column("forecast: mean price of such a plan, where it was learned", "USD")
    ] = None
    thresholds: Annotated[
        str | None, Column("version of the calibrated thresholds of a vector task, pinned here")
    ] = None
    expected_scores: Annotated[
        tuple[ExpectedScore, ...] | None,
        Column(
            "what the learned model expects of each service on this item before any call; null: no "
            "model that reads content is in force"
        ),
    ] = None
    familiarity: Annotated[
        float | None,
        Column(
            "how near the item is to those learned from: the share of these that are at most as "
            "near to each other; null: nothing is known of it",
            "0..1",
        ),
    ] = None
    after: Annotated[
        tuple[str, ...] | None,
        Column(
            "tasks that are answered first and decide whether this one is asked, whose calls and "
            "cost are then the most that may come; null: it waits for none"
        ),
    ] = None
    condition: Annotated[
        str | None, Column("what must hold of their answers, in words; null: nothing")
    ] = None
    parts: Annotated[
        int | None,
        Column(
            "forecast: parts that services are asked of one by one; null: of the whole", "parts"
        ),
    ] = None
    passages: Annotated[
        tuple[RetrievedPassage, ...] | None,
        Column("passages of knowledge that services are shown, the best first; null: none asked"),
    ] = None
    rollout: Annotated[
        str | None, Column("roll-out that was under way: hash of both policies; null: none")
    ] = None
    cohort: Annotated[
        Cohort | None, Column("whose answer the item gets while a policy is tried")
    ] = None
    trial_hash: Annotated[
        str | None,
        Column(
            "hash of the policy on trial that this plan was made under; null: it was made under "
            "policy_hash"
        ),
    ] = None
    other_plan: Annotated[
        str | None,
        Column(
            "the plan of the other policy for the same item and task, as JSON: canary: that in "
            "force, followed when the one on trial is rolled back; shadow: that on trial"
        ),
    ] = None


@dataclass(frozen=True, slots=True)
class InterpretationRow:
    """One row an item, task and service asked: the reading, kept whatever is resolved later."""

    batch: _Batch
    item_id: _ItemId
    content_hash: _ContentHash
    task: _TaskName
    service: _ServiceName
    service_version: Annotated[
        str, Column("who answered: code and model, parameters, task; evidence is about it alone")
    ]
    step: Annotated[int, Column("position among the plan's calls, from 0")]
    round: Annotated[int, Column("round of an iterative plan, from 0; 0 for other models")]
    final: Annotated[bool, Column("false for a reading that another of the service took over")]
    decides: Annotated[bool, Column("whether the answer of the plan rests on this reading")]
    saw: Annotated[
        tuple[str, ...],
        Column("services whose answers it was shown: it is no independent reading of theirs"),
    ]
    status: Annotated[Status, Column("how the attempt ended")]
    answer: Annotated[str | None, Column("the answer as text; null unless status is ok")]
    answer_set: Annotated[tuple[str, ...] | None, Column("members, when the answer is a set")]
    answer_score: Annotated[float | None, Column("value, when the answer is a score")]
    answer_vector: Annotated[
        tuple[Float32, ...] | None, Column("components, when the answer is a vector")
    ]
    answer_record: Annotated[
        str | None,
        Column("fields and quotes as JSON, when the answer is a record"),
    ]
    confidence: Annotated[float | None, Column("the service's own probability", "0..1")]
    alternatives: Annotated[tuple[Alternative, ...], Column("other answers it considered")]
    evidence: Annotated[str | None, Column("what the answer rests on, in words")]
    reason: Annotated[str | None, Column("why there is no answer")]
    answer_key: Annotated[str, Column("cache key: content, task, service, context; blake2b-128")]
    shared_from: Annotated[
        str | None, Column("near-copy that was asked instead, when the answer is shared")
    ] = None
    voice: Annotated[
        bool | None,
        Column("of a panel: whether it was given before the others' answers were shown"),
    ] = None
    follows: Annotated[
        tuple[str, ...] | None,
        Column("of a panel: the services to whose answer, which it was shown, it moved"),
    ] = None


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """One row a decision: the steps really taken and why."""

    batch: _Batch
    item_id: _ItemId
    task: _TaskName
    decision: Annotated[int, Column("order of the decision within item and task, from 0")]
    action: Annotated[
        str,
        Column(
            "ask, round, wave, route, judge, escalate, share or stop; of validation: confirm, "
            "object or unchecked (what a service says of the answer), repair, escalate, review or "
            "refuse; of a task that comes after others: admit, or skip, otherwise or wait, where "
            "nobody is asked"
        ),
    ]
    services: Annotated[tuple[str, ...], Column("services asked by this decision")]
    reason: Annotated[str, Column("why, in words")]
    answer: Annotated[str | None, Column("leading answer when deciding")]
    certainty: Annotated[
        float | None,
        Column("how sure the leading answer was when deciding; a label's probability", "0..1"),
    ]
    coverage: Annotated[float | None, Column("share of the content that a round read", "0..1")]
    gain: Annotated[
        float | None, Column("how far a round moved the answer from the round before", "0..1")
    ]


@dataclass(frozen=True, slots=True)
class Redaction:
    """How often something of one kind was taken out of what left the machine."""

    kind: str
    count: int


@dataclass(frozen=True, slots=True)
class CallRow:
    """One row an attempt at a service: where the answer came from, its cost and its clock."""

    batch: _Batch
    item_id: _ItemId
    task: _TaskName
    service: _ServiceName
    step: Annotated[int, Column("position among the plan's calls, from 0")]
    round: Annotated[int, Column("round of an iterative plan, from 0; 0 for other models")]
    attempt: Annotated[int, Column("attempt at this call, from 1", "", True)]
    origin: Annotated[
        str, Column("called, cache, shared, or not_called (no attempt was made)", "", True)
    ]
    status: Annotated[Status, Column("how the attempt ended", "", True)]
    cost_usd: Annotated[float, Column("price of this attempt", "USD", True)]
    started_at: Annotated[datetime, Column("start of the attempt", "UTC", True)]
    elapsed_ms: Annotated[float, Column("time of the attempt", "ms", True)]
    called: Annotated[
        str | None,
        Column("service that the attempt went to: the one asked, or its fallback", "", True),
    ] = None
    reason: Annotated[str | None, Column("why the attempt gave no answer", "", True)] = None
    tokens_estimated: Annotated[
        int | None, Column("tokens of the request as estimated before it", "tokens", True)
    ] = None
    tokens_in: Annotated[int | None, Column("tokens that the service read", "tokens", True)] = None
    tokens_out: Annotated[int | None, Column("tokens that the service wrote", "tokens", True)] = (
        None
    )
    first_token_ms: Annotated[
        float | None, Column("streamed: time to the first token", "ms", True)
    ] = None
    content_share: Annotated[
        float | None, Column("share of the content's tokens that was sent", "0..1", True)
    ] = None
    left_out: Annotated[str | None, Column("what did not fit, in words", "", True)] = None
    redacted: Annotated[
        tuple[Redaction, ...], Column("what was taken out before it left the machine", "", True)
    ] = ()
    injection_markers: Annotated[
        int, Column("places in the content that read like instructions", "places", True)
    ] = 0
    cost_estimated: Annotated[
        bool, Column("whether the price is an estimate: the service did not state it", "", True)
    ] = False
    part: Annotated[
        int | None, Column("part of the item that it was about, from 1; null: none", "", True)
    ] = None
    response_model: Annotated[
        str | None, Column("model that the service says it answered with", "", True)
    ] = None
    response_id: Annotated[
        str | None, Column("the service's own name of its response", "", True)
    ] = None
    finish_reason: Annotated[
        str | None, Column("why the service stopped writing, as it says", "", True)
    ] = None


@dataclass(frozen=True, slots=True)
class ReadingSummary:
    """A reading as kept beside the resolution.

    ``weight`` in [0, 1]: a label's probability, else 1 - the mean distance to the other readings;
    None without an answer, and for vectors. ``decides``: whether the answer rests on it.
    """

    service: str
    status: Status
    answer: str | None
    confidence: float | None
    weight: float | None
    decides: bool = False


@dataclass(frozen=True, slots=True)
class OtherValue:
    """What a service says of a value of a record that does not stand."""

    service: str
    value: str


@dataclass(frozen=True, slots=True)
class FieldResolution:
    """What stands of one value of a record.

    ``path`` names the value (``lines[2].amount``; ``lines[2]``: the entry as a whole), ``value`` is
    None where the content most probably has none. ``risk`` in [0, 1]: the probability that this is
    wrong. ``dissenters`` gave another value, ``missing`` none where one stands; what ``ungrounded``
    services quote for theirs does not stand in the content.
    """

    path: str
    value: str | None
    risk: float
    supporters: tuple[str, ...]
    dissenters: tuple[OtherValue, ...]
    missing: tuple[str, ...]
    ungrounded: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ResolutionRow:
    """One row an item and applicable task: the answer that stands, with every reading kept."""

    batch: _Batch
    item_id: _ItemId
    content_hash: _ContentHash
    path: _Path
    task: _TaskName
    status: Annotated[
        ResolutionStatus,
        Column(
            "resolved; preserved: services disagree and all readings stand; abstained: no service "
            "would say; failed: no service could, or the policy takes disagreement for a failure; "
            "skipped: nobody was asked, as the answers to tasks before it have it"
        ),
    ]
    kind: Annotated[AnswerKind, Column("kind of answer that the task asks for")]
    answer: Annotated[str | None, Column("the answer that stands, as text")]
    answer_set: Annotated[tuple[str, ...] | None, Column("members, when the answer is a set")]
    answer_score: Annotated[float | None, Column("value, when the answer is a score")]
    answer_vector: Annotated[
        tuple[Float32, ...] | None, Column("components, when the answer is a vector")
    ]
    answer_record: Annotated[
        str | None,
        Column("fields and quotes as JSON, when the answer is a record"),
    ]
    error_risk: Annotated[
        float | None,
        Column(
            "probability that a label, or any value of a record, is wrong; null for other kinds",
            "0..1",
        ),
    ]
    risk_basis: Annotated[
        str | None,
        Column(
            "what the risk rests on: stated confidences, agreement in the batch, calibration; "
            "declared where the policy gives the answer, without a risk"
        ),
    ]
    triage: Annotated[
        Triage | None, Column("accept, review or reject, by error risk; null without a risk")
    ]
    policy: Annotated[ResolutionPolicy, Column("what stands when services disagree")]
    spread: Annotated[
        float | None,
        Column(
            "how far the readings lie apart: a label's normalised entropy, else the mean "
            "distance between readings",
            "0..1",
        ),
    ]
    supporters: Annotated[tuple[str, ...], Column("services that gave this answer, or near it")]
    dissenters: Annotated[
        tuple[str, ...], Column("services with an answer far from it, found without its own")
    ]
    reason: Annotated[str, Column("how it was resolved, in words")]
    readings: Annotated[tuple[ReadingSummary, ...], Column("every reading, in the order of asking")]
    fields: Annotated[
        tuple[FieldResolution, ...] | None,
        Column("what stands of each value, when the answer is a record"),
    ] = None
    violations: Annotated[
        tuple[str, ...] | None,
        Column("rules of the task that the answer violates, in words; null without rules"),
    ] = None


@dataclass(frozen=True, slots=True)
class FieldDifference:
    """A value of a record on which two services differ: None for the side that leaves it out."""

    path: str
    value_a: str | None
    value_b: str | None
    distance: float
    contradicts: bool


@dataclass(frozen=True, slots=True)
class DisagreementRow:
    """One row a pair of services whose answers about one item and task lie apart."""

    batch: _Batch
    item_id: _ItemId
    content_hash: _ContentHash
    path: _Path
    task: _TaskName
    service_a: Annotated[str, Column("first service, in alphabetical order")]
    answer_a: Annotated[str, Column("its answer")]
    confidence_a: Annotated[float | None, Column("its confidence", "0..1")]
    service_b: Annotated[str, Column("second service")]
    answer_b: Annotated[str, Column("its answer")]
    confidence_b: Annotated[float | None, Column("its confidence", "0..1")]
    kind: Annotated[DisagreementKind, Column("kind of disagreement")]
    distance: Annotated[float, Column("how far the answers lie apart", "0..1")]
    consequence: Annotated[
        Consequence,
        Column("what somebody would do otherwise by the other answer; none: this is no dispute"),
    ]
    severity: Annotated[
        float,
        Column(
            "what it may cost to go by the wrong one of the two, times both confidences; 0 without "
            "a consequence",
            "0..1",
        ),
    ]
    sentence: Annotated[str, Column("how the two answers differ, or why that has no consequence")]
    only_a: Annotated[tuple[str, ...], Column("what only the first service says")]
    only_b: Annotated[tuple[str, ...], Column("what only the second service says")]
    evidence: Annotated[str, Column("both sides in words")]
    basis: Annotated[
        str, Column("what makes it a disagreement: disagree_at, or the version of thresholds")
    ]
    unusual: Annotated[
        float | None,
        Column(
            "vectors with calibrated thresholds: share of recorded contents on which the two "
            "services lie nearer",
            "0..1",
        ),
    ] = None
    near_items: Annotated[
        int | None,
        Column("nearest earlier items that both services answered; null: none is known", "items"),
    ] = None
    near_agreed: Annotated[
        float | None, Column("share of them on which the two did not disagree", "0..1")
    ] = None
    near_dissent_a: Annotated[
        float | None, Column("share of them on which the first dissented", "0..1")
    ] = None
    near_dissent_b: Annotated[
        float | None, Column("share of them on which the second dissented", "0..1")
    ] = None
    nearby: Annotated[
        str | None, Column("how the two stood on the nearest earlier items, in words")
    ] = None
    fields: Annotated[
        tuple[FieldDifference, ...] | None,
        Column("records: every value on which the two differ, contradicted ones first"),
    ] = None


@dataclass(frozen=True, slots=True)
class ReportRow:
    """One row a batch: the totals that its page shows."""

    batch: _Batch
    source: Annotated[str, Column("source that listed the batch, as a URL")]
    policy_hash: Annotated[str, Column("hash of the policy that was pinned")]
    listed: Annotated[int, Column("entries listed", "entries")]
    accepted: Annotated[int, Column("entries accepted as items", "items")]
    rejected: Annotated[int, Column("entries rejected, with reasons", "entries")]
    other: Annotated[
        int,
        Column("entries unchanged, moved, duplicate, gone, superseded or forgotten", "entries"),
    ]
    plans: Annotated[int, Column("pairs of item and applicable task", "pairs")]
    readings: Annotated[int, Column("readings of services", "readings")]
    calls: Annotated[int, Column("attempts at services (not from the cache)", "calls", True)]
    cached: Annotated[int, Column("readings served by the cache", "readings", True)]
    cost_usd: Annotated[
        float,
        Column("cost of the attempts in its call log, the last time it was done", "USD", True),
    ]
    resolved: Annotated[int, Column("answers that stand", "answers")]
    abstained: Annotated[
        int, Column("pairs that no service would answer, or whose readings all stand", "pairs")
    ]
    deferred: Annotated[
        int, Column("pairs without an answer yet, since a service was unavailable", "pairs")
    ]
    deferred_readings: Annotated[
        int,
        Column("readings that a later run asks for again, of answered pairs too", "readings"),
    ]
    failed: Annotated[int, Column("pairs that failed, and items without a profile", "pairs")]
    disputed: Annotated[
        int, Column("questions on which two services differ with a consequence", "questions")
    ]
    disputed_pairs: Annotated[
        int, Column("pairs of services that differ with a consequence", "pairs")
    ]
    without_consequence: Annotated[
        int, Column("further pairs of services that differ, without a consequence", "pairs")
    ]
    paid_usd: Annotated[
        float, Column("what it cost in all, every time it was done, by the ledger", "USD", True)
    ] = 0.0
    paid_estimated_usd: Annotated[
        float, Column("how much of that is estimated, not stated by a service", "USD", True)
    ] = 0.0
    skipped: Annotated[
        int | None,
        Column("pairs that nobody was asked about, by the answers to tasks before them", "pairs"),
    ] = None


_ENTRY_KEY = ("item_id",)
_ITEM_KEY = ("batch", "item_id")
_TASK_KEY = (*_ITEM_KEY, "task")

BATCH_ENTRIES: Final = table_of("batch_entries", EntryRow, _ENTRY_KEY)
CONTENT_MANIFEST: Final = table_of("content_manifest", ManifestRow, _ITEM_KEY)
CONTENT_LEDGER: Final = table_of("content_ledger", LedgerRow, ("item_id",))
CONTENT_PROFILES: Final = table_of("content_profiles", ProfileRow, _ITEM_KEY, feature_columns())
PROCESSING_PLANS: Final = table_of("processing_plans", PlanRow, _TASK_KEY)
_READING_KEY = (*_TASK_KEY, "service", "round")
SEQUENTIAL_INTERPRETATIONS: Final = table_of(
    "sequential_interpretations", InterpretationRow, _READING_KEY
)
PARALLEL_INTERPRETATIONS: Final = table_of(
    "parallel_interpretations", InterpretationRow, _READING_KEY
)
ITERATIVE_INTERPRETATIONS: Final = table_of(
    "iterative_interpretations", InterpretationRow, _READING_KEY
)
HYBRID_INTERPRETATIONS: Final = table_of("hybrid_interpretations", InterpretationRow, _READING_KEY)
INTERPRETATIONS: Final[Mapping[ProcessingModel, Table[InterpretationRow]]] = {
    ProcessingModel.SEQUENTIAL: SEQUENTIAL_INTERPRETATIONS,
    ProcessingModel.PARALLEL: PARALLEL_INTERPRETATIONS,
    ProcessingModel.ITERATIVE: ITERATIVE_INTERPRETATIONS,
    ProcessingModel.HYBRID: HYBRID_INTERPRETATIONS,
}
DECISION_LOG: Final = table_of("decision_log", DecisionRow, (*_TASK_KEY, "decision"))
CALL_LOG: Final = table_of("call_log", CallRow, (*_READING_KEY, "part", "attempt"))
RESOLUTIONS: Final = table_of("resolutions", ResolutionRow, _TASK_KEY)
DISAGREEMENTS: Final = table_of(
    "disagreements", DisagreementRow, (*_TASK_KEY, "service_a", "service_b")
)
DISAGREEMENT_REPORT: Final = table_of("disagreement_report", ReportRow, ("batch",))
CORPUS_REPORT: Final = table_of("corpus_report", ReportRow, ("batch",))

_ALL: Final[tuple[Table[Any], ...]] = (
    BATCH_ENTRIES,
    CONTENT_MANIFEST,
    CONTENT_LEDGER,
    CONTENT_PROFILES,
    CONTENT_VECTORS,
    KNOWLEDGE,
    THREAD_MESSAGES,
    PROCESSING_PLANS,
    *INTERPRETATIONS.values(),
    DECISION_LOG,
    CALL_LOG,
    PART_READINGS,
    TOOL_LOG,
    ROLLOUT_ANSWERS,
    ROLLOUT_DECISIONS,
    RESOLUTIONS,
    DISAGREEMENTS,
    DISPUTE_KINDS,
    REVIEW_QUEUE,
    ITEM_STATES,
    DISAGREEMENT_REPORT,
    SERVICE_SCORECARDS,
    CALIBRATION,
    VECTOR_THRESHOLDS,
    CORPUS_REPORT,
    FEATURE_CACHE_REPORT,
    GOLDEN_SIGNALS,
    GOLD_LABELS,
    RUN_FAILURES,
    SERVICE_HEALTH,
    OUTCOMES,
    SELECTION_MODEL,
    SELECTION_FRONTIER,
    TAUGHT_SERVICES,
    ACTIVE_POLICY_TABLE,
)
TABLES: Final[Mapping[str, Table[Any]]] = {table.name: table for table in _ALL}

# tables of the whole corpus; every other one has a file for each batch
CORPUS_TABLES: Final = frozenset(
    table.name
    for table in (
        CONTENT_LEDGER,
        CORPUS_REPORT,
        KNOWLEDGE,
        FEATURE_CACHE_REPORT,
        GOLDEN_SIGNALS,
        GOLD_LABELS,
        RUN_FAILURES,
        SERVICE_HEALTH,
        SERVICE_SCORECARDS,
        CALIBRATION,
        VECTOR_THRESHOLDS,
        OUTCOMES,
        SELECTION_MODEL,
        SELECTION_FRONTIER,
        TAUGHT_SERVICES,
        ACTIVE_POLICY_TABLE,
    )
)
# further batches mostly add to its rows: it stands in files `tables/<table>/<part>.parquet`
PARTED_TABLES: Final = frozenset({CONTENT_LEDGER.name})
BATCH_TABLES: Final = tuple(
    name for name in TABLES if name not in CORPUS_TABLES and name != BATCH_ENTRIES.name
)
