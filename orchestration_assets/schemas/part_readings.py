"""Table of what services said about each part of an item."""

from dataclasses import dataclass
from typing import Annotated, Final

from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.records import Column, table_of


@dataclass(frozen=True, slots=True)
class PartReadingRow:
    """One row a part that a service was asked about: the interpretation of the whole item is joined
    of those about its parts."""

    batch: Annotated[str, Column("batch (= partition) that the row belongs to")]
    item_id: Annotated[str, Column("item: blake2b-64 of its address, hex")]
    task: Annotated[str, Column("task that was asked")]
    service: Annotated[str, Column("service that was asked")]
    round: Annotated[int, Column("round of the interpretation that it is a part of, from 0")]
    part: Annotated[int, Column("number of the part, from 1")]
    parts: Annotated[int, Column("parts that the item has", "parts")]
    heading: Annotated[str, Column("heading or name of the part; empty for none")]
    start: Annotated[
        int | None, Column("where it begins in the decoded text; null: not known", "characters")
    ]
    end: Annotated[int | None, Column("where it ends; null: not known", "characters")]
    part_hash: Annotated[str, Column("blake2b-128 of the part's text, hex")]
    step: Annotated[int, Column("position of the interpretation among the plan's calls, from 0")]
    status: Annotated[Status, Column("how the attempt ended")]
    answer: Annotated[str | None, Column("the answer as text; null unless status is ok")]
    answer_set: Annotated[tuple[str, ...] | None, Column("members, when the answer is a set")]
    answer_score: Annotated[float | None, Column("value, when the answer is a score")]
    answer_vector: Annotated[
        tuple[float, ...] | None, Column("always null: answers about parts are no vectors")
    ]
    answer_record: Annotated[
        str | None, Column("fields and quotes as JSON, when the answer is a record")
    ]
    confidence: Annotated[float | None, Column("the service's own probability", "0..1")]
    evidence: Annotated[str | None, Column("what the answer rests on, in words")]
    reason: Annotated[str | None, Column("why there is no answer")]
    answer_key: Annotated[str, Column("cache key: the part's text, task, service, context")]
    origin: Annotated[str, Column("called, cache, or not_called (no attempt was made)", "", True)]
    attempts: Annotated[int, Column("attempts at it", "attempts", True)]
    cost_usd: Annotated[float, Column("price of its attempts", "USD", True)]
    elapsed_ms: Annotated[float, Column("time of its attempts", "ms", True)]


PART_READINGS: Final = table_of(
    "part_readings",
    PartReadingRow,
    ("batch", "item_id", "task", "service", "round", "part"),
)
