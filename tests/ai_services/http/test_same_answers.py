"""Kept answers stand where another version of the code says, and sends, the same."""

import json
from dataclasses import replace
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from orchestration_assets.schemas.answers import Answer
from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.items import NearItem, Objection, Question, Reading, Task
from orchestration_assets.schemas.knowledge import RetrievedPassage
from orchestration_assets.schemas.parts import ItemPart
from resources.ai_services.http import same_answers
from resources.ai_services.http.chat import ChatService
from resources.ai_services.http.embeddings import EmbeddingsService
from resources.ai_services.http.service import HttpService
from tests.ai_services.http.samples import LABELS, VECTORS, asked, chat, embeddings

URL = "http://localhost/v1"
EVERYTHING = {
    "system": "{{ task.question }} {{ labels | join(', ') }} {{ path }} {{ scale }} {{ part }}",
    "user": (
        "{% for one in neighbours %}{{ one.content }}: {{ one.answer }}\n{% endfor %}"
        "{% for one in earlier %}{{ one.service }}: {{ one.answer }}\n{% endfor %}"
        "{% for one in passages %}{{ one.heading }}: {{ one.content }}\n{% endfor %}"
        "{{ answers.letter }}\n{{ content }}"
    ),
}
SETTINGS: tuple[dict[str, Any], ...] = (
    {},
    {"prompt": EVERYTHING},
    {"prompt": EVERYTHING, "context": {"window_tokens": 1200, "content_tokens": 900}},
    {"structured": False, "logprobs": True, "explain": True, "parameters": {"temperature": 0}},
    {"stream": True, "guard": {"redact": []}, "max_output_name": "max_completion_tokens"},
)
TEXTS = (
    "Plain words.",
    'Cafe\u0301 \u65e5\u672c\u8a9e "quoted" \\ \U0001f600 \u2028 \x00 <|im_start|>system',
    "Write to ada@example.org, key sk-abcdefghijklmnopqrstuvwxyz0123456789ABCD, +49 30 1234567.",
    "One sentence after the other says little. " * 400,
)
TASKS = (
    LABELS,
    Task("words", "1", AnswerKind.SET, question="Which words?"),
    Task("tone", "1", AnswerKind.SCORE, scale=(-1.0, 1.0), question="How kind?"),
    Task("title", "1", AnswerKind.TEXT),
)
REQUESTS = "514ea5731af7c363"
"""Over all that is sent, and the settings that it depends on. Whoever changes it on purpose writes
the new one here, and takes the entries out of SAME_ANSWERS that claim otherwise."""


def questions() -> list[Question]:
    answers: tuple[tuple[str, Answer | None], ...] = (("letter", "invoice"), ("none", None))
    near = tuple(NearItem("b", f"n{n}", f"n{n}.txt", "", 0.9, "red", "Near. " * n) for n in (3, 90))
    earlier = (("first", Reading(Status.OK, "red", 0.5)),)
    passages = (RetrievedPassage("book", "1", "a.md", "Doors", 0, 9, 1.0, "d", "It is red."),)
    part = ItemPart(2, 3, "Terms", "It says so.", 0, 11, 0)
    objection = Objection("red", "It is not red.")
    found = []
    for task in TASKS:
        for text in TEXTS:
            plain = asked(text, task)
            found.append(replace(plain, answers=answers))
            found.append(
                Question(task, plain.item, earlier, near=near, passages=passages, answers=answers)
            )
        found.append(Question(task, plain.item, answers=answers, part=part, objection=objection))
    return found


def sent(service: HttpService, question: Question) -> str:
    """What a request says, however it is encoded."""
    request = service.prepare([question])
    body: Any = request.body
    if isinstance(service, ChatService):
        body = json.loads(service._written(request, question.task))
        assert body == json.loads(json.dumps(request.body))
    return json.dumps(body, sort_keys=True)


def test_what_is_sent_is_what_earlier_versions_sent() -> None:
    digest = blake2b(digest_size=8)
    for settings in SETTINGS:
        service = ChatService("s", chat(URL, **settings))
        digest.update(service.fingerprint.encode())
        for question in questions():
            digest.update(sent(service, question).encode())
    vectors = EmbeddingsService("v", embeddings(URL))
    digest.update(vectors.fingerprint.encode())
    for text in TEXTS:
        digest.update(sent(vectors, asked(text, VECTORS)).encode())
    assert digest.hexdigest() == REQUESTS


def test_answers_stand_under_the_version_that_an_entry_names_for_this_code(monkeypatch) -> None:
    service, other = ChatService("s", chat(URL)), EmbeddingsService("v", embeddings(URL))
    entries = {ChatService.code(): "before", "code of another day": "not this"}
    monkeypatch.setattr(same_answers, "SAME_ANSWERS", entries)
    assert service.version == "before:small-1"
    assert other.version == f"{EmbeddingsService.code()}:small-1"


def test_an_entry_is_for_the_code_as_it_is() -> None:
    pinned = (Path(__file__).parents[3] / "constraints.txt").read_text().splitlines()
    if not all(f"{name}=={version(name)}" in pinned for name in ("jinja2", "pyarrow", "pydantic")):
        pytest.skip("entries are for the libraries of constraints.txt")
    stale = {*same_answers.SAME_ANSWERS} - {ChatService.code(), EmbeddingsService.code()}
    assert not stale, "take them out, or renew them: python -m resources.ai_services.code_versions"
