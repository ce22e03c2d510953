from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.content.batches import plan_batches
from orchestration_assets.content.changes import find_changes
from orchestration_assets.content.ledger import empty_ledger, extend_ledger
from orchestration_assets.schemas.enums import RejectReason
from orchestration_assets.schemas.policy import Batching
from tests.content.listings import NOW, SOURCE, Records, entries_of, listing
from tests.fuzzing import fuzz

DAY = timedelta(days=1)


def plan(found, limits=None, now=NOW, **options):
    changes = find_changes(found, empty_ledger(SOURCE))
    return plan_batches(entries_of(changes, found), limits or Batching(), now, **options)


def test_new_entries_become_one_batch_named_by_time_and_content() -> None:
    (batch,), _ = plan(listing({"a": (1, 1), "b": (2, 2)}))
    stamp, digest = batch.key.split("-")
    assert stamp == "20260102T030405Z"
    assert len(digest) == 8
    assert [entry.path for entry in batch.entries] == ["a", "b"]


def test_the_same_listing_twice_has_the_same_hash() -> None:
    found = listing({"a": (1, 1)})
    ((first,), _), ((second,), _) = plan(found), plan(found, now=NOW + DAY)
    assert first.key[-8:] == second.key[-8:]
    assert first.key != second.key


def test_what_is_known_is_not_planned_again() -> None:
    records = Records()
    files = {"a": (1, 1), "b": (2, 2)}
    records.look(listing(files))
    assert records.look(listing(files)) == []


@pytest.mark.parametrize("now", [(1, 9), (5, 1)])
def test_a_file_of_another_time_or_size_enters_again_alone(now) -> None:
    records = Records()
    records.look(listing({"a": (1, 1), "b": (2, 2)}))
    (batch,) = records.look(listing({"a": now, "b": (2, 2)}))
    assert [(e.path, e.size_bytes, e.modified_ns) for e in batch.entries] == [("a", *now)]


def test_a_deleted_file_is_recorded_as_gone_once() -> None:
    records = Records()
    records.look(listing({"a": (1, 1), "b": (2, 2)}))
    (batch,) = records.look(listing({"a": (1, 1)}))
    assert [(entry.path, entry.gone) for entry in batch.entries] == [("b", True)]
    assert records.look(listing({"a": (1, 1)})) == []


def test_what_is_gone_stands_before_what_is_new_so_that_a_move_shows_as_one() -> None:
    records = Records()
    records.look(listing({"z": (1, 1)}))
    (batch,) = records.look(listing({"a": (1, 1)}))
    assert [(entry.path, entry.gone) for entry in batch.entries] == [("z", True), ("a", False)]


def test_a_folder_that_could_not_be_listed_proves_nothing() -> None:
    records = Records()
    records.look(listing({"in/a": (1, 1), "out": (2, 2)}))
    (batch,) = records.look(listing({}, holes=("in/",)))
    assert [entry.path for entry in batch.entries] == ["out"]


def test_a_look_that_ended_early_proves_nothing_beyond_its_end() -> None:
    records = Records()
    records.look(listing({"a": (1, 1), "m": (1, 1), "z": (1, 1)}))
    found = listing({}, covered=(("k", "p"),), resume_at="p")
    (batch,) = records.look(found)
    assert [entry.path for entry in batch.entries] == ["m"]


def test_a_file_that_comes_back_unchanged_gets_a_new_batch() -> None:
    records = Records()
    (first,) = records.look(listing({"a": (1, 1)}))
    records.look(listing({}))
    (again,) = records.look(listing({"a": (1, 1)}))
    assert again.key[-8:] != first.key[-8:]


def test_another_source_is_left_alone() -> None:
    records = Records()
    records.look(listing({"a": (1, 1)}))
    other = extend_ledger(empty_ledger("file:///other"), records.kept)
    assert other.files.num_rows == 0


