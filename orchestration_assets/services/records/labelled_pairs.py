"""Labels with their values within one line: by a colon, dots, a dash, columns or cells."""

import re
from collections.abc import Iterator
from itertools import pairwise, zip_longest
from typing import Final, NamedTuple

from orchestration_assets.services.records.field_labels import EXACT, FieldLabels

# How plainly each form says that the words before are a label, set by judgement.
OWN_LINE: Final = 0.95
CELLS: Final = 0.9
COLUMNS: Final = 0.85
WITHIN: Final = 0.8
DASH: Final = 0.75
NUMBERED: Final = 0.8

_LONGEST_LABEL: Final = 60
_LONGEST_ABBREVIATION: Final = 4
_MOST_COLONS: Final = 40
_LONGEST_LINE: Final = 4096
_LEAD: Final = re.compile(
    r"[ \t>]{0,40}(?:[-*+\u2022\u00b7\u25aa\u2013]\s{1,4}|\d{1,2}[.)]\s{1,4})?(?:\*\*|__)?"
    r"(?:\.\.|//|#{1,6}|--|;)?[ \t]{0,4}"
)
_SIGN: Final = re.compile(r"(?<![:=<>!])[:\uff1a=](?![:=/\\>])")
_BOUNDARY: Final = re.compile(r"\t| {2,}|[,;.|(\u00b7\u2022] ?|(?<=\w) [-\u2013\u2014] ")
_DOTS: Final = re.compile(r"\.{3,}|(?: \.){3,}|_{3,}|\u2026+|-{4,}")
_DASH: Final = re.compile(r" [-\u2013\u2014] ")
_NUMBER_SIGN: Final = re.compile(
    r"(?P<label>[^:\t]{0,40}?(?:\b(?:no|nr|num|number)\b\.?|#|\u2116))[ ]?"
    r"(?P<value>(?:[A-Za-z]{1,6}[-/ ]?)?\d\S*)",
    re.IGNORECASE,
)
# a fixed space holds a number together
_SEGMENT: Final = re.compile(r"[^ \t]+(?: [^ \t]+)*")
# a wide gap, or a gap before what looks like the next label
_NEXT_COLUMN: Final = re.compile(r"\t| {3,}| {2}(?=[^:\n]{1,40}:)")
_RULE: Final = re.compile(r"[\s|:+=\u2500-\u257f-]+")


class Pair(NamedTuple):
    """A label and what stands behind it.

    ``fields``: the fields that the label may name, with how plainly; ``form``: how plainly it is a
    label; ``words``: label and value as they stand in the line.
    """

    fields: tuple[tuple[int, float], ...]
    label: str
    value: str
    words: str
    form: float


def pairs_in(line: str, labels: FieldLabels) -> Iterator[Pair]:
    """The labels of a line that name a field, in order; a value may be empty."""
    line = line[:_LONGEST_LINE]
    lead = _lead(line)
    if "|" in line and is_row(line):
        yield from _in_cells(line, labels)
        return
    found = [*_by_sign(line, lead, labels)]
    if found:
        yield from found
    elif dots := _DOTS.search(line, lead, lead + _LONGEST_LABEL + 40):
        label = line[lead : dots.start()].strip()
        if fields := labels.fields_of(label):
            value = _cut(line[dots.end() :].strip(" .\u2026_-"))
            yield Pair(fields, label, value, line[lead:].strip(), CELLS)
    else:
        columns = [*_in_columns(line, lead, labels)]
        yield from columns or _by_dash_or_number(line, lead, labels)


def _lead(line: str) -> int:
    found = _LEAD.match(line)
    return found.end() if found else 0


def _by_sign(line: str, lead: int, labels: FieldLabels) -> Iterator[Pair]:
    starts: list[tuple[int, int, str, tuple[tuple[int, float], ...], float]] = []
    done = lead
    for number, sign in enumerate(_SIGN.finditer(line, lead)):
        if number >= _MOST_COLONS:
            break
        told = _label_before(line, max(done, sign.start() - _LONGEST_LABEL), sign.start(), labels)
        if told is not None:
            start, label, fields, wide = told
            form = OWN_LINE if start == lead else COLUMNS if wide else WITHIN
            starts.append((start, sign.end(), label, fields, form))
            done = sign.end()
    for this, following in zip_longest(starts, starts[1:]):
        start, after, label, fields, form = this
        end = len(line) if following is None else following[0]
        value = line[after:end].lstrip(" \t*_\u00a0")
        if following is not None:
            value = value.rstrip(" \t,;|(\u00b7\u2022-\u2013\u2014")
        value = _cut(value)
        words = line[start : line.index(value, after) + len(value)] if value else line[start:after]
        yield Pair(fields, label, value, words.strip(" \t*_"), form)


