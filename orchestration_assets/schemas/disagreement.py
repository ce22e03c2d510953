"""Tables of disagreement beside resolutions and pairs: kinds, the review queue, what was learnt."""

from dataclasses import dataclass
from typing import Annotated, Final

from orchestration_assets.schemas.enums import AnswerKind, DisputeKind, Triage
from orchestration_assets.schemas.records import Column, table_of

_Batch = Annotated[str, Column("batch (= partition) that the row belongs to")]
_ItemId = Annotated[str, Column("item: blake2b-64 of its address, hex")]
_ContentHash = Annotated[str, Column("blake2b-128 of the item's bytes, hex")]
_Path = Annotated[str, Column("path relative to the source, for people")]
_TaskName = Annotated[str, Column("task that was asked")]


@dataclass(frozen=True, slots=True)
class DisputeKindRow:
    """One row an item, task and kind: what sets its readings apart, by the plainest case."""

    batch: _Batch
    item_id: _ItemId
    content_hash: _ContentHash
    path: _Path
    task: _TaskName
    kind: Annotated[DisputeKind, Column("what sets the readings apart")]
    services: Annotated[
        tuple[str, ...], Column("the two that conflict, or the one that stands apart; else all")
    ]
    score: Annotated[float, Column("how plain it is among findings of its kind", "0..1")]
    evidence: Annotated[str, Column("what was seen, in words")]


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """One row a question that people should look at, the most valuable verdict first."""

    batch: _Batch
    place: Annotated[int, Column("order of asking, from 1")]
    item_id: _ItemId
    content_hash: _ContentHash
    path: _Path
    task: _TaskName
    kind: Annotated[AnswerKind, Column("kind of answer that the task asks for")]
    answer: Annotated[str | None, Column("the answer that stands, as text")]
    triage: Annotated[Triage, Column("review, or reject: nobody should rely on the answer")]
    error_risk: Annotated[float, Column("probability that the answer is wrong", "0..1")]
    impact: Annotated[float, Column("the task's impact times the addresses with this content")]
    teaches: Annotated[
        float,
        Column("1 for the first question of its pattern of dispute, less for each further", "0..1"),
    ]
    value: Annotated[float, Column("error risk times impact times what it teaches")]
    readings: Annotated[str, Column("what every service said, in words")]
    kinds: Annotated[tuple[str, ...], Column("kinds of dispute that were found")]


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Answers in the order of their risk: the share kept, and the share of these that is wrong."""

    coverage: float
    risk: float


@dataclass(frozen=True, slots=True)
class CalibrationRow:
    """One row a label task: what its services' agreement and people's verdicts have taught."""

    task: _TaskName
    version: Annotated[str | None, Column("version that batches use; null when none does")]
    services: Annotated[tuple[str, ...], Column("services in the order of the model")]
    service_versions: Annotated[
        tuple[str, ...], Column("code and model version of each; another one invalidates")
    ]
    items: Annotated[int, Column("items that two or more services answered", "items")]
    gold: Annotated[int, Column("items among them that people judged", "items")]
    held_out: Annotated[int, Column("judged items kept back for the gate", "items")]
    promoted: Annotated[bool, Column("whether this run made a new version the one in use")]
    reason: Annotated[str, Column("why it was promoted or not, in words")]
    brier: Annotated[
        float | None, Column("mean squared gap of risk and outcome on held-out gold", "0..1")
    ]
    brier_before: Annotated[
        float | None, Column("the same for what was in use before, on the same items", "0..1")
    ]
    ece: Annotated[
        float | None, Column("expected calibration error on held-out gold, 15 bins", "0..1")
    ]
    accuracy: Annotated[
        float | None, Column("share of standing answers that are right, held-out gold", "0..1")
    ]
    best_single: Annotated[str | None, Column("service with the highest accuracy on gold")]
    best_single_accuracy: Annotated[float | None, Column("its accuracy on held-out gold", "0..1")]
    coverage_risk: Annotated[
        tuple[CurvePoint, ...], Column("coverage against risk on held-out gold")
    ]


@dataclass(frozen=True, slots=True)
class VectorThresholdRow:
    """One row a vector task, pair of services and number of items compared at once: what is usual
    between the two, and whether that is the threshold in force."""

    task: _TaskName
    service_a: Annotated[str, Column("first service, in alphabetical order")]
    service_b: Annotated[str, Column("second service")]
    size: Annotated[
        int, Column("contents compared at once; 0 when there were too few to try any", "items")
    ]
    identity_a: Annotated[
        str, Column("code, model and parameters of the first; another invalidates")
    ]
    identity_b: Annotated[str, Column("code, model and parameters of the second")]
    version: Annotated[str | None, Column("version that batches pin; null when none holds")]
    promoted: Annotated[bool, Column("whether this run made it the threshold in force")]
    reason: Annotated[str, Column("why it was promoted or not, in words")]
    contents: Annotated[int, Column("contents that were compared", "items")]
    held_out: Annotated[
        int, Column("those kept back for the gate, without contents that lie alone", "items")
    ]
    near_a: Annotated[
        float | None, Column("cosine that 99 of 100 pairs of contents stay below, first service")
    ]
    near_b: Annotated[float | None, Column("the same for the second service")]
    alone: Annotated[
        float | None, Column("share of contents that neither service holds near to any", "0..1")
    ]
    median_shift: Annotated[
        float | None, Column("usual shift between the neighbourhoods: the median", "0..1")
    ]
    disagree_at: Annotated[
        float | None, Column("shift from which on the two services disagree", "0..1")
    ]
    flagged: Annotated[float | None, Column("share of the held-out contents that reach it", "0..1")]
    found: Annotated[
        float | None, Column("share of held-out contents that reach it when shuffled", "0..1")
    ]
    error: Annotated[
        float | None,
        Column("contents flagged as they are plus shuffled ones missed, held out", "0..2"),
    ]
    error_before: Annotated[
        float | None, Column("the same for what was in use before, on the same contents", "0..2")
    ]


@dataclass(frozen=True, slots=True)
class ScorecardRow:
    """One row a service and task: how reliable it is, what it costs, and what it is worth."""

    task: _TaskName
    service: Annotated[str, Column("service")]
    answered: Annotated[int, Column("items that it answered", "items")]
    abstained: Annotated[int, Column("items about which it would not say", "items")]
    failed: Annotated[int, Column("items on which it failed", "items")]
    reliability: Annotated[
        float | None,
        Column("agreement with what all have in common, chance apart; labels only", "0..1"),
    ]
    accuracy: Annotated[float | None, Column("share right among people's verdicts", "0..1")]
    judged: Annotated[int, Column("its answers that people judged", "items")]
    clone_of: Annotated[str | None, Column("service whose answers it repeats")]
    broken: Annotated[bool, Column("its answers have next to nothing in common with the others'")]
    dissents: Annotated[
        float, Column("share of its answers that lie far from the one that stands", "0..1")
    ]
    cost_usd: Annotated[float, Column("what its calls have cost", "USD", True)]
    mean_ms: Annotated[float | None, Column("mean time of a call", "ms", True)]
    without_cost: Annotated[
        float | None, Column("change of the task's cost without it, share", "", True)
    ]
    without_accuracy: Annotated[
        float | None,
        Column("change of the accuracy against verdicts without it; null without verdicts"),
    ]
    without_changed: Annotated[
        float | None, Column("share of standing answers that would be others without it", "0..1")
    ]
    verdict: Annotated[str, Column("the service in one sentence")]


_TASK_KEY: Final = ("batch", "item_id", "task")
DISPUTE_KINDS: Final = table_of("dispute_kinds", DisputeKindRow, (*_TASK_KEY, "kind"))
REVIEW_QUEUE: Final = table_of("review_queue", ReviewRow, _TASK_KEY)
CALIBRATION: Final = table_of("calibration", CalibrationRow, ("task",))
VECTOR_THRESHOLDS: Final = table_of(
    "vector_thresholds", VectorThresholdRow, ("task", "service_a", "service_b", "size")
)
SERVICE_SCORECARDS: Final = table_of("service_scorecards", ScorecardRow, ("task", "service"))
