"""Outcomes as recorded answers: what counts, and what does not."""

import numpy as np
import pyarrow as pa
import pytest

from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.outcomes import OUTCOMES
from orchestration_assets.schemas.spending import SPENDING
from orchestration_assets.selection.forecast import Price
from orchestration_assets.selection.training_records import (
    OUTCOME_COLUMNS,
    observed_prices,
    training_records,
)

PRICES = {"one": Price(1.0, 0.1), "two": Price(2.0, 0.2)}
VERSIONS = {"one": "1", "two": "1"}


def outcome(item: str, service: str, answer: str | None, right: str, **changes) -> dict:
    base = {
        "content_hash": f"c-{item}",
        "task": "t",
        "service": service,
        "service_version": "1",
        "status": "ok" if answer else "abstained",
        "answer": answer,
        "confidence": 0.8 if answer else None,
        "score": float(answer == right),
        "why": "verdict",
        "said_by": "kim",
        "right": right,
        "weight": 1.0,
        "stood": None,
    }
    return base | changes


def records(rows: list[dict], kind: AnswerKind = AnswerKind.LABEL, **more):
    schema = pa.schema([OUTCOMES.schema.field(name) for name in OUTCOME_COLUMNS])
    table = pa.Table.from_pylist(rows, schema)
    return training_records("t", kind, ["one", "two"], VERSIONS, table, PRICES, **more)


def test_only_items_that_every_service_answered_for_are_learned_from() -> None:
    found = records(
        [
            outcome("a", "one", "x", "x"),
            outcome("a", "two", None, "x"),
            outcome("b", "one", "y", "y"),
        ]
    )
    assert found.gold == 2
    recorded = found.recorded
    assert recorded.items == ("c-a",)
    assert recorded.labels == ("x",)
    assert recorded.answers.tolist() == [[0, -1]]
    assert recorded.gold.tolist() == [0]
    assert recorded.confidences[0, 0] == 0.8 and np.isnan(recorded.confidences[0, 1])
    assert recorded.prices.tolist() == pytest.approx([0.1, 0.2])


def test_an_outcome_of_another_version_or_of_unknown_chance_is_left_out() -> None:
    found = records(
        [
            outcome("a", "one", "x", "x", service_version="0"),
            outcome("a", "two", "x", "x"),
            *(outcome("b", name, "x", "x", weight=None) for name in VERSIONS),
        ]
    )
    assert (found.stale, found.gold, found.recorded.n_items) == (1, 2, 0)


def test_answers_that_are_no_labels_are_as_right_as_their_score() -> None:
    rows = [outcome("a", "one", "4", "5", score=0.9), outcome("a", "two", None, "5", score=0.0)]
    recorded = records(rows, AnswerKind.SCORE).recorded
    assert recorded.scores.tolist() == [[0.9, 0.0]]
    assert recorded.answers.tolist() == [[0, -1]]
    assert recorded.gold.tolist() == [-1]


def test_a_judge_counts_where_people_have_said_too_little_and_they_correct_it() -> None:
    judged = [
        outcome(item, name, "x", right, why="judge", said_by="gpt")
        for item in "abc"
        for name, right in (("one", "x"), ("two", "y"))
    ]
    said = [outcome("a", name, "x", "z", weight=3.0) for name in VERSIONS]
    found = records([*judged, *said], AnswerKind.TEXT, enough=2.0, basis="verdicts")
    assert found.recorded.items == ("c-a", "c-b", "c-c")
    assert found.recorded.scores.tolist() == [[0.0, 0.0], [1.0, 0.0], [1.0, 0.0]]
    assert found.recorded.weights.tolist() == [1.0, 1.0, 1.0]
    assert (
        found.basis == "right is what gpt chose of the answers: only 1 items have gold or a verdict"
    )
    alone = records([*judged, *said], AnswerKind.TEXT, enough=1.0, basis="verdicts")
    assert (alone.recorded.items, alone.basis) == (("c-a",), "verdicts")


def test_what_a_judge_chose_stands_and_is_right_unless_people_say_otherwise() -> None:
    judged = [outcome(i, n, "x", "x", why="judge", said_by="gpt") for i in "abc" for n in VERSIONS]
    said = [outcome("a", name, "x", "y", stood=0.25) for name in VERSIONS]
    found = records([*judged, *said], AnswerKind.TEXT, enough=2.0)
    assert found.by_judge and found.standing is not None
    assert found.standing.tolist() == [0.25, 1.0, 1.0]
    assert not records(said, AnswerKind.TEXT).by_judge


@pytest.mark.parametrize(
    ("stood", "expected"),
    [
        ({"a": 1.0, "b": 0.0, "c": 0.5}, [1.0, 0.0, 0.5]),
        ({"b": 1.0}, [0.0, 1.0, 0.0]),
        ({}, None),
    ],
)
def test_an_item_without_a_standing_answer_was_not_answered_rightly(stood, expected) -> None:
    rows = [outcome(i, name, "x", "x", stood=stood.get(i)) for i in "abc" for name in VERSIONS]
    standing = records(rows).standing
    assert (None if standing is None else standing.tolist()) == expected


def test_items_read_by_all_only_because_the_first_were_not_sure_are_set_aside() -> None:
    rows = [outcome(item, name, "x", "x") for item in "ab" for name in VERSIONS]
    found = records(rows, asked_all={"c-a"})
    assert (found.recorded.items, found.uneven) == (("c-a",), 1)


def test_prices_are_what_calls_really_took() -> None:
    calls = pa.table(
        {
            "service": ["one", "one", "one", "gone"],
            "origin": ["called", "called", "cache", "called"],
            "cost_usd": [0.3, 0.5, 0.0, 9.0],
            "elapsed_ms": [10.0, 20.0, 0.1, 9.0],
        }
    )
    nothing = SPENDING.schema.empty_table()
    found = observed_prices(calls, nothing, PRICES)
    assert found == {"one": Price(15.0, 0.4), "two": PRICES["two"]}
    spent = pa.table(
        {
            "service": ["one", "one"],
            # a stopped run paid for two questions that no call log holds
            "items": [["a"], ["b", "c"]],
            "usd": [0.9, 0.9],
        }
    )
    found = observed_prices(calls, spent, PRICES)
    assert found == {"one": Price(15.0, pytest.approx(0.6)), "two": PRICES["two"]}
