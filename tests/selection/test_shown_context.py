"""What prompts show beside the content counts where a call is priced."""

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.policy.load import parse_policy
from orchestration_assets.policy.tasks import build_tasks
from orchestration_assets.schemas.items import Item, Question
from orchestration_assets.schemas.knowledge import RetrievedPassage
from orchestration_assets.selection.expected_price import ExpectedPrices, expected_usd
from orchestration_assets.selection.shown_context import pieces_of, shown_tokens
from orchestration_assets.services.pool import build_services
from orchestration_assets.text.prompts.shown_passages import shown_passages
from orchestration_assets.text.token_estimates import token_estimate

MOST = 60
POLICY = parse_policy(
    f"""
version: 2
knowledge: {{handbook: {{source: handbook}}}}
services:
  shows: &shows
    type: openai_chat
    base_url: http://127.0.0.1:9/v1
    model: m
    price: {{input_usd: 1.0, output_usd: 0.0}}
    context: {{passage_tokens: {MOST}}}
    prompt:
      user: "{{% for one in passages %}}{{{{ one.content }}}}{{% endfor %}} {{{{ content }}}}"
  does_not: {{<<: *shows, prompt: {{user: "{{{{ content }}}}"}}}}
tasks:
  t:
    question: What?
    labels: [a, b]
    passages: {{of: [handbook]}}
    default: {{model: parallel, services: [shows, does_not]}}
""",
    "policy.yaml",
).policy
SERVICES = build_services(POLICY.services)


def question_about(words: list[int]) -> Question:
    passages = tuple(
        RetrievedPassage("handbook", "v", "page.md", "", 0, 1, 1.0, "d", "word " * count)
        for count in words
    )
    task = build_tasks(POLICY)["t"]
    return Question(task, Item("i", "c", "i.txt", "text", {}), passages=passages)


@given(st.lists(st.integers(1, 40), max_size=6))
def test_as_much_is_priced_as_a_prompt_shows(words) -> None:
    question = question_about(words)
    shown, _ = shown_passages(question.passages, (), MOST)
    tokens = sum(token_estimate(one.values["content"]) for one in shown)
    assert shown_tokens(SERVICES["shows"], pieces_of(question)) == tokens
    assert tokens == max([0, *(sum_ for sum_ in accumulate(words) if sum_ <= MOST)])


def test_a_prompt_that_names_no_passages_shows_none() -> None:
    pieces = pieces_of(question_about([20, 20]))
    assert shown_tokens(SERVICES["does_not"], pieces) == 0
    dear, cheap = (expected_usd(SERVICES[name], 100, shown=pieces) for name in SERVICES)
    assert dear - expected_usd(SERVICES["shows"], 100) == pytest.approx(40 / 1e6)
    assert cheap == expected_usd(SERVICES["does_not"], 100)


def test_a_choice_is_priced_with_what_its_task_usually_shows() -> None:
    usual = {"t": {"passages": (20, 20)}}
    choice = POLICY.tasks["t"].choices["default"]
    more = ExpectedPrices(SERVICES, shown=usual).of_choice("t", choice, 100.0, parts=3)
    assert more - ExpectedPrices(SERVICES).of_choice("t", choice, 100.0, parts=3) == pytest.approx(
        3 * 40 / 1e6
    )
