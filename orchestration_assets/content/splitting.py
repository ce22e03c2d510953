"""Cutting record files into pieces that fit a batch, without holding more than a block of them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import BinaryIO, Final, cast

import numpy as np

from orchestration_assets.content.csv_records import csv_header, csv_records
from orchestration_assets.content.parquet_records import row_groups
from orchestration_assets.content.record_dialect import dialect
from orchestration_assets.content.record_files import RecordFile
from orchestration_assets.schemas.policy import Batching

_BLOCK_BYTES: Final = 4 << 20
_WEIGHED_WHOLE_BYTES: Final = 256 << 20


@dataclass(frozen=True, slots=True)
class RecordRange:
    """So many records from ``start`` to before ``stop``: bytes, or rows of Parquet.

    ``weight_bytes`` is what they hold; ``first`` is the number of the first record, from 1.
    ``piece_hash`` is the blake2b-128, hex, of the file's bytes from the end of the piece before
    (of a first piece: from the file's beginning) to ``stop``; None where bytes that are written
    after ``stop`` could change how the piece is read, and for Parquet.
    """

    start: int
    stop: int
    first: int
    count: int
    weight_bytes: int
    final: bool = False
    piece_hash: str | None = None


def split(
    stream: BinaryIO,
    records: RecordFile,
    limits: Batching,
    start: int = 0,
    first: int = 1,
) -> Iterator[RecordRange]:
    """The pieces of a plain record file from ``start`` on, each within the limits of a batch.

    A single record beyond the limit of bytes is a piece of its own. Only the last piece is final.
    Raises ContentError when the file cannot be read, or is no Parquet.
    """
    if records.format == "parquet":
        pieces = _parquet(stream, records, limits, start)
    elif records.format == "csv":
        records = records if records.dialect else records.seen(dialect(stream, records))
        pieces = _csv(stream, records, limits, start, first)
    else:
        pieces = _lines(stream, limits, start, first)
    before: RecordRange | None = None
    for piece in pieces:
        if before is not None:
            yield before
        before = piece
    # a file without records is one empty piece, so that it has a row of its own
    last = before or RecordRange(start, start, first, 0, 0)
    yield replace(last, final=True)


class _PieceHash:
    """The hash of the piece under way, which may end before the bytes that were seen."""

    def __init__(self) -> None:
        self._seen, self._beyond = _hasher(), _hasher()
        self._whole = self._seen

    def add(self, data: bytes | memoryview, *, ends: bool) -> None:
        """More bytes; the piece may end after them when they are the ``ends`` of records."""
        self._seen.update(data)
        if ends:
            self._whole, self._beyond = self._seen.copy(), _hasher()
        else:
            self._beyond.update(data)

    def cut(self) -> str:
        """The hash of the piece, as far as records ended; what was seen beyond begins the next."""
        self._seen, self._beyond = self._beyond, self._beyond.copy()
        return self._whole.hexdigest()


def _hasher() -> blake2b:
    return blake2b(digest_size=16)


class _Recorder:
    """A stream that keeps the lines that were read of it since they were last taken."""

    def __init__(self, stream: BinaryIO) -> None:
        self.seek = stream.seek
        self._stream = stream
        self._lines: list[bytes] = []

    def readline(self, limit: int) -> bytes:
        line = self._stream.readline(limit)
        self._lines.append(line)
        return line

    def take(self) -> bytes:
        taken = b"".join(self._lines)
        self._lines.clear()
        return taken


def _lines(stream: BinaryIO, limits: Batching, start: int, first: int) -> Iterator[RecordRange]:
    """JSON Lines: every line is a record."""
    stream.seek(start)
    begun, ended, count, position = start, start, 0, start
    hashed = _PieceHash()
    while block := stream.read(_BLOCK_BYTES):
        ends = np.flatnonzero(np.frombuffer(block, np.uint8) == 10) + (position + 1)
        position += len(block)
        consumed = 0
        rest = memoryview(block)
        while consumed < len(ends):
            by_count = consumed + limits.max_items - count
            by_bytes = int(np.searchsorted(ends, begun + limits.max_bytes, side="right"))
            if count == 0:
                by_bytes = max(by_bytes, consumed + 1)
            upto = min(by_count, by_bytes, len(ends))
            if upto > consumed:
                count += upto - consumed
                ended = int(ends[upto - 1])
                consumed = upto
                lines = len(rest) - (position - ended)
                hashed.add(rest[:lines], ends=True)
                rest = rest[lines:]
            if consumed < len(ends) or count == limits.max_items:
                yield RecordRange(
                    begun, ended, first, count, ended - begun, piece_hash=hashed.cut()
                )
                begun, first, count = ended, first + count, 0
        hashed.add(rest, ends=False)
    if position > ended:  # a last line without an end
        if count and position - begun > limits.max_bytes:
            yield RecordRange(begun, ended, first, count, ended - begun, piece_hash=hashed.cut())
            begun, first, count = ended, first + count, 0
        yield RecordRange(begun, position, first, count + 1, position - begun)
    elif count:
        yield RecordRange(begun, ended, first, count, ended - begun, piece_hash=hashed.cut())


def _csv(
    stream: BinaryIO, records: RecordFile, limits: Batching, start: int, first: int
) -> Iterator[RecordRange]:
    delimiter, limit = records.delimiter, records.max_record_bytes
    hashed = _PieceHash()
    if start == 0:  # the header belongs to no piece
        begin = records.dialect.begin if records.dialect else 0
        start = csv_header(stream, delimiter, limit, begin)[1]
        stream.seek(0)
        hashed.add(stream.read(start), ends=False)
    begun, ended, count = start, start, 0
    recorder = _Recorder(stream)
    for record in csv_records(cast(BinaryIO, recorder), delimiter, limit, start, None, first):
        size = record.stop - begun
        if count and (count == limits.max_items or size > limits.max_bytes):
            yield RecordRange(begun, ended, first, count, ended - begun, piece_hash=hashed.cut())
            begun, first, count = record.start, first + count, 0
        count, ended = count + 1, record.stop
        lines = recorder.take()
        hashed.add(lines, ends=True)
    if count:
        # a quote that is still open, or a line that has not ended, goes on in what is written next
        closed = record.problem is None and lines.endswith(b"\n")
        piece_hash = hashed.cut() if closed else None
        yield RecordRange(begun, ended, first, count, ended - begun, piece_hash=piece_hash)


def _parquet(
    stream: BinaryIO, records: RecordFile, limits: Batching, start: int
) -> Iterator[RecordRange]:
    """Row groups, several together while they fit, cut by rows where one does not.

    A file of moderate size is weighed whole before it is cut, so that of a bomb nothing is taken;
    of a larger one as much as the cutting comes to.
    """
    found = row_groups(stream, records.columns, records.declared.max_expansion, start)
    groups = list(found) if stream.seek(0, 2) <= _WEIGHED_WHOLE_BYTES else found
    rows = 0
    begun, count, held = start, 0, 0.0
    for group in groups:
        each = group.text_bytes / max(group.rows, 1)
        low, high = max(rows, start), rows + group.rows
        rows = high
        while low < high:
            room = limits.max_items - count
            if each:
                room = min(room, max(int((limits.max_bytes - held) / each), 0 if count else 1))
            take = min(high - low, room)
            count, held, low = count + take, held + take * each, low + take
            if low < high or count == limits.max_items:
                yield RecordRange(begun, begun + count, begun + 1, count, int(held))
                begun, count, held = begun + count, 0, 0.0
    if count:
        yield RecordRange(begun, begun + count, begun + 1, count, int(held))
