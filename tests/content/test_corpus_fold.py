"""The ledger of all items is what going through every manifest, row by row, tells of each, whether
it is folded from all of them or kept from batch to batch."""

import json
import os
import threading
from dataclasses import asdict, replace
from hashlib import blake2b
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration_assets.content import checks, corpus_view, kept_ledger
from orchestration_assets.content.corpus_view import current_items
from orchestration_assets.content.kept_ledger import keep_ledger
from orchestration_assets.schemas.enums import EntryOutcome
from orchestration_assets.schemas.errors import DamagedFileError
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import (
    BATCH_ENTRIES,
    CONTENT_LEDGER,
    CONTENT_MANIFEST,
    LedgerRow,
    ManifestRow,
)
from orchestration_assets.table_assets import Stored
from resources import damage, table_parts
from resources.home import Home
from resources.table_parts import TablePart
from resources.table_store import TableStore, parquet_bytes
from tests.rows import row

_SOURCES = ("memory://one", "memory://two")
_OUTCOMES = (EntryOutcome.ACCEPTED, EntryOutcome.REJECTED, EntryOutcome.UNCHANGED)
_ROW = st.tuples(
    st.sampled_from(["a", "b", "c", "d", "é"]),
    st.none() | st.sampled_from(["h1", "h2", "h3"]),
    st.sampled_from(_OUTCOMES),
    st.none() | st.integers(1, 3),
)
_BATCHES = st.lists(
    st.tuples(st.sampled_from(_SOURCES), st.lists(_ROW, unique_by=lambda one: one[0], max_size=5)),
    max_size=6,
)


def manifest_rows(batch: str, source: str, rows) -> list[ManifestRow]:
    return [
        row(
            ManifestRow,
            batch=batch,
            item_id=f"{source[-3:]}{name}",
            entry_id=f"{source[-3:]}{name}",
            address=f"{source}/{name}",
            path=name,
            outcome=outcome,
            content_hash=content,
            record_count=records,
        )
        for name, content, outcome, records in rows
    ]


@given(_BATCHES, st.integers(1, 4))
@settings(deadline=None, max_examples=20)
def test_every_item_is_as_it_was_last(tmp_path_factory, made, block) -> None:
    home = Home(tmp_path_factory.mktemp("home"))
    history: dict[str, list[ManifestRow]] = {}
    for number, (source, rows) in enumerate(made):
        batch = f"20260101T0000{number:02d}Z-{number:08x}"
        entry = row(BATCH_ENTRIES.record, source=source)
        home.batches.write(batch, rows_to_arrow(BATCH_ENTRIES, [entry]))
        of_batch = manifest_rows(batch, source, rows)
        home.tables.write(CONTENT_MANIFEST, rows_to_arrow(CONTENT_MANIFEST, of_batch), batch)
        for one in of_batch:
            # a row that counts records is of their file, and no item
            if one.record_count is None:
                history.setdefault(one.item_id, []).append(one)
    usual, corpus_view._BLOCK = corpus_view._BLOCK, block
    try:
        found = current_items(home).to_pylist()
    finally:
        corpus_view._BLOCK = usual
    assert [one["item_id"] for one in found] == sorted(history)
    for one in found:
        rows_of = history[one["item_id"]]
        assert one["batch"] == rows_of[-1].batch
        assert one["first_batch"] == rows_of[0].batch
        assert one["content_hash"] == rows_of[-1].content_hash
        assert one["versions"] == len({r.content_hash for r in rows_of} - {None})
        rejected = rows_of[-1].outcome is EntryOutcome.REJECTED
        assert one["state"] == ("rejected" if rejected else "present")


def store_batch(home: Home, number: int, source: str, rows) -> None:
    batch = f"20260101T0000{number:02d}Z-{number:08x}"
    home.batches.write(
        batch, rows_to_arrow(BATCH_ENTRIES, [row(BATCH_ENTRIES.record, source=source)])
    )
    told = [
        replace(one, item_id=f"{source[-3:].encode().hex()}{one.path.encode().hex():0>10}")
        for one in manifest_rows(batch, source, rows)
    ]
    home.tables.write(CONTENT_MANIFEST, rows_to_arrow(CONTENT_MANIFEST, told), batch)


