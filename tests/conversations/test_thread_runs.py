"""Conversations over several batches, through the command and a service on loopback."""

from pathlib import Path

import pytest

from orchestration_assets.command.thread import thread_lines
from orchestration_assets.command.thread_view import ThreadLine, ThreadView
from orchestration_assets.conversations.batch_index import index_batch, indexed_batches
from orchestration_assets.conversations.stale import noted_batches
from orchestration_assets.schemas.errors import DamagedFileError
from resources.home import Home
from tests.conversations.runs import message, project


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory):
    """A run over two threads in one file, in no order, with equal texts and one bad position."""
    with project(tmp_path_factory.mktemp("threads")) as found:
        said = [message(thread, n) for n in (3, 1, 2) for thread in "ab"]
        said += [message("a", 4, "ok"), message("a", 5, "ok"), message("b", 4, "ok")]
        said += [{**message("a", 6), "at": "soon"}, {"id": "plain", "text": "No conversation."}]
        found.write("chat.jsonl", *said)
        yield found, *found.run()


def test_equal_texts_are_messages_of_their_own_and_none_answers_for_another(made) -> None:
    found, summary, asked = made
    (batch,) = summary["batches"]
    assert summary["outcomes"] == {"accepted": 10, "rejected": 1, "unpacked": 1}
    (bad,) = [one for one in found.table("content_manifest", batch) if one["reason"]]
    assert "record 10: 'at' is neither a number nor a date and time ('soon')" in bad["detail"]
    assert bad["path"] == "chat.jsonl#a6"
    assert asked.count("ok") == 3
    assert len(asked) == 10
    calls = found.table("call_log", batch)
    assert {one["origin"] for one in calls if one["task"] == "mood"} == {"called"}
    # of the embedded service equal questions are answered once, each message by itself
    assert "shared" not in {one["origin"] for one in calls}


def test_each_message_knows_its_place_over_the_file(made) -> None:
    found, summary, _ = made
    (batch,) = summary["batches"]
    rows = {(one["thread"], one["before"]): one for one in found.table("thread_messages", batch)}
    assert sorted(rows) == [*(("a", n) for n in range(5)), *(("b", n) for n in range(4))]
    assert [rows["a", n]["text"][:25] for n in range(3)] == [
        f"In a the lamp of room {n} i" for n in (1, 2, 3)
    ]
    assert [rows["a", n]["record"] for n in range(5)] == [3, 5, 1, 7, 8]
    assert len({one["memory_version"] for one in rows.values()}) == len(rows) - 1
    # a message is asked after those before it, whatever the file's order
    (prompt,) = [one for one in found.server.asked if one.endswith("|| " + rows["a", 2]["text"])]
    shown = prompt.partition("||")[0]
    assert rows["a", 0]["text"] in shown
    assert rows["a", 1]["text"] in shown
    assert rows["b", 0]["text"] not in shown


def test_the_command_shows_a_thread_and_lists_near_names(made) -> None:
    found, _, _ = made
    code, text, _ = found.call("thread", "a", "--at", "3")
    assert code == 0
    assert text.startswith("a: 5 messages, version 1\n")
    assert ">   3  2026-05-01 12:03:00  Ana: In a the lamp of room 3 is 21 years old.\n" in text
    assert "mood = good" in text
    told = text.partition("Before message 3, judge is shown")[2]
    assert "room 2" in told
    assert "room 3" not in told
    code, listed, _ = found.call("thread")
    assert [line.split()[0] for line in listed.splitlines()] == ["a", "b"]
    code, _, error = found.call("thread", "aa")
    assert code == 2
    assert "no conversation 'aa'" in error
    assert "'a'" in error
    code, _, error = found.call("thread", "a", "--at", "9")
    assert (code, "give its number, 1 to 5" in error) == (2, True)
    code, text, _ = found.call("explain", "chat.jsonl#a2")
    assert "message 2 of a, by Ana" in text


def test_what_is_damaged_of_a_batch_is_made_again_as_the_error_says(tmp_path: Path) -> None:
    home = Home(tmp_path)
    for batch in ("b1", "b2"):
        index_batch(home, batch, {"e": "file:///f"}, ["a"])
    (home.threads / "batches" / "b2.json").write_text("{", "utf-8")
    with pytest.raises(DamagedFileError, match="--reprocess"):
        list(indexed_batches(home))
    # batches up to it can be carried out
    assert [one.batch for one in indexed_batches(home, "b2")] == ["b1"]
    with pytest.raises(DamagedFileError):
        list(indexed_batches(home, "b3"))


