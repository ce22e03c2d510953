"""The part of a content that tells which of several answers is right, for a person to read."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final, NamedTuple

from orchestration_assets.schemas.services import SensitiveKind
from orchestration_assets.text.deciding_words import DecidingPlace, deciding_places
from orchestration_assets.text.graphemes import boundary_before
from orchestration_assets.text.licence_comments import licence_end
from orchestration_assets.text.redacted_pieces import redacted_head, redacted_pieces
from orchestration_assets.text.redaction import RedactedText, redact, without_marks
from orchestration_assets.text.visible_text import visible_text

EXCERPT_CHARS: Final = 900
GAP: Final = "…"
"""Stands between sections, and where text is left out before the first or behind the last one."""
_HEAD_CHARS: Final = 32_768
"""Of a longer text its head, at most, and pieces spread over the rest are looked at."""
_SECTIONS: Final = 3
"""Sections beside the beginning."""
_HEAD_SHARE: Final = 0.27
_LEAD_SHARE: Final = 0.35
"""Share of a section that may stand before what decides."""
_SEEN: Final = 0.15
"""What was shown already counts as much in a further section."""
_LONGEST_QUOTE: Final = 300
_LINE_END: Final = re.compile(r"\n")
_SENTENCE_END: Final = re.compile(r"[.!?]\s|[\u3002\uff01\uff1f]")
_SPACE: Final = re.compile(r"\s")
_ELLIPSIS: Final = re.compile(r"\s*(?:…|\.\.\.)\s*")
_QUOTED: Final = re.compile(
    rf"“([^“”]{{1,{_LONGEST_QUOTE}}})”|\"([^\"]{{1,{_LONGEST_QUOTE}}})\""
    rf"|«([^«»]{{1,{_LONGEST_QUOTE}}})»|„([^„“”]{{1,{_LONGEST_QUOTE}}})[“”]"
    rf"|`([^`]{{1,{_LONGEST_QUOTE}}})`|「([^「」]{{1,{_LONGEST_QUOTE}}})」"
)


@dataclass(frozen=True, slots=True)
class ExcerptPiece:
    """A piece of an excerpt; ``marked`` where it says what an answer or a service's evidence does.

    A piece of the text :data:`GAP` stands between sections.
    """

    text: str
    marked: bool = False


@dataclass(frozen=True, slots=True)
class ContentExcerpt:
    """Pieces in the order of the content.

    ``note`` says in words why nothing is shown, or that not all of the content was looked at.
    """

    pieces: tuple[ExcerptPiece, ...] = ()
    note: str | None = None

    def as_text(self) -> str:
        """The excerpt as plain text: marked words between » and «, sections on lines of their own.

        The note where there are no pieces. Line breaks stay as they are.
        """
        if not self.pieces:
            return self.note or ""
        return "".join(
            f"»{piece.text}«" if piece.marked else f"\n{GAP}\n" if piece.text == GAP else piece.text
            for piece in self.pieces
        ).strip("\n")


class ShownContent(NamedTuple):
    """What of a content may be shown: sections, redacted. ``chars`` of the whole content."""

    sections: tuple[str, ...]
    looked_at: int
    chars: int


def quotes_in(words: str | None) -> tuple[str, ...]:
    """What stands between quotation marks, in the order of the words; each side of an ellipsis."""
    quotes = (next(filter(None, groups)) for groups in _QUOTED.findall(words or ""))
    return tuple(part for quote in quotes for part in _ELLIPSIS.split(quote) if part.strip())


def content_excerpt(
    text: str, answers: Sequence[str], quotes: Sequence[str] = (), chars: int = EXCERPT_CHARS
) -> ContentExcerpt:
    """The beginning of a text and the sections where it says what answers and quotes say, marked.

    The beginning is what follows a licence in the leading comments.

    At most ``chars`` characters (at least 40) in all; the whole of a text that is no longer. Where
    the text says nothing of the answers, sections spread over it. Credentials and personal data
    of every kind are replaced as in prompts, such as ``[EMAIL]``, and what hides or reorders text
    is made visible; beside that the pieces, joined, are parts of the text in its order. Of a text
    that is longer than 163,840 characters its beginning and 16 pieces are looked at: then the
    note says so. No grapheme is cut. Deterministic.
    """
    return excerpt_of(shown_content(text), answers, quotes, chars)


def shown_content(text: str) -> ShownContent:
    """What of a content may be shown. Linear in its bounded part that is looked at."""
    head, end = redacted_head(text, _HEAD_CHARS, _redact)
    rest = text[end:]
    if not rest:
        return ShownContent((head,), len(text), len(text))
    pieces, _ = redacted_pieces(rest, 0, _redact)
    sections = (head, *pieces.texts) if pieces.share < 1.0 else (head + pieces.texts[0],)
    return ShownContent(sections, end + round(pieces.share * len(rest)), len(text))


def redacted(text: str) -> str:
    """A text, such as a value of metadata, without what must not be shown."""
    return visible_text(_redact(text).text)


def excerpt_of(
    content: ShownContent, answers: Sequence[str], quotes: Sequence[str], chars: int
) -> ContentExcerpt:
    """The excerpt of a content that was redacted before, as answers were."""
    looked = _Looked(content.sections)
    places = deciding_places(
        looked.text, [*map(without_marks, answers)], [*map(without_marks, quotes)]
    )
    first = _first(looked.text)
    # what a licence says decides nothing, unless nothing else does
    places = [place for place in places if place.start >= first] or places
    windows = _windows(looked, places, first, max(chars, 40))
    note = None
    if content.looked_at < content.chars:
        note = (
            f"{content.looked_at:,} of {content.chars:,} characters were looked at: "
            "the beginning and pieces spread over the rest"
        )
    return ContentExcerpt(tuple(_pieces(looked, windows, places)), note)


def _redact(text: str) -> RedactedText:
    return redact(text, tuple(SensitiveKind))


class _Looked:
    """Sections as one text, with the places where one ends and the next begins."""

    def __init__(self, sections: Sequence[str]) -> None:
        self.text = "".join(sections)
        self.ends = list(accumulate(map(len, sections)))

    def section(self, at: int) -> tuple[int, int]:
        """Begin and end of the section that a position lies in."""
        begin = 0
        for end in self.ends:
            if at < end:
                return begin, end
            begin = end
        return begin, len(self.text)


Window = tuple[int, int]


def _windows(
    looked: _Looked, places: Sequence[DecidingPlace], first: int, chars: int
) -> list[Window]:
    """Begin and end of what is shown, in order and apart from each other."""
    text = looked.text
    if len(text) <= chars and len(looked.ends) <= 1:
        return [(0, len(text))]
    _, first_end = looked.section(first)
    chars -= _SECTIONS + 1  # the gaps
    head_chars = round(chars * (_HEAD_SHARE if places else 0.5))
    head = first, _cut_before(text, min(first + head_chars, first_end), first + head_chars // 4)
    room = (chars - head_chars) // _SECTIONS
    if places:
        chosen = list(_around_places(looked, places, head, room))
    else:
        stride = (len(text) - head[1]) / _SECTIONS
        chosen = [
            _section_at(looked, round(head[1] + stride * (number + 0.5)), room, head[1])
            for number in range(_SECTIONS)
        ]
    return _merged([head, *chosen], looked.ends)


def _first(text: str) -> int:
    """Where a text begins to say what it alone says."""
    licence = licence_end(text)
    return len(text) - len(text[licence:].lstrip()) if text[licence:].strip() else 0


def _around_places(
    looked: _Looked, places: Sequence[DecidingPlace], head: Window, room: int
) -> Iterator[Window]:
    """The sections with most of what decides, each counted for what no earlier one shows."""
    weights: dict[str, float] = {}
    for place in places:
        weights[place.phrase] = max(place.weight, weights.get(place.phrase, 0.0))
    left = list(places)
    shown = head
    for _ in range(_SECTIONS):
        for place in left:
            if shown[0] <= place.start and place.end <= shown[1]:
                weights[place.phrase] = min(weights[place.phrase], _SEEN * place.weight)
        left = [place for place in left if not (shown[0] <= place.start < shown[1])]
        if not left:
            return
        best = _richest(left, weights, round(room * (1 - _LEAD_SHARE)))
        begin = _section_begin(looked, best, room)
        _, section_end = looked.section(best)
        end = _cut_before(looked.text, min(begin + room, section_end), begin + room * 3 // 4)
        shown = begin, max(end, begin)
        yield shown
        left = [place for place in left if place.start != best]


def _richest(places: Sequence[DecidingPlace], weights: dict[str, float], reach: int) -> int:
    """Where the span of ``reach`` characters begins that says most of what decides."""
    best, most, weight = places[0].start, 0.0, 0.0
    inside: Counter[str] = Counter()
    following = 0
    for place in places:
        while following < len(places) and places[following].start < place.start + reach:
            phrase = places[following].phrase
            weight += weights[phrase] * (not inside[phrase])
            inside[phrase] += 1
            following += 1
        # what rounding leaves over decides nothing
        if weight > most + 1e-9:
            best, most = place.start, weight
        inside[place.phrase] -= 1
        weight -= weights[place.phrase] * (not inside[place.phrase])
    return best


def _section_at(looked: _Looked, at: int, room: int, lowest: int) -> Window:
    """A section from the next beginning of a line on."""
    at = min(at, max(len(looked.text) - 1, 0))
    _, section_end = looked.section(at)
    line = looked.text.find("\n", at, min(at + room // 2, section_end))
    begin = line + 1 if line >= 0 else _section_begin(looked, at, room)
    begin = max(begin, lowest)
    end = _cut_before(looked.text, min(begin + room, section_end), begin + room // 2)
    return begin, max(end, begin)


def _section_begin(looked: _Looked, at: int, room: int) -> int:
    """Where a section about a position begins: at a line, a sentence, a word, or a grapheme."""
    section_begin, _ = looked.section(at)
    lowest = max(section_begin, at - round(room * _LEAD_SHARE))
    if lowest == section_begin:
        return lowest
    lead = looked.text[lowest:at]
    for pattern in (_LINE_END, _SENTENCE_END, _SPACE):
        if match := pattern.search(lead):
            return lowest + match.end()
    return boundary_before(looked.text, lowest, section_begin)


def _cut_before(text: str, at: int, lowest: int) -> int:
    """The last good place for a cut between both: behind a line, a sentence, a word."""
    if at >= len(text):
        return len(text)
    lowest = min(lowest, at)
    tail = text[lowest : at + 1]
    for separator, kept in (("\n", 0), (". ", 1), ("\u3002", 1), (" ", 0)):
        place = tail.rfind(separator, 0, len(tail) - (len(separator) == kept))
        if place > 0:
            return boundary_before(text, lowest + place + kept, lowest)
    return boundary_before(text, at, 0)


def _merged(windows: Sequence[Window], ends: Sequence[int]) -> list[Window]:
    """The windows in order, those that meet made one unless a section ends between them."""
    merged: list[Window] = []
    for begin, end in sorted(windows):
        if end <= begin:
            continue
        if merged and begin <= merged[-1][1] and not (begin == merged[-1][1] and begin in ends):
            merged[-1] = merged[-1][0], max(merged[-1][1], end)
        else:
            merged.append((begin, end))
    return merged


def _pieces(
    looked: _Looked, windows: Sequence[Window], places: Sequence[DecidingPlace]
) -> Iterator[ExcerptPiece]:
    text = looked.text
    marks = _marks(text, places)
    if windows and text[: windows[0][0]].strip():
        yield ExcerptPiece(GAP)
    for number, (begin, end) in enumerate(windows):
        if number:
            yield ExcerptPiece(GAP)
        at = begin
        for start, stop in marks:
            first, last = max(start, begin), min(stop, end)
            if first < last:
                yield from _piece(text[at:first], marked=False)
                yield from _piece(text[first:last], marked=True)
                at = last
        yield from _piece(text[at:end], marked=False)
    if windows and text[windows[-1][1] :].strip():
        yield ExcerptPiece(GAP)


def _marks(text: str, places: Sequence[DecidingPlace]) -> list[Window]:
    """What is marked, in order: neighbouring words with the space between them."""
    marks: list[Window] = []
    for place in places:
        if marks and (place.start <= marks[-1][1] or text[marks[-1][1] : place.start] == " "):
            marks[-1] = marks[-1][0], max(marks[-1][1], place.end)
        else:
            marks.append((place.start, place.end))
    return marks


def _piece(text: str, *, marked: bool) -> Iterator[ExcerptPiece]:
    if shown := visible_text(text):
        yield ExcerptPiece(shown, marked)
