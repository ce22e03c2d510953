from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.content.intake import Intake
from orchestration_assets.content.source_watcher import (
    MAX_ATTEMPTS,
    SourceMemory,
    WatcherCursor,
    plan_runs,
)
from tests.content.listings import NOW, listing

WAIT = timedelta(seconds=60)


def intake(waiting: int, resume_at: str | None = None) -> Intake:
    return Intake(listing({}, resume_at=resume_at), (), waiting)


def test_a_batch_closes_once_its_oldest_entry_has_waited() -> None:
    watched = SourceMemory().after(intake(1), NOW, "v")
    assert not watched.closes(NOW + WAIT / 2, WAIT)
    # another entry that comes later does not start the wait anew
    watched = watched.after(intake(2), NOW + WAIT / 2, "v")
    assert watched.closes(NOW + WAIT, WAIT)
    assert watched.after(intake(0), NOW, "v").waiting_since is None


def test_without_a_wait_every_batch_closes_at_once() -> None:
    assert SourceMemory().closes(NOW, timedelta(0))


def test_a_look_cut_short_goes_on_where_it_ended() -> None:
    assert SourceMemory().after(intake(0, "d/e"), NOW, None).start == "d/e"
    assert SourceMemory("d/e", version="v").after(intake(0), NOW, None) == SourceMemory(
        "", None, "v"
    )


def test_a_memory_survives_as_a_cursor_and_a_strange_cursor_is_forgotten() -> None:
    memory = WatcherCursor(3).remember("file:///s", SourceMemory("a/", NOW.isoformat(), "v"))
    assert WatcherCursor.parse(memory.render()) == memory
    for strange in (None, "", "not json", "[]", '{"watched": {"x": {"y": 1}}}', '{"turn": "z"}'):
        assert WatcherCursor.parse(strange).of("file:///s") == SourceMemory()


def test_another_source_comes_first_each_time() -> None:
    sources = ["a", "b", "c"]
    assert [WatcherCursor(turn).rotated(sources)[0] for turn in range(4)] == ["a", "b", "c", "a"]
    assert WatcherCursor(5).rotated([]) == []


@given(
    st.dictionaries(st.sampled_from([f"b{n}" for n in range(9)]), st.integers(0, 4)),
    st.sets(st.sampled_from([f"b{n}" for n in range(9)])),
    st.integers(0, 6),
)
def test_no_batch_is_started_twice_and_each_is_started_or_given_up_in_time(
    failures, running, at_once
) -> None:
    """Ticks until nothing is left: any failures, any runs under way, any limit."""
    unfinished = sorted(failures)
    under_way = running & set(unfinished)
    for _ in range(40):
        starts, stuck = plan_runs(unfinished, under_way, failures.__getitem__, at_once)
        assert len(starts) <= max(at_once - len(under_way), 0)
        assert not {one.batch for one in starts} & under_way
        assert all(failures[batch] >= MAX_ATTEMPTS for batch in stuck)
        assert all(one.attempt == failures[one.batch] < MAX_ATTEMPTS for one in starts)
        # everything that was under way ends well, and what was started runs
        unfinished = [batch for batch in unfinished if batch not in under_way]
        under_way = {one.batch for one in starts}
    if at_once:
        assert all(failures[batch] >= MAX_ATTEMPTS for batch in unfinished)


def test_time_zones_of_a_clock_do_not_matter() -> None:
    watched = SourceMemory(waiting_since=NOW.isoformat())
    with pytest.raises(TypeError):
        watched.closes(datetime.now(), WAIT)
    assert watched.closes(datetime.now(UTC), WAIT)
