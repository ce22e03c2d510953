"""Parts of an item that are asked about one by one, and how their answers become one."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from orchestration_assets.schemas.answers import Answer
from orchestration_assets.schemas.enums import Status

PART_FACTS: Final = ("number", "of", "heading")
"""What a prompt may show of a part beside its text."""


class PartsBy(StrEnum):
    """What the parts of an item are."""

    SECTIONS = "sections"
    PAGES = "pages"
    CHUNKS = "chunks"
    FUNCTIONS = "functions"
    ENTRIES = "entries"


class JoinBy(StrEnum):
    """How the answers about parts become one.

    ``vote``: the label with the most confidence behind it, the weighted median score, the members
    of a set that most parts name; ``first``: that of the first part which has one.
    """

    UNION = "union"
    VOTE = "vote"
    FIRST = "first"
    CONCATENATION = "concatenation"
    SERVICE = "service"


class MissingParts(StrEnum):
    """What becomes of the joined answer where a part has none because its service failed."""

    FAIL = "fail"
    ANSWER = "answer"


@dataclass(frozen=True, slots=True)
class TaskParts:
    """How a task is asked of parts, and how the answers are joined.

    ``max_tokens``: estimated tokens of a part, None for no limit; ``overlap_tokens`` of them repeat
    the end of the part before. ``of_task`` and ``of_field`` name the list whose entries are the
    parts. An item with more than ``at_most`` parts is not asked about whole. ``joiner`` is the
    service that joins.
    """

    by: PartsBy
    join: JoinBy
    max_tokens: int | None = None
    overlap_tokens: int = 0
    of_task: str = ""
    of_field: str = ""
    at_most: int = 1000
    missing: MissingParts = MissingParts.FAIL
    joiner: str | None = None


@dataclass(frozen=True, slots=True)
class ItemPart:
    """One part: its ``number`` from 1, ``of`` how many, and its text.

    ``start`` and ``end`` are characters of the item's text, None for an entry whose place is not
    known. ``own_start`` is where what the part before does not hold begins.
    """

    number: int
    of: int
    heading: str
    text: str
    start: int | None = None
    end: int | None = None
    own_start: int | None = None


@dataclass(frozen=True, slots=True)
class PartAnswer:
    """What stands of one part for the service that joins."""

    number: int
    of: int
    heading: str
    status: Status
    answer: Answer | None
