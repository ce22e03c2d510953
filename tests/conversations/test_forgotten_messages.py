"""A forgotten message has no place in any version of its thread, and nothing brings one back."""

import json
from pathlib import Path

import pytest

from orchestration_assets.command import forget_removal
from orchestration_assets.conversations.forgotten_messages import versions_holding
from orchestration_assets.conversations.thread_state import state_of, thread_of
from resources.home import Home
from resources.state_logs.opening import STATE_VARIABLE
from tests.command.test_forget import holding
from tests.conversations.runs import Project, message, project
from tests.servers import postgres_server

SAID = "Marguerite of Vexholm has the zinc lanterns at Borrowdale."


def _made(found: Project) -> str:
    """Two runs over a thread, whose second message is taken back; and the item of the first."""
    first = {**message("a", 1, SAID), "who": "Wilhelmina Oyelaran"}
    found.write("chat.jsonl", first, message("a", 2), message("a", 3))
    alone = {**message("a", 9, "A lamp, to nobody."), "conv": "quackenbush@dunmurrow.example"}
    found.write("alone.jsonl", alone)
    found.run()
    found.write("chat.jsonl", first, message("a", 3))
    found.run()
    return thread_of(state := state_of(Home(found.home), "a"), state.version(1)).messages[0].item_id


def test_no_version_has_it_and_no_rollback_brings_it_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with project(tmp_path) as found, postgres_server() as server:
        monkeypatch.setenv(STATE_VARIABLE, server.url)
        item = _made(found)
        home = Home(found.home)
        assert versions_holding(home, "a", {item}) == 2

        code, told, _ = found.call("forget", "chat.jsonl#a1", "--yes", "--json")

        assert code == 0 and json.loads(told)["proven"]
        assert versions_holding(home, "a", {item}) == 0
        assert holding(found.home, "Vexholm", "Oyelaran") == []
        # every version that there was can be brought back, without it
        for version in (1, 2):
            code, told, error = found.call("thread", "a", "--to", str(version), "--json")
            assert code == 0, error
            assert json.loads(told)["messages"] == (2 if version == 1 else 1)
            assert item not in found.call("thread", "a", "--json")[1]
        found.run()
        assert item not in found.call("thread", "a", "--json")[1]
        # of a thread without another message not even the name is left
        assert found.call("forget", "alone.jsonl#a9", "--yes")[0] == 0
        assert "dunmurrow" not in found.call("thread")[1]
        name = "quackenbush@dunmurrow.example"
        assert {one.value["thread"] for one in state_of(home, name).history()} == {""}
        assert holding(found.home, "dunmurrow") == []


def test_what_an_earlier_release_left_in_older_versions_stays_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with project(tmp_path) as found:
        item = _made(found)
        # it took the place out of the latest version only
        monkeypatch.setattr(forget_removal, "forget_messages", lambda *_: None)
        monkeypatch.setattr(forget_removal, "versions_holding", lambda *_: 0)
        assert found.call("forget", "chat.jsonl#a1", "--yes")[0] == 0
        assert versions_holding(Home(found.home), "a", {item}) == 2
        assert found.call("thread", "a", "--to", "1")[0] == 0
        assert item not in found.call("thread", "a", "--json")[1]


def _stopped(_: object) -> None:
    raise KeyboardInterrupt


def test_names_that_begin_like_others_prove_nothing_and_take_nothing_of_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def said(number: int, conversation: str, who: str, text: str) -> dict[str, object]:
        named = {"conv": f"support-conversation-of-customer-{conversation}", "who": who}
        return {**message("a", number, text), **named}

    with project(tmp_path) as found:
        greeting = "Dear Wilhelmina Oyelaran, the lamp is yours."
        found.write("one.jsonl", said(1, "0001", "Marguerite Vexholm", greeting))
        others = "Wilhelmina Oyelaran", "Marguerite Vexholm-Borrowdale"
        lines = [said(n, f"000{n}", who, "A word.") for n, who in enumerate(others, 2)]
        found.write("two.jsonl", *lines)
        found.run()
        before = [one for one in holding(found.home, "Borrowdale") if "dagster" not in one]
        # stopped when the manifest has lost its name: the same command goes on
        with monkeypatch.context() as patched:
            patched.setattr(forget_removal.Removal, "from_history", _stopped)
            assert found.call("forget", "one.jsonl#a1", "--yes")[0] == 130
        code, told, error = found.call("forget", "one.jsonl#a1", "--yes", "--json")
        assert (code, json.loads(told)["still_in"]) == (0, {}), error
        assert len(before) > 3 and set(before) <= set(holding(found.home, "Borrowdale"))
        assert holding(found.home, "customer-0001") == []
