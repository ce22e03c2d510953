"""What is judged, or done again with its series, is seen by later messages of other batches."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestration_assets.conversations.stale import stale_items
from orchestration_assets.processing.judged_messages import forget_judged
from resources.home import Home
from tests.chat_servers import chat_server
from tests.conversations.runs import Project, message
from tests.conversations.test_late_answers import POLICY


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Project, dict[int, str]]]:
    """Message 5, then 1 and 6 of one conversation, in two batches; by number the batch of each."""

    def say(prompt: str) -> tuple[object, float]:
        if "What is stated" in prompt:
            return ["lamp: green" if "room 1 " in prompt else "talk: idle"], 0.9
        return "good", 0.9

    folder = tmp_path_factory.mktemp("judged")
    with chat_server(say) as server:
        policy = folder / "policy.yaml"
        text = POLICY.format(url=server.url).replace(
            "    type: openai_chat",
            "    type: openai_chat\n    price: {input_usd: 1, output_usd: 1}",
        )
        policy.write_text(f"{text}feedback: {{settle_s: 0}}\n")
        found = Project(folder / "source", folder / "home", policy, server)
        found.write("1.jsonl", message("a", 5))
        found.run()
        (first,) = Home(found.home).tables.batches("resolutions")
        found.write("2.jsonl", message("a", 1), message("a", 6))
        found.run()
        (second,) = set(Home(found.home).tables.batches("resolutions")) - {first}
        yield found, {5: first, 1: second, 6: second}


def moods(found: Project, number: int, since: int = 0) -> list[bool]:
    """Of each question about the mood of a message, whether the lamp was shown as green."""
    prompts = [one for one in found.server.asked[since:] if "mood" in one]
    return ["green" in one for one in prompts if f"room {number} " in one.rpartition("||")[2]]


@pytest.mark.slow
def test_whole_series_are_done_again_in_the_order_of_conversations(asked) -> None:
    found, _ = asked
    assert moods(found, 5) == [False, True] and moods(found, 6) == [True]
    since = len(found.server.asked)
    found.policy.write_text(found.policy.read_text().replace("Which mood?", "What mood?"))
    summary, _ = found.run("--reprocess")
    # its batch comes first, and the message before it in the batch after that
    assert moods(found, 5, since)[-1] is True and moods(found, 6, since) == [True]
    assert any(
        "an answer about a message before it is new" in one for one in summary["asked_again"]
    )
    since = len(found.server.asked)
    assert found.run()[0]["batches"] == [] and moods(found, 5, since) == []


@pytest.mark.slow
def test_a_verdict_makes_later_messages_stale_is_priced_and_asked_again_once(asked) -> None:
    found, batches = asked
    home, source = Home(found.home), str(found.source)
    assert json.loads(found.call("preview", source, "--json")[1])["stale"] == {}
    folder = found.home / "verdicts"
    folder.mkdir(exist_ok=True)
    lines = "item,task,verdict,who,when,note\n2.jsonl#a1,stated,lamp: blue,kim,2026-11-01,\n"
    (folder / "sheet.csv").write_text(lines)
    code, out, error = found.call("job", "take_feedback")
    assert code == 0, out + error
    assert "later messages are stale" in out
    why = "a person judged an answer about a message before it"
    assert [len(stale_items(home, batches[one])) for one in (5, 6)] == [1, 1]
    assert why in found.call("explain", "1.jsonl#a5")[1]
    ahead = json.loads(found.call("preview", source, "--json")[1])
    assert ahead["stale"] == {batches[5]: 1, batches[6]: 1} and ahead["stale_because"] == [why]
    assert ahead["stale_usd"] > 0.0
    assert "asked again   2 messages of 2 finished batches" in found.call("preview", source)[1]

    since = len(found.server.asked)
    summary, _ = found.run()
    assert sorted(summary["asked_again"]) == sorted(
        f"1 messages of batch {batches[one]}: {why}" for one in (5, 6)
    )
    shown = [one for one in found.server.asked[since:] if "mood" in one and "room" in one]
    assert len(shown) == 2 and all("blue" in one for one in shown)
    assert why not in found.call("explain", "1.jsonl#a5")[1]
    since = len(found.server.asked)
    assert found.run()[0]["asked_again"] == []
    assert [one for one in found.server.asked[since:] if "room" in one] == []


@pytest.mark.slow
def test_nobody_is_told_of_messages_that_no_run_asks_about_again(tmp_path: Path) -> None:
    """Those of a batch that was carried out when no service was shown any memory."""
    with chat_server(
        lambda prompt: (["lamp: green"] if "stated" in prompt else "good", 0.9)
    ) as server:
        policy = tmp_path / "policy.yaml"
        remembering = f"{POLICY.format(url=server.url)}feedback: {{settle_s: 0}}\n"
        plain = remembering.replace("    memory: true\n", "").replace("{{ memory.text }}", "")
        policy.write_text(plain)
        found = Project(tmp_path / "source", tmp_path / "home", policy, server)
        found.write("1.jsonl", message("a", 1), message("a", 2))
        found.run()
        policy.write_text(remembering)
        (found.home / "verdicts").mkdir(exist_ok=True)
        lines = "item,task,verdict,who,when,note\n1.jsonl#a1,stated,lamp: blue,kim,2026-11-01,\n"
        (found.home / "verdicts" / "sheet.csv").write_text(lines)
        told = found.call("job", "take_feedback")[1]
        assert "verdicts 1" in told and "later messages are stale" not in told
        (found.home / "threads" / "judged.json").unlink()
        ahead = json.loads(found.call("preview", str(found.source), "--json")[1])
        assert ahead["stale"] == {} and found.run()[0]["asked_again"] == []


def test_what_is_kept_of_verdicts_on_a_forgotten_message_goes(tmp_path: Path) -> None:
    home = Home(tmp_path)
    forget_judged(home, {"a"})
    assert not home.threads.exists()
    home.threads.mkdir()
    path = home.threads / "judged.json"
    path.write_text(json.dumps({"a mood": "00", "a stated": "01", "ab mood": "02"}))
    forget_judged(home, {"a"})
    assert json.loads(path.read_text()) == {"ab mood": "02"}
