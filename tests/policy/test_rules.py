"""What answers must satisfy: what is refused at the check, with its place and the remedy."""

import pytest
import yaml

from orchestration_assets.policy.load import load_policy
from orchestration_assets.policy.problems import PolicyError

MODEL = {
    "type": "openai_chat",
    "base_url": "http://127.0.0.1:9/v1",
    "model": "m",
    "prompt": {"user": "{{ content }}"},
}


def loaded(tmp_path, rules, *, kind="record", after=("letter", "order"), **task):
    fields = {"fields": {"total": "number", "lines": {"type": "list", "fields": {"n": "number"}}}}
    way = {"model": "parallel", "services": ["model"]}
    tasks = {
        "letter": {"question": "Which?", "labels": ["invoice", "other"], "default": way},
        "order": {"question": "What?", "kind": "record", **fields, "default": way},
        "late": {"question": "When?", "kind": "text", "default": way},
        "bill": {
            "question": "How much?",
            "kind": kind,
            **(fields if kind == "record" else {}),
            "after": list(after),
            "validate": rules,
            "default": way,
            **task,
        },
    }
    services = {"model": MODEL, "words": {"implementation": "tfidf_keywords"}}
    path = tmp_path / "policy.yaml"
    path.write_text(yaml.safe_dump({"version": 2, "services": services, "tasks": tasks}))
    return load_policy(path).policy


@pytest.mark.parametrize(
    "rule",
    [
        "answers.letter == 'invoice'",
        "total == answers.order.total",
        "sum(lines.n) <= sum(answers.order.lines.n)",
        "missing(answers.order.total) or total > 0",
    ],
)
def test_rules_may_read_the_answers_to_tasks_before(tmp_path, rule) -> None:
    policy = loaded(tmp_path, [{"rule": rule}])
    assert policy.tasks["bill"].validate_[0].rule == rule
    # what was pinned can be read back
    assert type(policy).model_validate(policy.canonical()) == policy


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        ("label", "answer in ['a', 'b']"),
        ("text", "len(answer) <= 80"),
        ("text", "matches(answer, '[A-Z]{3}')"),
        ("score", "answer >= 0.1 and answers.letter != 'other'"),
        ("set", "len(answer) > 1 and 'a' in answer"),
    ],
)
def test_answers_without_fields_are_called_answer(tmp_path, kind, rule) -> None:
    assert loaded(tmp_path, [{"rule": rule}], kind=kind).tasks["bill"].validate_


@pytest.mark.parametrize(
    ("rules", "kind", "told"),
    [
        ([{"rule": "answers.late == 'x'"}], "record", "late is not answered before it: add it to"),
        ([{"rule": "total + 3"}], "record", "'total + 3' neither holds nor fails: compare it"),
        ([{"rule": "total > 0 and not -1"}], "record", "'-1' neither holds nor fails"),
        ([{"rule": "total > 0 or total"}], "record", "total neither holds nor fails: compare it"),
        ([{"rule": "answer"}], "text", "answer neither holds nor fails: compare it, or ask"),
        ([{"rule": "len(lines)"}], "record", "'len(lines)' neither holds nor fails"),
        ([{"rule": "answers.lettr == 'x'"}], "record", "did you mean 'letter'?"),
        ([{"rule": "answers.order.totl > 0"}], "record", "order has no such value"),
        ([{"rule": "answers.bill.total > 0"}], "record", "its own values are named without"),
        ([{"rule": "answers.order.lines.n > 0"}], "record", "has several values"),
        ([{"rule": "totl > 0"}], "record", "no such field of the task"),
        ([{"rule": "total > 0"}], "text", "an answer without fields is answer"),
        ([{"rule": "answer == 'a'"}], "set", "answer has several values"),
        ([{"service": "modle", "question": "Right?"}], "record", "no such service"),
        ([{"service": "words", "question": "Right?"}], "record", "not give answers of kind label"),
        ([{"service": "model"}], "record", "service and question belong together"),
        ([{"because": "so"}], "record", "give a rule or a service"),
        ([{"rule": "total > 0", "attempts": 9}], "record", "less than or equal to 5"),
        (
            [{"rule": "total > 0", "otherwise": "review", "attempts": 2}],
            "record",
            "only otherwise: repair asks again",
        ),
        (
            [{"rule": "total > 0", "escalate_to": "model"}],
            "record",
            "only otherwise: escalate asks another",
        ),
        (
            [{"rule": "total > 0", "otherwise": "escalate", "escalate_to": "words"}],
            "record",
            "does not give answers of kind record",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_where_it_stands(tmp_path, rules, kind, told) -> None:
    with pytest.raises(PolicyError) as error:
        loaded(tmp_path, rules, kind=kind)
    assert "tasks.bill.validate[0]" in str(error.value)
    assert told in str(error.value)


def test_vectors_have_no_rules(tmp_path) -> None:
    way = {"model": "parallel", "services": ["vectors"]}
    with pytest.raises(PolicyError, match="nothing can be said of the numbers of a vector"):
        loaded(tmp_path, [{"rule": "len(answer) > 1"}], kind="vector", default=way)
