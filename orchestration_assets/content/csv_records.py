"""Records of delimited text with the bytes that each one came from."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

# a byte for a character: what is parsed can be turned back into the very bytes of a field
BYTEWISE: Final = "latin-1"
_MAX_FIELD: Final = 2**31 - 1
_NEVER_CLOSED: Final = "the quote that opens here is never closed: it holds the rest of the file"


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
        self.ran_out = False
        self.begun = self.position = position

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        ended = self._stop is not None and self.position >= self._stop
        line = b"" if ended else self._stream.readline(self._limit + 1)
        if not line:
            self.ran_out = True
            raise StopIteration
        self.position += len(line)
        if self.position - self.begun > self._limit:
            raise _UnclosedError
        return line.decode(BYTEWISE)


def csv_header(
    stream: BinaryIO, delimiter: str, limit: int, begin: int = 0
) -> tuple[list[str], int]:
    """The column names bytewise, and where the first record starts.

    The header stands at byte ``begin``; without a header that ends within ``limit`` bytes there are
    no names.
    """
    stream.seek(begin)
    lines = _Lines(stream, begin, None, limit)
    csv.field_size_limit(_MAX_FIELD)
    try:
        return next(csv.reader(lines, delimiter=delimiter), []), lines.position
    except (_UnclosedError, csv.Error):
        return [], lines.position


def csv_records(
    stream: BinaryIO, delimiter: str, limit: int, start: int, stop: int | None, first: int
) -> Iterator[CsvRecord]:
    """Every record between two places of a file, numbered from ``first``.

    A record of more than ``limit`` bytes, or one that the file ends in, has a quote that nothing
    closes: it takes the rest of the file with it, and says so.
    """
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
            message = f"a record of more than {limit} bytes: is a quote left open?"
            yield CsvRecord(lines.begun, end, number, (), message)
            return
        else:
            # only within quotes does the parser ask for a line more than a record has
            problem = _NEVER_CLOSED if lines.ran_out else None
            yield CsvRecord(lines.begun, lines.position, number, fields, problem)
        number += 1


def csv_fields(data: bytes, delimiter: str) -> list[str]:
    """The fields of one record, bytewise: as :func:`csv_records` gives them.

    Raises csv.Error when the bytes are no record.
    """
    csv.field_size_limit(_MAX_FIELD)
    lines = (line.decode(BYTEWISE) for line in io.BytesIO(data))
    return next(csv.reader(lines, delimiter=delimiter), [])


def field_text(field: str, encoding: str) -> tuple[str, int]:
    """A field as text, and how many of its characters stand for bytes that are none.

    ``encoding`` must hold ASCII as it is.
    """
    if field.isascii():
        return field, 0
    raw = field.encode(BYTEWISE)
    try:
        return raw.decode(encoding), 0
    except UnicodeDecodeError:
        text = raw.decode(encoding, "replace")
        # U+FFFD may also have been written on purpose
        return text, text.count("\ufffd") - raw.count(b"\xef\xbf\xbd")
