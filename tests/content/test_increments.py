"""Record files that grow or change: what stands in them byte for byte is not read again."""

import csv
import io
import json
import tempfile
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration_assets.content.corpus_view import current_items
from orchestration_assets.content.intake import IntakeOptions
from orchestration_assets.content.item_lookup import finder
from orchestration_assets.content.kept_ledger import keep_ledger
from orchestration_assets.content.ledger import read_ledger
from orchestration_assets.content.manifest_builder import complete_index
from orchestration_assets.schemas.policy import Batching, Records
from orchestration_assets.schemas.tables import (
    CONTENT_LEDGER,
    CONTENT_MANIFEST,
    ManifestRow,
    accepted_items,
    weighed_counts,
)
from resources.content_source import ListingBudget
from resources.home import Home
from tests.content.test_intake import Intakes, lines, outcomes, states

RECORDS = (
    Records(files="*.jsonl", text="text", id="id"),
    Records(files="*.csv", text="text", id="id"),
)


@pytest.fixture
def source(tmp_path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    return folder


class Growing(Intakes):
    """Small pieces, and ids in every file of records."""

    def __init__(self, home: Path, source: Path, **content) -> None:
        super().__init__(home, source, **{"batch": Batching(max_items=10), **content})
        self.content = self.content.model_copy(update={"records": RECORDS})

    def counts(self, batch: str) -> dict[str, int]:
        return weighed_counts(Home(self.home).tables.read(CONTENT_MANIFEST.name, batch), "outcome")


def numbered(*numbers: int) -> str:
    return lines(*({"id": n, "text": f"text {n}"} for n in numbers))


def weight(rows: list[ManifestRow]) -> Counter:
    total: Counter[str] = Counter()
    for row in rows:
        total[row.outcome] += 1 if row.record_count is None else row.record_count
    return total


def test_a_record_appended_costs_its_own_batch_and_every_record_is_accounted_for(
    source, home
) -> None:
    intakes, file = Growing(home, source), source / "a.jsonl"
    file.write_text(numbered(*range(25)) + "not json\n\n")
    intakes.take()
    for appended in range(100, 103):
        with file.open("a") as grown:
            grown.write(numbered(appended))
        (batch,) = intakes.look().recorded
        rows = intakes.manifest(batch)
        assert outcomes(rows) == {"unchanged": 1, "rejected": 2, "unpacked": 1, "accepted": 1}
        known = 25 + appended - 100
        assert weight(rows) == {"unchanged": known, "rejected": 2, "unpacked": 1, "accepted": 1}
        assert intakes.counts(batch) == {
            "unchanged": known,
            "rejected": 2,
            "unpacked": 1,
            "accepted": 1,
        }
    present = [path for path, state in states(home).items() if state == "present"]
    assert sorted(present) == sorted(f"a.jsonl#{n}" for n in (*range(25), 100, 101, 102))
    assert not any(state == "gone" for state in states(home).values())


def test_a_file_that_was_only_touched_is_one_row(source, home) -> None:
    intakes, file = Growing(home, source), source / "a.jsonl"
    file.write_text(numbered(*range(25)))
    intakes.take()
    file.touch()
    (row,) = intakes.take()
    assert (row.outcome, row.record_count) == ("unchanged", 25)
    assert set(states(home).values()) == {"present"}


def test_an_unchanged_record_is_found_and_read_where_its_batch_holds_it(source, home) -> None:
    intakes, file = Growing(home, source), source / "a.jsonl"
    file.write_text(numbered(*range(25)))
    first = intakes.look().recorded
    for batch in first:
        intakes.manifest(batch)
    with file.open("a") as grown:
        grown.write(numbered(99))
    intakes.take()
    tables = Home(home).tables
    (item,) = finder(tables)(["a.jsonl#3"])["a.jsonl#3"]
    assert list(item.versions) == [first[0]]
    with intakes.reader(first[0]) as reader:
        texts = [
            reader.text(row) for row in accepted_items(tables.read(CONTENT_MANIFEST.name, first[0]))
        ]
    assert texts == [f"text {n}" for n in range(10)]


def test_an_id_that_an_unchanged_record_has_is_rejected_when_it_is_appended(source, home) -> None:
    intakes, file = Growing(home, source), source / "a.jsonl"
    file.write_text(numbered(*range(25)))
    intakes.take()
    with file.open("a") as grown:
        grown.write(lines({"id": 3, "text": "another"}))
    rows = intakes.take()
    assert weight(rows) == {"unchanged": 25, "unpacked": 1, "rejected": 1}
    assert {row.reason for row in rows if row.reason} == {"repeated_id"}
    assert states(home)["a.jsonl#3"] == "present"


def test_a_repeated_id_is_accepted_once_the_record_that_had_it_is_gone(source, home) -> None:
    intakes, file = Growing(home, source), source / "a.jsonl"
    file.write_text(numbered(*range(10)) + lines({"id": 3, "text": "another"}))
    one, other = intakes.look().recorded
    # the later piece is settled first, and has the id
    rows = [row for batch in (other, one) for row in intakes.manifest(batch)]
    assert weight(rows)["rejected"] == 1
    file.write_text(numbered(*range(10)))
    assert weight(intakes.take())["rejected"] == 0
    assert states(home)["a.jsonl#3"] == "present"


@pytest.mark.parametrize(
    "changed",
    [
        b"id,text\n0,text 0\n1,text 1\n",
        b"id,text\n0,text 0\n1,other\n2,x\n",
        b"tx,text\n0,text 0\n1,text 1\n2,x\n",
        b"text,id\n0,text 0\n1,text 1\n",
        b"id,text\n0,text 0\n1,text 1\nx",
    ],
)
def test_whatever_became_of_a_csv_file_its_records_are_those_of_a_fresh_home(
    source, home, tmp_path, changed
) -> None:
    intakes, file = Growing(home, source, batch=Batching(max_items=1)), source / "a.csv"
    file.write_bytes(b"id,text\n0,text 0\n1,text 1\nx")
    intakes.take()
    file.write_bytes(changed)
    intakes.take()
    fresh = Growing(tmp_path / "fresh", source, batch=Batching(max_items=1))
    fresh.take()
    assert present(home) == present(fresh.home)


def present(home: Path) -> dict[str, tuple[str, str | None]]:
    """What the corpus holds: the state and content of each record by its address."""
    return {
        row.address: (row.state, row.content_hash)
        for row in CONTENT_LEDGER.rows(current_items(Home(home)))
        # a rejected record is known by its place, which need not be there any more
        if row.state == "present"
    }


texts = st.sampled_from(["one", "two", 'with "quotes"\nand lines', "", "é"])
records = st.lists(st.tuples(st.integers(0, 12), texts), max_size=12)


def as_jsonl(rows: list[tuple[int, str]], *, ends: bool) -> bytes:
    data = "".join(
        # a text that is empty stands for a line that is no record
        (json.dumps({"id": n, "text": text}) if text else "bad") + "\n"
        for n, text in rows
    ).encode()
    return data if ends else data[:-1]


def as_csv(rows: list[tuple[int, str]], *, ends: bool) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["id", "text"])
    writer.writerows(rows)
    data = out.getvalue().encode()
    return data if ends else data[:-1]


