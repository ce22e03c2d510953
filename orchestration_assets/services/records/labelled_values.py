"""Values that content labels: lines with labels, definition lists, tables, lists under headings."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Annotated, ClassVar, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from orchestration_assets.schemas.enums import AnswerKind, Family
from orchestration_assets.schemas.items import Question, Reading
from orchestration_assets.schemas.record_answers import FieldValue, RecordAnswer
from orchestration_assets.schemas.record_fields import ENTRY, FieldType, RecordField
from orchestration_assets.services.contract import EmbeddedService
from orchestration_assets.services.records.document_lines import MAX_CHARS, document_lines
from orchestration_assets.services.records.field_labels import (
    FieldLabels,
    FoldedLines,
    field_labels,
    folded_lines,
)
from orchestration_assets.services.records.labelled_pairs import (
    COLUMNS,
    Pair,
    is_row,
    is_rule,
    label_only,
    line_words,
    pairs_in,
)
from orchestration_assets.services.records.record_readings import (
    MAX_ENTRIES,
    Found,
    record_reading,
)
from orchestration_assets.services.records.tables import Header, Row, headers_in, rows_below
from orchestration_assets.services.records.typed_values import typed
from orchestration_assets.text.local_dates import DateOrder
from orchestration_assets.text.prose import is_html
from orchestration_assets.text.written_dates import settled_in

# How plainly what stands on other lines belongs to a label, set by judgement.
_NEXT_LINE: Final = 0.75
_DEFINITION: Final = 0.9
_BULLETS: Final = 0.9
_TABLE: Final = 0.9
_BLOCKS: Final = 0.7
_IN_ENVELOPE: Final = 0.7
_ALONE: Final = 0.6
_TITLE_LINES: Final = 12
_CONTRADICTED: Final = 0.75
_NEARLY: Final = 0.97
_MOST_PAIRS: Final = 2000
_MOST_CANDIDATES: Final = 16
_LONGEST_TEXT: Final = 4000
_PARAGRAPH_LINES: Final = 40
_LONGEST_HEADING: Final = 120
_MOST_EMPTY: Final = 4
_MOSTLY: Final = 0.6

_COMMENT: Final = re.compile(r"[ \t]{0,60}(?:#(?!include|define|if|end|else)|//|/\*|\*|--|;|%|@)")
_BULLET: Final = re.compile(r"(?P<indent>[ \t]{0,12})(?:[-*+\u2022\u25aa]|\d{1,3}[.)])[ \t]+(?=\S)")
_UNDERLINE: Final = re.compile(r"\s{0,3}(?:={3,}|-{3,}|~{3,}|\^{3,})\s*")
_DEFINED: Final = re.compile(r":[ \t]+(?=\S)")
_MAIL: Final = re.compile(
    r"(?:From|To|Cc|Date|Subject|Message-ID|Received|Return-Path|Delivered-To|MIME-Version"
    r"|Reply-To|Sender):",
    re.IGNORECASE,
)
_MAIL_ADDRESS: Final = re.compile(r"\s?<[^<>@\s]{1,64}@[^<>\s]{1,200}>")
_PARTS: Final = re.compile(r"\s*;\s*")
_COMMAS: Final = re.compile(r"\s*,\s*(?:(?:and|und|et|y|&)\s+)?|\s+(?:and|und|et|y|&)\s+")
_TOTALS: Final = re.compile(
    r"[\s*_]*(?:(?:sub|grand|net|gross)[ -]?)?(?:totals?|sum|balance(?: due)?|amount due|vat|tax"
    r"|summe|(?:zwischen|gesamt)summe|gesamt(?:betrag)?|mwst\.?|tva|iva|shipping)\b",
    re.IGNORECASE,
)


class LabelledValueParameters(BaseModel):
    """``labels``: field -> other labels of its values, beside its name; a field of a list's entries
    as ``lines.item``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    labels: Mapping[str, Annotated[tuple[str, ...], Field(min_length=1)]] = Field(
        default_factory=dict
    )


