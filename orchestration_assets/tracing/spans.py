"""The plain records of a trace, and the names by which it finds its parts again.

Trace and span ids are hashes of what they are about: a trace that is sent a second time, since
nobody knows whether it arrived, replaces itself at the receiver.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

Attribute = str | bool | int | float | tuple[str, ...]
Attributes = Mapping[str, Attribute]

ROOT: Final = ""
"""The key of a trace's first span."""


@dataclass(frozen=True, slots=True)
class SpanRecord:
    """One span: times in ns since 1970, UTC.

    ``key`` names it within its trace, ``parent`` the span that it belongs to; None for the first.
    ``error`` is the class of what went wrong, of few values; ``client``: it was a request to
    another process. ``links`` are (trace id, span id) of spans in other traces.
    """

    name: str
    key: str
    parent: str | None
    start_ns: int
    end_ns: int
    attributes: Attributes
    error: str | None = None
    client: bool = False
    links: tuple[tuple[int, int], ...] = field(default=())


@dataclass(frozen=True, slots=True)
class EventRecord:
    """One event of a trace, about the span of the key ``span``; ``at_ns`` since 1970, UTC."""

    name: str
    span: str
    at_ns: int
    attributes: Attributes


def trace_id(batch: str, run_id: str) -> int:
    """The trace of a batch as one run carried it out: 128 bits, never 0."""
    return _hash(f"trace {batch} {run_id}", 16)


def span_id(trace: int, key: str) -> int:
    """The span of that key in a trace: 64 bits, never 0."""
    return _hash(f"span {trace:032x} {key}", 8)


def _hash(text: str, size: int) -> int:
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=size).digest()
    return int.from_bytes(digest, "big") or 1


def step_key(step: str) -> str:
    """The key of a step of a run."""
    return f"step/{step}"


def item_key(item: str) -> str:
    """The key of an item's span."""
    return f"item/{item}"


def task_key(item: str, task: str) -> str:
    """The key of the span of all that one task asked about an item."""
    return f"item/{item}/{task}"
