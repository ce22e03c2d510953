"""The records of one piece, one after the other: each with its text and place, or its problem."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, BinaryIO, Final

from orchestration_assets.content.csv_records import BYTEWISE, csv_header, csv_records
from orchestration_assets.content.encoding import Encoding, detect_encoding
from orchestration_assets.content.parquet_records import parquet_rows
from orchestration_assets.content.record_files import RecordFile
from orchestration_assets.schemas.enums import RejectReason
from orchestration_assets.schemas.tables import EntryRow, Metadatum, RecordPlace
from resources.content_source import ContentError

_BY_FORMAT: Final = Encoding("utf-8", "format")
_BOM: Final = "\ufeff"


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a piece. ``problem`` is set, in words, when it has no usable text."""

    number: int
    place: RecordPlace | None = None
    text: str | None = None
    encoding: Encoding | None = None
    id: str | None = None
    name: str | None = None
    metadata: tuple[Metadatum, ...] = ()
    problem: tuple[RejectReason, str] | None = None


def read_records(stream: BinaryIO, records: RecordFile, piece: EntryRow) -> Iterator[Record]:
    """Every record of a piece, as many as the piece counts.

    Raises ContentError when the piece as a whole cannot be read, for instance because a declared
    column is missing.
    """
    reading = {"jsonl": _jsonl, "csv": _csv, "parquet": _parquet}[records.format]
    return reading(stream, records, piece)


def _bad(number: int, reason: RejectReason, words: str) -> Record:
    return Record(number, problem=(reason, words))


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
            words = f"line {number} has more than {records.max_record_bytes} bytes"
            yield _bad(number, RejectReason.TOO_LARGE, words)
        else:
            place = _place(records, piece, records.declared.text, begun, position)
            yield _json_record(line, number, records, place)
        number += 1


def _json_record(line: bytes, number: int, records: RecordFile, place: RecordPlace) -> Record:
    if not line.strip():
        return _bad(number, RejectReason.EMPTY, f"line {number} is blank")
    try:
        found = json.loads(line.decode("utf-8").removeprefix(_BOM))
    except UnicodeDecodeError as error:
        words = f"line {number} is not UTF-8: {error.reason} at byte {error.start}"
        return _bad(number, RejectReason.UNDECODABLE, words)
    except (ValueError, RecursionError) as error:
        return _bad(number, RejectReason.MALFORMED, f"line {number} is not JSON: {error}")
    if not isinstance(found, dict):
        return _bad(number, RejectReason.MALFORMED, f"line {number} is no JSON object")
    return _record(found, number, records, place, _BY_FORMAT)


def _record(
    found: Mapping[str, Any],
    number: int,
    records: RecordFile,
    place: RecordPlace,
    encoding: Encoding,
) -> Record:
    """A record from its columns; a text that is no text is its problem."""
    declared = records.declared
    text = found.get(declared.text)
    identity, name = found.get(declared.id or ""), found.get(declared.name or "")
    metadata = tuple(
        Metadatum(column, _words(found[column]))
        for column in declared.metadata
        if found.get(column) is not None
    )
    known = Record(
        number,
        place,
        id=None if identity is None else _words(identity),
        name=None if name is None else _words(name),
        metadata=metadata,
    )
    problem = None
    if declared.text not in found:
        problem = RejectReason.MALFORMED, f"record {number} has no column {declared.text!r}"
    elif text is None or text == "":
        problem = RejectReason.EMPTY, f"record {number} has no text"
    elif not isinstance(text, str):
        kind = type(text).__name__
        problem = RejectReason.MALFORMED, f"record {number}: {declared.text!r} is no text ({kind})"
    elif declared.id is not None and identity is None:
        problem = RejectReason.MALFORMED, f"record {number} has no id {declared.id!r}"
    elif "\x00" in text:
        problem = RejectReason.BINARY, f"record {number} has NUL characters"
    elif not _encodes(text):
        problem = RejectReason.UNDECODABLE, f"record {number} has half of a surrogate pair"
    if problem is not None:
        return replace(known, problem=problem)
    return replace(known, text=text, encoding=encoding)


def _words(value: Any) -> str:
    """A column's value as text; what is no text as JSON, which no half character can break."""
    if isinstance(value, str):
        return value if _encodes(value) else value.encode("utf-8", "replace").decode()
    return json.dumps(value, sort_keys=True, default=str)


def _encodes(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _csv(stream: BinaryIO, records: RecordFile, piece: EntryRow) -> Iterator[Record]:
    limit = records.max_record_bytes
    header, _ = csv_header(stream, records.delimiter, limit)
    if records.declared.text not in header:
        shown = ", ".join(header[:20])
        words = f"no column {records.declared.text!r}; its columns are: {shown}"
        raise ContentError(RejectReason.MALFORMED, words)
    field = str(header.index(records.declared.text))
    span = piece.start or 0, piece.stop or 0
    for one in csv_records(stream, records.delimiter, limit, *span, piece.first_record or 1):
        if one.problem is not None:
            yield _bad(one.number, RejectReason.MALFORMED, f"record {one.number}: {one.problem}")
        elif not one.fields:
            yield _bad(one.number, RejectReason.EMPTY, f"record {one.number} is a blank line")
        else:
            place = _place(records, piece, field, one.start, one.stop)
            yield _csv_record(header, one.fields, one.number, records, place)


def _csv_record(
    header: Sequence[str],
    fields: Sequence[str],
    number: int,
    records: RecordFile,
    place: RecordPlace,
) -> Record:
    if len(fields) > len(header):
        words = f"record {number} has {len(fields)} fields, the header {len(header)}"
        return _bad(number, RejectReason.MALFORMED, words)
    found: dict[str, Any] = dict(zip(header, fields, strict=False))
    raw = str(found.get(records.declared.text, "")).encode(BYTEWISE)
    encoding = detect_encoding(raw) if raw else _BY_FORMAT
    if isinstance(encoding, RejectReason):
        return _bad(number, encoding, f"record {number}: in no known encoding")
    for column in records.columns:
        if column in found:
            found[column] = found[column].encode(BYTEWISE).decode(encoding.name, "replace")
    return _record(found, number, records, place, encoding)


def _parquet(stream: BinaryIO, records: RecordFile, piece: EntryRow) -> Iterator[Record]:
    columns = records.columns
    row = piece.start or 0
    for batch in parquet_rows(stream, columns, row, piece.stop or 0):
        for number in range(batch.num_rows):
            found = {name: batch[name][number].as_py() for name in columns}
            place = _place(records, piece, records.declared.text, row, row + 1)
            yield _record(found, row + 1, records, place, _BY_FORMAT)
            row += 1
