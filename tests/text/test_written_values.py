"""Dates and numbers are found in the forms in which texts write them, and in no others."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.text.written_values import spans_of_value


def found(value: str, text: str) -> list[str]:
    spans = spans_of_value(value)
    assert spans is not None
    return [text[start:end] for start, end in spans(text)]


@pytest.mark.parametrize(
    ("value", "text", "expected"),
    [
        ("2026-05-12", "on 12 May 2026, at 2026-05-12", ["12 May 2026", "2026-05-12"]),
        ("2026-05-12", "from 12.05.2026 to 13.05.2026", ["12.05.2026"]),
        ("2026-05-04", "paid 04/05/2026", ["04/05/2026"]),
        ("2026-05-12", "2026-05-13, 12, 05", []),
        ("2026-05", "due in May 2026", ["May 2026"]),
        ("1234.5", "1.234,50 EUR or $1,234.50 or 1234.5 or 1 234,50", None),
        ("-12", "a credit of (12.00)", ["12.00"]),
        ("12", "112, 12.5, 2026-12-01, 12:30, 1.12.2026, 12,000", []),
        ("1234", "1.234 EUR", ["1.234"]),
        ("4", "4 of 4", []),
    ],
)
def test_a_value_is_found_as_it_is_written(value, text, expected) -> None:
    every = ["1.234,50", "1,234.50", "1234.5", "1 234,50"]
    assert found(value, text) == (every if expected is None else expected)


@pytest.mark.parametrize("value", ["", "12 kg", "May", "2026-5-1", "1e5", "nan", "1.2.3", "١٢"])
def test_other_values_have_no_other_forms(value) -> None:
    assert spans_of_value(value) is None


@given(day=st.dates(min_value=date(1900, 1, 1), max_value=date(2090, 12, 31)), text=st.text())
def test_a_date_is_found_behind_any_text(day, text) -> None:
    written = f"{day.day} {day:%B} {day.year}"
    assert written in found(day.isoformat(), f"{text}\n{written}.")


@given(cents=st.integers(min_value=1000, max_value=10**12), text=st.text())
def test_an_amount_is_found_behind_any_text(cents, text) -> None:
    written = f"{cents / 100:,.2f}"
    assert written in found(f"{cents / 100:.15g}", f"{text}\n{written}.")
