"""A server that repeats the key in everything it says: no file of the home and no line has it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.ai_services.http.echoing import FORMS, KEY
from tests.servers import http_server

pytestmark = pytest.mark.slow

POLICY = """
version: 2
services:
  model:
    type: openai_chat
    base_url: {url}
    model: small-1
    api_key_env: ECHO_TEST_KEY
    retries: {{attempts: 1}}
    breaker: {{window: 10000, min_attempts: 10000}}
    prompt: {{user: "{{{{ content }}}}"}}
  streamed:
    type: openai_chat
    base_url: {url}
    model: small-1
    api_key_env: ECHO_TEST_KEY
    stream: true
    retries: {{attempts: 1}}
    breaker: {{window: 10000, min_attempts: 10000}}
    prompt: {{user: "{{{{ content }}}}"}}
  ngram: {{implementation: ngram_hashing}}
tasks:
  summary:
    question: What does it say?
    kind: text
    default: {{model: parallel, services: [model, streamed]}}
"""
PLACES = ("error", "refusal", "answer", "garbled", "fenced")


def said(place: str, echo: str) -> tuple[int, Any]:
    """Status and body of an answer that repeats the key in one place."""
    if place == "error":
        return 400, {"error": {"message": f"cannot read this beside {echo}", "code": echo}}
    if place == "garbled":
        return 200, f"<html>the key {echo} is wrong</html>"
    message: dict[str, Any] = {"role": "assistant", "content": ""}
    if place == "refusal":
        message["refusal"] = f"not with the key {echo}"
    elif place == "answer":
        message["content"] = json.dumps({"answer": f"the key is {echo} it says", "confidence": 0.5})
    else:
        message["content"] = f"```json\n{{'answer': {echo}}}\n```"
    usage = {"prompt_tokens": 5, "completion_tokens": 5, "note": echo}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "note": echo}
    return 200, {"model": echo, "id": echo, "choices": [choice], "usage": usage}


class Echoing(BaseHTTPRequestHandler):
    """Reads from the content which form is meant and where, and repeats the key so."""

    heard: list[str]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        key = self.headers["authorization"].removeprefix("Bearer ")
        place, _, form = body["messages"][0]["content"].strip().split("\n")[0].partition(": ")
        self.heard.append(key)
        # what a health check asks names none
        place, form = (place, form) if form in FORMS else ("answer", "as it is")
        echo = FORMS[form](key)
        status, answer = said(place, echo)
        if body.get("stream") and status == 200 and isinstance(answer, dict):
            self.reply(status, self.events(answer), "text/event-stream", echo)
        else:
            whole = answer if isinstance(answer, str) else json.dumps(answer)
            self.reply(status, whole.encode("utf-8"), "application/json", echo)

    @staticmethod
    def events(answer: dict[str, Any]) -> bytes:
        """The answer in pieces of a few characters: the key is in none of them whole."""
        choice = answer["choices"][0]
        message = choice["message"]
        text = message["content"]
        deltas: list[dict[str, Any]] = [
            {"content": text[at : at + 5]} for at in range(0, len(text), 5)
        ] or [{"refusal": message.get("refusal")}]
        events = [{**answer, "choices": [{"index": 0, "delta": one}]} for one in deltas]
        events.append({**answer, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        return "".join(f"data: {json.dumps(one)}\n\n" for one in [*events]).encode() + (
            b"data: [DONE]\n\n"
        )

    def reply(self, status: int, body: bytes, kind: str, echo: str) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("x-request-key", echo)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    heard: list[str] = []
    handler = type("Handler", (Echoing,), {"heard": heard})
    with http_server(handler) as address:
        yield f"{address}/v1", heard


def telling(key: str) -> list[str]:
    """What must stand nowhere: every run of eight of the key, and the middle of each form."""
    parts = [key[at : at + 8] for at in range(len(key) - 7)]
    for write in FORMS.values():
        form = write(key).strip(".*")
        if form not in key:
            middle = len(form) // 2
            parts.append(form[max(0, middle - 12) : middle + 12])
    return parts


def decoded(path: Path) -> str:
    """A table's cells as text, and any other file's bytes."""
    if path.suffix == ".parquet":
        table = pq.read_table(path)
        return repr(table.to_pylist()) + repr(table.schema.metadata)
    return ""


def orchestrate(
    home: Path, source: Path, policy: Path, key: str
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "orchestration_assets", "run", str(source)]
    environment = {**os.environ, "ECHO_TEST_KEY": key}
    return subprocess.run(
        [*command, "--home", str(home), "--policy", str(policy)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_no_file_of_the_home_and_no_line_has_the_key(server, tmp_path) -> None:
    url, heard = server
    policy, source, home = tmp_path / "policy.yaml", tmp_path / "source", tmp_path / "home"
    policy.write_text(POLICY.format(url=url))
    source.mkdir()
    cases = [(place, form) for place in PLACES for form in FORMS]
    for number, (place, form) in enumerate(cases):
        (source / f"case{number:03d}.txt").write_text(f"{place}: {form}\nand a line of words\n")
    done = orchestrate(home, source, policy, KEY)
    assert done.returncode in (0, 1), done.stderr
    assert len(heard) >= 2 * len(cases)
    assert set(heard) == {KEY}
    files = [path for path in home.rglob("*") if path.is_file()]
    assert any(path.suffix == ".parquet" for path in files)
    parts = telling(KEY)
    for name, text in (("stdout", done.stdout), ("stderr", done.stderr)):
        assert [part for part in parts if part in text] == [], name
    marked = 0
    for path in files:
        raw, cells = path.read_bytes(), decoded(path)
        marked += "[KEY]" in cells
        found = [part for part in parts if part.encode() in raw or part in cells]
        assert found == [], path.relative_to(home)
    # the echoes were there, and stand as such
    assert marked >= 1


def test_a_key_with_a_line_break_inside_is_said_without_it(server, tmp_path) -> None:
    url, heard = server
    policy, source, home = tmp_path / "policy.yaml", tmp_path / "source", tmp_path / "home"
    policy.write_text(POLICY.format(url=url))
    source.mkdir()
    (source / "a.txt").write_text("answer: as it is\nand a line of words\n")
    done = orchestrate(home, source, policy, f"{KEY[:18]}\n{KEY[18:]}")
    assert heard == []
    said = done.stdout + done.stderr
    assert "Traceback" not in said
    everything = said + "".join(decoded(path) for path in home.rglob("*.parquet"))
    assert "ECHO_TEST_KEY holds a line break" in everything
    for part in (*telling(KEY[:18]), *telling(KEY[18:])):
        assert part not in everything