class LabelledValues(EmbeddedService):
    """Finds the values that stand behind a field's name, or another label of it, by its type.

    Labels stand before a colon, dots, a tab, a wide gap or a dash, in the cell before, in the line
    above, or as a heading; entries of lists in tables whose headers name their fields, in bullets
    below the list's name, or in repeated labels; one of a closed set of labels may be a line of
    its own near the start. Of programs only comments are read, of other texts no code in fences.

    A value's confidence is how plainly its form is that of a label (.95 at the start of a line
    with a colon, down to .75 by a dash, .6 without a label), times how plainly the label names the
    field (1 in full, down to .6 in part), times .7 in the headers of a mail, times .75 where
    another value is labelled as plainly; the record's is the mean of its fields'.
    """

    name: ClassVar[str] = "labelled_values"
    kinds: ClassVar[frozenset[AnswerKind]] = frozenset({AnswerKind.RECORD})
    reads: ClassVar[frozenset[str]] = frozenset({"family"})
    expected_ms: ClassVar[float] = 2.0
    Parameters: ClassVar[type[BaseModel]] = LabelledValueParameters
    parameters: LabelledValueParameters

    def answer(self, question: Question) -> Reading:
        others = tuple(sorted(self.parameters.labels.items()))
        plan = _plan(question.task.fields, others)
        text = question.item.text
        if question.item.family == Family.CODE:
            # assignments look like labels, and comments are where people write
            text = "\n".join(map(_commented, text[:MAX_CHARS].split("\n")))
        document = _document(text, plan)
        found = {**_single(document, plan), **_lists(document, plan)}
        if document.has_tags:
            found = {name: _standing(one, text) for name, one in found.items()}
        return record_reading(question, found, "no label of a field stands in the content")