def kept_as_folded(home: Home) -> bytes:
    """The stored ledger once it was kept, which has the bytes of one that is folded anew."""
    counts = keep_ledger(home)
    kept = parquet_bytes(home.tables.read(CONTENT_LEDGER.name).combine_chunks())
    items = current_items(home)
    assert kept == parquet_bytes(items.cast(CONTENT_LEDGER.schema).combine_chunks())
    states = items["state"].to_pylist()
    assert (counts.rows, counts.present) == (len(states), states.count("present"))
    return kept


@given(_BATCHES, st.lists(st.integers(0, 5), max_size=3), st.sampled_from([2, 250_000]))
@settings(deadline=None, max_examples=20)
def test_what_is_kept_from_batch_to_batch_is_what_all_manifests_say(
    tmp_path_factory, made, again, most
) -> None:
    home = Home(tmp_path_factory.mktemp("home"))
    with pytest.MonkeyPatch.context() as patch:
        # few parts, and as many as there can be
        patch.setattr(table_parts, "PART_ROWS", most)
        for number, (source, rows) in enumerate(made):
            store_batch(home, number, source, rows)
            kept_as_folded(home)
        for number in again:  # a batch that is done again, with other rows
            if number < len(made):
                store_batch(home, number, made[number][0], made[-1][1])
                kept_as_folded(home)


def test_a_ledger_stands_until_something_changes_and_is_made_again_where_it_is_damaged(
    tmp_path, monkeypatch
) -> None:
    home = Home(tmp_path)
    folded = []
    fold = kept_ledger.fold_items
    monkeypatch.setattr(
        kept_ledger, "fold_items", lambda home, of: folded.append(of) or fold(home, of)
    )
    store_batch(home, 0, _SOURCES[0], [("b", "h1", EntryOutcome.ACCEPTED, None)])
    store_batch(home, 1, _SOURCES[1], [("a", "h1", EntryOutcome.ACCEPTED, None)])
    whole = kept_as_folded(home)
    folder, made_of = home.tables.path(CONTENT_LEDGER.name), home.tables.derived
    stands = home.tables.version(CONTENT_LEDGER.name)
    assert kept_as_folded(home) == whole
    assert (home.tables.version(CONTENT_LEDGER.name), len(folded)) == (stands, 1)

    store_batch(home, 2, _SOURCES[0], [("a", "h2", EntryOutcome.REJECTED, None)])
    whole = kept_as_folded(home)
    # no other batch than the new one was read for it
    assert [len(of) for of in folded[-1].values()] == [1]

    def spoil_part() -> None:
        part = min(folder.glob("*.parquet"))
        part.write_bytes(part.read_bytes()[:-40])

    def lose_part() -> None:
        part = min(folder.glob("*.parquet"))
        part.unlink()

    def name_twice() -> None:
        told = json.loads((folder / "_parts.json").read_text())["parts"]
        (folder / "_parts.json").write_text(json.dumps({"parts": [*told, *told]}))

    for spoil in (
        spoil_part,
        lose_part,
        lambda: (folder / "_parts.json").write_text('{"parts": [{"name": "../up", "rows": 1}]}'),
        lambda: (folder / "_parts.json").write_text("[" * 100_000),
        name_twice,
        (folder / "_parts.json").unlink,
        lambda: (made_of / "content_ledger.json").write_text("[]"),
    ):
        spoil()
        made = len(folded)
        assert kept_as_folded(home) == whole
        assert len(folded) == made + 1
    assert len(list(folder.glob("*.parquet"))) == 1


