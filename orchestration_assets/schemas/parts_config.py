"""The policy's words for parts: what a task is asked of one by one, and how answers are joined."""

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from orchestration_assets.schemas.comparisons import ANSWERS
from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.parts import JoinBy, MissingParts, PartsBy, TaskParts
from orchestration_assets.schemas.services import Name
from orchestration_assets.schemas.services import Strict as _Strict

JOINS: Final[Mapping[AnswerKind, tuple[JoinBy, ...]]] = {
    AnswerKind.LABEL: (JoinBy.VOTE, JoinBy.FIRST, JoinBy.SERVICE),
    AnswerKind.SCORE: (JoinBy.VOTE, JoinBy.FIRST, JoinBy.SERVICE),
    AnswerKind.SET: (JoinBy.UNION, JoinBy.VOTE, JoinBy.FIRST, JoinBy.SERVICE),
    AnswerKind.TEXT: (JoinBy.CONCATENATION, JoinBy.FIRST, JoinBy.SERVICE),
    AnswerKind.RECORD: (JoinBy.UNION, JoinBy.VOTE, JoinBy.FIRST, JoinBy.SERVICE),
    AnswerKind.VECTOR: (),
}
"""How answers of a kind can be joined; the first is the default."""


class Parts(_Strict):
    """Which parts of an item a task is asked of, one by one."""

    by: PartsBy = Field(
        description="sections: under headings of Markdown, HTML, reStructuredText, AsciiDoc or "
        "plain text; pages: between form feeds or page marks; chunks: pieces of about max_tokens "
        "that end at paragraphs, sentences or words; functions: of a program, what lies between "
        "them too; entries: of a list that another task answered"
    )
    max_tokens: Annotated[int, Field(ge=64, le=1_000_000)] | None = Field(
        default=None,
        description="estimated tokens of a part at most: longer sections, pages and functions are "
        "cut at natural borders; chunks need it; null: no limit",
    )
    overlap_tokens: Annotated[int, Field(ge=0)] = Field(
        default=0,
        description="chunks: tokens from the end of the part before that a part begins with, "
        "within max_tokens",
    )
    of: str | None = Field(
        default=None,
        max_length=200,
        description="entries: answers.TASK.FIELD, a list of a record task named in after",
    )
    at_most: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=1000, description="parts of an item that are asked about; more are missing"
    )
    missing: MissingParts = Field(
        default=MissingParts.FAIL,
        description="where a part has no answer because its service failed: fail, the item has "
        "none; answer: the others are joined, with less confidence, and the reason names the part",
    )

    @model_validator(mode="after")
    def _fits_its_way(self) -> "Parts":
        if self.by is PartsBy.CHUNKS and self.max_tokens is None:
            raise ValueError("chunks need max_tokens: say how long one may be")
        if self.overlap_tokens and self.by is not PartsBy.CHUNKS:
            raise ValueError("overlap_tokens: only chunks overlap")
        if self.max_tokens is not None and self.overlap_tokens * 2 > self.max_tokens:
            raise ValueError("overlap_tokens must be at most half of max_tokens")
        if (self.of is not None) != (self.by is PartsBy.ENTRIES):
            raise ValueError("of: entries need it, and nothing else does")
        if self.of is not None and not all(_list_named(self.of)):
            raise ValueError("of must be answers.TASK.FIELD")
        if self.by is PartsBy.ENTRIES and self.max_tokens is not None:
            raise ValueError("max_tokens: entries are not cut")
        return self

    @property
    def list_named(self) -> tuple[str, str]:
        """The task and the field whose entries are the parts; empty where they are none."""
        return _list_named(self.of or "")


def _list_named(of: str) -> tuple[str, str]:
    task, _, field = of.removeprefix(ANSWERS).partition(".")
    return (task, field) if of.startswith(ANSWERS) else ("", "")


class ServiceJoin(_Strict):
    """A service that is shown what was answered about the parts: its answer is the joined one."""

    service: Name = Field(description="the service that joins")


Join = Literal["union", "vote", "first", "concatenation"] | ServiceJoin


def task_parts(parts: Parts | None, join: Join | None, kind: AnswerKind) -> TaskParts | None:
    """The parts as tasks have them; None for a task that is asked of whole items."""
    if parts is None:
        return None
    if isinstance(join, ServiceJoin):
        way, joiner = JoinBy.SERVICE, join.service
    else:
        way, joiner = JOINS[kind][0] if join is None else JoinBy(join), None
    return TaskParts(
        parts.by,
        way,
        parts.max_tokens,
        parts.overlap_tokens,
        *parts.list_named,
        parts.at_most,
        parts.missing,
        joiner,
    )