def test_no_name_passes_for_a_line_of_its_own() -> None:
    line = ThreadLine(1, "i", "b", None, "Ana\n>   2  Boss", "f", 1, "Hi.\nthere", {})
    view = ThreadView("a\nb: 9 messages, version 9", 1, [line])
    assert list(thread_lines(view)) == [
        "a b: 9 messages, version 9: 1 messages, version 1",
        "    1  Ana >   2  Boss: Hi.",
        "       there",
    ]


@pytest.mark.slow
def test_what_an_earlier_message_changes_is_asked_again_and_no_more(tmp_path: Path) -> None:
    with project(tmp_path) as found:
        said = [message(thread, n) for thread in "ab" for n in range(1, 11)]
        found.write("chat.jsonl", *said)
        (first,) = found.run()[0]["batches"]
        texts = {one["id"]: str(one["text"]) for one in said}
        before = found.table("resolutions", first)

        # an edit: the message itself, and the later ones of its thread
        edited = "In a the lamp of room 3 is broken."
        said[2] = message("a", 3, edited)
        found.write("chat.jsonl", *said)
        summary, asked = found.run()
        assert asked == sorted([edited, *(texts[f"a{n}"] for n in range(4, 11))])
        assert summary["outcomes"]["unchanged"] == 19
        assert found.run()[1] == []
        rows = {row["item_id"]: row for row in found.table("thread_messages", first)}
        assert len(rows) == 20
        language = [row for row in before if row["task"] == "language"]
        assert language == [
            row for row in found.table("resolutions", first) if row["task"] == "language"
        ]

        # back to what was said first: every answer is known
        code, _, error = found.call("thread", "a", "--to", "1")
        assert code == 0, error
        assert "has changed since it was asked about" in found.call("thread", "a")[1]
        summary, asked = found.run()
        assert (asked, summary["batches"]) == ([], [first])
        assert texts["a3"] in found.call("thread", "a", "--at", "4")[1]
        told = found.call("thread", "a", "--history")[1].splitlines()
        assert len(told) == 3
        assert "back to version 1" in told[2]

        # a message that comes late, and goes again
        found.write("late.jsonl", message("b", 0))
        assert found.run()[1] == sorted(str(message("b", n)["text"]) for n in range(11))
        (found.source / "late.jsonl").unlink()
        summary, asked = found.run()
        assert (asked, first in summary["batches"]) == ([], True)
        assert found.call("thread", "b")[1].startswith("b: 10 messages")

        # a forgotten message is in nobody's memory, and nowhere else
        code, text, error = found.call("forget", "chat.jsonl#a5", "--yes")
        assert code == 0, text + error
        assert "none holds any" in text
        assert found.run()[1] == sorted([texts[f"a{n}"] for n in range(6, 11)])
        assert texts["a5"] not in found.call("thread", "a")[1]
        for batch in Home(found.home).tables.batches("thread_messages"):
            assert texts["a5"] not in {row["text"] for row in found.table("thread_messages", batch)}
        # the same message is not taken in again
        said[0] = message("a", 1, "In a the lamp of room 1 is new.")
        found.write("chat.jsonl", *said)
        found.run()
        assert texts["a5"] not in found.call("thread", "a")[1]


@pytest.mark.slow
def test_a_batch_that_was_shown_no_memory_is_not_stale_when_it_is_turned_on(tmp_path: Path) -> None:
    with project(tmp_path) as found:
        with_memory = found.policy.read_text("utf-8")
        without = with_memory.replace("memory: true", "memory: false")
        found.policy.write_text(without.replace("{{ memory.text }}", ""), "utf-8")
        found.write("chat.jsonl", *[message("a", n) for n in (2, 3)])
        (first,) = found.run()[0]["batches"]
        found.write("late.jsonl", message("a", 1))
        assert len(found.run()[1]) == 1
        # nobody was shown what changed: nothing is left to be done
        assert noted_batches(Home(found.home)) == []
        found.policy.write_text(with_memory, "utf-8")
        summary, asked = found.run()
        assert (summary["batches"], asked) == ([], [])
        # carried out with it, it is shown what comes after
        assert len(found.run("--reprocess")[1]) == 3
        found.write("later.jsonl", message("a", 0))
        assert first in found.run()[0]["batches"]
