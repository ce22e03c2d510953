"""Whose answer it is: any change of what shapes an answer is another identity, and is named."""

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.items import Task
from orchestration_assets.services.identity import changed_parts, service_identity
from resources.ai_services.http.chat import ChatService
from tests.ai_services.http.samples import chat

TASK = Task("t", "1", AnswerKind.LABEL, ("a", "b"), question="which of the two?")
URL = "http://localhost/v1"


@dataclass
class Plain:
    version: str = "1"
    fingerprint: str = "f"
    reads: frozenset[str] = frozenset()


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"model": "another"}, "code or model"),
        ({"prompt": {"user": "{{ content }}, in one word"}}, "parameters or prompt"),
        ({"parameters": {"temperature": 0.9}}, "parameters or prompt"),
        ({"prompts": {"t": {"user": "{{ content }}?"}}}, "parameters or prompt"),
    ],
)
def test_a_new_model_prompt_or_temperature_is_another_service(settings, part) -> None:
    before = service_identity(ChatService("s", chat(URL)), TASK)
    now = service_identity(ChatService("s", chat(URL, **settings)), TASK)
    assert before != now
    assert changed_parts(before, now).startswith(f"changed {part} (")


@pytest.mark.parametrize(
    "changes", [{"labels": ("a", "b", "c")}, {"version": "2"}, {"kind": AnswerKind.TEXT}]
)
def test_other_labels_or_another_version_of_the_task_is_another_identity(changes) -> None:
    before, now = (service_identity(Plain(), task) for task in (TASK, replace(TASK, **changes)))
    assert changed_parts(before, now).startswith("changed task, labels or question (")


def test_words_of_the_question_count_where_they_are_shown() -> None:
    other = replace(TASK, question="which?")
    assert service_identity(Plain(), TASK) == service_identity(Plain(), other)
    shown = Plain(reads=frozenset({"question"}))
    assert service_identity(shown, TASK) != service_identity(shown, other)


def test_what_does_not_shape_an_answer_changes_nothing() -> None:
    before = service_identity(ChatService("s", chat(URL)), TASK)
    for same in ({"concurrency": 3}, {"price": {"call_usd": 1}}, {"retries": {"attempts": 9}}):
        assert service_identity(ChatService("s", chat(URL, **same)), TASK) == before
    assert service_identity(ChatService("s", chat(URL)), replace(TASK, disagree_at=0.5)) == before


@given(versions=st.lists(st.text(max_size=12), min_size=2, max_size=2, unique=True))
def test_an_identity_is_three_words_whatever_a_model_is_called(versions) -> None:
    first, second = (service_identity(Plain(version), TASK) for version in versions)
    assert len(first.split(" ")) == 3
    if first != second:
        assert changed_parts(first, second) == (
            f"changed code or model ({first.split(' ')[0]} -> {second.split(' ')[0]})"
        )
