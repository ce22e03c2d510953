"""Threads: in whatever order batches are merged, and however often, the same comes of it."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.conversations.stale import stale_items, stale_notes
from orchestration_assets.conversations.thread_state import change_thread, current_thread
from orchestration_assets.conversations.threads import (
    MessageReference,
    Thread,
    merged,
    parsed,
    plain,
    remembering_else,
    restored,
    without,
)
from resources.home import Home
from resources.versioned_state import VersionedState


def reference(item: str, batch: str, position: float | None = None, content: str = "c"):
    return MessageReference(item, batch, batch, position, f"{item[0]}.jsonl", 1, content)


ITEMS = [f"{letter}{number}" for letter in "ab" for number in range(3)]


@st.composite
def batches(draw):
    """Some batches: of each the messages that it brings, and the items that it says are gone."""
    made = []
    for number in range(draw(st.integers(1, 5))):
        batch = f"b{number}"
        items = draw(st.lists(st.sampled_from(ITEMS), unique=True))
        gone = set(draw(st.lists(st.sampled_from(ITEMS), unique=True))) - set(items)
        brought = [
            reference(
                item,
                batch,
                draw(st.none() | st.sampled_from([-1.5, 0.0, 2.0])),
                draw(st.sampled_from("xy")),
            )
            for item in items
        ]
        made.append((batch, brought, gone))
    return made


@given(batches(), st.data())
def test_of_each_message_counts_what_the_latest_batch_says_in_any_order(made, data) -> None:
    thread = Thread("t")
    order = data.draw(st.lists(st.sampled_from(made), min_size=len(made), max_size=12))
    for batch, brought, gone in [*order, *data.draw(st.permutations(made))]:
        thread = merged(thread, brought, gone, batch)
    latest: dict[str, MessageReference | None] = {}
    for _, brought, gone in made:
        latest |= {one.item_id: one for one in brought} | dict.fromkeys(gone)
    expected = sorted((one for one in latest.values() if one), key=lambda one: one.key)
    assert list(thread.messages) == expected
    assert set(thread.removed) == {item for item, one in latest.items() if one is None}
    assert parsed(plain(thread)) == thread


@given(batches(), st.integers(0, 4))
def test_what_is_taken_back_stays_so_until_a_later_batch_says_otherwise(made, at) -> None:
    threads = [Thread("t")]
    for batch, brought, gone in made:
        threads.append(merged(threads[-1], brought, gone, batch))
    then = threads[min(at, len(made))]
    back = restored(threads[-1], then)
    told = [(one.item_id, one.batch, one.key, one.content) for one in then.messages]
    assert [(one.item_id, one.batch, one.key, one.content) for one in back.messages] == told
    again = back
    for batch, brought, gone in made:
        again = merged(again, brought, gone, batch)
    assert again.messages == back.messages
    later = reference("a0", "b9", 1.0)
    assert later in merged(again, [later], (), "b9").messages


def test_only_later_messages_remember_something_else() -> None:
    thread = merged(Thread("t"), [reference(f"a{n}", "b1", n) for n in range(6)], (), "b1")
    changed = merged(thread, [reference("a2", "b2", 2, "other")], (), "b2")
    assert [one.item_id for one in remembering_else(thread, changed)] == ["a3", "a4", "a5"]
    put_in = merged(thread, [reference("b0", "b2", 3.5)], (), "b2")
    assert [one.item_id for one in remembering_else(thread, put_in)] == ["a4", "a5"]
    gone = without(thread, {"a5"})
    assert not list(remembering_else(thread, gone))
    # a message that is no part of it any more has its place still, which its table tells
    assert gone.place_of(thread.messages[5]) == 5
    assert thread.place_of(replace(thread.messages[5], position=0.5)) == 1


WRITER = """
import sys
from pathlib import Path
from orchestration_assets.conversations.thread_state import change_thread
from orchestration_assets.conversations.threads import MessageReference, merged
from resources.home import Home

home, own, count = Home(Path(sys.argv[1])), sys.argv[2], int(sys.argv[3])
for n in range(count):
    batch = f"{own}{n:04d}"
    one = MessageReference(batch, batch, batch, float(n), "chat.jsonl", n, "c")
    change_thread(home, "busy", lambda thread: merged(thread, [one], (), batch), own, lambda *_: "")
"""


@pytest.mark.slow
def test_two_processes_on_one_thread_lose_nothing(tmp_path: Path) -> None:
    count = 200
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), own, str(count)])
        for own in ("left", "right")
    ]
    assert [one.wait() for one in writers] == [0, 0]
    thread, version = current_thread(Home(tmp_path), "busy")
    assert version == 2 * count
    expected = {f"{own}{n:04d}" for own in ("left", "right") for n in range(count)}
    assert set(thread.places) == expected


def test_a_writer_that_dies_in_between_has_noted_too_much_and_never_too_little(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path)
    first = [reference("a1", "b1", 1.0), reference("a2", "b1", 2.0)]
    change_thread(home, "t", lambda thread: merged(thread, first, (), "b1"), "w", lambda *_: "")

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    early = reference("a0", "b2", 0.5)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(VersionedState, "put", die)
        change_thread(
            home, "t", lambda thread: merged(thread, [early], (), "b2"), "w", lambda *_: "", "b2"
        )
    assert current_thread(home, "t")[1] == 1
    (note,) = stale_notes(home, "b1")
    assert (note.version, note.items) == (2, ("a1", "a2"))
    # nothing has changed yet: what was noted counts once somebody makes that version
    assert stale_items(home, "b1") == frozenset()
    change_thread(
        home, "t", lambda thread: merged(thread, [early], (), "b2"), "w", lambda *_: "", "b2"
    )
    assert stale_items(home, "b1") == {"a1", "a2"}
