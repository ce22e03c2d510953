"""A table of all batches in several files, none of which holds a key that another one does.

Further rows cost a file of their own, whatever the table holds already. So that files stay few,
the last ones are put together with them as long as they hold no more rows than these; a file near
the largest size stands for good. Which files belong to the table says a list beside them, which is
written last: a reader finds the table before or after, and what is in no list is removed.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, Protocol

import pyarrow as pa

from orchestration_assets.schemas.errors import DamagedFileError, OrchestrationError
from orchestration_assets.schemas.records import Table

PART_ROWS: Final = 250_000
"""No file has more rows, so that further ones never cost more than this many."""
# other programs that read the folder as one table take what begins so for no part of it
_LIST: Final = "_parts.json"
_LOOKS: Final = 5
REMEDY: Final = "delete it, and run orchestrate run SOURCE to make it again"


@dataclass(frozen=True, slots=True)
class TablePart:
    """One file: the name that stands for a batch's in its path, and its rows."""

    name: str
    rows: int


class PartFiles(Protocol):
    """The files of the parts, read and written as a table of batches."""

    @property
    def derived(self) -> Path: ...
    def path(self, table: str, batch: str | None = None) -> Path: ...
    def read(
        self, table: str, batch: str | None = None, columns: Sequence[str] | None = None
    ) -> pa.Table: ...
    def exists(self, table: str, batch: str | None = None) -> bool: ...
    def batches(self, table: str) -> list[str]: ...
    def forget(self, table: str, batch: str) -> None: ...


def joined_parts(parts: Sequence[TablePart], rows: int, most: int) -> int:
    """How many of the last parts go into one file of at most so many rows with further ``rows``."""
    count, total = 0, rows
    for part in reversed(parts):
        if part.rows > total or part.rows + total > most:
            break
        count, total = count + 1, total + part.rows
    return count


class PartedTable:
    """The parts of one table; ``as_bytes`` makes a file of rows, ``overwrite`` stores one whoever
    wrote it last, ``fetch`` gets one from the home's store and says whether it is here then;
    ``missing`` is what reading a file raises that is gone."""

    def __init__(
        self,
        table: Table[Any],
        files: PartFiles,
        as_bytes: Callable[[pa.Table], bytes],
        overwrite: Callable[[Path, bytes], None],
        fetch: Callable[[Path], bool],
        missing: type[OrchestrationError],
    ) -> None:
        self._table = table
        self._files = files
        self._as_bytes = as_bytes
        self._overwrite = overwrite
        self._fetch = fetch
        self._missing = missing

    @property
    def list_path(self) -> Path:
        return self._files.path(self._table.name) / _LIST

    def parts(self) -> tuple[TablePart, ...]:
        """Which files the table consists of, in the order in which they were written; one at least.

        Raises FileNotFoundError where there is no list, DamagedFileError where it tells none.
        """
        try:
            told = json.loads(self.list_path.read_bytes())
            found = tuple(TablePart(str(one["name"]), int(one["rows"])) for one in told["parts"])
            # a name is put into a path
            if not found or any(not one.name.replace("-", "").isalnum() for one in found):
                raise ValueError("it names no part")
            if len({one.name for one in found}) < len(found):
                raise ValueError("it names a part twice")
        except FileNotFoundError:
            raise
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise DamagedFileError(self.list_path, f"cannot be read ({error})", REMEDY) from error
        return found

    def read(self, columns: Sequence[str] | None) -> pa.Table:
        """The rows of all parts in the order of their keys. Raises FileNotFoundError and
        DamagedFileError."""
        wanted = None if columns is None else [*dict.fromkeys([*self._table.key, *columns])]
        for left in reversed(range(_LOOKS)):
            parts = self.parts()
            try:
                found = [self._part(part, wanted) for part in parts]
            except (DamagedFileError, self._missing):
                # parts are put together under a reader now and then
                if not left or self.parts() == parts:
                    raise
                continue
            rows = found[0] if len(found) == 1 else self._ordered(pa.concat_tables(found))
            return rows if columns is None else rows.select(list(columns))
        raise AssertionError("the last look returns or raises")

    def write(self, rows: pa.Table) -> None:
        """Stores the rows, ordered by their keys, instead of all that is stored. Raises
        UnwritableError."""
        starts = range(0, max(rows.num_rows, 1), PART_ROWS)
        self._list([self._stored(rows.slice(start, PART_ROWS)) for start in starts])

    def append(self, rows: pa.Table) -> None:
        """Stores further rows, whose keys none of those stored has.

        Raises FileNotFoundError, DamagedFileError, UnwritableError.
        """
        before = self.parts()
        if not rows.num_rows:
            return
        count = joined_parts(before, rows.num_rows, PART_ROWS)
        stand, joined = before[: len(before) - count], before[len(before) - count :]
        whole = pa.concat_tables([*(self._part(part, None) for part in joined), rows])
        self._list([*stand, self._stored(self._ordered(whole))])

    def other_bytes(self, parts: Sequence[TablePart]) -> Path | None:
        """The first file of these parts that holds other bytes than were written, as a disk may
        give back under the same size and time; None where all hold theirs. Raises OSError."""
        paths = (self._files.path(self._table.name, part.name) for part in parts)
        return next((path for path in paths if _name_of(path.read_bytes()) != path.stem), None)

    def _part(self, part: TablePart, columns: Sequence[str] | None) -> pa.Table:
        name = self._table.name
        # the list may be of a later moment than the other files that were fetched
        is_here = self._files.exists(name, part.name)
        if not is_here and not self._fetch(self._files.path(name, part.name)):
            raise DamagedFileError(
                self.list_path, f"names the part {part.name}, which is missing", REMEDY
            )
        return self._files.read(name, part.name, columns)

    def _ordered(self, rows: pa.Table) -> pa.Table:
        return rows.sort_by([(name, "ascending") for name in self._table.key])

    def _stored(self, rows: pa.Table) -> TablePart:
        data = self._as_bytes(rows.combine_chunks())
        part = TablePart(_name_of(data), rows.num_rows)
        self._overwrite(self._files.path(self._table.name, part.name), data)
        return part

    def _list(self, parts: Sequence[TablePart]) -> None:
        told = json.dumps({"parts": [asdict(part) for part in parts]})
        self._overwrite(self.list_path, told.encode())
        names = {part.name for part in parts}
        for name in self._files.batches(self._table.name):
            if name not in names:
                self._files.forget(self._table.name, name)
        for fact in self._facts(names):
            fact.unlink(missing_ok=True)

    def _facts(self, names: set[str]) -> Iterator[Path]:
        """What is kept beside the tables about parts that are gone."""
        for path in self._files.derived.glob("*/part-*.json"):
            if path.stem not in names:
                yield path


def _name_of(data: bytes) -> str:
    """Equal rows have one name, in every home, and a file of other bytes has not its own."""
    return f"part-{blake2b(data, digest_size=8).hexdigest()}"
