"""Stretches of a text: they follow one another and cover it."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Span(NamedTuple):
    """Characters ``start`` to ``end`` of a text, and what they are headed; "" for nothing."""

    heading: str
    start: int
    end: int


class Mark(NamedTuple):
    """A place where a span begins, and its heading."""

    start: int
    heading: str


_LONGEST_HEADING = 200


def spans_at(text: str, marks: Sequence[Mark]) -> list[Span]:
    """The spans that begin at the marks, which ascend; what stands before the first one has no
    heading, and belongs to it where it is white space. A text without any mark is one span."""
    if not text:
        return []
    begins = [*marks]
    if not begins or text[: begins[0].start].strip():
        begins.insert(0, Mark(0, ""))
    else:
        begins[0] = Mark(0, begins[0].heading)
    ends = [*(mark.start for mark in begins[1:]), len(text)]
    return [
        Span(heading, start, end)
        for (start, heading), end in zip(begins, ends, strict=True)
        if end > start
    ]


def with_words(text: str, spans: Iterable[Span]) -> list[Span]:
    """The spans; one of white space only belongs to the one before it, or else after it."""
    found: list[Span] = []
    for span in spans:
        blank = not text[span.start : span.end].strip()
        if found and (blank or not text[found[-1].start : found[-1].end].strip()):
            before = found.pop()
            heading = before.heading if blank else span.heading
            found.append(Span(heading, before.start, span.end))
        else:
            found.append(span)
    return found


def heading_text(words: str) -> str:
    """The words of a heading on one line, 200 characters at most."""
    return " ".join(words.split())[:_LONGEST_HEADING]
