"""The table of outcomes: how right each service's answer was, and who says so."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final

from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.records import Column, table_of


class OutcomeSource(StrEnum):
    """What says which answer is right: the content itself, a person, or a service that judges."""

    GOLD = "gold"
    VERDICT = "verdict"
    JUDGE = "judge"


@dataclass(frozen=True, slots=True)
class OutcomeRow:
    """One row a content, task, service as it was and source of what is right: how right it was."""

    batch: Annotated[str, Column("batch that the reading belongs to; the latest of several")]
    item_id: Annotated[str, Column("item: blake2b-64 of its address, hex")]
    content_hash: Annotated[str, Column("blake2b-128 of the item's bytes, hex")]
    task: Annotated[str, Column("task that was asked")]
    kind: Annotated[AnswerKind, Column("kind of answer that the task asks for")]
    service: Annotated[str, Column("service that was asked, and shown no other's answer")]
    service_version: Annotated[
        str, Column("who answered: code and model, parameters, task; the outcome is about it alone")
    ]
    status: Annotated[Status, Column("how the attempt ended; without an answer the score is 0")]
    answer: Annotated[str | None, Column("the answer as text; null unless status is ok")]
    confidence: Annotated[float | None, Column("the service's own probability", "0..1")]
    score: Annotated[
        float,
        Column(
            "how right the answer is: a label is right or wrong, other kinds are as right as they "
            "are near to the right answer",
            "0..1",
        ),
    ]
    why: Annotated[
        OutcomeSource,
        Column("what says so: gold (the content declares it), verdict (a person) or judge"),
    ]
    said_by: Annotated[
        str, Column("who says so: the content, a person, or the service that judged")
    ]
    right: Annotated[str, Column("the right answer as text")]
    weight: Annotated[
        float | None,
        Column(
            "items that it stands for: the inverse of the probability with which its verdict came "
            "in; null: unknown, so that nothing may rest on it",
            "items",
        ),
    ]
    stood: Annotated[
        float | None,
        Column(
            "how right the answer was that stood last, where no learned model decided; null: none "
            "stood",
            "0..1",
        ),
    ]


OUTCOMES: Final = table_of(
    "outcomes", OutcomeRow, ("task", "content_hash", "service", "service_version", "why")
)
