"""Records of delimited text with the bytes that each one came from."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

# a byte for a character: what is parsed can be turned back into the very bytes of a field
BYTEWISE: Final = "latin-1"
_MAX_FIELD: Final = 2**31 - 1
_BOM: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class CsvRecord:
    """One record: its bytes, its number from 1, and its fields bytewise, or what is wrong."""

    start: int
    stop: int
    number: int
    fields: Sequence[str]
    problem: str | None = None


class _UnclosedError(Exception):
    """A record goes on for longer than any record may."""


class _Lines:
    """Lines of a stream, bytewise as text, counting the bytes of the record under way."""

    def __init__(self, stream: BinaryIO, position: int, stop: int | None, limit: int) -> None:
        self._stream = stream
        self._stop = stop
        self._limit = limit
        self.begun = self.position = position

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        if self._stop is not None and self.position >= self._stop:
            raise StopIteration
        line = self._stream.readline(self._limit + 1)
        if not line:
            raise StopIteration
        self.position += len(line)
        if self.position - self.begun > self._limit:
            raise _UnclosedError
        return line.decode(BYTEWISE)


def csv_header(stream: BinaryIO, delimiter: str, limit: int) -> tuple[list[str], int]:
    """The column names, and where the first record starts."""
    stream.seek(0)
    lines = _Lines(stream, 0, None, limit)
    csv.field_size_limit(_MAX_FIELD)
    try:
        names = next(csv.reader(lines, delimiter=delimiter), [])
    except (_UnclosedError, csv.Error):
        return [], lines.position
    raw = [name.encode(BYTEWISE) for name in names]
    if raw and raw[0].startswith(_BOM):
        raw[0] = raw[0].removeprefix(_BOM).strip(b'"')
    return [name.decode("utf-8", "replace") for name in raw], lines.position


def csv_records(
    stream: BinaryIO, delimiter: str, limit: int, start: int, stop: int | None, first: int
) -> Iterator[CsvRecord]:
    """Every record between two places of a file with a header, numbered from ``first``.

    A ``start`` of 0 means after the header. A record of more than ``limit`` bytes has a quote that
    nothing closes: it takes the rest of the file with it, and says so.
    """
    if start == 0:
        start = csv_header(stream, delimiter, limit)[1]
    stream.seek(start)
    lines = _Lines(stream, start, stop, limit)
    csv.field_size_limit(_MAX_FIELD)
    reader = csv.reader(lines, delimiter=delimiter)
    number = first
    while True:
        lines.begun = lines.position
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield CsvRecord(lines.begun, lines.position, number, (), str(error))
        except _UnclosedError:
            end = stop if stop is not None else stream.seek(0, 2)
            words = f"a record of more than {limit} bytes: is a quote left open?"
            yield CsvRecord(lines.begun, end, number, (), words)
            return
        else:
            yield CsvRecord(lines.begun, lines.position, number, fields)
        number += 1


def csv_fields(data: bytes, delimiter: str) -> list[str]:
    """The fields of one record, bytewise."""
    csv.field_size_limit(_MAX_FIELD)
    lines = (line.decode(BYTEWISE) for line in io.BytesIO(data))
    return next(csv.reader(lines, delimiter=delimiter), [])