def _commented(line: str) -> str:
    """The line where it is a comment, an empty one where it is code."""
    return line if _COMMENT.match(line) else ""


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is looked for: the labels of the fields, and of the entries of each list."""

    fields: tuple[RecordField, ...]
    labels: FieldLabels
    entries: Mapping[int, FieldLabels]


@lru_cache(maxsize=32)
def _plan(
    fields: tuple[RecordField, ...], others: tuple[tuple[str, tuple[str, ...]], ...]
) -> _Plan:
    entries = {
        number: field_labels(one.fields, dict(others), f"{one.name}.")
        for number, one in enumerate(fields)
        if one.type is FieldType.LIST and not one.plain
    }
    return _Plan(fields, field_labels(fields, dict(others)), entries)


class _Table(NamedTuple):
    header: Header
    rows: list[tuple[Row, RecordAnswer]]


class _Candidate(NamedTuple):
    """``words`` are what the value is quoted by: with its label, without where tags stand between
    them."""

    value: FieldValue
    strength: float
    words: str
    label: str


@dataclass(slots=True)
class _Document:
    """What was read of one content: its lines, dates' order, and candidates by field's number."""

    lines: list[str]
    folded: FoldedLines
    order: DateOrder | None
    has_tags: bool
    tables: Mapping[int, list[_Table]]
    candidates: dict[int, list[_Candidate]] = field(default_factory=dict)

    def quote(self, words: str, value: str) -> str:
        """What is quoted of words that hold a value."""
        return value if self.has_tags else words

    def has_enough(self, number: int, strength: float) -> bool:
        """Whether there are many values, and the first is labelled as plainly as this one."""
        known = self.candidates.get(number, [])
        return len(known) >= _MOST_CANDIDATES and strength <= known[0].strength

    def offer(self, number: int, candidate: _Candidate) -> None:
        self.candidates.setdefault(number, []).append(candidate)


def _document(text: str, plan: _Plan) -> _Document:
    lines = document_lines(text)
    folded = folded_lines(lines)
    dated = any(_has_date(one) for one in plan.fields)
    order = settled_in(text[:MAX_CHARS]) if dated else None
    tables = {
        number: [*_tables(lines, folded, plan.fields[number], labels, order)]
        for number, labels in plan.entries.items()
    }
    document = _Document(lines, folded, order, is_html(text[:MAX_CHARS]), tables)
    rows = {
        line
        for found in tables.values()
        for header, entries in found
        for line in (header.line, *(row.line for row, _ in entries))
    }
    named = plan.labels.lines_in(folded)
    taken = _headed(document, plan, rows, named) | rows
    _labelled(document, plan, [number for number in named if number not in taken])
    _bulleted(document, plan, named)
    _alone(document, plan)
    return document


def _has_date(one: RecordField) -> bool:
    return one.type is FieldType.DATE or any(map(_has_date, one.fields))


def _tables(
    lines: Sequence[str],
    folded: FoldedLines,
    listed: RecordField,
    labels: FieldLabels,
    order: DateOrder | None,
) -> Iterator[_Table]:
    least = min(2, len(listed.fields))
    done = -1
    for header in headers_in(lines, labels, least, labels.lines_in(folded)):
        # a header above the last row of a table is a row of it
        if header.line <= done:
            continue
        entries: list[tuple[Row, RecordAnswer]] = []
        for row in rows_below(lines, header):
            first = next((cell for cell in row.cells if cell), "")
            if _TOTALS.match(first):
                continue
            entry = _entry(row.cells, header, listed, order)
            if entry:
                entries.append((row, entry))
        if entries:
            done = entries[-1][0].line
            yield _Table(header, entries)


def _entry(
    cells: Sequence[str], header: Header, listed: RecordField, order: DateOrder | None
) -> RecordAnswer:
    values = []
    for number, one in enumerate(listed.fields):
        if number in header.columns:
            cell = cells[header.columns[number][0]]
            value = typed(cell, one, order) if cell else None
            if value is not None:
                values.append((one.name, value))
    return RecordAnswer(tuple(values))


def _headed(document: _Document, plan: _Plan, rows: set[int], named: Sequence[int]) -> set[int]:
    """Takes the values below a row of labels; the lines of such rows."""
    taken: set[int] = set()
    for header in headers_in(document.lines, plan.labels, 2, named):
        mostly = len(header.columns) >= _MOSTLY * header.width
        if not mostly or header.line in rows or header.line in taken:
            continue
        below = next(rows_below(document.lines, header), None)
        if below is None:
            continue
        words = document.lines[below.line].strip()
        values = {}
        for number, (column, strength) in header.columns.items():
            one = plan.fields[number]
            if one.type is FieldType.LIST or not below.cells[column]:
                continue
            value = typed(below.cells[column], one, document.order)
            if value is not None:
                values[number] = _Candidate(
                    value,
                    COLUMNS * strength,
                    document.quote(words, below.cells[column]),
                    one.name.replace("_", " "),
                )
        if len(values) > 1 and not _named_in(below.cells, plan.labels):
            for number, candidate in values.items():
                document.offer(number, candidate)
            taken |= {header.line, below.line}
    return taken


def _named_in(cells: Iterable[str], labels: FieldLabels) -> bool:
    """Whether one of the cells is a label itself: then the cells above are none."""
    return any(labels.fields_of(cell.strip(" *_:"), partly=False) for cell in cells)


def _labelled(document: _Document, plan: _Plan, named: Sequence[int]) -> None:
    """Takes the values of labels within lines, on the next line, and below headings."""
    lines, seen = document.lines, 0
    envelope = _envelope(lines)
    for number in named:
        line = lines[number]
        if _heads_table(lines, number):
            continue
        pairs = [*pairs_in(line, plan.labels)]
        seen += len(pairs)
        if seen > _MOST_PAIRS:
            return
        for pair in pairs:
            if pair.value:
                _offer(document, plan, _of_mail(pair) if number < envelope else pair)
            else:
                _offer_below(document, plan, number, pair.fields, pair.label)
        if (
            not pairs
            and len(line) <= _LONGEST_HEADING
            and (fields := label_only(line, plan.labels))
        ):
            _offer_below(document, plan, number, fields, line_words(line))


def _is_heading(lines: Sequence[str], number: int) -> bool:
    """Whether a line stands by itself: marked, underlined, or below an empty line with a capital;
    not the last words of a sentence."""
    line = lines[number].strip()
    if line[:1] in "#*_" or line.endswith(":"):
        return True
    if number + 1 < len(lines) and _UNDERLINE.fullmatch(lines[number + 1]):
        return True
    below_empty = number == 0 or not lines[number - 1].strip()
    return below_empty and not line[:1].islower() and line[-1:] not in ".,;"


def _envelope(lines: Sequence[str]) -> int:
    """How many lines the headers of a mail take; 0 where the content is none."""
    if not lines or not _MAIL.match(lines[0]):
        return 0
    end = next((number for number, line in enumerate(lines) if not line.strip()), 0)
    return end if sum(1 for line in lines[:end] if _MAIL.match(line)) > 1 else 0


def _of_mail(pair: Pair) -> Pair:
    """What the headers of a mail say is of the mail, and less of what it is about; people stand
    there with their addresses."""
    value = _MAIL_ADDRESS.sub("", pair.value) or pair.value
    return pair._replace(value=value, form=pair.form * _IN_ENVELOPE)


def _heads_table(lines: Sequence[str], number: int) -> bool:
    """Whether the line is the header of a table with bars: names of columns, no values."""
    return (
        number + 1 < len(lines)
        and "|" in lines[number]
        and "|" in lines[number + 1]
        and is_row(lines[number])
        and is_rule(lines[number + 1])
    )


def _offer(document: _Document, plan: _Plan, pair: Pair) -> None:
    for number, strength in pair.fields:
        one = plan.fields[number]
        if one.type is FieldType.LIST and not one.plain:
            continue
        if not one.plain and document.has_enough(number, pair.form * strength):
            continue
        parts = _parts(pair.value) if one.plain else [pair.value]
        for part in parts:
            value = typed(part, one.fields[0] if one.plain else one, document.order)
            if value is not None:
                words = document.quote(pair.words, pair.value)
                document.offer(number, _Candidate(value, pair.form * strength, words, pair.label))


def _parts(value: str) -> list[str]:
    """The members of a list in a line: by semicolons, else by commas and the last *and*."""
    value = value.strip().removeprefix("[").removesuffix("]")
    members = [*filter(None, (_PARTS if ";" in value else _COMMAS).split(value))][:MAX_ENTRIES]
    # words beside an address say what it is an address of: Homepage, https://example.org
    addresses = [one for one in members if "://" in one]
    return addresses or members


def _offer_below(
    document: _Document,
    plan: _Plan,
    at: int,
    fields: Iterable[tuple[int, float]],
    label: str,
) -> None:
    lines = document.lines
    below = at + 1
    if below < len(lines) and _UNDERLINE.fullmatch(lines[below]):
        below += 1
    empty = below < len(lines) and not lines[below].strip()
    below += empty
    if below >= len(lines) or not lines[below].strip():
        return
    first = lines[below]
    defined = _DEFINED.match(first)
    form = _DEFINITION if defined else _NEXT_LINE
    if defined:
        first = first[defined.end() :]
    elif first.lstrip()[:1] in "#|" or _BULLET.match(first) or _has_pair(first, plan.labels):
        return
    for number, strength in fields:
        one = plan.fields[number]
        if one.type is FieldType.LIST or document.has_enough(number, form * strength):
            continue
        words = first.strip()
        if one.type is FieldType.TEXT and not defined and not one.labels:
            words = _paragraph(lines, below, plan.labels)
        value = typed(words, one, document.order)
        if value is not None:
            document.offer(number, _Candidate(value, form * strength, words, label))


def _has_pair(line: str, labels: FieldLabels) -> bool:
    return next(pairs_in(line, labels), None) is not None


def _paragraph(lines: Sequence[str], at: int, labels: FieldLabels) -> str:
    words: list[str] = []
    for line in lines[at : at + _PARAGRAPH_LINES]:
        if not line.strip() or line.lstrip()[0] in "#|" or _BULLET.match(line):
            break
        if words and _has_pair(line, labels):
            break
        words.append(line.strip())
    return " ".join(words)[:_LONGEST_TEXT]


def _bulleted(document: _Document, plan: _Plan, named: Sequence[int]) -> None:
    """Takes the items of lists below a line that names a field of plain texts."""
    if not any(one.plain for one in plan.fields):
        return
    lines = document.lines
    done = -1
    for number in named:
        line = lines[number]
        if number < done or len(line) > _LONGEST_HEADING or _BULLET.match(line):
            continue
        fields = [one for one in label_only(line, plan.labels) if plan.fields[one[0]].plain]
        at = number + 1
        if fields and at < len(lines) and _UNDERLINE.fullmatch(lines[at]):
            at += 1
        at += next((n for n, one in enumerate(lines[at : at + _MOST_EMPTY]) if one.strip()), 0)
        opens = _BULLET.match(lines[at]) if fields and at < len(lines) else None
        if opens is None:
            continue
        done, items = _items(lines, at, len(opens["indent"].expandtabs(4)))
        label = line_words(line)
        for field_number, strength in fields:
            for words in items:
                value = typed(words, plan.fields[field_number].fields[0])
                if value is not None:
                    candidate = _Candidate(value, _BULLETS * strength, words, label)
                    document.offer(field_number, candidate)


def _alone(document: _Document, plan: _Plan) -> None:
    """Takes one of a field's labels that is a whole line near the start: *INVOICE* as a title."""
    first = [line for line in document.lines[: 2 * _TITLE_LINES] if line.strip()][:_TITLE_LINES]
    for number, one in enumerate(plan.fields):
        if not one.labels or number in document.candidates:
            continue
        labels = {label.replace("_", " ").casefold(): label for label in one.labels}
        for line in first:
            words = line_words(line)
            if (label := labels.get(words.casefold())) is not None:
                document.offer(number, _Candidate(label, _ALONE, words, words))
                break