def test_a_file_just_written_is_left_until_it_has_settled() -> None:
    second = 1_000_000_000
    written = int(NOW.timestamp()) * second - second
    files = {"now": (1, written), "old": (1, written - 60 * second), "future": (1, 4 * written)}
    changes = find_changes(listing(files), empty_ledger(SOURCE), settle=timedelta(seconds=5))
    assert changes.files["path"].to_pylist() == ["future", "old"]
    assert changes.unsettled == 1
    later = listing(files, NOW + timedelta(seconds=10))
    again = find_changes(later, empty_ledger(SOURCE), settle=timedelta(seconds=5))
    assert (again.files.num_rows, again.unsettled) == (3, 0)


def test_what_failed_in_passing_is_tried_again_after_a_while_and_others_are_not() -> None:
    records = Records()
    files = {"locked": (1, 1), "binary": (1, 1)}
    failed = {"locked": RejectReason.UNREADABLE, "binary": RejectReason.BINARY}
    records.look(listing(files), failed=failed)
    assert records.look(listing(files, NOW + DAY / 2), retry_after=DAY) == []
    (batch,) = records.look(listing(files, NOW + DAY), retry_after=DAY)
    assert [entry.path for entry in batch.entries] == ["locked"]
    # this time it could be read
    assert records.look(listing(files, NOW + 3 * DAY), retry_after=DAY) == []


def test_what_was_unreadable_is_tried_again_once_its_permissions_change() -> None:
    records = Records()
    records.look(listing({"a": (1, 1)}), failed={"a": RejectReason.UNREADABLE})
    found = listing({"a": (1, 1)})
    changed = found.entries.set_column(4, found.entries.schema.field(4), [[7]])
    (batch,) = records.look(type(found)(SOURCE, NOW, changed))
    assert [entry.path for entry in batch.entries] == ["a"]


@pytest.mark.parametrize(
    ("limits", "sizes"),
    [(Batching(max_items=2), [2, 2, 1]), (Batching(max_bytes=25), [2, 2, 1])],
)
def test_a_batch_closes_at_its_caps(limits, sizes) -> None:
    planned, left = plan(listing(dict.fromkeys("abcde", (10, 1))), limits)
    assert ([len(b.entries) for b in planned], left) == (sizes, 0)


def test_a_batch_that_is_not_full_waits_when_it_may() -> None:
    limits = Batching(max_items=2)
    planned, left = plan(listing(dict.fromkeys("abcde", (10, 1))), limits, close=False)
    assert ([len(b.entries) for b in planned], left) == ([2, 2], 1)


def test_an_entry_beyond_the_byte_cap_gets_a_batch_of_its_own() -> None:
    found = listing({"a": (1, 1), "b": (99, 1), "c": (1, 1)})
    planned, _ = plan(found, Batching(max_bytes=10))
    assert [[entry.path for entry in batch.entries] for batch in planned] == [["a"], ["b"], ["c"]]


names = ["a", "b", "d/a", "d/b", "e"]
folders = st.dictionaries(
    st.sampled_from(names), st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=5
)
# what a look sees of the folder: all, all but a hole, or a span of it
views = st.sampled_from(
    [
        {},
        {"holes": ("d/",)},
        {"covered": (("b", "e"),), "resume_at": "e"},
        {"covered": (("d/b", None), ("", "b")), "resume_at": "b"},
        {"covered": (), "resume_at": ""},
    ]
)


@fuzz
@given(st.lists(st.tuples(folders, views), max_size=7), st.integers(1, 4))
def test_any_history_of_looks_keeps_exactly_what_was_last_proven(history, cap) -> None:
    """Add, change, delete, move, failed and partial listings: no entry is lost or invented."""
    records = Records()
    proven: dict[str, tuple[int, int]] = {}
    listed_rows = 0
    for files, view in history:
        whole = listing(files, **view)
        seen = {name: facts for name, facts in files.items() if whole.proves_absence(name)}
        batches = records.look(listing(seen, **view), Batching(max_items=cap))
        assert all(len(batch.entries) <= cap for batch in batches)
        listed_rows += sum(len(batch.entries) for batch in batches)
        kept = {name: facts for name, facts in proven.items() if not whole.proves_absence(name)}
        proven = kept | seen
        assert records.known() == proven
        assert records.look(listing(seen, **view), Batching(max_items=cap)) == []
    keys = [key for key, *_ in records.kept]
    assert len(set(keys)) == len(keys)
    assert listed_rows == sum(entries.num_rows for _, entries, _ in records.kept)
