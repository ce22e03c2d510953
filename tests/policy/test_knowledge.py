"""What a policy says of knowledge is checked when it is read."""

import pytest

from orchestration_assets.policy.load import parse_policy
from orchestration_assets.policy.problems import PolicyError

POLICY = """
version: 2
knowledge:
  handbook: {source: handbook}
services:
  model:
    type: openai_chat
    base_url: http://127.0.0.1:8377/v1
    model: small
    prompt: {user: "{{ content }}"}
    prompts:
      answer: {user: "{% for one in passages %}{{ one.content }}{% endfor %} {{ content }}"}
tasks:
  answer:
    question: What does it say?
    kind: text
    passages: {of: [handbook]}
    default: {model: sequential, services: [model]}
"""


def problems(text: str) -> list[str]:
    with pytest.raises(PolicyError) as caught:
        parse_policy(text, "policy")
    return [str(problem) for problem in caught.value.problems]


def test_passages_of_declared_documents_are_shown() -> None:
    assert parse_policy(POLICY, "policy").policy.tasks["answer"].passages is not None


def test_documents_that_are_not_declared_are_told_with_the_nearest_name() -> None:
    (said,) = problems(POLICY.replace("of: [handbook]", "of: [handbok]"))
    assert "tasks.answer.passages.of[0]" in said
    assert "did you mean 'handbook'" in said


def test_a_prompt_that_shows_passages_of_nothing_is_refused() -> None:
    (said,) = problems(POLICY.replace("    passages: {of: [handbook]}\n", ""))
    assert "services.model.prompts.answer" in said
    assert "give it passages" in said


def test_a_prompt_that_cannot_be_read_is_told_once() -> None:
    (said,) = problems(POLICY.replace("{{ one.content }}", "{{ one.content | nosuch }}"))
    assert "nosuch" in said