def _items(lines: Sequence[str], at: int, indent: int) -> tuple[int, list[str]]:
    """The line behind a list, and its items on the level of the first; a line that is indented
    below an item goes on with it."""
    items: list[str] = []
    nested = False
    while at < len(lines):
        line = lines[at]
        opens = _BULLET.match(line)
        if opens is not None:
            nested = len(opens["indent"].expandtabs(4)) > indent + 1
            if not nested:
                items.append(line[opens.end() :].strip())
        elif not line.strip():
            if at + 1 >= len(lines) or not _BULLET.match(lines[at + 1]):
                break
        elif line[0] in " \t":
            if items and not nested and len(items[-1]) < _LONGEST_TEXT:
                items[-1] = f"{items[-1]} {line.strip()}"
        else:
            break
        at += 1
    return at, items[:MAX_ENTRIES]


def _single(document: _Document, plan: _Plan) -> dict[str, Found]:
    """The most plainly labelled value of each field, the first of several."""
    found = {}
    for number, candidates in document.candidates.items():
        one = plan.fields[number]
        if one.type is FieldType.LIST:
            continue
        best = max(candidates, key=lambda candidate: candidate.strength)
        others = any(
            other.value != best.value
            for other in candidates
            if other.strength >= _NEARLY * best.strength
        )
        sure = best.strength * (_CONTRADICTED if others else 1.0)
        found[one.name] = Found(best.value, sure, (("", best.words),), best.label)
    return found


