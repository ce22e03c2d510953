"""What a policy says of parts is checked where it is loaded, with the place and the remedy."""

import pytest

from orchestration_assets.policy.load import parse_policy
from orchestration_assets.policy.problems import PolicyError
from orchestration_assets.policy.tasks import build_tasks
from orchestration_assets.schemas.parts import JoinBy

POLICY = """
version: 2
services:
  model:
    type: openai_chat
    base_url: http://localhost:1/v1
    model: m
    context: {{content_tokens: 1000}}
    prompt: {{user: "{{{{ part.heading }}}} {{{{ content }}}}"}}
  words: {{implementation: tfidf_keywords}}
tasks:
  duties:
    question: Who must do what?
    kind: record
    fields: {{duties: {{type: list, fields: {{who: text}}}}, title: text}}
    default: {{model: parallel, services: [model]}}
  tone:
    question: How is it?
    kind: {kind}
    after: [duties]
    parts: {parts}
    {join}
    default: {{model: {model}, services: [model]}}
"""


def parse(parts="{by: sections}", join="", kind="label", model="parallel"):
    return parse_policy(POLICY.format(parts=parts, join=join, kind=kind, model=model), "p").policy


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"parts": "{by: chunks}"}, "chunks need max_tokens"),
        ({"parts": "{by: pages, overlap_tokens: 9}"}, "only chunks overlap"),
        ({"parts": "{by: chunks, max_tokens: 100, overlap_tokens: 60}"}, "at most half"),
        ({"parts": "{by: chapters}"}, "tasks.tone.parts.by"),
        ({"parts": "{by: sections, of: answers.duties.duties}"}, "entries need it"),
        ({"parts": "{by: entries}"}, "entries need it"),
        ({"parts": "{by: entries, of: duties}"}, "of must be answers.TASK.FIELD"),
        ({"parts": "{by: entries, of: answers.other.duties}"}, "put it into after"),
        ({"parts": "{by: entries, of: answers.duties.duty}"}, "no such list"),
        ({"parts": "{by: entries, of: answers.duties.title}"}, "no such list"),
        ({"parts": "{by: sections, max_tokens: 2000}"}, "is more than model is sent"),
        ({"join": "join: union"}, "a label is joined by vote, first, service"),
        ({"join": "join: concatenation", "kind": "set"}, "a set is joined by union"),
        ({"kind": "vector"}, "cannot be joined"),
        (
            {"join": "join: {service: modle}"},
            "no such service (found 'modle'); did you mean 'model'?",
        ),
        ({"join": "join: {service: words}"}, "gives no label"),
        ({"model": "iterative"}, "default is iterative"),
        ({"parts": "null", "join": "join: vote"}, "only a task with parts"),
    ],
)
def test_what_cannot_be_meant_is_refused(given, said) -> None:
    with pytest.raises(PolicyError) as refused:
        parse(**given)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("kind", "join", "way"),
    [
        ("label", "", JoinBy.VOTE),
        ("set", "", JoinBy.UNION),
        ("text", "", JoinBy.CONCATENATION),
        ("score", "join: first", JoinBy.FIRST),
        ("text", "join: {service: model}", JoinBy.SERVICE),
    ],
)
def test_answers_are_joined_as_their_kind_has_it_or_as_declared(kind, join, way) -> None:
    parts = build_tasks(parse(kind=kind, join=join))["tone"].parts
    assert parts.join is way
    assert parts.joiner == ("model" if way is JoinBy.SERVICE else None)
