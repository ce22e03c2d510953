"""The table of all items, kept from one making to the next: what further batches bring is added.

Beside the table stands what it was made of: the version of each manifest, and what decides whether
a record that the batch brought is still there. As long as all of that is as it was, the stored
rows stand, and rows of batches made since are put among them; otherwise all manifests are folded
anew. Either way the table has the same bytes.

A disk may give back other bytes under the same size and time: check sums stand beside the table.
All are looked at before rows are put among those stored, and one window of the file, which chance
picks, wherever the table stands: what is damaged is said, and folded anew.
"""

import contextlib
import json
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.content.corpus_view import FoldedItems, fold_items, manifests_of
from orchestration_assets.content.ledger import Ledger, look_of, read_ledger
from orchestration_assets.content.manifest_items import Numbers, item_numbers, manifest_items
from orchestration_assets.content.window_sums import WINDOW_BYTES, damaged_window, window_sums
from orchestration_assets.schemas.enums import ItemPresence
from orchestration_assets.schemas.errors import DamagedFileError
from orchestration_assets.schemas.tables import CONTENT_LEDGER, CONTENT_MANIFEST
from resources.damage import notice
from resources.home import Home
from resources.locks import locked, make_folder
from resources.machine import give_back_memory
from resources.table_store import TableMissingError, TableStore, write_atomically

# another number where items are folded in another way
_FORM: Final = 2
_FILE: Final = "content_ledger.json"
# known as a lock to what removes what writers that died have left
_LOCK: Final = ".lock"
_FEW: Final = 20_000
"""Rows up to which it is faster to cut the table where they belong than to put it in order."""


@dataclass(frozen=True, slots=True)
class LedgerCounts:
    """How many items the stored table has, and how many of them are present."""

    rows: int
    present: int


@dataclass(frozen=True, slots=True)
class _Made:
    """What a stored table was made of: its own version, what each batch had to say, and the
    ``sums`` of its windows."""

    table: list[int]
    batches: Mapping[str, Any]
    rows: int
    present: int
    sums: list[int]
    form: int = _FORM


def keep_ledger(home: Home) -> LedgerCounts:
    """Brings the stored table content_ledger up to date; it is not written where it stands.

    Processes of one machine take turns: what is noted of a table must be about that very one.
    Raises UnwritableError.
    """
    make_folder(home.tables.derived)
    with locked(home.tables.derived / _LOCK):
        return _keep(home)


def _keep(home: Home) -> LedgerCounts:
    store = home.tables
    manifests = manifests_of(home)
    before, now = _read(_path(store)), _batches(home, manifests)
    folded = None
    if before is not None and now is not None and _goes_on(store, before, now):
        new = {
            source: [batch for batch in batches if batch not in before.batches]
            for source, batches in manifests.items()
        }
        windows = range(len(before.sums))
        if not any(new.values()):
            if _is_whole(store, before, random.sample(windows, min(1, len(windows)))):
                return LedgerCounts(before.rows, before.present)
        elif _is_whole(store, before, windows):
            folded = _grown(home, {source: batches for source, batches in new.items() if batches})
    if folded is None:
        folded = fold_items(home, manifests)
    table, whole = folded
    del folded
    store.write(CONTENT_LEDGER, table.combine_chunks())
    present = pc.sum(pc.equal(table["state"], ItemPresence.PRESENT.value)).as_py() or 0
    counts = LedgerCounts(table.num_rows, present)
    # what could not be read this once is read by the next making
    _note(store, now if whole else None, counts)
    del table
    give_back_memory()
    return counts


def _path(store: TableStore) -> Path:
    return store.derived / _FILE


def _goes_on(store: TableStore, before: _Made, now: Mapping[str, Any]) -> bool:
    """Whether the stored table is the one that was made, and what it was made of is as it was."""
    if store.version(CONTENT_LEDGER.name) != before.table:
        return False
    return all(now.get(batch) == said for batch, said in before.batches.items())


def _is_whole(store: TableStore, before: _Made, windows: Iterable[int]) -> bool:
    """Whether these windows of the stored table have the bytes that were written; else it is
    said."""
    path = store.path(CONTENT_LEDGER.name)
    try:
        found = damaged_window(path, before.sums, windows)
    except OSError as error:
        notice(f"{path}: cannot be read ({error.strerror}); it is made anew")
        return False
    if found is not None:
        first = found * WINDOW_BYTES
        notice(f"{path}: other bytes than were written, behind byte {first}; it is made anew")
    return found is None