def test_a_batch_costs_a_part_of_its_own_rows_and_parts_stay_few(tmp_path, monkeypatch) -> None:
    home, folder = Home(tmp_path), Home(tmp_path).tables.path(CONTENT_LEDGER.name)
    monkeypatch.setattr(table_parts, "PART_ROWS", 8)
    before = set[Path]()
    sizes = []
    for number in range(20):
        store_batch(home, number, _SOURCES[0], [(f"{number}", "h", EntryOutcome.ACCEPTED, None)])
        kept_as_folded(home)
        parts = set(folder.glob("*.parquet"))
        (written,) = parts - before
        before = parts
        sizes.append(pq.ParquetFile(written).metadata.num_rows)
        # what another program finds in the folder is the table
        assert pq.read_table(folder).num_rows == number + 1
    assert max(sizes) == 8
    # 1, 2, 1, 4, 1, 2, 1, 8 rows and again
    assert (len(before), sum(sizes)) == (3, 48)
    kept = {path.stem for path in home.tables.derived.glob("ledger_items_1/*.json")}
    assert kept <= {path.stem for path in before}


def test_a_table_that_is_put_together_under_its_reader_is_read_whole(tmp_path, monkeypatch) -> None:
    home, read = Home(tmp_path), TableStore.read
    rows = [row(LedgerRow, item_id=f"{number:016x}") for number in range(4)]
    one, two, three, four = (rows_to_arrow(CONTENT_LEDGER, [one]) for one in rows)
    home.tables.write(CONTENT_LEDGER, pa.concat_tables([one, two]))
    home.tables.append(CONTENT_LEDGER, three)
    looks = []

    def joined_meanwhile(store, table, batch=None, columns=None):
        if batch is not None and not looks:
            looks.append(batch)
            home.tables.append(CONTENT_LEDGER, four)
            assert not store.exists(table, batch)
        return read(store, table, batch, columns)

    monkeypatch.setattr(TableStore, "read", joined_meanwhile)
    found = read(home.tables, CONTENT_LEDGER.name, columns=["versions", "item_id"])
    assert found.schema.names == ["versions", "item_id"]
    assert found["item_id"].to_pylist() == [one.item_id for one in rows]


