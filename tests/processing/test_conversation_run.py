"""A support chat, run by the command: what services were shown, and what people see of it."""

import csv
import json
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pytest

from orchestration_assets.__main__ import main
from orchestration_assets.command.explain import explanation, render
from orchestration_assets.explorer.sent_prompts import sent_prompts
from orchestration_assets.policy.load import load_policy
from resources.home import Home
from tests.chat_servers import ChatServer, chat_server

POLICY = """
version: 2
content:
  records: [{files: "*.jsonl", text: text, id: id, thread: chat, position: at, speaker: from}]
conversation: {facts_from: stated, recent: 2}
services:
  notes: &model
    type: openai_chat
    base_url: URL
    model: small
    retries: {attempts: 1}
    prompt: {user: "NOTE {{ content }}"}
  reader:
    <<: *model
    prompt: {user: "{{ memory.text }} NOW {{ memory.speaker }}: {{ content }}"}
tasks:
  stated:
    question: What does it state?
    kind: set
    labels: ["city: Leeds", "city: York", none]
    default: {model: sequential, services: [notes]}
  about:
    question: What is it about?
    labels: [delivery, thanks]
    memory: true
    default: {model: sequential, services: [reader]}
"""
pytestmark = pytest.mark.slow
SAID = [
    ("ada", "Ada", "Please send the kettle to my home in Leeds as soon as you can manage it."),
    ("ben", "Ben", "Please send the kettle to my home in Leeds as soon as you can manage it."),
    ("ada", "Ada", "I have moved and live in York by now, as it happens."),
    ("ada", "Shop", "Thank you. Write to shop@example.org."),
    ("ada", "Ada", "Will you send it there?"),
    ("ben", "Ben", "Will you send it there?"),
]
LATER = ("ada", "Ada", "Thank you.")


def records(said: list[tuple[str, str, str]], begin: int) -> str:
    lines = [
        {"id": f"r{n}", "chat": chat, "at": n, "from": who, "text": text}
        for n, (chat, who, text) in enumerate(said, begin)
    ]
    return "".join(json.dumps(one) + "\n" for one in lines)


@dataclass
class Chat:
    """The run, and what the server was asked in each of its parts."""

    home: Home
    policy: Path
    parts: dict[str, list[str]]

    def shown(self, part: str, end: str) -> str:
        (found,) = [one for one in self.parts[part] if one.partition(" NOW ")[2].endswith(end)]
        return found.partition(" NOW ")[0]

    def about(self, part: str) -> list[str]:
        """What was asked about, but for the probe of the service's health."""
        asked = [one.partition(" NOW ")[2] for one in self.parts[part] if " NOW " in one]
        return [one for one in asked if not one.startswith(":")]


@pytest.fixture(scope="module")
def chat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chat]:
    folder = tmp_path_factory.mktemp("conversation")
    source, policy, home = folder / "chats", folder / "policy.yaml", folder / "home"
    source.mkdir()
    broken = {"York"}

    def say(prompt: str) -> tuple[object, float] | int:
        if prompt.startswith("NOTE"):
            if any(word in prompt for word in broken):
                return 401
            places = [one for one in ("Leeds", "York") if one in prompt]
            return [f"city: {one}" for one in places] or ["none"], 0.9
        return "delivery", 0.9

    place = ["--home", str(home), "--policy", str(policy)]
    parts: dict[str, list[str]] = {}

    def run(part: str, server: ChatServer) -> None:
        server.asked.clear()
        with redirect_stdout(StringIO()):
            assert main(["run", str(source), *place]) in (0, 1)
        parts[part] = list(server.asked)

    with chat_server(say) as server:
        policy.write_text(POLICY.replace("URL", server.url))
        (source / "one.jsonl").write_text(records(SAID, 1))
        run("first", server)
        broken.clear()
        run("again", server)
        (source / "two.jsonl").write_text(records([LATER], 7))
        run("later", server)
        yield Chat(Home(home), policy, parts)


def test_equal_messages_are_asked_about_in_their_own_conversations(chat: Chat) -> None:
    asked = chat.about("first")
    assert sorted(asked).count("Ada: Will you send it there?") == 1
    assert sorted(asked).count("Ben: Will you send it there?") == 1
    assert "in Leeds" in chat.shown("first", "Ben: Will you send it there?")
    assert "York" not in chat.shown("first", "Ben: Will you send it there?")


def test_a_fact_that_comes_late_asks_what_it_changes_again_and_no_more(chat: Chat) -> None:
    # its service refused: the message after it was asked without it
    assert "city: York" not in chat.shown("first", "Ada: Will you send it there?")
    assert "city: Leeds" in chat.shown("first", "Ada: Will you send it there?")
    assert "city: York" in chat.shown("again", "Ada: Will you send it there?")
    assert [one for one in chat.about("again") if one.startswith("Ben")] == []


def test_a_later_batch_remembers_the_answers_of_earlier_ones(chat: Chat) -> None:
    shown = chat.shown("later", "Ada: Thank you.")
    assert "city: York" in shown
    assert "shop@example.org" not in shown
    assert len(chat.about("later")) == 1


def test_people_see_what_was_said_before(chat: Chat) -> None:
    loaded = load_policy(chat.policy)
    found = explanation(chat.home, "two.jsonl#r7", loaded)
    assert found.conversation is not None
    assert found.conversation.place == "message 5 of ada, by Ada"
    assert "[4] Ada: Will you send it there?" in render(found)
    assert "shop@example.org" not in render(found)
    batch = chat.home.tables.batches("review_queue")[0]
    sheet = (chat.home.folder / "review" / f"{batch}.csv").read_text("utf-8-sig")
    told = {row["path"]: row["conversation"] for row in csv.DictReader(StringIO(sheet))}
    assert "[1] Ben: Please send" in told["one.jsonl#r6"]


def test_the_prompt_that_is_shown_is_the_one_that_was_sent(chat: Chat) -> None:
    loaded = load_policy(chat.policy)
    found = explanation(chat.home, "two.jsonl#r7", loaded)
    about = next(one for one in found.tasks if one.plan.task == "about")
    ((reading, _),) = about.readings
    (message,) = sent_prompts(chat.home, found, loaded)[reading.answer_key]
    assert message[1] in chat.parts["later"]
