"""The records of one piece, one after the other: each with its text and place, or its problem."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, BinaryIO, Final

from orchestration_assets.content.csv_records import (
    CsvRecord,
    csv_header,
    csv_records,
    field_text,
)
from orchestration_assets.content.json_records import RepeatedKeyError, json_columns
from orchestration_assets.content.message_places import PlaceError, message_place
from orchestration_assets.content.parquet_records import cell, check_columns, parquet_rows
from orchestration_assets.content.record_dialect import UTF8, dialect
from orchestration_assets.content.record_files import Dialect, RecordFile
from orchestration_assets.content.record_values import CellError, HugeInteger, in_words
from orchestration_assets.schemas.conversations import MessagePlace
from orchestration_assets.schemas.enums import RejectReason
from orchestration_assets.schemas.listings import ContentError
from orchestration_assets.schemas.storable_values import whole_text
from orchestration_assets.schemas.tables import EntryRow, Metadatum, RecordPlace
from orchestration_assets.text.encodings.detection import Encoding

_LONGEST_ID: Final = 1000


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a piece. ``problem`` is set, in words, when it has no usable text, id or place
    in its conversation.

    ``note`` says what a reader of the text should know.
    """

    number: int
    place: RecordPlace | None = None
    text: str | None = None
    encoding: Encoding | None = None
    id: str | None = None
    name: str | None = None
    metadata: tuple[Metadatum, ...] = ()
    problem: tuple[RejectReason, str] | None = None
    note: str | None = None
    message: MessagePlace | None = None


def read_records(stream: BinaryIO, records: RecordFile, piece: EntryRow) -> Iterator[Record]:
    """Every record of a piece, as many as the piece counts.

    Raises ContentError when the piece as a whole cannot be read, for instance because a declared
    column is missing.
    """
    if records.dialect is None and records.format == "csv":
        records = records.seen(dialect(stream, records))
    reading = {"jsonl": _jsonl, "csv": _csv, "parquet": _parquet}[records.format]
    return reading(stream, records, piece)


def _bad(number: int, reason: RejectReason, message: str) -> Record:
    return Record(number, problem=(reason, message))


def _place(records: RecordFile, piece: EntryRow, field: str, start: int, stop: int) -> RecordPlace:
    return RecordPlace(
        piece.file, records.format, field, records.delimiter, start, stop, piece.unpacked_as
    )


def _jsonl(stream: BinaryIO, records: RecordFile, piece: EntryRow) -> Iterator[Record]:
    start, stop, first = piece.start or 0, piece.stop or 0, piece.first_record or 1
    stream.seek(start)
    position, number = start, first
    while position < stop:
        line = stream.readline(records.max_record_bytes + 1)
        if not line:
            return
        begun, position = position, position + len(line)
        if len(line) > records.max_record_bytes:
            # the rest of the line is passed over in pieces that fit
            while not line.endswith(b"\n") and (
                line := stream.readline(records.max_record_bytes + 1)
            ):
                position += len(line)
            message = f"line {number} has more than {records.max_record_bytes} bytes"
            yield _bad(number, RejectReason.TOO_LARGE, message)
        else:
            place = _place(records, piece, records.declared.text, begun, position)
            yield _json_record(line, number, records, place)
        number += 1


def _json_record(line: bytes, number: int, records: RecordFile, place: RecordPlace) -> Record:
    if not line.strip():
        return _bad(number, RejectReason.EMPTY, f"line {number} is blank")
    try:
        found = json_columns(line, records.columns)
    except UnicodeDecodeError as error:
        message = f"line {number} is not UTF-8: {error.reason} at byte {error.start}"
        return _bad(number, RejectReason.UNDECODABLE, message)
    except (ValueError, RecursionError) as error:
        return _bad(number, RejectReason.MALFORMED, f"line {number} is not JSON: {error}")
    except RepeatedKeyError as error:
        return _bad(number, RejectReason.MALFORMED, f"line {number}: {error}")
    if found is None:
        return _bad(number, RejectReason.MALFORMED, f"line {number} is no JSON object")
    return _record(found, number, records, place, UTF8)


def _record(
    found: Mapping[str, Any],
    number: int,
    records: RecordFile,
    place: RecordPlace,
    encoding: Encoding,
    note: str | None = None,
) -> Record:
    """A record from its columns; a text, id or metadata column that cannot be kept is a problem.

    A value may be the CellError that reading it raised.
    """
    declared = records.declared
    problem = _text_problem(found, declared.text, number)
    identity = name = message = None
    metadata: list[Metadatum] = []
    try:
        if declared.id is not None:
            identity = _identity(found.get(declared.id), declared.id, number)
        if declared.name is not None:
            name = _words(found.get(declared.name), declared.name, number)
        for column in declared.metadata:
            value = _words(found.get(column), column, number)
            if value is not None:
                metadata.append(Metadatum(column, value))
        message = message_place(found, declared)
    except PlaceError as error:
        problem = problem or (error.reason, f"record {number}: {error.column!r} {error}")
    except _ColumnError as error:
        problem = problem or (error.reason, str(error))
    return Record(
        number,
        place,
        found[declared.text] if problem is None else None,
        encoding if problem is None else None,
        identity,
        name,
        tuple(metadata),
        problem,
        note if problem is None else None,
        message if problem is None else None,
    )


class _ColumnError(Exception):
    """A column of a record cannot be kept; the message names both."""

    def __init__(self, number: int, column: str, reason: RejectReason, message: str) -> None:
        super().__init__(f"record {number}: {column!r} {message}")
        self.reason = reason