@st.composite
def histories(draw) -> list[list[tuple[int, str]]]:
    """Versions of one file: appended to, edited, cut, or written anew."""
    version = draw(records)
    versions = [version]
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(["append", "edit", "cut", "insert", "new"]))
        version = list(version)
        if kind == "append":
            version += draw(records)
        elif kind == "new":
            version = draw(records)
        elif version:
            at = draw(st.integers(0, len(version) - 1))
            if kind == "edit":
                version[at] = (version[at][0], draw(texts))
            elif kind == "cut":
                del version[at : at + draw(st.integers(1, 4))]
            else:
                version[at:at] = draw(records)
        versions.append(version)
    return versions


@settings(deadline=None, max_examples=15)
@given(histories(), st.sampled_from([as_jsonl, as_csv]), st.data())
def test_any_history_of_a_file_leaves_what_a_fresh_home_would_hold(versions, write, data) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source, home, fresh = (Path(folder) / name for name in ("source", "home", "fresh"))
        source.mkdir()
        file = source / ("a.jsonl" if write is as_jsonl else "a.csv")
        intakes = Growing(home, source, batch=Batching(max_items=3))
        for version in versions:
            file.write_bytes(write(version, ends=data.draw(st.booleans())))
            rows = take_in_parts(intakes) if data.draw(st.booleans()) else intakes.take()
            keep_ledger(Home(home))
            counted = weight(rows)
            read = sum(counted.values()) - counted["unpacked"]
            has_file_row = any(row.entry_id == row.item_id and row.reason for row in rows)
            if rows and not has_file_row:
                assert read == len(version), "every record has one outcome in every look"
            assert len({(row.batch, row.item_id) for row in rows}) == len(rows)
        anew = Growing(fresh, source, batch=Batching(max_items=3))
        anew.take()
        assert present(home) == present(fresh)
        kept = Home(home).tables.read(CONTENT_LEDGER.name)
        assert kept.equals(current_items(Home(home)))
        before = read_ledger(Home(home), file_url(source)).pieces()
        for snapshot in Home(home).ledgers.glob("*"):
            snapshot.unlink()
        assert read_ledger(Home(home), file_url(source)).pieces() == before
        assert complete_index(Home(home)).included() == set(Home(home).batches.recorded())