def test_parts_from_before_a_column_was_declared_begin_as_the_others_do(tmp_path) -> None:
    tables = Home(tmp_path).tables
    one, two = (
        rows_to_arrow(CONTENT_LEDGER, [row(LedgerRow, item_id=f"{number:016x}")])
        for number in range(2)
    )
    tables.write(CONTENT_LEDGER, one)
    earlier = parquet_bytes(one.drop_columns(["computed_as"]))
    part = TablePart(f"part-{blake2b(earlier, digest_size=8).hexdigest()}", 1)
    tables.path(CONTENT_LEDGER.name, part.name).write_bytes(earlier)
    listed = tables.path(CONTENT_LEDGER.name) / "_parts.json"
    listed.write_text(json.dumps({"parts": [asdict(part)]}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table_parts, "joined_parts", lambda *_: 0)
        tables.append(CONTENT_LEDGER, two)
    first, count = tables.beginning(CONTENT_LEDGER.name, 5)
    assert (first["item_id"].to_pylist(), count) == ([f"{n:016x}" for n in range(2)], 2)
    assert first.schema.names == tables.read(CONTENT_LEDGER.name).schema.names


def test_a_home_of_before_parts_has_its_one_file_replaced(tmp_path) -> None:
    home = Home(tmp_path)
    store_batch(home, 0, _SOURCES[0], [("b", "h1", EntryOutcome.ACCEPTED, None)])
    before = home.tables.path(CONTENT_LEDGER.name).with_suffix(".parquet")
    before.parent.mkdir(exist_ok=True)
    before.write_bytes(parquet_bytes(current_items(home)))
    assert not home.tables.is_whole(CONTENT_LEDGER.name)
    kept_as_folded(home)
    assert home.tables.is_whole(CONTENT_LEDGER.name)
    assert not before.exists()


@pytest.mark.parametrize("grows", [False, True])
def test_bytes_that_rot_under_the_same_size_and_time_are_said_and_made_anew(
    tmp_path, caplog, monkeypatch, grows
) -> None:
    monkeypatch.setattr(damage, "_noticed", set())
    home = Home(tmp_path)
    store_batch(home, 0, _SOURCES[0], [("a", "h1", EntryOutcome.ACCEPTED, None)])
    kept = kept_as_folded(home)
    (path,) = home.tables.path(CONTENT_LEDGER.name).glob("*.parquet")
    stands, whole = path.stat(), path.read_bytes()
    middle = len(whole) // 2
    path.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
    os.utime(path, ns=(stands.st_atime_ns, stands.st_mtime_ns))
    if grows:
        store_batch(home, 1, _SOURCES[1], [("b", "h2", EntryOutcome.ACCEPTED, None)])
    grown = kept_as_folded(home)
    assert grows or grown == kept
    assert caplog.text.count("other bytes than were written") == 1


def test_a_manifest_that_could_not_be_read_once_is_in_the_ledger_the_next_time(
    tmp_path, monkeypatch
) -> None:
    home, batches = Home(tmp_path), []
    read = TableStore.read

    def failing(store, table, batch=None, columns=None):
        # what the ledger is folded from, not what is kept beside a manifest
        if batch == batches[-1] and tuple(columns or ()) == corpus_view._COLUMNS:
            raise DamagedFileError(store.path(table, batch), "cannot be read", "too many files")
        return read(store, table, batch, columns)

    for number, name in enumerate("ab"):
        store_batch(home, number, _SOURCES[0], [(name, "h1", EntryOutcome.ACCEPTED, None)])
        batches = home.tables.batches(CONTENT_MANIFEST.name)
        with monkeypatch.context() as patch:
            patch.setattr(TableStore, "read", failing)
            assert keep_ledger(home).rows == number
        kept_as_folded(home)
        assert keep_ledger(home).rows == number + 1


def test_of_two_that_keep_the_ledger_at_once_none_notes_what_the_other_wrote(
    tmp_path, monkeypatch
) -> None:
    home = Home(tmp_path)
    fold, note = kept_ledger.fold_items, kept_ledger._note
    folded, written = threading.Event(), threading.Event()

    def slow_fold(*of):
        found = fold(*of)
        if threading.current_thread() is first:
            folded.set()
            # time enough for the other one to write, unless it waits
            written.wait(0.5)
        return found

    def slow_note(*told) -> None:
        if threading.current_thread() is other:
            written.set()
            first.join()
        note(*told)

    monkeypatch.setattr(kept_ledger, "fold_items", slow_fold)
    monkeypatch.setattr(kept_ledger, "_note", slow_note)
    first, other = (threading.Thread(target=keep_ledger, args=(home,)) for _ in range(2))
    store_batch(home, 0, _SOURCES[0], [("a", "h1", EntryOutcome.ACCEPTED, None)])
    first.start()
    assert folded.wait(60.0)
    store_batch(home, 1, _SOURCES[0], [("b", "h1", EntryOutcome.ACCEPTED, None)])
    other.start()
    first.join()
    other.join()
    kept_as_folded(home)


def test_the_ledger_is_checked_by_what_each_manifest_names(tmp_path) -> None:
    home = Home(tmp_path)

    def counts() -> list[tuple[int, int]]:
        none = CONTENT_LEDGER.schema.empty_table()
        found = checks._check_items_in_ledger(Stored(home, None), none)
        return [(one.expected, one.found) for one in found]

    for number, source in enumerate(_SOURCES):
        rows = [("a", "h1", EntryOutcome.ACCEPTED, None), ("b", None, EntryOutcome.ACCEPTED, 3)]
        store_batch(home, number, source, rows)
        keep_ledger(home)
    # the rows of files with records are no items
    assert counts() == [(2, 2)]
    store_batch(home, 2, _SOURCES[0], [("c", "h1", EntryOutcome.ACCEPTED, None)])
    assert counts() == [(3, 2)]
    damaged = home.tables.path(CONTENT_MANIFEST.name, home.tables.batches(CONTENT_MANIFEST.name)[0])
    damaged.write_bytes(damaged.read_bytes()[:-40])
    keep_ledger(home)
    assert counts() == [(2, 2)]
