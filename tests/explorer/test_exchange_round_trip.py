"""An answer that is confirmed in another tool comes back as that answer, whatever its kind."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.content.item_lookup import ManifestItem
from orchestration_assets.content.verdicts import VerdictContext, understand
from orchestration_assets.explorer.exchange.argilla import argilla_record, from_argilla
from orchestration_assets.explorer.exchange.label_studio import (
    from_label_studio,
    label_studio_task,
)
from orchestration_assets.explorer.exchange.open_questions import OpenQuestion, ServiceAnswer
from orchestration_assets.explorer.verdict_log import GivenVerdict
from orchestration_assets.schemas.answers import Answer
from orchestration_assets.schemas.disagreement import ReviewRow
from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.policy import TaskConfig
from orchestration_assets.schemas.record_answers import ENTRY, RecordAnswer, plain_fields
from tests.rows import row

ITEM, HASH, WHEN = "0" * 16, "c" * 32, "2026-01-02T03:04:05+00:00"
WORDS = ("invoice", "late notice", "Überweisung", "a/b")
TASKS: Mapping[AnswerKind, TaskConfig] = {
    kind: TaskConfig.model_validate(
        {
            "kind": kind,
            "question": "What?",
            "default": {"model": "sequential", "services": ["s"]},
            **more,
        }
    )
    for kind, more in {
        AnswerKind.LABEL: {"labels": list(WORDS)},
        AnswerKind.SET: {"labels": list(WORDS)},
        AnswerKind.SCORE: {"scale": [0, 10]},
        AnswerKind.TEXT: {},
        AnswerKind.RECORD: {"fields": {"number": "text", "paid": "boolean", "tags": "list"}},
    }.items()
}
plain_text = st.text(alphabet="abcé -.", min_size=1, max_size=20).map(
    lambda text: f"x{text}".strip()
)


def _entries(texts: list[str]) -> tuple[RecordAnswer, ...]:
    return tuple(RecordAnswer(((ENTRY, text),)) for text in texts)


answers = st.one_of(
    st.tuples(st.just(AnswerKind.LABEL), st.sampled_from(WORDS)),
    st.tuples(
        st.just(AnswerKind.SET),
        st.lists(st.sampled_from(WORDS), min_size=1, unique=True).map(
            lambda words: tuple(sorted(words))
        ),
    ),
    st.tuples(st.just(AnswerKind.SCORE), st.integers(0, 40).map(lambda number: number / 4)),
    st.tuples(st.just(AnswerKind.TEXT), plain_text),
    st.tuples(
        st.just(AnswerKind.RECORD),
        st.builds(
            lambda number, paid, tags: RecordAnswer(
                (("number", number), ("paid", paid), ("tags", tags))
            ),
            plain_text,
            st.booleans(),
            st.lists(plain_text, min_size=1, max_size=3).map(_entries),
        ),
    ),
)


def _through_label_studio(question: OpenQuestion) -> list[GivenVerdict]:
    task = label_studio_task(question)
    result = task["predictions"][0]["result"]
    task["annotations"] = [{"result": result, "completed_by": 7, "updated_at": WHEN}]
    return list(from_label_studio("f.json", json.dumps([task]), {"7": "Ada"}))


def _through_argilla(question: OpenQuestion) -> list[GivenVerdict]:
    record = argilla_record(question)
    value = record["suggestions"]["verdict"]["value"]
    record["responses"] = {"verdict": [{"value": value, "user_id": "7"}]}
    return list(from_argilla("f.json", json.dumps([record]), {"7": "Ada"}, WHEN))


def _find(names: Any) -> Mapping[str, list[ManifestItem]]:
    return {name: [ManifestItem(ITEM, "a", "p", {"b": HASH})] for name in names}


@pytest.mark.parametrize("through", [_through_label_studio, _through_argilla])
@given(asked=answers)
def test_a_confirmed_answer_comes_back_as_it_was(
    through: Any, asked: tuple[AnswerKind, Answer]
) -> None:
    kind, answer = asked
    question = OpenQuestion(
        row(
            ReviewRow,
            batch="b",
            item_id=ITEM,
            content_hash=HASH,
            task="t",
            kind=kind,
            choices=TASKS[kind].labels,
            round=1,
        ),
        "the content",
        (ServiceAnswer("s", answer, 0.5),),
    )
    (verdict,) = through(question)
    assert (verdict.item, verdict.task, verdict.who) == (ITEM, "t", "Ada")
    assert verdict.content_hash == HASH
    rules = VerdictContext({"t": TASKS[kind]}, "p", datetime(2026, 2, 1, tzinfo=UTC))
    (back,) = understand("f.jsonl", verdict.line(), rules, _find).verdicts
    direct = GivenVerdict(ITEM, "t", _said(answer), "Ada", WHEN, HASH, verdict.asked_in)
    (meant,) = understand("f.jsonl", direct.line(), rules, _find).verdicts
    assert back.verdict == meant.verdict


def _said(answer: Answer) -> Any:
    """The answer as somebody writes it into a verdict file."""
    if isinstance(answer, RecordAnswer):
        return plain_fields(answer)
    return list(answer) if isinstance(answer, tuple) else answer