def file_url(source: Path) -> str:
    return f"file://{source}"


def take_in_parts(intakes: Intakes) -> list[ManifestRow]:
    """A look that its budget ends after every piece, as often as it takes."""
    rows: list[ManifestRow] = []
    start = ""
    while True:
        found = intakes.look(IntakeOptions(ListingBudget(-1), start))
        start = found.listing.resume_at or ""
        rows += [row for batch in found.recorded for row in intakes.manifest(batch)]
        if not found.unfinished and not start:
            return rows


def test_what_a_killed_run_has_not_read_is_not_taken_for_known(source, home) -> None:
    intakes, file = Growing(home, source), source / "a.jsonl"
    file.write_text(numbered(*range(25)))
    killed = intakes.look().recorded
    intakes.manifest(killed[0])
    with file.open("a") as grown:
        grown.write(numbered(99))
    rows = intakes.take()
    assert weight(rows) == {"unchanged": 10, "unpacked": 2, "accepted": 16}
    late = [row for batch in killed[1:] for row in intakes.manifest(batch)]
    assert outcomes(late) == {"superseded": 2}
    with file.open("a") as grown:
        grown.write(numbered(100))
    assert weight(intakes.take()) == {"unchanged": 26, "unpacked": 1, "accepted": 1}
    expected = [f"a.jsonl#{n}" for n in (*range(25), 99, 100)]
    assert sorted(p for p, s in states(home).items() if s == "present") == sorted(expected)


def test_another_declaration_reads_every_record_again(source, home) -> None:
    intakes, file = Growing(home, source), source / "a.jsonl"
    file.write_text(numbered(*range(5)))
    intakes.take()
    other = (Records(files="*.jsonl", text="text", id="id", metadata=("id",)),)
    intakes.content = intakes.content.model_copy(update={"records": other})
    with file.open("a") as grown:
        grown.write(numbered(99))
    assert outcomes(intakes.take()) == {"unchanged": 5, "accepted": 1, "unpacked": 1}


def test_a_home_of_before_pieces_were_known_goes_on_and_reads_its_files_once_more(
    source, home
) -> None:
    intakes, file = Growing(home, source), source / "a.jsonl"
    file.write_text(numbered(*range(5)))
    intakes.take()
    later = {"record_count", "piece_hash", "unchanged", "rejected"}
    for path in (home / "batches", home / "tables" / CONTENT_MANIFEST.name):
        for stored in path.glob("*.parquet"):
            table = pq.read_table(stored)
            pq.write_table(table.drop_columns(sorted(later & set(table.schema.names))), stored)
    with file.open("a") as grown:
        grown.write(numbered(99))
    assert outcomes(intakes.take()) == {"unchanged": 5, "accepted": 1, "unpacked": 1}
    with file.open("a") as grown:
        grown.write(numbered(100))
    rows = intakes.take()
    assert outcomes(rows) == {"unchanged": 1, "accepted": 1, "unpacked": 1}
    assert weight(rows)["unchanged"] == 6
    assert set(states(home).values()) == {"present"}
