"""The graph of tasks in a policy: what is refused, with the place and the nearest name."""

import pytest

from orchestration_assets.policy.load import load_policy
from orchestration_assets.policy.problems import PolicyError
from orchestration_assets.policy.task_graph import in_order, task_inputs
from orchestration_assets.schemas.record_answers import RecordAnswer
from orchestration_assets.schemas.task_inputs import Otherwise

POLICY = """
version: 2
services:
  names: {{implementation: extension_map}}
  tone: {{implementation: vader_tone}}
  words: {{implementation: tfidf_keywords}}
  title: {{implementation: declared_title}}
  vectors: {{implementation: word_hashing}}
  model:
    type: openai_chat
    base_url: http://127.0.0.1:9/v1
    model: m
    prompt: {{user: "{prompt}"}}
tasks:
  letter:
    question: What is it?
    labels: [invoice, letter]
    default: {{model: parallel, services: [names]}}
  mood: {{question: How?, kind: score, default: {{model: parallel, services: [tone]}}}}
  topics: {{question: Which?, kind: set, default: {{model: parallel, services: [words]}}}}
  place: {{question: Where?, kind: vector, default: {{model: parallel, services: [vectors]}}}}
  bill:
    question: What is to be paid?
    kind: record
    fields: {{total: number, due: date, paid: boolean, lines: {{type: list}}, to: text}}
    default: {{model: parallel, services: [model]}}
  last:
    question: And then?
    labels: [yes, no]
    {more}
    default: {{model: parallel, services: [names, model]}}
"""
POLICY = POLICY.replace("[yes, no]", "['yes', 'no']")


@pytest.fixture
def load(tmp_path):
    def policy(more: str, prompt: str = "{{ content }}"):
        path = tmp_path / "policy.yaml"
        path.write_text(POLICY.format(more=more, prompt=prompt))
        return load_policy(path).policy

    return policy


def problems(load, more: str, prompt: str = "{{ content }}") -> str:
    with pytest.raises(PolicyError) as error:
        load(more, prompt)
    return str(error.value)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("after: [leter]", "no such task (found 'leter'); did you mean 'letter'"),
        ("after: [place]", "vectors, which no prompt can show"),
        ("after: [last]", "waits for itself: last -> last"),
        ("applies_to: {answers.leter: invoice}", "no such task"),
        ("applies_to: {answers.letter: invoices}", "did you mean 'invoice'"),
        ("applies_to: {answers.letter: {gt: 3}}", "its answers are of kind label"),
        ("applies_to: {answers.letter: {contains: a}}", "compare it by eq, ne, in, not_in"),
        ("applies_to: {answers.letter.total: 3}", "a label has no fields"),
        ("applies_to: {answers.mood: happy}", "which this value is not"),
        ("applies_to: {answers.topics: {eq: a}}", "compare it by contains, missing, risk"),
        ("applies_to: {answers.place: {missing: true}}", "vectors, which nothing can be compared"),
        ("applies_to: {answers.bill: {eq: a}}", "compare it by missing, risk"),
        ("applies_to: {answers.bill.totl: {gt: 3}}", "no such field (found 'totl'); did you mean"),
        ("applies_to: {answers.bill.paid: {gt: 3}}", "the field paid is a boolean"),
        ("applies_to: {answers.bill.lines: {eq: a}}", "the field lines is a list"),
        ("applies_to: {answers.bill.total: {gt: 1, risk: {lt: 1}}}", "put it under answers.bill"),
        ("applies_to: {answers.letter: {risk: {lt: 7}}}", "a risk lies between 0 and 1"),
        ("applies_to: {answers.letter: {risk: {eq: 0.1}}}", "a risk is a number: lt, le, gt or ge"),
        ("applies_to: {word_count: {risk: {lt: 0.1}}}", "is for answers: features have none"),
        ("otherwise: ask", "only a task that comes after another"),
        ("after: [letter]\n    otherwise: {answer: yess}", "is not in labels; did you mean 'yes'"),
        ("after: [letter]\n    otherwise: {answer: 3}", "is no answer of kind label"),
        ("after: [letter]\n    otherwise: sometimes", "tasks.last.otherwise"),
    ],
)  # fmt: skip
def test_what_fits_no_answer_is_refused(load, more: str, said: str) -> None:
    assert said in problems(load, more)


def test_rules_cannot_look_at_answers(load) -> None:
    rule = (
        "rules: [{name: r, because: b, when: {answers.letter: invoice}, "
        "choose: {model: parallel, services: [names]}}]"
    )
    assert "ways are chosen before anything is answered" in problems(load, rule)


def test_circles_through_others_are_named(tmp_path, load) -> None:
    text = POLICY.format(more="after: [letter]", prompt="x").replace(
        "    labels: [invoice, letter]", "    labels: [invoice, letter]\n    after: [last]"
    )
    path = tmp_path / "circle.yaml"
    path.write_text(text)
    with pytest.raises(PolicyError, match=r"waits for itself: l.* -> l.* -> l"):
        load_policy(path)


def test_prompts_name_only_answers_that_are_shown(load) -> None:
    assert "no such task; did you mean 'letter'" in problems(
        load, "after: [letter]", "{{ answers.leter }}"
    )
    refused = problems(load, "after: [mood]", "{{ answers.letter }}")
    assert "names answers.letter, which is not shown" in refused
    load(
        "after: [letter]",
        "{{ answers.letter }} {{ answers['letter'] }} {% for t in answers %}{{ t }}{% endfor %}",
    )


def test_inputs_are_those_of_after_and_of_the_conditions(load) -> None:
    policy = load(
        "after: [topics]\n    applies_to: {word_count: {gt: 3}, answers.letter: invoice, "
        "answers.bill.total: {gt: 100}}\n    otherwise: {answer: 'no'}"
    )
    inputs = task_inputs(policy)
    assert list(inputs) == ["last"]
    own = inputs["last"]
    assert own.waits_for == ("topics", "letter", "bill")
    assert own.shown == ("topics",)
    assert [test.name for test in own.tests] == ["letter", "bill.total"]
    assert (own.otherwise, own.answer) == (Otherwise.ANSWER, "no")
    assert in_order(["last", "letter", "bill", "topics"], inputs)[-1] == "last"
    # what is said is what a later run reads back
    again = type(policy).model_validate(policy.canonical())
    assert task_inputs(again) == inputs


def test_a_record_may_be_declared(tmp_path) -> None:
    declared = "    kind: record\n    after: [letter]\n    otherwise: {answer: {total: 0}}"
    text = POLICY.format(more="", prompt="x").replace("    kind: record", declared)
    path = tmp_path / "policy.yaml"
    path.write_text(text)
    assert task_inputs(load_policy(path).policy)["bill"].answer == RecordAnswer((("total", 0.0),))
    path.write_text(text.replace("{total: 0}", "{totl: 0}"))
    with pytest.raises(PolicyError, match="no field; did you mean 'total'"):
        load_policy(path)
