"""Pages: what stands between form feeds, or, without any, between lines that number pages."""

import re
from typing import Final

from orchestration_assets.text.parts.lines import Line, lines_of
from orchestration_assets.text.parts.spans import Mark, Span, spans_at, with_words

_FORM_FEED: Final = "\f"
_FRAME: Final = "-=*[]()<> \t\u2013\u2014"
_NUMBERED: Final = re.compile(
    r"(?:page|seite|p\u00e1gina|pagina|strana) \d{1,5}(?: ?(?:of|/|von|de|di|z) ?\d{1,5})?", re.I
)
_LONGEST_MARK: Final = 80


def page_spans(text: str) -> list[Span]:
    """The pages in their order, headed by their numbers; the text itself where it has one.

    Lines such as ``--- Page 3 ---`` begin a page where the first of them begins the text, and else
    end one.
    """
    if _FORM_FEED in text:
        begins = [0, *(n + 1 for n, letter in enumerate(text) if letter == _FORM_FEED)]
    else:
        begins = _by_numbers(text)
    spans = spans_at(text, [Mark(place, "") for place in begins if place < len(text)])
    pages = with_words(text, spans)
    if len(pages) == 1:
        return pages
    return [page._replace(heading=f"page {n}") for n, page in enumerate(pages, start=1)]


def _by_numbers(text: str) -> list[int]:
    lines = list(lines_of(text))
    marks = [place for place, line in enumerate(lines) if _numbers_a_page(line)]
    if not marks:
        return [0]
    if not any(line.words for line in lines[: marks[0]]):
        return [lines[place].start for place in marks]
    return [0, *(lines[place + 1].start for place in marks if place + 1 < len(lines))]


def _numbers_a_page(line: Line) -> bool:
    if len(line.words) > _LONGEST_MARK:
        return False
    return _NUMBERED.fullmatch(" ".join(line.words.strip(_FRAME).split())) is not None
