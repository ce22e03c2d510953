"""Differences of policies in words: nothing that changed is left out, and each line is one."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.policy.activation_rows import compared
from orchestration_assets.policy.differences import policy_changes
from orchestration_assets.policy.load import load_policy, parse_policy
from orchestration_assets.policy.problems import PolicyError
from orchestration_assets.schemas.policy import Policy
from tests.policy.hostile import ODD, bases, mutated, places

BASE = """
version: 1
services:
  a: {implementation: stopwords}
  b: {implementation: langid}
  chat:
    {type: openai_chat, base_url: "http://127.0.0.1:9/v1", model: m, price: {input_usd: 0.15},
     prompt: {user: "{{ task.question }} {{ content }}"}}
tasks:
  letter:
    question: Is it a letter?
    labels: ["yes", "no"]
    default: {model: parallel, services: [a, b], judge: {service: chat, when: always}}
  tone:
    question: Which tone?
    labels: [kind, angry]
    applies_to: {answers.letter: {eq: "yes"}}
    default: {model: sequential, services: [a]}
"""


def words(before: str, after: str) -> list[str]:
    changes, _ = compared(parse_policy(before, "a"), parse_policy(after, "b"))
    return [str(change) for change in changes]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "when: always",
            "when: disagree",
            ["letter: asks chat only when answers differ, before every time", "tone: builds on"],
        ),
        (
            "question: Is it a letter?",
            "question: Is it a letter?\n    version: '2'",
            ["letter: version 1 -> 2, so its answers are asked again", "tone: builds on letter"],
        ),
        (
            "[kind, angry]",
            "[kind, rude]",
            ["tone: labels +rude, -angry, so its answers are asked again"],
        ),
        (
            "input_usd: 0.15",
            "input_usd: 0.6",
            ["service chat: price of input 0.15 -> 0.6 USD a million tokens read"],
        ),
        (
            "model: m,",
            "model: n,",
            [
                "tone: builds on letter",
                "service chat: model m -> n, so its answers to letter are asked again",
            ],
        ),
        (
            'applies_to: {answers.letter: {eq: "yes"}}',
            "applies_to: {word_count: {lt: 9}}",
            ["tone: is asked of items where word_count < 9; before: answers.letter is yes"],
        ),
        (
            "default: {model: sequential, services: [a]}",
            "default: {model: sequential, services: [a, b], stop_at: 0.9, min_readings: 2}",
            [
                "tone: asks a, then b until 90 % sure by 2 answers at least; before: asks a",
            ],
        ),
        (
            "version: 1\n",
            "version: 1\nexecution: {budget_usd: 5}\n",
            ["execution: budget_usd none"],
        ),
        (
            "  b: {",
            "  c: {implementation: langid}\n  b: {",
            ["service c: is new (embedded langid)"],
        ),
        (
            "question: Which tone?",
            "question: Which tone is it?",
            ['tone: asks "Which tone is it?"'],
        ),
    ],
)
def test_each_change_is_said_in_plain_words_with_its_consequence(old, new, said) -> None:
    found = words(BASE, BASE.replace(old, new))
    assert len(found) == len(said)
    for line, expected in zip(found, said, strict=True):
        assert line.startswith(expected)


def test_what_only_some_services_are_shown_is_asked_again_of_them_alone() -> None:
    changed = BASE.replace("Is it a letter?", "Is it really a letter?")
    assert "letter: asks" in words(BASE, changed)[0]
    assert words(BASE, changed)[0].endswith(", so the answers of chat are asked again")


def test_rules_that_come_go_move_and_change() -> None:
    rule = """
    rules:
      - name: one
        because: x
        when: {word_count: {lt: 5}}
        choose: {model: sequential, services: [a]}
      - name: two
        because: y
        when: {word_count: {lt: 9}}
        choose: {model: sequential, services: [b]}
"""
    place = '    labels: ["yes", "no"]\n'
    ruled = BASE.replace(place, place + rule.lstrip("\n"))
    assert words(BASE, ruled)[0] == "letter: new rule one (x): where word_count < 5 it asks a"
    assert "letter: rule one is gone" in words(ruled, BASE)
    turned = parse_policy(ruled, "r").policy.model_dump(mode="json", by_alias=True)
    turned["tasks"]["letter"]["rules"].reverse()
    (moved, _) = policy_changes(parse_policy(ruled, "r").policy, Policy.model_validate(turned))
    assert str(moved) == "letter: order of precedence two, one; before: one, two"
    other = ruled.replace("{word_count: {lt: 9}}", "{word_count: {lt: 8}, has_extension: true}")
    assert words(ruled, other)[0] == (
        "letter: rule two: holds where word_count < 8 and has_extension is true; before: "
        "word_count < 9"
    )


def test_equal_policies_differ_in_nothing() -> None:
    policy = load_policy(None)
    assert compared(policy, policy) == ((), {})
    assert words(BASE, f"# a comment\n{BASE}") == []


def _valid(text: str) -> Policy | None:
    try:
        return parse_policy(text, "mutated").policy
    except PolicyError:
        return None


BASES = bases()
PLACES: dict[str, list[tuple[Any, ...]]] = {
    name: [path for path in places(plain) if path] for name, plain in BASES.items()
}


def _nearby(value: Any) -> list[str]:
    """Values of the same type, which are often valid in the same place."""
    if isinstance(value, bool):
        return [yaml.safe_dump(not value)]
    if isinstance(value, int | float):
        return [str(value + 1), str(value / 2), str(value * 2)]
    if isinstance(value, str):
        return [f"{value}x", "other"]
    if isinstance(value, list):
        return [yaml.safe_dump(value[::-1], default_flow_style=True, width=10**9).strip()]
    return []


@given(st.data())
def test_whatever_is_changed_is_said_on_one_line_each_and_both_ways(data) -> None:
    name = data.draw(st.sampled_from(sorted(BASES)))
    path = data.draw(st.sampled_from(PLACES[name]))
    here = BASES[name]
    for step in path:
        here = here[step]
    how = data.draw(st.sampled_from(["delete", *_nearby(here), data.draw(st.sampled_from(ODD))]))
    before = parse_policy(yaml.safe_dump(BASES[name]), name).policy
    after = _valid(mutated(BASES[name], path, how))
    if after is None:
        return
    for old, new in ((before, after), (after, before)):
        found = policy_changes(old, new)
        assert bool(found) == (old.canonical() != new.canonical())
        for change in found:
            assert str(change).isprintable()
            assert len(str(change)) < 5_000
