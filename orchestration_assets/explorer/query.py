"""What is asked of the items of a home: from the parameters of a request to a query, and back."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, NoReturn, TypeVar
from urllib.parse import urlencode

from orchestration_assets.schemas.errors import OrchestrationError

Word = TypeVar("Word", bound=StrEnum)

MOST_TEXT: Final = 200
"""Characters of a search text."""
_MOST_WORDS: Final = 8
_MOST_NAME: Final = 200
_MOST_VALUE: Final = 1e6
PAGE_ROWS: Final = 50
_CURSOR: Final = re.compile(r"(-?[0-9.e+-]{1,32}):([0-9A-Za-z-]{1,80}):([0-9]{1,10})")


class ItemOrder(StrEnum):
    """In which order questions are listed."""

    NEWEST = "newest"
    RISK = "risk"
    SEVERITY = "severity"
    PATH = "path"


class RiskBand(StrEnum):
    """Error risks between two bounds, or none known."""

    LOW = "low"
    MIDDLE = "middle"
    HIGH = "high"
    UNKNOWN = "unknown"


BANDS: Final[Mapping[RiskBand, tuple[float, float]]] = {
    RiskBand.LOW: (0.0, 0.1),
    RiskBand.MIDDLE: (0.1, 0.3),
    RiskBand.HIGH: (0.3, 1.01),
    RiskBand.UNKNOWN: (-1.5, 0.0),
}
"""Band -> the least risk that is in it, and the least above it."""


class QueryError(OrchestrationError):
    """A parameter of a request that is no query; the message names it and what to give."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last row of a page: its value in the order (none for paths), batch and row."""

    value: float
    batch: str
    row: int

    def __str__(self) -> str:
        return f"{self.value!r}:{self.batch}:{self.row}"


@dataclass(frozen=True, slots=True)
class QuestionQuery:
    """Which questions are wanted; an empty word asks for all.

    ``words`` are in lower case: each must stand in the path or in an answer, or begin the item's id
    or its content hash.
    """

    words: tuple[str, ...] = ()
    batch: str = ""
    task: str = ""
    status: str = ""
    family: str = ""
    outcome: str = ""
    pair: str = ""
    band: RiskBand | None = None
    disputed: bool = False
    order: ItemOrder = ItemOrder.NEWEST
    after: Cursor | None = None

    @property
    def text(self) -> str:
        return " ".join(self.words)

    def parameters(self) -> dict[str, str]:
        """The parameters of a request that asks for the same."""
        named = {
            "q": self.text,
            "batch": self.batch,
            "task": self.task,
            "status": self.status,
            "family": self.family,
            "outcome": self.outcome,
            "pair": self.pair,
            "risk": str(self.band or ""),
            "disputed": "1" if self.disputed else "",
            "sort": "" if self.order is ItemOrder.NEWEST else str(self.order),
            "after": str(self.after) if self.after else "",
        }
        return {name: value for name, value in named.items() if value}

    def address(self) -> str:
        """The parameters as they stand in an address."""
        return urlencode(self.parameters())

    def page_after(self, cursor: Cursor | None) -> "QuestionQuery":
        return replace(self, after=cursor)


def read_query(given: Mapping[str, str]) -> QuestionQuery:
    """The query of a request's parameters; those that are none of a query are left alone.

    Raises QueryError.
    """
    text = given.get("q", "")
    if len(text) > MOST_TEXT:
        raise QueryError(f"q: has {len(text)} characters; give at most {MOST_TEXT}")
    words = tuple(dict.fromkeys(text.lower().split()))
    if len(words) > _MOST_WORDS:
        raise QueryError(f"q: has {len(words)} words; give at most {_MOST_WORDS}")
    return QuestionQuery(
        words=words,
        batch=_name(given, "batch"),
        task=_name(given, "task"),
        status=_name(given, "status"),
        family=_name(given, "family"),
        outcome=_name(given, "outcome"),
        pair=_name(given, "pair"),
        band=_one_of(given, "risk", RiskBand),
        disputed=given.get("disputed", "") == "1",
        order=_one_of(given, "sort", ItemOrder) or ItemOrder.NEWEST,
        after=_cursor(given.get("after", "")),
    )


def _name(given: Mapping[str, str], name: str) -> str:
    value = given.get(name, "")
    if len(value) > _MOST_NAME:
        raise QueryError(f"{name}: has {len(value)} characters; give at most {_MOST_NAME}")
    return value


def _one_of(given: Mapping[str, str], name: str, kind: type[Word]) -> Word | None:
    value = given.get(name, "")
    if not value:
        return None
    try:
        return kind(value)
    except ValueError as error:
        raise QueryError(f"{name}: give one of {', '.join(kind)}") from error


def _cursor(text: str) -> Cursor | None:
    if not text:
        return None
    match = _CURSOR.fullmatch(text)
    try:
        cursor = Cursor(float(match[1]), match[2], int(match[3])) if match else None
    except ValueError:
        cursor = None
    # neither risks nor severities lie beyond
    return cursor if cursor is not None and abs(cursor.value) <= _MOST_VALUE else _no_cursor()


def _no_cursor() -> NoReturn:
    raise QueryError("after: follow the link to the next page instead of writing it")
