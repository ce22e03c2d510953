"""A fact that is answered late reaches the messages of later batches that were asked without it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.conversations.late_answers import later_messages
from orchestration_assets.conversations.stale import stale_items
from orchestration_assets.conversations.threads import MessageReference, Thread
from resources.home import Home
from tests.chat_servers import ChatServer, chat_server
from tests.conversations.runs import Project, message

POLICY = """
version: 2
content:
  records:
    - {{files: "*.jsonl", text: text, id: id, thread: conv, position: at, speaker: who}}
conversation: {{facts_from: stated, recent: 0, events: 0}}
services:
  notes: &model
    type: openai_chat
    base_url: {url}
    model: small-1
    prompt: {{user: "{{{{ task.question }}}}|| {{{{ content }}}}"}}
  judge:
    <<: *model
    model: small-2
    prompt: {{user: "{{{{ task.question }}}}{{{{ memory.text }}}}|| {{{{ content }}}}"}}
tasks:
  stated:
    question: What is stated?
    kind: set
    default: {{model: sequential, services: [notes]}}
  mood:
    question: Which mood?
    labels: [good, bad]
    memory: true
    default: {{model: parallel, services: [judge]}}
"""


def _reference(item: str, batch: str, place: float) -> MessageReference:
    return MessageReference(item, batch, batch, place, "f", 1, "c")


@given(st.lists(st.sampled_from(["b1", "b2", "b3"]), max_size=12), st.data())
def test_only_messages_after_it_in_other_batches_are_stale(batches, data) -> None:
    thread = Thread("a", tuple(_reference(f"i{n}", one, float(n)) for n, one in enumerate(batches)))
    mine = [one.item_id for one in thread.messages if one.batch == "b2"]
    changed = data.draw(st.sets(st.sampled_from(mine or ["gone"])))
    first = min((thread.places[one] for one in changed if one in thread.places), default=99)
    found = later_messages(thread, "b2", changed)
    assert {one for items in found.values() for one in items} == {
        f"i{n}" for n, one in enumerate(batches) if n > first and one != "b2"
    }


@contextmanager
def _without_the_fact(
    folder: Path,
) -> Iterator[tuple[Project, ChatServer, Callable[[], None]]]:
    """A project whose services cannot tell yet what message 1 states; and what lets them."""
    came_back: list[bool] = []

    def say(prompt: str) -> tuple[object, float] | int:
        if "What is stated" not in prompt:
            return "good", 0.9
        if not came_back and "room 1 " in prompt:
            return 400
        return ["lamp: green" if "room 1 " in prompt else "talk: idle"], 0.9

    with chat_server(say) as server:
        policy = folder / "policy.yaml"
        policy.write_text(POLICY.format(url=server.url))
        found = Project(folder / "source", folder / "home", policy, server)
        yield found, server, lambda: came_back.append(True)


@pytest.mark.slow
def test_the_next_run_asks_again_with_the_fact_that_came_late(tmp_path: Path) -> None:
    with _without_the_fact(tmp_path) as (found, server, comes_back):
        found.write("1.jsonl", message("a", 1))
        code, _, error = found.call("run", str(found.source), "--json")
        assert code in (0, 1), error
        (first,) = Home(found.home).tables.batches("resolutions")
        found.write("2.jsonl", message("a", 2))
        found.call("run", str(found.source), "--json")
        second = next(one for one in Home(found.home).tables.batches("resolutions") if one != first)
        shown = [one for one in server.asked if "mood" in one and "room 2" in one]
        assert len(shown) == 1 and "green" not in shown[0]

        # its batch is processed again, and has the fact now
        comes_back()
        code, out, error = found.call("job", "process_batch", "--batch", first)
        assert code == 0, out + error
        home = Home(found.home)
        assert len(stale_items(home, second)) == 1
        assert "has changed since it was asked about" in found.call("thread", "a")[1]
        assert (
            "an answer about a message before it is new"
            in found.call("thread", "a", "--history")[1]
        )
        summary, _ = found.run()
        assert second in summary["batches"]
        shown = [one for one in server.asked if "mood" in one and "room 2" in one]
        assert len(shown) == 2 and "green" in shown[1]
        # nothing is left to be done
        before = len(server.asked)
        assert found.run()[0]["batches"] == []
        assert [one for one in server.asked[before:] if "room" in one] == []


@pytest.mark.slow
def test_a_message_that_was_put_in_before_is_told_of_late_too(tmp_path: Path) -> None:
    with _without_the_fact(tmp_path) as (found, server, comes_back):
        found.write("1.jsonl", message("a", 5))
        found.call("run", str(found.source), "--json")
        (first,) = Home(found.home).tables.batches("resolutions")
        found.write("2.jsonl", message("a", 1))
        found.call("run", str(found.source), "--json")
        second = next(one for one in Home(found.home).tables.batches("resolutions") if one != first)
        comes_back()
        code, out, error = found.call("job", "process_batch", "--batch", second)
        assert code == 0, out + error
        # it was asked about again with the message before it, and not with what that states
        assert len(stale_items(Home(found.home), first)) == 1
        assert first in found.run()[0]["batches"]
        shown = [one for one in server.asked if "mood" in one and "room 5" in one]
        assert ["green" in one for one in shown] == [False, False, True]
        assert found.run()[0]["batches"] == []
