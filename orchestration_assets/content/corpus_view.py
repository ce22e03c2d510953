"""The corpus as it stands now, folded from all manifests."""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.content.ledger import Ledger, look_of, read_ledger
from orchestration_assets.content.manifest_items import items_of
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
_BLOCK: Final = 100_000
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
    return fold_items(home, manifests_of(home)).items


class FoldedItems(NamedTuple):
    """Rows of content_ledger; not ``whole`` where a manifest could not be read, and is left out."""

    items: pa.Table
    whole: bool


def fold_items(home: Home, manifests: Mapping[str, Iterable[str]]) -> FoldedItems:
    """The items that the manifests of these batches name, by their ids, as they were last in
    these; ``manifests`` are the batches of each source, oldest first."""
    tables = home.tables
    parts = []
    whole = True
    for source, batches in manifests.items():
        of_items = []
        for batch in batches:
            rows = tables.read_batches(CONTENT_MANIFEST, [batch], _COLUMNS)
            # a batch has an entry at least, and each has a row
            whole = whole and rows.num_rows > 0
            of_items.append(rows.filter(items_of(rows)))
        if any(rows.num_rows for rows in of_items):
            parts.append(_fold(of_items, read_ledger(home, source), source))
    if len(parts) == 1:
        return FoldedItems(parts[0], whole)
    together = pa.concat_tables([CONTENT_LEDGER.schema.empty_table(), *parts])
    return FoldedItems(together.sort_by("item_id"), whole)


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


def _fold(of_items: list[pa.Table], ledger: Ledger, source: str) -> pa.Table:
    """The items of a source, by their ids; ``of_items`` are the rows of its batches, the oldest
    first, and are taken out of the list: what is folded is not held twice."""
    rows = pa.concat_tables(of_items)
    of_items.clear()
    ids = rows["item_id"].combine_chunks()
    order = pc.array_sort_indices(ids)  # stable
    ids = ids.take(order)
    differs = pc.not_equal(ids[1:], ids[:-1]).to_numpy(zero_copy_only=False)
    begins, ends = np.append(True, differs), np.append(differs, True)
    several = ~(begins & ends)
    first, last = order.filter(pa.array(begins)), order.filter(pa.array(ends))
    versions = pc.is_valid(rows["content_hash"]).combine_chunks().take(last).cast(pa.int64())
    if several.any():
        repeated = rows.select(["item_id", "content_hash"]).take(order.filter(pa.array(several)))
        counted = repeated.group_by("item_id").aggregate([("content_hash", "count_distinct")])
        place = pc.index_in(ids.filter(pa.array(ends)), counted["item_id"].combine_chunks())
        of_several = counted["content_hash_count_distinct"].combine_chunks().take(place)
        versions = pc.coalesce(of_several, versions)
    first_batch = rows["batch"].take(first)
    columns = {}
    for name in rows.schema.names:
        columns[name] = rows[name].combine_chunks().take(last)
        rows = rows.drop_columns([name])
    latest = pa.table(columns)
    states = [_states(latest.slice(at, _BLOCK), ledger) for at in range(0, len(last), _BLOCK)]
    columns |= {
        "source": pa.repeat(source, latest.num_rows),
        "state": pa.chunked_array([chunk for block in states for chunk in block.chunks]),
        "first_batch": first_batch,
        "versions": versions,
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
