"""The parts of an item, as a task declares them: a pure function of its text."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from orchestration_assets.schemas.answers import Answer
from orchestration_assets.schemas.parts import ItemPart, PartsBy, TaskParts
from orchestration_assets.text.parts.chunks import chunk_spans, overlap_start
from orchestration_assets.text.parts.entries import entry_parts
from orchestration_assets.text.parts.functions import function_spans
from orchestration_assets.text.parts.pages import page_spans
from orchestration_assets.text.parts.sections import section_spans
from orchestration_assets.text.parts.spans import Span, with_words

_SPLITS: Final[Mapping[PartsBy, Callable[[str, str], list[Span]]]] = {
    PartsBy.SECTIONS: lambda text, language: section_spans(text),
    PartsBy.PAGES: lambda text, language: page_spans(text),
    PartsBy.FUNCTIONS: function_spans,
}


def parts_of(
    text: str,
    declared: TaskParts,
    language: str = "",
    answers: Sequence[tuple[str, Answer | None]] = (),
) -> list[ItemPart]:
    """The parts in their order; they cover the text exactly, what overlaps aside.

    Entries do not: they are what ``answers`` to other tasks hold. ``language`` is that of a
    program. An empty text has no parts.
    """
    if declared.by is PartsBy.ENTRIES:
        return entry_parts(text, answers, declared.of_task, declared.of_field)
    if declared.by is PartsBy.CHUNKS:
        assert declared.max_tokens is not None
        own = declared.max_tokens - declared.overlap_tokens
        spans = with_words(text, chunk_spans(text, own))
    else:
        spans = _SPLITS[declared.by](text, language)
        if declared.max_tokens is not None:
            spans = [piece for span in spans for piece in _cut(text, span, declared.max_tokens)]
    parts = []
    floor = 0
    for number, span in enumerate(spans, start=1):
        start = span.start
        if declared.overlap_tokens and number > 1:
            start = overlap_start(text, span, declared.overlap_tokens, floor)
        whole = text[start : span.end]
        parts.append(ItemPart(number, len(spans), span.heading, whole, start, span.end, span.start))
        floor = span.start
    return parts


def _cut(text: str, span: Span, max_tokens: int) -> list[Span]:
    """The span, or the pieces of one that is too long, under the same heading."""
    pieces = chunk_spans(text, max_tokens, span.start, span.end)
    return [piece._replace(heading=span.heading) for piece in pieces]
