"""Reads the spending ledger of a home, and folds the files of its writers into segments.

Below ``spending/``: ``*.records`` have the attempts of one writer each; ``*.parquet`` are
segments, each made once from the files of writers that ended, and never changed; ``marks.records``
says when passes of batches and accounts of runs began and ended.
"""

import fcntl
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.schemas.errors import os_problem, unwritable
from orchestration_assets.schemas.spending import SPENDING, SpendingState
from resources.damage import leaving_out_damage, notice
from resources.locks import locked, make_folder, open_locked
from resources.spending.records import (
    AccountClosed,
    AccountOpened,
    Part,
    PassBegun,
    Record,
    Reserved,
    Settled,
    encoded,
    records_in,
)
from resources.spending.writer import FILE_SUFFIX, append, microseconds
from resources.table_store import parquet_bytes, read_parquet, write_atomically

_MARKS: Final = f"marks{FILE_SUFFIX}"
_SEGMENT_SUFFIX: Final = ".parquet"
_FOLDED_FILES: Final = 64
_FOLDED_BYTES: Final = 4 << 20
"""So many files, or bytes, of writers that ended make a segment."""
_DAMAGED_SEGMENT: Final = "what it says was spent is missing from every total; restore it"
_READS: Final = 5


@dataclass(frozen=True, slots=True)
class SpendingLedger:
    """The ledger in ``folder``; nothing is made before something is recorded."""

    folder: Path

    def rows(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Every attempt, as rows of ``SPENDING``, or some of its columns.

        Damaged lines and segments are said as warnings, and left out.
        """
        for _ in range(_READS):
            tables = self._read(columns)
            if tables is not None:
                return pa.concat_tables(
                    [_selected(SPENDING.schema.empty_table(), columns), *tables]
                )
        raise TimeoutError(f"{self.folder}: the ledger is folded again and again while it is read")

    def marks(self) -> "SpendingMarks":
        """The passes and accounts, in the order in which they were recorded."""
        data = _bytes_of(self.folder / _MARKS) or b""
        return SpendingMarks(tuple(_whole_records(self.folder / _MARKS, data)))

    def mark(self, record: PassBegun | AccountOpened | AccountClosed) -> None:
        """Records a pass or an account, at once on disk. Raises UnwritableError."""
        path = self.folder / _MARKS
        make_folder(self.folder)
        with locked(self.folder / ".marks.lock"):
            try:
                file = os.open(path, os.O_CREAT | os.O_RDWR | os.O_APPEND | os.O_CLOEXEC, 0o644)
                try:
                    size = os.fstat(file).st_size
                    torn = size > 0 and os.pread(file, 1, size - 1) != b"\n"
                    append(file, b"\n" * torn + encoded(record), size)
                    os.fsync(file)
                finally:
                    os.close(file)
            except OSError as error:
                raise unwritable(path, error) from error

    def begin_pass(self, batch: str, batch_pass: str | None = None) -> str:
        """Begins another pass of a batch; its name."""
        name = batch_pass or uuid4().hex
        self.mark(PassBegun(microseconds(), batch, name))
        return name

    def spent_usd(
        self, *, batch: str | None = None, batch_pass: str = "", account: str = ""
    ) -> float:
        """What one pass of a batch cost, or what an account did, in US dollars."""
        name, value = ("account", account) if batch is None else ("batch_pass", batch_pass)
        rows = self.rows(["usd", "batch", name])
        own = pc.equal(rows[name], value)
        if batch is not None:
            own = pc.and_(own, pc.equal(rows["batch"], batch))
        return pc.sum(rows.filter(own)["usd"]).as_py() or 0.0

    def fold(self) -> None:
        """Makes a segment of the files of writers that ended, once they are many or large.

        Killed at any moment, it leaves every attempt in the ledger exactly once. Files with
        damage are left as they are. Raises UnwritableError.
        """
        if not self.folder.is_dir():
            return
        try:
            lock = open_locked(self.folder / ".fold.lock", fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return  # another process does
        except OSError as error:
            raise unwritable(self.folder, error) from error
        try:
            self._fold()
        finally:
            os.close(lock)

    def _fold(self) -> None:
        folded = self._folded_names()
        ended = []
        for path in self._files():
            if path.name in folded:
                path.unlink(missing_ok=True)  # its deletion was cut short
            elif _has_ended(path):
                ended.append(path)
        sizes = [path.stat().st_size for path in ended]
        if len(ended) < _FOLDED_FILES and sum(sizes) < _FOLDED_BYTES:
            return
        tables, names = [], []
        for path in ended:
            records = list(records_in(path.read_bytes()))
            if None not in records:
                tables.append(_table_of(path.name, records))
                names.append(path.name)
        if not names:
            return
        segment = pa.concat_tables(tables).replace_schema_metadata({"folded": ",".join(names)})
        name = f"{min(names)[:10]}-{uuid4().hex}{_SEGMENT_SUFFIX}"
        write_atomically(self.folder / name, parquet_bytes(segment))
        for folded_name in names:
            (self.folder / folded_name).unlink(missing_ok=True)

    def _read(self, columns: Sequence[str] | None) -> list[pa.Table] | None:
        """The tables of all segments and files; None when a file was folded meanwhile."""
        contents = {path: _bytes_of(path) for path in self._files()}
        tables, folded = [], set()
        for path in self._segments():
            with leaving_out_damage():
                table = read_parquet(path, columns, _DAMAGED_SEGMENT)
                tables.append(table.replace_schema_metadata(None))
                folded |= _names_in(table)
        for path, data in contents.items():
            if path.name in folded:
                continue
            if data is None:
                return None
            table = _table_of(path.name, _whole_records(path, data))
            tables.append(_selected(table, columns))
        return tables

    def _files(self) -> list[Path]:
        return sorted(p for p in self.folder.glob(f"*{FILE_SUFFIX}") if p.name != _MARKS)

    def _segments(self) -> list[Path]:
        return sorted(self.folder.glob(f"*{_SEGMENT_SUFFIX}"))

    def _folded_names(self) -> set[str]:
        names: set[str] = set()
        for path in self._segments():
            with leaving_out_damage():
                names |= _names_in(read_parquet(path, ["number"], _DAMAGED_SEGMENT))
        return names


@dataclass(frozen=True)
class SpendingMarks:
    """What is known of passes and accounts, from their records."""

    records: tuple[Record, ...]

    @cached_property
    def passes(self) -> dict[str, PassBegun]:
        """Batch -> the pass that it is in; a batch in its first pass has none."""
        return {one.batch: one for one in self.records if isinstance(one, PassBegun)}

    def pass_of(self, batch: str) -> str:
        """The pass that a batch is in; empty for its first."""
        begun = self.passes.get(batch)
        return "" if begun is None else begun.batch_pass

    def open_account(self, batches: Sequence[str]) -> str | None:
        """The account on which one of these batches was taken up last, if it is open still."""
        closed = {one.account for one in self.records if isinstance(one, AccountClosed)}
        latest: dict[str, str] = {}
        for one in self.records:
            if isinstance(one, AccountOpened):
                latest |= dict.fromkeys(one.batches, one.account)
        accounts = [latest[batch] for batch in batches if batch in latest]
        return next((account for account in accounts if account not in closed), None)


def _bytes_of(path: Path) -> bytes | None:
    """The bytes of a file; None when it is not there, or cannot be read, which is said."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        notice(f"left out: {path}: {os_problem(error)}")
        return b""


def _whole_records(path: Path, data: bytes) -> Iterator[Record]:
    damaged = 0
    for record in records_in(data):
        if record is None:
            damaged += 1
        else:
            yield record
    if damaged:
        notice(
            f"left out: {path}: {damaged} damaged lines; what they say was spent is missing from "
            "every total, all other lines are read"
        )


def _table_of(file: str, records: Iterator[Record] | Sequence[Record | None]) -> pa.Table:
    reserved: dict[int, Reserved] = {}
    settled: dict[int, Settled] = {}
    for record in records:
        if isinstance(record, Reserved):
            reserved[record.number] = record
        elif isinstance(record, Settled):
            settled[record.number] = record
    rows = [
        row
        for number, attempt in reserved.items()
        for row in _rows(file, attempt, settled.get(number))
    ]
    # a column at a time: a ledger has as many rows as there were calls
    columns = zip(*rows, strict=True) if rows else ([] for _ in SPENDING.schema)
    arrays = [
        pa.array(list(column), field.type)
        for column, field in zip(columns, SPENDING.schema, strict=True)
    ]
    return pa.table(arrays, SPENDING.schema.remove_metadata())


def _rows(file: str, attempt: Reserved, end: Settled | None) -> Iterator[tuple[object, ...]]:
    """A row a task, in the order of the columns of ``SPENDING``; an attempt without an end counts
    at what it was expected to cost."""
    known = (
        attempt.at,
        attempt.purpose,
        attempt.batch,
        attempt.batch_pass,
        attempt.account,
        attempt.run,
        attempt.service,
        attempt.model,
    )
    for part in attempt.parts:
        about = (file, attempt.number, *known, part.task, part.items)
        most = attempt.most_usd * part.share
        if end is None:
            usd = attempt.expected_usd * part.share
            state = SpendingState.IN_FLIGHT.value
            yield (*about, usd, most, state, True, None, None, "")
        else:
            usd = end.usd * part.share
            tokens = _share(end.tokens_in, part), _share(end.tokens_out, part)
            state = SpendingState.SETTLED.value
            yield (*about, usd, most, state, end.estimated, *tokens, end.status)


def _share(tokens: int | None, part: Part) -> int | None:
    return None if tokens is None else round(tokens * part.share)


def _selected(table: pa.Table, columns: Sequence[str] | None) -> pa.Table:
    plain = table.replace_schema_metadata(None)
    return plain if columns is None else plain.select(list(columns))


def _names_in(segment: pa.Table) -> set[str]:
    named = (segment.schema.metadata or {}).get(b"folded", b"").decode()
    return set(named.split(",")) - {""}


def _has_ended(path: Path) -> bool:
    """Whether the writer of a file gives it no more records."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True
