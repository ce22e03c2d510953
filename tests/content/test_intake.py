"""From real folders to batches and manifests: nothing lost, whatever happens in between."""

import gzip
import json
import multiprocessing
import os
import shutil
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration_assets.content.content_reader import ContentReader, SupersededError
from orchestration_assets.content.corpus_view import current_items
from orchestration_assets.content.intake import IntakeOptions, take_in
from orchestration_assets.content.ledger import read_ledger
from orchestration_assets.content.manifest_builder import complete_index, make_manifest
from orchestration_assets.progress import SilentProgress
from orchestration_assets.schemas.policy import Batching, Content, Records
from orchestration_assets.schemas.source_urls import file_address
from orchestration_assets.schemas.tables import CONTENT_LEDGER, CONTENT_MANIFEST, ManifestRow
from resources.content_source import ListingBudget
from resources.home import Home
from resources.table_store import BatchStore
from tests.forked import forked

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
RECORDS = (
    Records(files="*.jsonl", text="text", id="id"),
    Records(files="*.jsonl.gz", text="text"),
    Records(files="*.csv", text="text"),
    Records(files="*.parquet", text="text"),
)


class Intakes:
    """One home, one source, a clock that moves on by a second a look."""

    def __init__(self, home: Path, source: Path, **content) -> None:
        self.home = home
        self.source = source
        self.content = Content(records=RECORDS, **content)
        self.now = NOW

    def look(self, look: IntakeOptions | None = None):
        self.now += timedelta(seconds=1)
        return take_in(Home(self.home), str(self.source), self.content, self.now, look)

    def manifest(self, batch: str) -> list[ManifestRow]:
        table = make_manifest(Home(self.home), batch, self.content, SilentProgress())
        Home(self.home).tables.write(CONTENT_MANIFEST, table, batch)
        return list(CONTENT_MANIFEST.rows(table))

    def take(self) -> list[ManifestRow]:
        """A look, and the manifests of all that it recorded."""
        return [row for batch in self.look().recorded for row in self.manifest(batch)]

    def reader(self, batch: str) -> ContentReader:
        return ContentReader(Home(self.home), Home(self.home).batches.source(batch))