def _lists(document: _Document, plan: _Plan) -> dict[str, Found]:
    found = {}
    for number, one in enumerate(plan.fields):
        if one.type is not FieldType.LIST:
            continue
        listed = (
            _plain_list(document.candidates.get(number, ()))
            if one.plain
            else _from_tables(document, number, one)
            or _from_blocks(document, one, plan.entries[number])
        )
        if listed is not None:
            found[one.name] = listed
    return found


def _plain_list(candidates: Sequence[_Candidate]) -> Found | None:
    """All members that are labelled as plainly as the best, each once."""
    if not candidates:
        return None
    best = max(candidates, key=lambda candidate: candidate.strength)
    kept: dict[FieldValue, _Candidate] = {}
    for candidate in candidates:
        if candidate.strength >= _NEARLY * best.strength:
            kept.setdefault(candidate.value, candidate)
    members = [*kept.values()][:MAX_ENTRIES]
    entries = tuple(RecordAnswer(((ENTRY, one.value),)) for one in members)
    quotes = tuple((f"[{place}]", one.words) for place, one in enumerate(members))
    return Found(entries, best.strength, quotes, best.label)


def _from_tables(document: _Document, number: int, listed: RecordField) -> Found | None:
    """The entries of the tables that name most of a list's fields; a table that goes on on
    another page is the same table."""
    tables = document.tables[number]
    if not tables:
        return None
    most = max(len(table.header.columns) for table in tables)
    kept = [table for table in tables if len(table.header.columns) == most]
    strength = max(
        sum(one for _, one in header.columns.values()) / len(header.columns) for header, _ in kept
    )
    names = {one.name: column for column, one in enumerate(listed.fields)}
    rows = [(table.header, *row) for table in kept for row in table.rows][:MAX_ENTRIES]
    quotes = tuple(
        (
            f"[{place}].{name}",
            document.quote(document.lines[row.line], row.cells[header.columns[names[name]][0]]),
        )
        for place, (header, row, entry) in enumerate(rows)
        for name, _ in entry.values
    )
    sign = document.lines[kept[0].header.line].strip(" |")
    return Found(tuple(entry for _, _, entry in rows), _TABLE * strength, quotes, sign)


def _from_blocks(document: _Document, listed: RecordField, labels: FieldLabels) -> Found | None:
    """Entries whose fields are labelled one by one, again and again: a new one begins where a
    label comes a second time."""
    entries: list[dict[str, FieldValue]] = [{}]
    quotes: dict[str, str] = {}
    sign = ""
    for at in labels.lines_in(document.folded):
        if len(entries) > MAX_ENTRIES:
            break
        for pair in pairs_in(document.lines[at], labels):
            number, strength = pair.fields[0]
            one = listed.fields[number]
            value = typed(pair.value, one, document.order) if strength >= _NEARLY else None
            if value is None or one.type is FieldType.LIST:
                continue
            if one.name in entries[-1]:
                entries.append({})
            entries[-1][one.name] = value
            words = document.quote(pair.words, pair.value)
            quotes[f"[{len(entries) - 1}].{one.name}"] = words
            sign = sign or pair.label
    whole = min(2, len(listed.fields))
    if any(len(entry) < whole for entry in entries):
        return None
    answers = tuple(
        RecordAnswer(
            tuple((one.name, entry[one.name]) for one in listed.fields if one.name in entry)
        )
        for entry in entries[:MAX_ENTRIES]
    )
    return Found(answers, _BLOCKS, tuple(quotes.items()), sign)


def _standing(found: Found, text: str) -> Found:
    """The value with the quotes that stand so in a content whose tags were taken out."""
    return found._replace(quotes=tuple(one for one in found.quotes if one[1] in text))
