"""Values in many spellings and languages come to one normal form."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.evidence.contradiction.quantities import (
    Quantity,
    comparable,
    same_value,
)
from orchestration_assets.evidence.contradiction.quantity_reader import quantities_of
from orchestration_assets.evidence.contradiction.tokens import tokens_of


def _read(text: str) -> list[Quantity]:
    return quantities_of(tokens_of(text))


def _same(first: str, second: str) -> bool:
    one, other = _read(first), _read(second)
    return len(one) == len(other) > 0 and all(map(same_value, one, other))


@pytest.mark.parametrize(
    "spellings",
    [
        ("2,500", "2500", "2\u202f500", "2'500", "two thousand five hundred"),
        ("3.5 million", "3,5 million", "3500000", "3,500,000"),
        ("1.5 kg", "1,500 g", "1.500,0 grams"),
        ("0.25 l", "250 ml", "a quarter of a litre"),
        ("45 minutes", "three quarters of an hour", "0.75 h"),
        ("15 %", "15 percent", "15 per cent", "15 Prozent"),
        ("$20", "20 dollars", "20 USD", "twenty dollars"),
        ("36 km/h", "10 m/s"),
        ("5 October 2021", "October 5th, 2021", "2021-10-05", "5. Oktober 2021", "5 octobre 2021"),
        ("18:45", "6:45 p.m.", "6.45 pm", "quarter to seven in the evening"),
        ("noon", "12:00", "midi"),
        ("the third quarter", "Q3"),
        ("XIV", "14", "vierzehn", "quatorze", "catorce"),
        ("the 7th day", "day seven"),
        ("a fortnight", "two weeks", "14 days"),
        ("10 \u00b0C", "50 \u00b0F", "ten degrees Celsius"),
        ("-5 \u00b0C", "minus five degrees Celsius", "23 \u00b0F"),
        ("one in four", "25 %", "a quarter", "3 out of 12"),
        ("twice a week", "2 times a week", "two times per week"),
        ("1 h 30 min", "90 minutes", "an hour and a half", "1.5 hours"),
        ("three dozen", "36"),
        ("half a dozen", "6"),
        ("doubled", "rose by 100 %"),
    ],
)
def test_spellings_of_one_value_are_equal(spellings) -> None:
    for one, other in product(spellings, spellings):
        assert _same(one, other), (one, other, _read(one), _read(other))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("250 grams", "250 ounces"),
        ("ten minutes", "ten hours"),
        ("8:15 a.m.", "8:15 p.m."),
        ("4 March", "3 April"),
        ("1991", "1919"),
        ("a third", "a quarter"),
        ("5 mg", "5 g"),
        ("Tuesday", "Wednesday"),
        ("per week", "per month"),
        ("40", "60"),
    ],
)
def test_other_values_of_one_dimension_are_unequal(first, second) -> None:
    one, other = _read(f"at {first} or so"), _read(f"at {second} or so")
    assert one and other
    assert any(
        comparable(a, b) and not same_value(a, b) for a, b in zip(one, other, strict=False)
    ), (one, other)


@pytest.mark.parametrize(
    ("rounded", "exact", "same"),
    [
        ("4.2 million", "4,213,700", True),
        ("4.2 million", "4,300,000", False),
        ("about 200 people", "194 people", True),
        ("200 people", "194 people", False),
        ("26 miles", "42 km", True),
    ],
)
def test_a_rounding_is_the_same_value_only_within_what_it_states(rounded, exact, same) -> None:
    assert _same(rounded, exact) is same


def test_zones_are_taken_into_account_where_both_are_named() -> None:
    assert _same("10:00 UTC", "11:00 CET")
    assert not _same("10:00 UTC", "10:00 CET")
    assert _same("10:00", "10:00 CET")


def test_words_that_are_no_numbers_in_this_place_stay_words() -> None:
    for text in ("once it stops", "due to rain", "one of them", "they may leave", "to score"):
        assert _read(text) == []


@given(st.text())
def test_any_text_is_read_and_quantities_lie_in_it_in_order(text) -> None:
    quantities = _read(text)
    for quantity in quantities:
        assert 0 <= quantity.start < quantity.end <= len(text)
    assert [q.first for q in quantities] == sorted(q.first for q in quantities)


@given(st.integers(0, 10**15 - 1))
def test_whole_numbers_are_read_with_and_without_separators(number) -> None:
    assert _same(str(number), f"{number:,}")
    (quantity,) = _read(f"x {number} y")
    assert quantity.senses[0][1] == number
