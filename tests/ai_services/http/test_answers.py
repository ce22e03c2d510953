"""What language models write, and what is read from it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.schemas.answers import fits
from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.items import Task
from orchestration_assets.text.replies.answers import (
    UnfitAnswerError,
    read_answer,
    schema_for,
)
from orchestration_assets.text.replies.token_confidence import confidence_from_logprobs

LABEL = Task("l", "1", AnswerKind.LABEL, ("red", "dark red", "blue"))
SCORE = Task("s", "1", AnswerKind.SCORE, scale=(-1.0, 1.0))
SET = Task("k", "1", AnswerKind.SET)
TEXT = Task("t", "1", AnswerKind.TEXT)


@pytest.mark.parametrize(
    ("task", "said", "answer", "confidence"),
    [
        (LABEL, '{"answer": "red", "confidence": 0.8}', "red", 0.8),
        (LABEL, '{"answer": " RED ", "confidence": 0.8}', "red", 0.8),
        (LABEL, 'Sure:\n```json\n{"answer": "blue", "confidence": 1}\n```', "blue", 1.0),
        (LABEL, '{"thought": {"a": 1}} {"answer": "blue", "confidence": "high"}', "blue", None),
        (LABEL, 'JSON: {"answer": "blue"}', "blue", None),
        (LABEL, 'It is dark.\n**Here is the result:** {\n"answer": "blue"\n}\nDone.', "blue", None),
        (LABEL, 'Not {"answer": "red"}, I think.\n```\n{"answer": "blue"}\n```', "blue", None),
        (LABEL, "Answer: blue.", "blue", None),
        (LABEL, "dark red", "dark red", None),
        (LABEL, '"blue"', "blue", None),
        (LABEL, '{"answer": "blue", "confidence": 7}', "blue", None),
        (SCORE, '{"answer": -0.5, "confidence": 0.5}', -0.5, 0.5),
        (SCORE, "**0.25**", 0.25, None),
        (SCORE, "1", 1.0, None),
        (SET, '{"answer": ["a", "b", "a", " "], "confidence": 0}', ("a", "b"), 0.0),
        (TEXT, '{"answer": " A title ", "confidence": 0.9}', "A title", 0.9),
    ],
)
def test_an_answer_is_found(task, said, answer, confidence) -> None:
    reading = read_answer(said, task)
    assert (reading.status, reading.answer, reading.confidence) == (Status.OK, answer, confidence)
    assert reading.evidence == (
        "no confidence stated" if confidence is None else "self-reported confidence"
    )


@pytest.mark.parametrize(
    ("task", "said", "words"),
    [
        (LABEL, '{"answer": "green", "confidence": 1}', "one of: red"),
        (LABEL, "red or blue", "one JSON object"),
        (LABEL, "I would say blue.", "one JSON object"),
        (SCORE, "The tone is 0.25", "one JSON object"),
        (LABEL, 'The answer is not {"answer": "red"}', "one JSON object"),
        (LABEL, 'I would say {"answer": "red"} if it were a wall, but no.', "one JSON object"),
        (LABEL, '{"answer": "red"} would be wrong', "one JSON object"),
        (LABEL, '{"answer": "red"} or {"answer": "blue"}', "one JSON object"),
        (LABEL, 'Answer: {"answer": "red"}\nOr is it {"answer": "blue"}?', "one JSON object"),
        (LABEL, "", "one JSON object"),
        (LABEL, '{"verdict": "red"}', 'no member "answer"'),
        (LABEL, '{"answer": ["red"]}', "text that is not empty"),
        (SCORE, '{"answer": 2}', "between -1 and 1"),
        (SCORE, '{"answer": true}', "must be a number"),
        (SCORE, '{"answer": NaN}', "between"),
        (SET, '{"answer": "a, b"}', "list of texts"),
        (SET, '{"answer": []}', "between 1 and"),
        (TEXT, '{"answer": ""}', "not empty"),
        (TEXT, "[" * 100_000, "one JSON object"),
    ],
)
def test_what_does_not_fit_says_why(task, said, words) -> None:
    with pytest.raises(UnfitAnswerError, match=words):
        read_answer(said, task)


def test_null_is_an_abstention() -> None:
    assert read_answer('{"answer": null, "confidence": null}', LABEL).status is Status.ABSTAINED


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(
    st.sampled_from([LABEL, SCORE, SET, TEXT]),
    st.text(max_size=200)
    | json_values.map(json.dumps)
    | st.fixed_dictionaries({"answer": json_values, "confidence": json_values}).map(json.dumps),
)
def test_whatever_is_said_is_a_fitting_answer_or_an_unfit_one(task, said) -> None:
    try:
        reading = read_answer(said, task)
    except UnfitAnswerError:
        return
    if reading.status is Status.OK:
        assert fits(reading.answer, task.kind)
        if task.labels:
            assert reading.answer in task.labels


def test_the_schema_names_the_labels_and_the_scale() -> None:
    assert schema_for(LABEL)["properties"]["answer"]["enum"] == ["red", "dark red", "blue", None]
    answer = schema_for(SCORE)["properties"]["answer"]
    assert (answer["minimum"], answer["maximum"]) == (-1.0, 1.0)


def tokens(*pieces: tuple[str, float]) -> list[dict]:
    return [{"token": token, "logprob": logprob} for token, logprob in pieces]


def test_confidence_is_the_probability_of_the_tokens_that_spell_the_answer() -> None:
    said = tokens(('{"answer": "', -5.0), ("dark", -0.1), (" red", -0.2), ('"}', -3.0))
    assert confidence_from_logprobs(said, "dark red") == pytest.approx(0.7408, abs=1e-4)
    assert confidence_from_logprobs(said, "blue") is None
    assert confidence_from_logprobs([{"token": "x"}], "x") is None
    assert confidence_from_logprobs(tokens(("red", float("nan"))), "red") is None
