"""What people said about answers, and the gold that it amounts to."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.records import Column, table_of

_ItemId = Annotated[str, Column("item: blake2b-64 of its address, hex")]
_Path = Annotated[str, Column("path relative to the source, for people")]
_Task = Annotated[str, Column("task that the verdict answers")]
_Kind = Annotated[AnswerKind, Column("kind of answer that the task asked for")]
_Answer = Annotated[str, Column("the verdict as one line of text, as answers are shown")]
_AnswerSet = Annotated[tuple[str, ...] | None, Column("members, when the answer is a set")]
_AnswerScore = Annotated[float | None, Column("value, when the answer is a score")]
_AnswerRecord = Annotated[
    str | None, Column("the fields that were judged, as JSON, when the answer is a record")
]
_Who = Annotated[str, Column("person who said it")]
_SaidAt = Annotated[datetime, Column("when it was said", "UTC")]
_File = Annotated[str, Column("name of the verdict file")]
_Line = Annotated[int, Column("line of the file, from 1")]
_ContentHash = Annotated[
    str | None,
    Column("content that the verdict was about: blake2b-128 of its bytes, hex; null if unknown"),
]
_AskedIn = Annotated[
    str | None,
    Column("sheet of review questions that it was written on, batch/round; null if none"),
]


@dataclass(frozen=True, slots=True)
class VerdictRow:
    """One row a verdict of an accepted file, as it was understood when the file was taken."""

    file_hash: Annotated[str, Column("blake2b-128 of the file's bytes, hex")]
    file: _File
    line: _Line
    item_id: _ItemId
    path: _Path
    content_hash: _ContentHash
    task: _Task
    kind: _Kind
    verdict: Annotated[
        str, Column("the verdict in full: text as it is, a set as a JSON array, a score's digits")
    ]
    answer: _Answer
    answer_set: _AnswerSet
    answer_score: _AnswerScore
    who: _Who
    said_at: _SaidAt
    asked_in: _AskedIn
    policy_hash: Annotated[str, Column("hash of the policy that the verdict was checked against")]
    answer_record: _AnswerRecord = None


@dataclass(frozen=True, slots=True)
class PastVerdict:
    """One verdict in the history of an item and task."""

    verdict: str
    kind: AnswerKind
    who: str
    said_at: datetime
    content_hash: str | None
    file: str
    line: int
    asked_in: str | None = None


@dataclass(frozen=True, slots=True)
class GoldRow:
    """One row an item and task that people judged: the latest verdict, and all before it."""

    item_id: _ItemId
    path: _Path
    content_hash: _ContentHash
    task: _Task
    kind: _Kind
    answer: _Answer
    answer_set: _AnswerSet
    answer_score: _AnswerScore
    who: _Who
    said_at: _SaidAt
    file: _File
    line: _Line
    dissenters: Annotated[
        tuple[str, ...], Column("people whose own latest verdict is another, by name")
    ]
    history: Annotated[
        tuple[PastVerdict, ...], Column("every verdict about it, oldest first; the last one stands")
    ]
    answer_record: _AnswerRecord = None


VERDICTS: Final = table_of("verdicts", VerdictRow, ("file_hash", "line"))
"""Kept beside each accepted file as ``verdicts/accepted/<file>/verdicts.parquet``."""
GOLD_LABELS: Final = table_of("gold_labels", GoldRow, ("item_id", "task"))
