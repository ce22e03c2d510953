"""Tables in lines of text, found by headers that name fields: by bars, tabs, commas or columns."""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from orchestration_assets.services.records.field_labels import FieldLabels
from orchestration_assets.services.records.labelled_pairs import cells_of, is_row, is_rule

# a fixed space holds a number together
_SEGMENT: Final = re.compile(r"[^ \t]+(?: [^ \t]+)*")
_LONGEST_LINE: Final = 4096
_MOST_COLUMNS: Final = 64
_MOST_ROWS: Final = 500
_LEAST_NAMED: Final = 2


class Layout(StrEnum):
    """How the cells of a row are kept apart."""

    BARS = "|"
    TABS = "\t"
    COMMAS = ","
    SEMICOLONS = ";"
    COLUMNS = "  "


class Header(NamedTuple):
    """The first row of a table: ``columns`` maps a field's number to its column, with how plainly
    each header names it; ``starts`` and ``ends`` are places of headers in aligned columns."""

    line: int
    layout: Layout
    width: int
    columns: dict[int, tuple[int, float]]
    starts: tuple[int, ...] = ()
    ends: tuple[int, ...] = ()


class Row(NamedTuple):
    """One row below a header: its line, its cells by column."""

    line: int
    cells: list[str]


def headers_in(
    lines: Sequence[str], labels: FieldLabels, least: int, named: Iterable[int] | None = None
) -> Iterator[Header]:
    """Every line whose cells name at least ``least`` of the fields, and all are different cells;
    ``named`` are the lines to look at, by default all that may have a label."""
    for number in labels.lines_in(lines) if named is None else named:
        line = lines[number]
        if len(line) > _LONGEST_LINE:
            continue
        for layout in _layouts(line):
            starts, ends, cells = _split(line, layout)
            if not 0 < len(cells) <= _MOST_COLUMNS:
                continue
            columns = _named(cells, labels)
            if len(columns) >= least:
                yield Header(number, layout, len(cells), columns, starts, ends)
                break


def rows_below(lines: Sequence[str], header: Header) -> Iterator[Row]:
    """The rows of the table: until a line of another layout, 500 at most."""
    given = 0
    for number in range(header.line + 1, len(lines)):
        line = lines[number]
        if given >= _MOST_ROWS or len(line) > _LONGEST_LINE:
            return
        if not line.strip():
            # one empty line may stand below the headers of aligned columns
            if header.layout is Layout.COLUMNS and number == header.line + 1:
                continue
            return
        if is_rule(line):
            continue
        cells = _cells(line, header)
        if cells is None:
            return
        given += 1
        yield Row(number, cells)


def _layouts(line: str) -> Iterator[Layout]:
    if "|" in line:
        if is_row(line):
            yield Layout.BARS
        return
    if "\t" in line:
        yield Layout.TABS
    if "," in line:
        yield Layout.COMMAS
    if ";" in line:
        yield Layout.SEMICOLONS
    if "  " in line:
        yield Layout.COLUMNS


def _named(cells: Sequence[str], labels: FieldLabels) -> dict[int, tuple[int, float]]:
    """Field -> its column: the one that names it most plainly, each column for one field."""
    told = sorted(
        (-strength, column, field)
        for column, cell in enumerate(cells)
        for field, strength in labels.fields_of(cell.strip(" *_:`\"'"))
    )
    columns: dict[int, tuple[int, float]] = {}
    taken: set[int] = set()
    for strength, column, field in told:
        if field not in columns and column not in taken:
            columns[field] = column, -strength
            taken.add(column)
    return columns


def _split(line: str, layout: Layout) -> tuple[tuple[int, ...], tuple[int, ...], list[str]]:
    if layout is Layout.COLUMNS:
        parts = [*_SEGMENT.finditer(line)]
        return (
            tuple(part.start() for part in parts),
            tuple(part.end() for part in parts),
            [part.group() for part in parts],
        )
    return (), (), _delimited(line, layout)


def _delimited(line: str, layout: Layout) -> list[str]:
    if layout is Layout.BARS:
        return cells_of(line)
    if '"' in line:
        try:
            return [cell.strip() for cell in next(csv.reader([line], delimiter=layout.value), [])]
        except csv.Error:
            return []
    return [cell.strip() for cell in line.strip("\r\n").split(layout.value)]


def _cells(line: str, header: Header) -> list[str] | None:
    """The cells of a line by the header's columns; None where it is no row of its table."""
    if header.layout is Layout.BARS:
        cells = cells_of(line) if "|" in line else []
    elif header.layout is not Layout.COLUMNS:
        cells = _delimited(line, header.layout) if header.layout.value in line else []
        # commas stand in prose, too
        if header.layout in (Layout.COMMAS, Layout.SEMICOLONS) and len(cells) != header.width:
            return None
    else:
        return _aligned(line, header)
    return [*cells, *[""] * (header.width - len(cells))] if cells else None


def _aligned(line: str, header: Header) -> list[str] | None:
    parts = [*_SEGMENT.finditer(line)]
    if not parts or (len(parts) < _LEAST_NAMED <= header.width):
        return None
    if len(parts) == header.width:
        return [part.group() for part in parts]
    cells = [""] * header.width
    for part in parts[:_MOST_COLUMNS]:
        column = _column_of(part.start(), part.end(), header)
        cells[column] = f"{cells[column]} {part.group()}".strip()
    return cells


def _column_of(start: int, end: int, header: Header) -> int:
    """The column that a cell overlaps most, or else is nearest to."""
    return max(
        range(header.width),
        key=lambda one: (min(end, header.ends[one]) - max(start, header.starts[one]), -one),
    )
