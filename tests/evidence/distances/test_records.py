import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.evidence.distances.record_values import same_value, value_distance
from orchestration_assets.evidence.distances.records import record_distance
from orchestration_assets.schemas.record_answers import RecordAnswer
from orchestration_assets.schemas.record_fields import FieldType, RecordField
from tests.evidence.records_drawn import FIELDS, entry, plain, records


@given(records(), records())
def test_a_distance_is_bounded_and_symmetric(first, second) -> None:
    found = record_distance(first, second, FIELDS)
    assert 0.0 <= found <= 1.0
    assert found == record_distance(second, first, FIELDS)


@given(records())
def test_a_record_is_no_distance_from_itself(record) -> None:
    assert record_distance(record, record, FIELDS) == 0.0


@given(records())
def test_a_record_is_as_far_as_can_be_from_an_empty_one(record) -> None:
    assert record_distance(record, RecordAnswer(()), FIELDS) == 1.0


@given(st.lists(st.integers(0, 999), unique=True, min_size=1), st.randoms(use_true_random=False))
def test_the_order_of_entries_makes_no_distance(numbers, chance: random.Random) -> None:
    lines = [entry(f"thing {number}", float(number)) for number in numbers]
    other = list(lines)
    chance.shuffle(other)
    a, b = (RecordAnswer((("lines", tuple(one)),)) for one in (lines, other))
    assert record_distance(a, b, FIELDS) == 0.0


def test_a_lost_entry_counts_as_its_share_of_the_list() -> None:
    lines = tuple(entry(f"thing {number}", float(number)) for number in range(4))
    whole, short = (RecordAnswer((("lines", one),)) for one in (lines, lines[:3]))
    assert record_distance(whole, short, FIELDS) == pytest.approx(1 / 4)


def test_each_field_that_either_has_counts_alike() -> None:
    first = RecordAnswer((("total", 1.0), ("paid", True), ("kind", "letter")))
    second = RecordAnswer((("number", "A-17"), ("total", 1.0), ("paid", False)))
    assert record_distance(first, second, FIELDS) == pytest.approx(3 / 4)


def test_names_of_people_may_be_spelled_otherwise() -> None:
    a, b = (RecordAnswer((("people", plain(one)),)) for one in (["R. Okafor"], ["Okafor, Ruth"]))
    assert record_distance(a, b, FIELDS) == 0.0


@pytest.mark.parametrize(
    ("kind", "first", "second", "same"),
    [
        (FieldType.DATE, "2026", "2026-03-05", True),
        (FieldType.DATE, "2026-03", "2026-04-05", False),
        (FieldType.NUMBER, 10.0, 10.004, True),
        (FieldType.NUMBER, 10.0, 10.006, False),
        (FieldType.LABEL, "Invoice", "invoice", True),
        (FieldType.LABEL, "invoice", "letter", False),
        (FieldType.BOOLEAN, True, False, False),
        (FieldType.TEXT, "RE 2024/17", "RE-2024-17", True),
        (FieldType.TEXT, "2024-0017", "2024-0071", False),
        (FieldType.TEXT, "oak shelf, 80 cm", "oak shelf, 60 cm", False),
    ],
)
def test_values_are_the_same_by_the_type_of_their_field(kind, first, second, same) -> None:
    field = RecordField("f", kind, tolerance=0.005 if kind is FieldType.NUMBER else 0.0)
    assert same_value(first, second, field) is same
    assert same_value(second, first, field) is same
    assert value_distance(first, second, field) == value_distance(second, first, field)
