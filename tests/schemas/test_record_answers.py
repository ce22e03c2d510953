import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.schemas.record_answers import (
    RecordAnswer,
    is_storable_record,
    leaves,
    record_json,
    record_of,
    record_text,
    whole_record,
)
from orchestration_assets.schemas.record_fields import patterns
from tests.evidence.records_drawn import FIELDS, entry, plain, records

quotes = st.dictionaries(st.text(min_size=1), st.text(min_size=1), max_size=3).map(
    lambda given: tuple(given.items())
)


@given(records(), quotes, st.lists(st.text(), max_size=2).map(tuple))
def test_a_record_survives_its_json_exactly(record, quoted, loose) -> None:
    full = RecordAnswer(record.values, quoted, loose)
    assert record_of(record_json(full)) == full


@given(records())
def test_json_is_written_the_same_again(record) -> None:
    assert record_json(record_of(record_json(record))) == record_json(record)


@pytest.mark.parametrize(
    "text", ["[]", "{}", '{"fields": []}', '{"fields": {}, "quotes": []}', "3", '"fields"', "{"]
)
def test_another_text_is_no_record(text) -> None:
    with pytest.raises(ValueError):
        record_of(text)


def test_a_number_beyond_json_is_not_written() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        record_json(RecordAnswer((("total", float("nan")),)))


def test_paths_name_values_and_texts_are_for_people() -> None:
    record = RecordAnswer(
        (
            ("total", 1234.5),
            ("paid", True),
            ("lines", (entry("pen", 2.0), entry("ink"))),
            ("people", plain(["Ann", "Bob"])),
        )
    )
    assert dict(leaves(record)) == {
        "total": 1234.5,
        "paid": True,
        "lines[0].item": "pen",
        "lines[0].amount": 2.0,
        "lines[1].item": "ink",
        "people[0]": "Ann",
        "people[1]": "Bob",
    }
    assert record_text(record) == (
        "total: 1234.5; paid: yes; lines: (item: pen; amount: 2), (item: ink); people: Ann, Bob"
    )
    assert json.loads(record_json(record))["fields"]["people"] == ["Ann", "Bob"]


def test_patterns_name_the_values_of_a_field() -> None:
    named = [path for path, _ in patterns(FIELDS)]
    assert named == [
        "number", "day", "total", "kind", "paid", "lines", "lines[].item", "lines[].amount",
        "lines[].day", "people",
    ]  # fmt: skip


@given(records())
def test_a_drawn_record_can_be_stored_once_its_text_is_whole(record) -> None:
    assert is_storable_record(whole_record(record))


@pytest.mark.parametrize(
    "value",
    [
        RecordAnswer((("a", float("inf")),)),
        RecordAnswer((("a", "\ud83d"),)),
        RecordAnswer((("a", 1),)),  # an integer is none of the plain values
        RecordAnswer((("a", (RecordAnswer((("b", None),)),)),)),
        RecordAnswer(((1, "a"),)),
        RecordAnswer((("a", "b"),), (("a", "\ud83d"),)),
        {"a": "b"},
        RecordAnswer((("a",),)),
        RecordAnswer((("a", "b"),), ("a",)),
        RecordAnswer((("a", "b"),), (), None),
    ],
)
def test_what_tables_cannot_hold_is_no_storable_record(value) -> None:
    assert not is_storable_record(value)
