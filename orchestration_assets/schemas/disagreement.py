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
class QueuedReading:
    """What one service said to a question for people.

    ``said`` is its answer as text, cut after some 300 characters, or in words why there is none.
    ``reason`` is what the answer rests on, or why there is none.
    """

    service: str
    said: str
    confidence: float | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """One row a question for people: a sample with known probabilities, in which the most valuable
    verdicts are the most probable and come first; and what earlier rounds have answered."""

    batch: _Batch
    place: Annotated[int, Column("order of asking, from 1; 0 when it is asked no more")]
    item_id: _ItemId
    content_hash: _ContentHash
    path: _Path
    task: _TaskName
    kind: Annotated[AnswerKind, Column("kind of answer that the task asks for")]
    question: Annotated[str, Column("what is asked of the item, in words")]
    allowed: Annotated[str, Column("the answers that the task admits, in words")]
    choices: Annotated[
        tuple[str, ...],
        Column(
            "answers listed under the letters a, b, ...: the task's labels, else what services said"
        ),
    ]
    answer: Annotated[str | None, Column("the answer that stands, as text")]
    triage: Annotated[Triage, Column("accept, review, or reject: nobody should rely on the answer")]
    error_risk: Annotated[float, Column("probability that the answer is wrong", "0..1")]
    impact: Annotated[float, Column("the task's impact times the addresses with this content")]
    teaches: Annotated[
        float,
        Column("1 for the first question of its pattern of dispute, less for each further", "0..1"),
    ]
    value: Annotated[
        float,
        Column(
            "error risk times impact times what it teaches; 0 when services disagree, but without "
            "consequence"
        ),
    ]
    round: Annotated[int, Column("round of asking, from 1: the next begins after verdicts")]
    size: Annotated[
        float,
        Column(
            "share of all value, and of the audit that is even over all questions; 0 when it was "
            "judged before the round was drawn",
            "0..1",
        ),
    ]
    priority: Annotated[
        float, Column("size over a number in (0, 1) that depends on task, content and round alone")
    ]
    beyond: Annotated[
        float, Column("highest priority of the questions that found no room; 0 when all did")
    ]
    chance: Annotated[
        float, Column("probability of coming in: size over what is beyond, at most 1", "0..1")
    ]
    audit: Annotated[bool, Column("asked for the even share more than for its value")]
    probability: Annotated[
        float | None,
        Column(
            "probability with which its verdict came in, 1 when that was before the round; 0 when "
            "none did while it was asked; null while it is asked"
        ),
    ]
    readings: Annotated[tuple[QueuedReading, ...], Column("what every service said, and why")]
    kinds: Annotated[tuple[str, ...], Column("kinds of dispute that were found")]
    severity: Annotated[
        float, Column("of the gravest disagreement about it; 0 without one of consequence", "0..1")
    ]
    disputes: Annotated[
        tuple[str, ...],
        Column("how its answers differ, in words: at most three disagreements, the gravest first"),
    ]


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Answers in the order of their risk: the share kept, and the share of these that is wrong."""

    coverage: float
    risk: float


@dataclass(frozen=True, slots=True)
class CalibrationRow:
    """One row a label or record task: what its services' agreement and people's verdicts have
    taught. Of records the figures are about single values, and all verdicts are held out in turn.
    """

    task: _TaskName
    version: Annotated[str | None, Column("version that batches use; null when none does")]
    services: Annotated[tuple[str, ...], Column("services in the order of the model")]
    service_versions: Annotated[
        tuple[str, ...],
        Column("code, model, parameters and task of each; another one invalidates"),
    ]
    items: Annotated[int, Column("items that any service answered unaided", "items")]
    gold: Annotated[int, Column("items among them whose verdict has a known probability", "items")]
    effective: Annotated[
        float, Column("items of an even sample that would tell as much (Kish)", "items")
    ]
    held_out: Annotated[int, Column("judged items kept back for the gate", "items")]
    basis: Annotated[str, Column("what the verdicts stand for, in words")]
    set_aside: Annotated[
        int, Column("answers of services that changed since: not learned from", "readings")
    ]
    promoted: Annotated[bool, Column("whether this run made a new version the one in use")]
    reason: Annotated[str, Column("why it was promoted or not, in words")]
    brier: Annotated[
        float | None, Column("mean squared gap of risk and outcome on held-out gold", "0..1")
    ]
    brier_low: Annotated[float | None, Column("lower end of its 95 % interval", "0..1")]
    brier_high: Annotated[float | None, Column("upper end of its 95 % interval", "0..1")]
    brier_before: Annotated[
        float | None, Column("the same for what was in use before, on the same items", "0..1")
    ]
    ece: Annotated[
        float | None, Column("expected calibration error on held-out gold, 15 bins", "0..1")
    ]
    brier_change: Annotated[
        float | None, Column("brier less brier_before, question by question", "-1..1")
    ]
    brier_change_low: Annotated[float | None, Column("lower end of its 95 % interval", "-1..1")]
    brier_change_high: Annotated[float | None, Column("upper end of its 95 % interval", "-1..1")]
    risk_gap: Annotated[
        float | None,
        Column("stated risk less the share of wrong answers, held-out gold", "-1..1"),
    ]
    risk_gap_low: Annotated[float | None, Column("lower end of its 95 % interval", "-1..1")]
    risk_gap_high: Annotated[float | None, Column("upper end of its 95 % interval", "-1..1")]
    accuracy: Annotated[
        float | None, Column("share of standing answers that are right, held-out gold", "0..1")
    ]
    accuracy_low: Annotated[float | None, Column("lower end of its 95 % interval", "0..1")]
    accuracy_high: Annotated[float | None, Column("upper end of its 95 % interval", "0..1")]
    best_single: Annotated[str | None, Column("service with the highest accuracy on gold")]
    best_single_accuracy: Annotated[float | None, Column("its accuracy on held-out gold", "0..1")]
    best_single_low: Annotated[float | None, Column("lower end of its 95 % interval", "0..1")]
    best_single_high: Annotated[float | None, Column("upper end of its 95 % interval", "0..1")]
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
class FamilyAccuracy:
    """How often a service is right about contents of one family, with the 95 % interval.

    ``judged`` of its answers have a verdict of known probability, which tell as much as
    ``effective`` of an even sample.
    """

    family: str
    accuracy: float
    low: float | None
    high: float | None
    judged: int
    effective: float


@dataclass(frozen=True, slots=True)
class FieldScore:
    """A service and one field of records: values that it gave, of these such that contradict what
    stands, values that it left out where one stands, and values for which it quoted words that do
    not stand in the content; values that verdicts judged, missing ones too, and how many were
    right."""

    pattern: str
    given: int
    contradicts: int
    left_out: int
    ungrounded: int
    judged: int
    right: int


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
    accuracy: Annotated[
        float | None,
        Column(
            "share right by people's verdicts, each weighed by what it stands for: of items of "
            "which it was always asked, or as the verdict says of those that reached it",
            "0..1",
        ),
    ]
    accuracy_low: Annotated[float | None, Column("lower end of its 95 % interval", "0..1")]
    accuracy_high: Annotated[float | None, Column("upper end of its 95 % interval", "0..1")]
    judged: Annotated[int, Column("its answers whose verdict has a known probability", "items")]
    effective: Annotated[
        float, Column("verdicts of an even sample that would tell as much (Kish)", "items")
    ]
    set_aside: Annotated[
        int, Column("its answers of before it changed: nothing is concluded from them", "readings")
    ]
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
        Column(
            "change of the accuracy against verdicts without it; null without verdicts, and where "
            "services are asked only in doubt"
        ),
    ]
    without_accuracy_low: Annotated[float | None, Column("lower end of its 95 % interval", "-1..1")]
    without_accuracy_high: Annotated[
        float | None, Column("upper end of its 95 % interval", "-1..1")
    ]
    without_changed: Annotated[
        float | None, Column("share of standing answers that would be others without it", "0..1")
    ]
    verdict: Annotated[str, Column("the service in one sentence")]
    families: Annotated[
        tuple[FamilyAccuracy, ...],
        Column("the share right by content family, weighed in the same way"),
    ] = ()
    fields: Annotated[
        tuple[FieldScore, ...] | None, Column("records: what it did with each field")
    ] = None


_TASK_KEY: Final = ("batch", "item_id", "task")
DISPUTE_KINDS: Final = table_of("dispute_kinds", DisputeKindRow, (*_TASK_KEY, "kind"))
REVIEW_QUEUE: Final = table_of("review_queue", ReviewRow, (*_TASK_KEY, "round"))
CALIBRATION: Final = table_of("calibration", CalibrationRow, ("task",))
VECTOR_THRESHOLDS: Final = table_of(
    "vector_thresholds", VectorThresholdRow, ("task", "service_a", "service_b", "size")
)
SERVICE_SCORECARDS: Final = table_of("service_scorecards", ScorecardRow, ("task", "service"))
