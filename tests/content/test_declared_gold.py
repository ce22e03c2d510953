"""Gold that a column of the content declares, beside what people say."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from orchestration_assets.content.gold_columns import declared_verdicts
from orchestration_assets.content.verdicts import DECLARED_BY, VerdictContext, merge
from orchestration_assets.policy.load import parse_policy
from orchestration_assets.policy.problems import PolicyError
from resources.home import Home
from tests.content.test_intake import Intakes, lines

POLICY = """
version: 2
content:
  records: [{files: "*.jsonl", text: text, id: id, metadata: [right]}]
services:
  words:
    implementation: word_labels
    parameters: {labels: {good: [fine], bad: [poor]}}
tasks:
  mood:
    question: Is it good?
    labels: [good, bad]
    gold: right
    default: {model: sequential, services: [words]}
"""


@pytest.fixture
def rules() -> VerdictContext:
    tasks = parse_policy(POLICY, "test").policy.tasks
    return VerdictContext(tasks, "hash", datetime(2026, 2, 1, tzinfo=UTC))


@pytest.fixture
def intakes(tmp_path) -> Intakes:
    source = tmp_path / "source"
    source.mkdir()
    intakes = Intakes(tmp_path / "home", source)
    content = parse_policy(POLICY, "test").policy.content
    intakes.content = content
    return intakes


def manifests(intakes, *records):
    (intakes.source / "a.jsonl").write_text(lines(*records))
    intakes.take()
    store = Home(intakes.home).tables
    return [(key, store.read("content_manifest", key)) for key in store.batches("content_manifest")]


def test_a_declared_column_is_gold_and_values_that_are_no_answer_are_counted(
    intakes, rules
) -> None:
    made = manifests(
        intakes,
        {"id": 1, "text": "fine weather", "right": "good"},
        {"id": 2, "text": "poor weather", "right": "bat"},
        {"id": 3, "text": "some weather", "right": ""},
        {"id": 4, "text": "any weather"},
        # what a person may say of listed answers is a value like others in a column
        {"id": 5, "text": "no weather", "right": "none of these"},
    )
    found = declared_verdicts(made, rules)
    assert [(row.path, row.answer, row.who) for row in found.verdicts] == [
        ("a.jsonl#1", "good", DECLARED_BY)
    ]
    assert found.unusable == 2
    assert "did you mean 'bad'?" in found.examples[0]


def test_a_person_who_judged_later_has_the_last_word_until_the_content_says_otherwise(
    intakes, rules
) -> None:
    made = manifests(intakes, {"id": 1, "text": "fine", "right": "good"})
    (declared,) = declared_verdicts(made, rules).verdicts
    later = replace(declared, who="ann", answer="bad", verdict="bad", said_at=rules.now)
    (gold,) = merge([later, declared])
    assert (gold.answer, len(gold.history)) == ("bad", 2)
    again = manifests(intakes, {"id": 1, "text": "fine!", "right": "good"})
    assert len(declared_verdicts(again, rules).verdicts) == 1


def test_a_gold_column_that_no_record_file_keeps_is_an_error_of_the_policy() -> None:
    with pytest.raises(PolicyError, match=r"tasks\.mood\.gold.*metadata under content\.records"):
        parse_policy(POLICY.replace("metadata: [right]", "metadata: []"), "test")