def _batches(home: Home, manifests: Mapping[str, list[str]]) -> dict[str, Any] | None:
    """What the rows of each batch rest on; None where a manifest cannot be read."""
    found: dict[str, Any] = {}
    for source, batches in manifests.items():
        files: dict[str, tuple[str, ...]] = {}
        for batch in batches:
            try:
                files[batch] = manifest_items(home.tables, batch).files
            except (DamagedFileError, TableMissingError):
                return None
        wanted = {file for of_batch in files.values() for file in of_batch}
        rules = _Rules(read_ledger(home, source), wanted) if wanted else None
        for batch in batches:
            version = home.tables.version(CONTENT_MANIFEST.name, batch)
            told = [rules.of(batch, file) for file in files[batch]] if rules else []
            found[batch] = [source, version, told]
    return found


class _Rules:
    """What decides whether records of a batch are still there, by their file: its state, and once
    it has a later version, which pieces of the batch stand in that."""

    def __init__(self, ledger: Ledger, wanted: set[str]) -> None:
        known = ledger.files.filter(
            pc.is_in(ledger.files["file"], pa.array(sorted(wanted), pa.string()))
        )
        columns = known.select(["file", "gone", "final"]).append_column(
            "look", look_of(known["begun_in"])
        )
        self._files = {row["file"]: row for row in columns.to_pylist()}
        self._standing: dict[tuple[str, str], list[str]] = {}
        for file, pieces in ledger.pieces(wanted).items():
            for piece in pieces:
                if piece.standing:
                    self._standing.setdefault((piece.batch, file), []).append(piece.entry_id)

    def of(self, batch: str, file: str) -> str:
        row = self._files.get(file)
        if row is None:
            return ""
        gone = "gone " if row["gone"] else ""
        if row["look"] is None:
            return f"{gone}begun nowhere"
        if not row["final"] or look_of(pa.scalar(batch)).as_py() >= row["look"]:
            return gone
        standing = " ".join(sorted(self._standing.get((batch, file), ())))
        return gone + blake2b(standing.encode(), digest_size=8).hexdigest()


def _grown(home: Home, new: Mapping[str, list[str]]) -> FoldedItems | None:
    """The stored table with the items of new batches; None where one of them was there before, or
    the table cannot be read."""
    fresh, whole = fold_items(home, new)
    try:
        stored = home.tables.read(CONTENT_LEDGER.name)
        ids, of_fresh = item_numbers(stored["item_id"]), item_numbers(fresh["item_id"])
    except (DamagedFileError, TableMissingError, ValueError):
        return None
    if not _ascends(ids) or not _ascends(of_fresh):
        return None
    places = np.searchsorted(ids, of_fresh)
    inner = places < len(ids)
    if np.any(ids[places[inner]] == of_fresh[inner]):
        return None
    columns = {name: stored[name] for name in CONTENT_LEDGER.schema.names}
    del stored
    return FoldedItems(_put_among(columns, fresh, places.tolist()), whole)


def _put_among(
    stored: dict[str, pa.ChunkedArray], fresh: pa.Table, places: Sequence[int]
) -> pa.Table:
    """The stored columns with the fresh rows, each before the row whose place is given. Columns
    are taken out of ``stored``: no more than one of them is held twice."""
    merged = {}
    for name in list(stored):
        held, added = stored.pop(name).combine_chunks(), fresh[name].combine_chunks()
        if len(places) > _FEW:
            count = len(held)
            order = np.insert(np.arange(count), places, count + np.arange(len(added)))
            merged[name] = pa.concat_arrays([held, added]).take(pa.array(order))
            continue
        cuts = [*places, len(held)]
        parts = [held.slice(0, cuts[0])]
        for number, (begin, end) in enumerate(pairwise(cuts)):
            parts += [added.slice(number, 1), held.slice(begin, end - begin)]
        merged[name] = pa.concat_arrays(parts)
    return pa.table(merged, schema=CONTENT_LEDGER.schema)


def _ascends(numbers: Numbers) -> bool:
    return bool(np.all(numbers[1:] > numbers[:-1]))


def _read(path: Path) -> _Made | None:
    """What the table was made of; None where that is not known, or was told in another form."""
    try:
        made = _Made(**json.loads(path.read_bytes()))
        known = made.form == _FORM and isinstance(made.batches, dict)
        known = known and isinstance(made.sums, list)
        return made if known else None
    except (OSError, ValueError, TypeError):
        return None


def _note(store: TableStore, batches: Mapping[str, Any] | None, counts: LedgerCounts) -> None:
    version = store.version(CONTENT_LEDGER.name)
    with contextlib.suppress(OSError):
        if batches is None or version is None:
            return
        sums = window_sums(store.path(CONTENT_LEDGER.name))
        made = _Made(version, batches, counts.rows, counts.present, sums)
        write_atomically(_path(store), json.dumps(asdict(made)).encode())