@pytest.fixture
def source(tmp_path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    return folder


def lines(*records: object) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def outcomes(rows: list[dict]) -> Counter:
    return Counter(row.outcome for row in rows)


def states(home: Path) -> dict[str, str]:
    return {row.path: row.state for row in CONTENT_LEDGER.rows(current_items(Home(home)))}


def test_records_of_every_format_become_items_that_can_be_read_again(source, home) -> None:
    (source / "a.jsonl").write_text(lines({"id": 1, "text": "one"}, {"id": 2, "text": "two"}))
    with gzip.open(source / "b.jsonl.gz", "wt") as packed:
        packed.write(lines({"text": "three"}, {"text": "one"}))
    (source / "c.csv").write_text('n,text\n1,"four\nlines"\n2,\n')
    pq.write_table(pa.table({"text": ["five", None]}), source / "d.parquet")
    (source / "e.txt").write_text("six")
    intakes = Intakes(home, source)
    (batch,) = intakes.look().recorded
    rows = intakes.manifest(batch)
    assert outcomes(rows) == {"unpacked": 4, "accepted": 6, "duplicate": 1, "rejected": 2}
    with intakes.reader(batch) as reader:
        read = [reader.text(row) for row in rows if row.outcome == "accepted"]
    assert sorted(read) == ["five", "four\nlines", "one", "six", "three", "two"]
    paths = {row.path for row in rows if row.outcome == "accepted"}
    assert paths == {"a.jsonl#1", "a.jsonl#2", "b.jsonl.gz#1", "c.csv#1", "d.parquet#1", "e.txt"}


def open_files() -> int:
    return sum(1 for _ in Path("/dev/fd").iterdir())


def test_records_of_any_number_of_files_are_read_with_few_of_them_open(source, home) -> None:
    for number in range(120):
        (source / f"a{number}.jsonl").write_text(lines({"id": number, "text": f"one {number}"}))
        pq.write_table(pa.table({"text": [f"two {number}"]}), source / f"b{number}.parquet")
    intakes = Intakes(home, source)
    (batch,) = intakes.look().recorded
    rows = [row for row in intakes.manifest(batch) if row.outcome == "accepted"]
    before = open_files()
    with intakes.reader(batch) as reader:
        read = {reader.text(row) for row in rows}
        # what was closed meanwhile is opened again
        assert {reader.text(row) for row in reversed(rows)} == read
        assert open_files() <= before + 32
    assert len(read) == 240
    assert open_files() <= before


def test_a_batch_record_of_another_home_is_left_out_and_blocks_nothing(
    source, home, tmp_path, caplog
) -> None:
    (source / "a.txt").write_text("one")
    intakes = Intakes(home, source)
    (batch,) = intakes.look().recorded
    intakes.manifest(batch)
    (other := tmp_path / "other").mkdir()
    (other / "z.txt").write_text("another")
    (foreign,) = Intakes(tmp_path / "home2", other).look().recorded
    strange = tmp_path / "home2" / "batches" / f"{foreign}.parquet"
    (home / "batches" / f"{batch}.parquet").write_bytes(strange.read_bytes())
    # the index of content is a cache: where it is made again, it meets the strange record
    moved = tmp_path / "moved"
    shutil.copytree(home, moved, ignore=shutil.ignore_patterns("cache"))
    (source / "b.txt").write_text("two")
    assert "accepted" in outcomes(Intakes(moved, source).take())
    assert batch not in complete_index(Home(moved)).included()
    assert "does not list what its manifest holds; delete it" in caplog.text


def test_a_large_record_file_fills_batches_and_loses_nothing(source, home) -> None:
    texts = [f"text number {n}" for n in range(100)]
    (source / "a.jsonl").write_text(lines(*({"id": n, "text": t} for n, t in enumerate(texts))))
    intakes = Intakes(home, source, batch=Batching(max_items=30))
    rows = intakes.take()
    assert len(Home(home).batches.recorded()) == 4
    assert outcomes(rows) == {"unpacked": 4, "accepted": 100}
    assert intakes.look().recorded == ()


def test_one_edited_record_is_one_accepted_item_and_a_removed_one_is_gone(source, home) -> None:
    intakes = Intakes(home, source)
    file = source / "a.jsonl"
    file.write_text(lines(*({"id": n, "text": f"text {n}"} for n in range(5))))
    intakes.take()
    file.write_text(lines(*({"id": n, "text": f"text {n}{'!' * (n == 3)}"} for n in range(1, 5))))
    assert outcomes(intakes.take()) == {"unpacked": 1, "accepted": 1, "unchanged": 3}
    assert states(home) == {
        "a.jsonl#0": "gone",
        **{f"a.jsonl#{n}": "present" for n in range(1, 5)},
    }
    versions = {row.path: row.versions for row in CONTENT_LEDGER.rows(current_items(Home(home)))}
    assert versions["a.jsonl#3"] == 2
    file.unlink()
    assert outcomes(intakes.take()) == {"gone": 1}
    assert set(states(home).values()) == {"gone"}


def test_an_id_that_stands_twice_is_rejected_once_wherever_it_stands(source, home) -> None:
    records = [{"id": n % 4, "text": f"text {n}"} for n in range(6)]
    (source / "a.jsonl").write_text(lines(*records))
    rows = Intakes(home, source, batch=Batching(max_items=3)).take()
    assert outcomes(rows) == {"unpacked": 2, "accepted": 4, "rejected": 2}
    assert {row.reason for row in rows if row.outcome == "rejected"} == {"repeated_id"}
    items = [row.item_id for row in rows]
    assert len(set(items)) == len(items)


def test_a_look_cut_short_inside_a_record_file_goes_on_where_it_stopped(source, home) -> None:
    (source / "a.jsonl").write_text(lines(*({"id": n, "text": f"text {n}"} for n in range(50))))
    (source / "b.txt").write_text("plain")
    intakes = Intakes(home, source, batch=Batching(max_items=20))
    start, unfinished = "", []
    for _ in range(12):
        found = intakes.look(IntakeOptions(ListingBudget(-1), start))
        start = found.listing.resume_at or ""
        unfinished.append(found.unfinished)
    assert any(unfinished) and not unfinished[-1]
    rows = [row for batch in Home(home).batches.recorded() for row in intakes.manifest(batch)]
    assert outcomes(rows) == {"unpacked": 3, "accepted": 51}
    assert intakes.look().recorded == ()


def test_a_look_that_died_between_batches_leaves_the_rest_to_the_next(
    source, home, monkeypatch
) -> None:
    (source / "a.jsonl").write_text(lines(*({"id": n, "text": f"text {n}"} for n in range(50))))
    for n in range(30):
        (source / f"{n:02}.txt").write_text(f"file {n}")
    intakes = Intakes(home, source, batch=Batching(max_items=20))
    write = BatchStore.write
    written: list[str] = []

    def dies(self, batch, entries):
        if len(written) == 3:
            raise KeyboardInterrupt
        written.append(batch)
        write(self, batch, entries)

    monkeypatch.setattr(BatchStore, "write", dies)
    with pytest.raises(KeyboardInterrupt):
        intakes.look()
    monkeypatch.undo()
    intakes.look()
    rows = [row for batch in Home(home).batches.recorded() for row in intakes.manifest(batch)]
    assert outcomes(rows)["accepted"] == 80
    assert intakes.look().recorded == ()


def _look(home: Path, source: Path, answer) -> None:
    content = Content(records=RECORDS, batch=Batching(max_items=10))
    answer.send(take_in(Home(home), str(source), content, datetime.now(UTC)).recorded)


def test_two_looks_at_once_record_everything_once(source, home) -> None:
    for n in range(95):
        (source / f"{n:02}.txt").write_text(f"file {n}")
    pipes = [multiprocessing.Pipe() for _ in range(3)]
    looks = [forked(_look, home, source, end) for _, end in pipes]
    recorded = [key for mine, _ in pipes for key in mine.recv()]
    for one in looks:
        one.join()
    assert sorted(recorded) == Home(home).batches.recorded()
    items = [i for key in recorded for i in Home(home).batches.read(key)["item_id"].to_pylist()]
    assert len(items) == len(set(items)) == 95


def test_content_that_changes_after_the_manifest_is_never_mixed_in(source, home) -> None:
    (source / "a.txt").write_text("before")
    (source / "b.jsonl").write_text(lines({"id": 1, "text": "before too"}))
    intakes = Intakes(home, source)
    (batch,) = intakes.look().recorded
    rows = [row for row in intakes.manifest(batch) if row.outcome == "accepted"]
    (source / "a.txt").write_text("after!")
    (source / "b.jsonl").write_text(lines({"id": 1, "text": "after that"}))
    with intakes.reader(batch) as reader:
        for row in rows:
            with pytest.raises(SupersededError):
                reader.text(row)
    assert outcomes(intakes.take())["accepted"] == 2


def test_a_record_file_that_changes_before_its_manifest_comes_again_whole(source, home) -> None:
    file = source / "a.jsonl"
    file.write_text(lines({"id": 1, "text": "one"}, {"id": 2, "text": "two"}))
    intakes = Intakes(home, source)
    (batch,) = intakes.look().recorded
    file.write_text(lines({"id": 1, "text": "one"}))
    assert outcomes(intakes.manifest(batch)) == {"superseded": 1}
    assert outcomes(intakes.take()) == {"unpacked": 1, "accepted": 1}


def test_kept_content_is_read_even_when_the_source_is_gone(source, home) -> None:
    (source / "a.txt").write_text("kept")
    (source / "b.jsonl").write_text(lines({"id": 1, "text": "kept too"}))
    intakes = Intakes(home, source, keep=True)
    (batch,) = intakes.look().recorded
    rows = [row for row in intakes.manifest(batch) if row.outcome == "accepted"]
    (source / "a.txt").write_text("changed since")
    (source / "b.jsonl").unlink()
    with intakes.reader(batch) as reader:
        assert sorted(reader.text(row) for row in rows) == ["kept", "kept too"]


def test_an_unreadable_record_file_is_one_rejected_entry_with_the_reason(source, home) -> None:
    (source / "a.jsonl.gz").write_bytes(b"not gzip at all")
    (source / "b.parquet").write_bytes(b"not parquet at all")
    (source / "c.csv").write_text("id,body\n1,x\n")
    rows = Intakes(home, source).take()
    assert outcomes(rows) == {"rejected": 3}
    assert {row.reason for row in rows} == {"malformed"}
    assert all(row.detail for row in rows)


def test_plain_copies_of_earlier_versions_are_removed(source, home) -> None:
    intakes = Intakes(home, source)
    for version in (1, 2):
        with gzip.open(source / "a.jsonl.gz", "wt") as packed:
            packed.write(lines({"text": f"version {version} of it"}))
        os.utime(source / "a.jsonl.gz", (version, version))
        intakes.take()
    copies = list((home / "content" / "unpacked").iterdir())
    assert len(copies) == 1
    (source / "a.jsonl.gz").unlink()
    intakes.take()
    assert list((home / "content" / "unpacked").iterdir()) == []


def test_the_index_and_the_ledger_are_made_again_from_the_manifests_alone(source, home) -> None:
    intakes = Intakes(home, source, batch=Batching(max_items=2))
    for n in range(24):
        (source / f"{n}.txt").write_text(f"content {n % 20}")
    (source / "a.jsonl").write_text(lines({"id": 1, "text": "content 3"}))
    intakes.take()
    address = file_address(source.resolve())
    before = read_ledger(Home(home), address).files
    snapshot = list((home / "ledger").iterdir())
    assert snapshot, "enough batches are finished for a snapshot"
    for path in snapshot:
        path.write_bytes(b"damaged")
    assert read_ledger(Home(home), address).files.equals(before)
    known = complete_index(Home(home)).included()
    assert known == set(Home(home).batches.recorded())
    moved = Intakes(home.rename(home.with_name("moved")), source)
    index = moved.home / "cache" / "content"
    for path in index.iterdir():
        path.unlink()
    (source / "new.txt").write_text("content 5")
    assert outcomes(moved.take()) == {"duplicate": 1}


def test_a_record_put_in_where_no_ids_are_changes_no_other(source, home) -> None:
    content = Content(records=(Records(files="*", text="text"),))
    file = source / "a.jsonl"
    file.write_text(lines(*({"text": f"text {n}"} for n in range(9))))
    intakes = Intakes(home, source)
    intakes.content = content
    before = {row.item_id for row in intakes.take() if row.outcome == "accepted"}
    texts = ["new", *(f"text {n}" for n in range(9) if n != 4), "text 7"]
    file.write_text(lines(*({"text": text} for text in texts)))
    rows = intakes.take()
    assert outcomes(rows) == {"unpacked": 1, "accepted": 1, "unchanged": 8, "duplicate": 1}
    assert "known by its text" in next(r.detail for r in rows if r.outcome == "unpacked")
    items = list(CONTENT_LEDGER.rows(current_items(Home(home))))
    assert {row.versions for row in items} == {1}
    gone = {row.item_id for row in items if row.state == "gone"}
    assert gone < before
    assert len(gone) == 1
