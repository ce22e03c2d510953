"""The corpus as it stands now, folded from all manifests."""

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.content.ledger import Ledger, look_of, read_ledger
from orchestration_assets.schemas.enums import EntryOutcome, ItemPresence
from orchestration_assets.schemas.errors import DamagedFileError
from orchestration_assets.schemas.tables import CONTENT_LEDGER, CONTENT_MANIFEST
from resources.damage import leaving_out_damage, notice
from resources.home import Home
from resources.table_store import TableMissingError

_STATES: Final = {
    EntryOutcome.REJECTED: ItemPresence.REJECTED,
    EntryOutcome.GONE: ItemPresence.GONE,
    EntryOutcome.SUPERSEDED: ItemPresence.SUPERSEDED,
    EntryOutcome.FORGOTTEN: ItemPresence.FORGOTTEN,
}
_COLUMNS: Final = (
    "batch",
    "item_id",
    "entry_id",
    "address",
    "path",
    "outcome",
    "reason",
    "content_hash",
    "computed_as",
    "size_bytes",
    "modified_ns",
    "record_count",
)


def current_items(home: Home) -> pa.Table:
    """The table content_ledger: every item that a manifest names, once, as it was last.

    A record is gone when its file is gone, or has a later version without it.
    """
    tables = home.tables
    parts = [CONTENT_LEDGER.schema.empty_table()]
    for source, batches in manifests_of(home).items():
        rows = tables.read_batches(CONTENT_MANIFEST, batches, _COLUMNS)
        rows = rows.filter(items_of(rows))
        if rows.num_rows:
            parts.append(_fold(rows, read_ledger(home, source), source))
    return pa.concat_tables(parts).sort_by("item_id")


def items_of(rows: pa.Table) -> pa.ChunkedArray:
    """Which rows of manifests are of one item, not of a record file or a part of it."""
    is_file = pc.equal(rows["outcome"], EntryOutcome.UNPACKED)
    return pc.invert(pc.or_(is_file, pc.is_valid(rows["record_count"])))


def manifests_of(home: Home) -> dict[str, list[str]]:
    """Source -> its batches with a manifest that can be read, oldest first.

    The source of a batch whose record is damaged or gone is the one that its addresses lie in;
    where there is none, the batch is left out.
    """
    tables, store = home.tables, home.batches
    found: dict[str, list[str]] = {}
    orphans: list[str] = []
    for batch in tables.batches(CONTENT_MANIFEST.name):
        try:
            found.setdefault(store.source(batch), []).append(batch)
        except (TableMissingError, DamagedFileError):
            orphans.append(batch)
    for batch in orphans:
        with leaving_out_damage():
            addresses = tables.read(CONTENT_MANIFEST.name, batch, ["address"])["address"]
            address = addresses[0].as_py() if len(addresses) else ""
            around = [source for source in found if address.startswith(source)]
            if around:
                found[max(around, key=len)].append(batch)
            else:
                notice(f"left out: the record of batch {batch} is gone, and with it its source")
    return {source: sorted(batches) for source, batches in found.items()}


def _fold(rows: pa.Table, ledger: Ledger, source: str) -> pa.Table:
    rows = rows.append_column("row", pa.array(range(rows.num_rows), pa.int64()))
    items = (
        rows.select(["item_id", "row", "batch", "content_hash"])
        .group_by("item_id")
        .aggregate([("row", "max"), ("batch", "min"), ("content_hash", "count_distinct")])
    )
    latest = rows.take(items["row_max"])
    columns = {name: latest[name] for name in latest.schema.names}
    columns |= {
        "source": pa.repeat(source, latest.num_rows),
        "state": _states(latest, ledger),
        "first_batch": items["batch_min"],
        "versions": items["content_hash_count_distinct"],
    }
    ordered = [columns[field.name].cast(field.type) for field in CONTENT_LEDGER.schema]
    return pa.table(ordered, schema=CONTENT_LEDGER.schema)


def _states(latest: pa.Table, ledger: Ledger) -> pa.ChunkedArray:
    outcomes = pa.array([outcome.value for outcome in _STATES])
    states = pa.array([state.value for state in _STATES.values()])
    told = states.take(pc.index_in(latest["outcome"].combine_chunks(), outcomes))
    state = pc.fill_null(told, ItemPresence.PRESENT.value)
    # the part after # names a record of the file
    file = pc.list_element(pc.split_pattern(latest["address"].combine_chunks(), "#"), 0)
    # not the pieces: they would stand there once for each record
    files = ledger.files.select(["begun_in", "final", "gone"])
    known = files.take(pc.index_in(file, ledger.files["file"].combine_chunks()))
    before = pc.less(look_of(latest["batch"]), look_of(known["begun_in"]))
    older = pc.and_(before, known["final"])
    older = pc.and_(older, pc.invert(_stands(latest, ledger)))
    is_record = pc.match_substring(latest["address"], "#")
    left = pc.and_(is_record, pc.or_(known["gone"], older))
    return pc.if_else(pc.fill_null(left, False), ItemPresence.GONE.value, state)


def _stands(latest: pa.Table, ledger: Ledger) -> pa.ChunkedArray:
    """Whether the piece that a row comes from is the same in the latest version of its file."""
    standing = [
        f"{piece.batch} {piece.entry_id}"
        for of_file in ledger.pieces().values()
        for piece in of_file
        if piece.standing
    ]
    pieces = pc.binary_join_element_wise(latest["batch"], latest["entry_id"], " ")
    return pc.is_in(pieces, pa.array(standing, pa.string()))
