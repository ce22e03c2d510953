"""The table of all items, kept from one making to the next: what further batches bring is added.

Beside the table stands what it was made of: the version of each manifest, and what decides whether
a record that the batch brought is still there. As long as all of that is as it was, the stored
rows stand, and those of batches made since are added as a part of the table; otherwise all
manifests are folded anew. Either way the table that is read has the same bytes.

A disk may give back other bytes under the same size and time. All parts are looked at before rows
are added, and one of them, which chance picks, wherever the table stands: what is damaged is said,
and folded anew.
"""

import contextlib
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.content.corpus_view import fold_items, manifests_of
from orchestration_assets.content.ledger import Ledger, look_of, read_ledger
from orchestration_assets.content.ledger_items import part_items
from orchestration_assets.content.manifest_items import item_numbers, manifest_files
from orchestration_assets.schemas.enums import ItemPresence
from orchestration_assets.schemas.errors import DamagedFileError, UnwritableError
from orchestration_assets.schemas.tables import CONTENT_LEDGER, CONTENT_MANIFEST
from resources.damage import notice
from resources.home import Home
from resources.locks import locked, make_folder
from resources.machine import give_back_memory
from resources.table_parts import TablePart
from resources.table_store import TableMissingError, TableStore, write_atomically

# another number where items are folded in another way
_FORM: Final = 2
_FILE: Final = "content_ledger.json"
# known as a lock to what removes what writers that died have left
_LOCK: Final = ".lock"


@dataclass(frozen=True, slots=True)
class LedgerCounts:
    """How many items the stored table has, and how many of them are present."""

    rows: int
    present: int


@dataclass(frozen=True, slots=True)
class _Made:
    """What a stored table was made of: its own version, and what each batch had to say."""

    table: list[int]
    batches: Mapping[str, Any]
    rows: int
    present: int
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
    if before is not None and now is not None and _goes_on(store, before, now):
        new = {
            source: [batch for batch in batches if batch not in before.batches]
            for source, batches in manifests.items()
        }
        if not any(new.values()):
            if _has_its_bytes(store, looks=1):
                return LedgerCounts(before.rows, before.present)
        elif _has_its_bytes(store):
            added = {source: batches for source, batches in new.items() if batches}
            fresh = fold_items(home, added)
            if _added(store, fresh.items):
                counts = _counts(fresh.items, before)
                _note(store, now if fresh.whole else None, counts)
                return counts
    items, whole = fold_items(home, manifests)
    store.write(CONTENT_LEDGER, items)
    counts = _counts(items)
    # what could not be read this once is read by the next making
    _note(store, now if whole else None, counts)
    del items
    give_back_memory()
    return counts


def _counts(items: pa.Table, before: _Made | None = None) -> LedgerCounts:
    """How many these are, with those that were stored ``before``."""
    present = pc.sum(pc.equal(items["state"], ItemPresence.PRESENT.value)).as_py() or 0
    if before is None:
        return LedgerCounts(items.num_rows, present)
    return LedgerCounts(before.rows + items.num_rows, before.present + present)


def _path(store: TableStore) -> Path:
    return store.derived / _FILE


def _goes_on(store: TableStore, before: _Made, now: Mapping[str, Any]) -> bool:
    """Whether the stored table is the one that was made, and what it was made of is as it was."""
    if store.version(CONTENT_LEDGER.name) != before.table:
        return False
    return all(now.get(batch) == said for batch, said in before.batches.items())


def _has_its_bytes(store: TableStore, looks: int | None = None) -> bool:
    """Whether the parts, or so many that chance picks, have the bytes that were written; else it is
    said."""
    parts: Sequence[TablePart] = store.parts(CONTENT_LEDGER.name)
    if looks is not None:
        parts = random.sample(parts, min(looks, len(parts)))
    try:
        found = store.other_bytes(CONTENT_LEDGER.name, parts)
    except OSError as error:
        notice(f"{CONTENT_LEDGER.name} cannot be read ({error}); it is made anew")
        return False
    if found is not None:
        notice(f"{found}: other bytes than were written; the table is made anew")
    return found is None


def _batches(home: Home, manifests: Mapping[str, list[str]]) -> dict[str, Any] | None:
    """What the rows of each batch rest on; None where a manifest cannot be read."""
    found: dict[str, Any] = {}
    for source, batches in manifests.items():
        files: dict[str, tuple[str, ...]] = {}
        for batch in batches:
            try:
                files[batch] = manifest_files(home.tables, batch)
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


def _added(store: TableStore, fresh: pa.Table) -> bool:
    """Adds the items of new batches to the stored table; False where one of them was there before,
    or the table cannot be read."""
    try:
        numbers = item_numbers(fresh["item_id"])
        for part in store.parts(CONTENT_LEDGER.name):
            stored = part_items(store, part.name)
            places = np.searchsorted(stored, numbers)
            inner = places < len(stored)
            if np.any(stored[places[inner]] == numbers[inner]):
                return False
        store.append(CONTENT_LEDGER, fresh)
    except (DamagedFileError, TableMissingError, ValueError):
        return False
    return True


def _read(path: Path) -> _Made | None:
    """What the table was made of; None where that is not known, or was told in another form."""
    try:
        made = _Made(**json.loads(path.read_bytes()))
        known = made.form == _FORM and isinstance(made.batches, dict)
        return made if known else None
    except (OSError, ValueError, TypeError):
        return None


def _note(store: TableStore, batches: Mapping[str, Any] | None, counts: LedgerCounts) -> None:
    version = store.version(CONTENT_LEDGER.name)
    with contextlib.suppress(UnwritableError):
        if batches is None or version is None:
            return
        made = _Made(version, batches, counts.rows, counts.present)
        write_atomically(_path(store), json.dumps(asdict(made)).encode())