def _label_before(
    line: str, start: int, end: int, labels: FieldLabels
) -> tuple[int, str, tuple[tuple[int, float], ...], bool] | None:
    """The longest words before a sign that name a field: where they begin, which, and whether a
    gap stands before them. Parts of labels count at the start of a line or column only."""
    lead = _lead(line)
    whole = start == lead or (start > lead and line[start - 1] in ":=")
    begins = [(start, start == lead)] if whole else []
    begins += [
        (cut.end(), cut.group()[0] == "\t" or cut.group().startswith("  "))
        for cut in _BOUNDARY.finditer(line, start, end)
        if cut.group()[0] != "." or _ends_sentence(line[start : cut.start()])
    ]
    for begin, wide in begins:
        label = line[begin:end].strip(" \t*_\"'`\u00a0")
        if fields := labels.fields_of(label, partly=wide):
            return begin, label, fields, wide
    # "is due. Total: 5": the last words of a sentence may have a label's name
    return None


def _ends_sentence(words: str) -> bool:
    """Whether a point behind the words ends a sentence rather than an abbreviation."""
    return len(words.rpartition(" ")[2]) > _LONGEST_ABBREVIATION


def _cut(value: str) -> str:
    value = value.strip()
    wide = _NEXT_COLUMN.search(value)
    return value if wide is None else value[: wide.start()].rstrip()


def _in_cells(line: str, labels: FieldLabels) -> Iterator[Pair]:
    cells = cells_of(line)
    for number, cell in enumerate(cells[:-1]):
        label = cell.strip(" *_:`")
        if fields := labels.fields_of(label):
            value = next((one for one in cells[number + 1 :] if one), "")
            yield Pair(fields, label, value, line.strip(), CELLS)


def _in_columns(line: str, lead: int, labels: FieldLabels) -> Iterator[Pair]:
    if "\t" not in line and "  " not in line[lead:].rstrip():
        return
    parts = [*_SEGMENT.finditer(line, lead)]
    for part, following in pairwise(parts):
        label = part.group().strip(" *_:.")
        # justified lines have gaps of two spaces between any words
        if following.start() - part.end() == 2 and label[:1].islower():
            continue
        if fields := labels.fields_of(label):
            words = line[part.start() : following.end()]
            yield Pair(fields, label, following.group(), words, COLUMNS)


def _by_dash_or_number(line: str, lead: int, labels: FieldLabels) -> Iterator[Pair]:
    if dash := _DASH.search(line, lead, lead + _LONGEST_LABEL + 3):
        label = line[lead : dash.start()].strip(" *_`")
        fields = labels.fields_of(label, partly=False)
        if fields:
            yield Pair(fields, label, _cut(line[dash.end() :]), line[lead:].strip(), DASH)
            return
    if numbered := _NUMBER_SIGN.match(line, lead):
        label = numbered["label"].strip(" *_")
        # "#12" and "No. 12" are of something that is not said
        named = any(map(str.isalpha, label)) and " " in label
        if named and (fields := labels.fields_of(label)):
            words = numbered.group().strip()
            yield Pair(fields, label, numbered["value"].rstrip(".,;"), words, NUMBERED)


def label_only(
    line: str, labels: FieldLabels, *, partly: bool = False
) -> tuple[tuple[int, float], ...]:
    """The fields that a whole line names, as a heading or the term of a definition does."""
    fields = labels.fields_of(line_words(line), partly=partly)
    return tuple(one for one in fields if partly or one[1] >= EXACT)


def line_words(line: str) -> str:
    """A line without the marks of a heading, of emphasis, and the colon behind."""
    return line.strip().lstrip("#>*_=` \t").rstrip("*_=`: \t")


def is_row(line: str) -> bool:
    """Whether a line with bars is a row of cells."""
    bare = line.strip()
    return bare.startswith("|") or bare.count("|") > 1 or " | " in bare


def is_rule(line: str) -> bool:
    """Whether a line only draws a rule, as below the headers of a table."""
    drawn = any(sign in line for sign in "-=\u2500\u2550")
    return drawn and len(line) <= _LONGEST_LINE and _RULE.fullmatch(line) is not None


def cells_of(line: str) -> list[str]:
    """The cells of a row between bars."""
    bare = line.strip()
    bare = bare[1:] if bare.startswith("|") else bare
    bare = bare[:-1] if bare.endswith("|") else bare
    return [cell.strip() for cell in bare.split("|")]
