"""Readings and gold as recorded answers: what counts, and what does not."""

import numpy as np
import pyarrow as pa
import pytest

from orchestration_assets.schemas.spending import SPENDING
from orchestration_assets.selection.forecast import Price
from orchestration_assets.selection.training_corpus import standing_answers
from orchestration_assets.selection.training_records import observed_prices, training_records

PRICES = {"one": Price(1.0, 0.1), "two": Price(2.0, 0.2)}
VERSIONS = {"one": "1", "two": "1"}


def reading(item: str, service: str, answer: str | None, **changes) -> dict:
    base = {
        "item_id": item,
        "content_hash": f"c-{item}",
        "task": "t",
        "service": service,
        "service_version": "1",
        "final": True,
        "saw": [],
        "status": "ok" if answer else "abstained",
        "answer": answer,
        "confidence": 0.8 if answer else None,
    }
    return base | changes


def gold(item: str, answer: str, content: str | None = None) -> dict:
    return {"item_id": item, "content_hash": content, "task": "t", "answer": answer}


def records(readings: list[dict], labels: list[dict], standing=None):
    text = pa.string()
    schema = pa.schema(
        [(name, text) for name in ("item_id", "content_hash", "task", "service")]
        + [("service_version", text), ("final", pa.bool_()), ("status", text)]
        + [("answer", text), ("confidence", pa.float64()), ("saw", pa.list_(text))]
    )
    names = ("item_id", "content_hash", "task", "answer")
    gold_schema = pa.schema([(name, text) for name in names])
    return training_records(
        "t",
        ["one", "two"],
        VERSIONS,
        pa.Table.from_pylist(readings, schema),
        pa.Table.from_pylist(labels, gold_schema),
        PRICES,
        standing=standing,
    )


def test_an_answer_in_knowledge_of_another_is_none_of_the_service_by_itself() -> None:
    pairs = [reading("a", "one", "x"), reading("a", "two", "x", saw=["one"])]
    pairs += [reading("b", "one", "y"), reading("b", "two", "y", saw=["two"])]
    assert records(pairs, [gold("a", "x"), gold("b", "y")]).recorded.items == ("c-b",)


def test_only_items_that_every_service_read_are_learned_from() -> None:
    found = records(
        [reading("a", "one", "x"), reading("a", "two", None), reading("b", "one", "y")],
        [gold("a", "x"), gold("b", "y"), gold("never read", "y")],
    )
    assert found.gold == 2
    recorded = found.recorded
    assert recorded.items == ("c-a",)
    assert recorded.labels == ("x",)
    assert recorded.answers.tolist() == [[0, -1]]
    assert recorded.gold.tolist() == [0]
    assert recorded.confidences[0, 0] == 0.8 and np.isnan(recorded.confidences[0, 1])
    assert recorded.prices.tolist() == pytest.approx([0.1, 0.2])


def test_gold_about_an_earlier_content_does_not_count_for_this_one() -> None:
    found = records(
        [reading("a", "one", "x"), reading("a", "two", "x")], [gold("a", "x", "c-before")]
    )
    assert (found.gold, found.recorded.n_items) == (0, 0)


def test_a_reading_of_another_version_or_of_a_round_taken_over_is_left_out() -> None:
    found = records(
        [
            reading("a", "one", "old", service_version="0"),
            reading("a", "one", "early", final=False),
            reading("a", "one", "x"),
            reading("a", "two", "x", service_version="0"),
        ],
        [gold("a", "x")],
    )
    assert (found.stale, found.recorded.n_items) == (2, 0)


def test_identical_content_counts_once_with_its_latest_reading() -> None:
    found = records(
        [
            *(reading("a", name, "x") for name in VERSIONS),
            *(reading("b", name, "y", content_hash="c-a") for name in VERSIONS),
        ],
        [gold("a", "x"), gold("b", "x")],
    )
    assert found.recorded.items == ("c-a",)
    assert found.recorded.answers.tolist() == [[1, 1]]


@pytest.mark.parametrize(
    ("standing", "stood"),
    [
        ({"c-a": "x", "c-b": "x", "c-c": "x"}, [True, False, True]),
        ({"c-a": "x", "c-b": "y"}, [True, True, False]),
        ({"c-b": "y"}, [False, True, False]),
        ({"c-elsewhere": "y"}, None),
        ({}, None),
    ],
)
def test_an_item_without_a_standing_answer_was_not_answered_rightly(standing, stood) -> None:
    labels = {"a": "x", "b": "y", "c": "x"}
    readings = [reading(item, name, "x") for item in labels for name in VERSIONS]
    found = records(readings, [gold(*pair) for pair in labels.items()], standing)
    assert (None if found.standing is None else found.standing.tolist()) == stood


def test_what_stood_was_decided_by_the_plan_of_its_own_batch_about_its_own_content() -> None:
    columns = ("batch", "item_id", "task", "content_hash")
    rows = [
        ("1", "a", "t", "c-a", "default", "x"),
        # planned otherwise once, and decided by what was learned since
        ("2", "a", "t", "c-a", "learned", "y"),
        # what the item holds now has never been decided but by what was learned
        ("1", "b", "t", "c-before", "explore", "x"),
        ("2", "b", "t", "c-b", "learned", "y"),
        ("1", "c", "t", "c-c", "default", "x"),
        ("2", "c", "t", "c-c", "explore", "z"),
        ("1", "d", "t", "c-d", "default", None),
        ("1", "e", "another", "c-e", "default", "x"),
    ]
    keys = [dict(zip(columns, row[:4], strict=True)) for row in rows]
    plans = [key | {"option": row[4]} for key, row in zip(keys, rows, strict=True)]
    answers = [key | {"answer": row[5]} for key, row in zip(keys, rows, strict=True)]
    found = standing_answers("t", pa.Table.from_pylist(plans), pa.Table.from_pylist(answers))
    assert found == {"c-a": "x", "c-before": "x", "c-c": "z"}


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
