from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.content.batches import plan_batches
from orchestration_assets.content.ledger import build_ledger
from orchestration_assets.schemas.policy import Batching
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import BATCH_ENTRIES
from resources.content_source import ListedEntry, Listing

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SOURCE = "file:///s"


def listing(files: dict[str, tuple[int, int]], complete: bool = True) -> Listing:
    entries = (ListedEntry(f"{SOURCE}/{n}", n, *facts) for n, facts in sorted(files.items()))
    return Listing(SOURCE, tuple(entries), complete, 0, ())


class Records:
    """Batch records kept in memory, as the home keeps them on disk."""

    def __init__(self) -> None:
        self.kept: list[tuple[str, pa.Table]] = []
        self.now = NOW

    def look(self, found: Listing, limits: Batching | None = None):
        self.now += timedelta(seconds=1)
        ledger = build_ledger(self.kept, SOURCE)
        batches = plan_batches(found, ledger, limits or Batching(), self.now)
        self.kept += [(b.key, rows_to_arrow(BATCH_ENTRIES, b.entries)) for b in batches]
        return batches


def test_new_entries_become_one_batch_named_by_time_and_content() -> None:
    (batch,) = plan_batches(listing({"a": (1, 1), "b": (2, 2)}), {}, Batching(), NOW)
    stamp, digest = batch.key.split("-")
    assert stamp == "20260102T030405Z"
    assert len(digest) == 8
    assert [entry.path for entry in batch.entries] == ["a", "b"]


def test_the_same_listing_twice_has_the_same_hash() -> None:
    found = listing({"a": (1, 1)})
    (first,) = plan_batches(found, {}, Batching(), NOW)
    (second,) = plan_batches(found, {}, Batching(), NOW + timedelta(days=1))
    assert first.key[-8:] == second.key[-8:]


def test_what_is_known_is_not_planned_again() -> None:
    records = Records()
    files = {"a": (1, 1), "b": (2, 2)}
    records.look(listing(files))
    assert records.look(listing(files)) == []


def test_a_changed_file_enters_again_alone() -> None:
    records = Records()
    records.look(listing({"a": (1, 1), "b": (2, 2)}))
    (batch,) = records.look(listing({"a": (1, 9), "b": (2, 2)}))
    assert [(entry.path, entry.modified_ns) for entry in batch.entries] == [("a", 9)]


def test_a_deleted_file_is_recorded_as_gone_once() -> None:
    records = Records()
    records.look(listing({"a": (1, 1), "b": (2, 2)}))
    (batch,) = records.look(listing({"a": (1, 1)}))
    assert [(entry.path, entry.gone) for entry in batch.entries] == [("b", True)]
    assert records.look(listing({"a": (1, 1)})) == []


def test_an_incomplete_listing_is_never_read_as_deletion() -> None:
    records = Records()
    records.look(listing({"a": (1, 1), "b": (2, 2)}))
    assert records.look(listing({}, complete=False)) == []


def test_a_file_that_comes_back_unchanged_gets_a_new_batch() -> None:
    records = Records()
    (first,) = records.look(listing({"a": (1, 1)}))
    records.look(listing({}))
    (again,) = records.look(listing({"a": (1, 1)}))
    assert again.key[-8:] != first.key[-8:]


def test_another_source_is_left_alone() -> None:
    records = Records()
    records.look(listing({"a": (1, 1)}))
    other = Listing("file:///other", (), True, 0, ())
    ledger = build_ledger(records.kept, "file:///other")
    assert plan_batches(other, ledger, Batching(), NOW) == []


@pytest.mark.parametrize(
    ("limits", "sizes"),
    [(Batching(max_items=2), [2, 2, 1]), (Batching(max_bytes=25), [2, 2, 1])],
)
def test_a_batch_closes_at_its_caps(limits, sizes) -> None:
    found = listing(dict.fromkeys("abcde", (10, 1)))
    assert [len(b.entries) for b in plan_batches(found, {}, limits, NOW)] == sizes


def test_an_entry_beyond_the_byte_cap_gets_a_batch_of_its_own() -> None:
    found = listing({"a": (1, 1), "b": (99, 1), "c": (1, 1)})
    planned = plan_batches(found, {}, Batching(max_bytes=10), NOW)
    assert [[entry.path for entry in batch.entries] for batch in planned] == [["a"], ["b"], ["c"]]


folders = st.dictionaries(
    st.sampled_from("abcdef"), st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=6
)


@given(st.lists(st.tuples(folders, st.booleans()), max_size=6), st.integers(1, 4))
def test_any_history_of_listings_leaves_the_ledger_equal_to_the_last_complete_one(
    history, cap
) -> None:
    records = Records()
    limits = Batching(max_items=cap)
    present: dict[str, tuple[int, int]] = {}
    for files, complete in history:
        batches = records.look(listing(files, complete), limits)
        assert all(len(batch.entries) <= cap for batch in batches)
        present = files if complete else present | files
    ledger = build_ledger(records.kept, SOURCE)
    known = {e.path: (e.size_bytes, e.modified_ns) for e in ledger.values() if not e.gone}
    assert known == present
    keys = [key for key, _ in records.kept]
    assert len(set(keys)) == len(keys)