def _text_problem(
    found: Mapping[str, Any], column: str, number: int
) -> tuple[RejectReason, str] | None:
    if column not in found:
        return RejectReason.MALFORMED, f"record {number} has no column {column!r}"
    text = found[column]
    if text is None or text == "":
        return RejectReason.EMPTY, f"record {number} has no text"
    if isinstance(text, CellError):
        return text.reason, f"record {number}: {column!r} {text}"
    if not isinstance(text, str):
        kind = "int" if isinstance(text, HugeInteger) else type(text).__name__
        return RejectReason.MALFORMED, f"record {number}: {column!r} is no text ({kind})"
    if "\x00" in text:
        return RejectReason.BINARY, f"record {number} has NUL characters"
    if whole_text(text) != text:
        return RejectReason.UNDECODABLE, f"record {number} has half of a surrogate pair"
    return None


def _identity(value: Any, column: str, number: int) -> str:
    """The id that names a record for good. Raises _ColumnError for what may name another, too."""
    if value is None:
        raise _ColumnError(number, column, RejectReason.MALFORMED, "is missing: there is no id")
    found = _words(value, column, number) or ""
    if not found.strip():
        raise _ColumnError(number, column, RejectReason.MALFORMED, "is an empty id")
    if isinstance(value, str) and (whole_text(value) != value or "\ufffd" in value):
        message = "is an id with characters that cannot be decoded"
        raise _ColumnError(number, column, RejectReason.UNDECODABLE, message)
    if not _names(value):
        kind = type(value).__name__ if not isinstance(value, float) else found
        message = f"is no id but {kind}: give text or a whole number"
        raise _ColumnError(number, column, RejectReason.MALFORMED, message)
    if len(found) > _LONGEST_ID:
        message = f"is an id of {len(found)} characters, the limit is {_LONGEST_ID}"
        raise _ColumnError(number, column, RejectReason.MALFORMED, message)
    return found


def _names(value: Any) -> bool:
    """Whether a value can be an id: text, also as bytes, or a number that is one."""
    if isinstance(value, float | Decimal):
        return math.isfinite(value)
    return isinstance(value, str | bytes | int) and not isinstance(value, bool)


def _words(value: Any, column: str, number: int) -> str | None:
    """A column's value as text; None for nothing. Raises _ColumnError when there is no text."""
    try:
        if isinstance(value, CellError):
            raise value
        return None if value is None else in_words(value)
    except CellError as error:
        raise _ColumnError(number, column, error.reason, str(error)) from error


def _csv(stream: BinaryIO, records: RecordFile, piece: EntryRow) -> Iterator[Record]:
    limit, delimiter = records.max_record_bytes, records.delimiter
    said = records.dialect or Dialect(None, "", delimiter)
    raw, _ = csv_header(stream, delimiter, limit, said.begin)
    header = [field_text(name, said.encoding or "utf-8")[0] for name in raw]
    try:
        check_columns(records.required, header)
        check_columns([name for name in records.columns if header.count(name) > 1], header)
    except ContentError:
        if piece.record_count == 0 and not header:
            raise ContentError(RejectReason.EMPTY, "no content") from None
        raise
    positions = {name: header.index(name) for name in records.columns if name in header}
    field = str(positions[records.declared.text])
    span = piece.start or 0, piece.stop or 0
    for one in csv_records(stream, delimiter, limit, *span, piece.first_record or 1):
        if one.problem is not None:
            yield _bad(one.number, RejectReason.MALFORMED, f"record {one.number}: {one.problem}")
        elif not one.fields:
            yield _bad(one.number, RejectReason.EMPTY, f"record {one.number} is a blank line")
        elif len(one.fields) > len(header):
            message = f"record {one.number} has {len(one.fields)} fields, the header {len(header)}"
            yield _bad(one.number, RejectReason.MALFORMED, message)
        else:
            place = _place(records, piece, field, one.start, one.stop)
            yield _csv_record(positions, one, len(header), said, records, place)


def _csv_record(
    positions: Mapping[str, int],
    one: CsvRecord,
    width: int,
    said: Dialect,
    records: RecordFile,
    place: RecordPlace,
) -> Record:
    encoding = Encoding(said.encoding, said.encoding_from) if said.encoding else UTF8
    text_column = records.declared.text
    if positions[text_column] >= len(one.fields):
        message = f"record {one.number} has {len(one.fields)} fields, the header {width}: no text"
        return _bad(one.number, RejectReason.MALFORMED, message)
    found: dict[str, Any] = {}
    note = None
    for column, position in positions.items():
        if position >= len(one.fields):
            continue
        found[column], lost = field_text(one.fields[position], encoding.name)
        if lost and said.encoding is None:
            why = said.encoding_from or "not UTF-8"
            message = f"record {one.number}: in no known encoding ({why}); save the file as UTF-8"
            return _bad(one.number, RejectReason.UNDECODABLE, message)
        if lost and column == text_column:
            note = f"{lost} characters are not {encoding.name} and were replaced"
    return _record(found, one.number, records, place, encoding, note)


def _parquet(stream: BinaryIO, records: RecordFile, piece: EntryRow) -> Iterator[Record]:
    columns, limit = records.columns, records.max_record_bytes
    row = piece.start or 0
    for batch in parquet_rows(stream, columns, row, piece.stop or 0):
        for number in range(len(batch[0])):
            found = {
                name: _cell(column, number, limit)
                for name, column in zip(columns, batch, strict=True)
            }
            place = _place(records, piece, records.declared.text, row, row + 1)
            yield _record(found, row + 1, records, place, UTF8)
            row += 1


def _cell(column: Any, row: int, max_bytes: int) -> Any:
    try:
        return cell(column, row, max_bytes)
    except CellError as error:
        return error
