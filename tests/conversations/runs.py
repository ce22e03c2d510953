"""A small project of conversations, run through the command, and a service that is shown them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

from orchestration_assets.__main__ import main
from resources.home import Home
from tests.chat_servers import ChatServer, chat_server

POLICY = """
version: 2
content:
  records:
    - {{files: "*.jsonl", text: text, id: id, thread: conv, position: at, speaker: who}}
services:
  judge:
    type: openai_chat
    base_url: {url}
    model: small-1
    prompt: {{system: "{{{{ task.question }}}}", user: "{{{{ memory.text }}}}|| {{{{ content }}}}"}}
  words: {{implementation: stopwords}}
features: {{share_answers: true}}
tasks:
  mood:
    question: Which mood?
    labels: [good, bad]
    memory: true
    default: {{model: parallel, services: [judge]}}
  language:
    question: In which language?
    default: {{model: parallel, services: [words]}}
"""


def message(thread: str, number: int, text: str | None = None) -> dict[str, object]:
    """The message of a thread at that minute."""
    said = text or f"In {thread} the lamp of room {number} is {number * 7} years old."
    at = f"2026-05-01T12:{number:02d}:00Z"
    return {"id": f"{thread}{number}", "conv": thread, "at": at, "who": "Ana", "text": said}


@dataclass
class Project:
    """The source, the home and the service; ``answered`` counts what was asked before."""

    source: Path
    home: Path
    policy: Path
    server: ChatServer
    answered: int = 0
    written: set[object] = field(default_factory=set)

    def write(self, name: str, *messages: dict[str, object]) -> None:
        self.written.update(one["text"] for one in messages)
        text = "".join(json.dumps(one) + "\n" for one in messages)
        self.source.mkdir(exist_ok=True)
        (self.source / name).write_text(text, "utf-8")

    def call(self, *arguments: str) -> tuple[int, str, str]:
        """Exit code, output and errors of a command over the home."""
        place = ["--home", str(self.home), "--policy", str(self.policy)]
        with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as errors:
            code = main([*arguments, *place])
        return code, out.getvalue(), errors.getvalue()

    def run(self, *more: str) -> tuple[dict[str, Any], list[str]]:
        """The summary of a run, and the contents that it asked the service about."""
        code, out, errors = self.call("run", str(self.source), "--json", *more)
        assert code == 0, errors
        return json.loads(out), self.asked()

    def asked(self) -> list[str]:
        """The contents that the service was asked about since the last look."""
        prompts = self.server.asked[self.answered :]
        self.answered += len(prompts)
        contents = sorted(one.rpartition("|| ")[2] for one in prompts)
        # all but probes of its health
        return [one for one in contents if one in self.written]

    def table(self, name: str, batch: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = Home(self.home).tables.read(name, batch).to_pylist()
        return rows


@contextmanager
def project(folder: Path) -> Iterator[Project]:
    with chat_server(lambda prompt: ("good" if "lamp" in prompt else "bad", 0.9)) as server:
        policy = folder / "policy.yaml"
        policy.write_text(POLICY.format(url=server.url))
        yield Project(folder / "source", folder / "home", policy, server)
