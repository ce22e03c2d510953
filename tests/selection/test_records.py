"""Readings and gold as recorded answers: what counts, and what does not."""

import numpy as np
import pyarrow as pa
import pytest

from orchestration_assets.schemas.spending import SPENDING
from orchestration_assets.selection.forecast import Price
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


def records(readings: list[dict], labels: list[dict]):
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
