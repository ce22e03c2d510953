"""Tools that a service may call for an answer: what is declared, called, and what came of it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final

from orchestration_assets.schemas.records import Column, table_of


class ToolOutcome(StrEnum):
    """What became of one call: it has a result, was refused before it ran, or broke."""

    ANSWERED = "answered"
    REFUSED = "refused"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class ToolDeclaration:
    """A tool as services are told of it; ``schema`` is the JSON Schema of its arguments, as text.

    ``version`` tells when it answers otherwise.
    """

    name: str
    description: str
    schema: str
    version: str


@dataclass(frozen=True, slots=True)
class TaskTools:
    """The tools that may be called for one answer, and the bounds on calling them.

    ``steps`` are replies that call tools; ``tokens`` those of all prompts and replies; ``usd``
    their cost, None for no bound of its own; ``repeats``: how often a call is carried out.
    """

    declared: tuple[ToolDeclaration, ...]
    steps: int
    seconds: float
    tokens: int
    usd: float | None
    repeats: int
    result_chars: int


@dataclass(frozen=True, slots=True)
class ToolRequest:
    """One call as a service wrote it: ``arguments`` is JSON text, or what should have been."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What the service is told of a call; ``cut``: it is only the beginning of the result.

    ``passing``: a later call may well come to something else, as of a server that was slow. Neither
    the result is kept nor what rests on it.
    """

    outcome: ToolOutcome
    text: str
    cut: bool = False
    passing: bool = False


@dataclass(frozen=True, slots=True)
class ToolTurn:
    """The calls of one reply, with their results in the same order."""

    requests: tuple[ToolRequest, ...]
    results: tuple[ToolResult, ...]


@dataclass(frozen=True, slots=True)
class ToolLogRow:
    """One row a call of a tool, in the order of the replies and of the calls in each."""

    batch: Annotated[str, Column("batch (= partition) that the row belongs to")]
    item_id: Annotated[str, Column("item: blake2b-64 of its address, hex")]
    path: Annotated[str, Column("path relative to the source")]
    task: Annotated[str, Column("task that was asked")]
    service: Annotated[str, Column("service that called")]
    step: Annotated[int, Column("position of the answer among the plan's calls, from 0")]
    part: Annotated[int | None, Column("number of the part that was asked about, from 1")]
    reply: Annotated[int, Column("reply of the service that called, from 1")]
    call: Annotated[int, Column("number of the call in that reply, from 1")]
    tool: Annotated[str, Column("name of the tool, as the service wrote it")]
    arguments: Annotated[str, Column("arguments, without what redact_answers takes out")]
    outcome: Annotated[ToolOutcome, Column("answered, refused or broken")]
    result: Annotated[str, Column("what the service was told")]
    result_cut: Annotated[bool, Column("whether that is only the beginning of the result")]
    answer_key: Annotated[str, Column("key that the answer, and the steps to it, are kept under")]


TOOL_LOG: Final = table_of(
    "tool_log", ToolLogRow, ("item_id", "task", "service", "step", "part", "reply", "call")
)
