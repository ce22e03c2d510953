"""Ids and dates on their way through a spreadsheet and back."""

import contextlib
import csv
import io
import re
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.content.spreadsheets import (
    LocalDateError,
    as_given,
    as_text,
    local_date,
    mangled,
)

hexadecimal = st.text("0123456789abcdef", min_size=16, max_size=16)
# such as a random id is once in a thousand times
number_like = st.from_regex(r"\A(?:[0-9]{16}|[0-9]{3,12}e[0-9]{3,12})\Z").map(lambda one: one[:16])


def through_a_spreadsheet(cell: str) -> str:
    """What a spreadsheet makes of a cell that it opens and saves: 15 digits of whatever counts."""
    try:
        number = float(cell)
    except ValueError:
        return cell
    return f"{number:.15g}" if "e" not in cell else f"{number:.5E}"


@given(st.one_of(hexadecimal, number_like))
def test_every_id_survives_a_spreadsheet(identity) -> None:
    assert as_given(through_a_spreadsheet(as_text(identity))) == identity
    assert as_given(identity) == identity


@given(hexadecimal)
def test_an_id_that_is_no_number_is_written_as_it_is(identity) -> None:
    if re.search("[abcf]", identity) and not re.search("dec|feb", identity):
        assert as_text(identity) == identity


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("1.234E+570", "digits are lost"),
        ("1,23457E+15", "digits are lost"),
        ("1.23457e15", "digits are lost"),
        ("123456789012", "it may be 0000123456789012"),
        ("1234567890123450", "last digits are lost"),
    ],
)
def test_a_mangled_id_is_recognised(cell, words) -> None:
    assert words in str(mangled(cell, 16))


@pytest.mark.parametrize("cell", ["a.txt", "00000000000000a1", "file:///a", "1234567890123456"])
def test_other_names_are_not_called_mangled(cell) -> None:
    assert mangled(cell, 16) is None


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("24.11.2026", datetime(2026, 11, 24)),
        ("3.4.2026", datetime(2026, 4, 3)),
        ("24/11/2026", datetime(2026, 11, 24)),
        ("11/24/2026", datetime(2026, 11, 24)),
        ("5/5/2026", datetime(2026, 5, 5)),
        ("24-11-2026", datetime(2026, 11, 24)),
        ("2026/11/24", datetime(2026, 11, 24)),
        ("2026-3-4", datetime(2026, 3, 4)),
        ("24/11/2026 09:05", datetime(2026, 11, 24, 9, 5)),
        ("24.11.2026, 9.05", datetime(2026, 11, 24, 9, 5)),
        ("11/24/2026 9:05:06 PM", datetime(2026, 11, 24, 21, 5, 6)),
        ("11/24/2026 12:30 a.m.", datetime(2026, 11, 24, 0, 30)),
    ],
)
def test_a_local_date_that_can_be_read_in_one_way_is_read(text, moment) -> None:
    assert local_date(text) == moment


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("3/4/2026", "may be 2026-04-03 or 2026-03-04"),
        ("03-04-2026 10:00", "may be 2026-04-03 or 2026-03-04"),
        ("24/11/26", "year of two digits"),
        ("46350", "counts days by"),
        ("46350.4375", "counts days by"),
    ],
)
def test_a_local_date_that_may_mean_two_days_is_refused_in_words(text, words) -> None:
    with pytest.raises(LocalDateError, match=words):
        local_date(text)


@given(st.one_of(st.text(max_size=20), st.from_regex(r"\A[0-9./:\- APM]{1,20}\Z")))
def test_whatever_is_no_date_is_a_value_error(text) -> None:
    with contextlib.suppress(ValueError):
        assert local_date(text).year >= 1


def test_the_cell_stays_one_field_of_csv() -> None:
    sink = io.StringIO()
    csv.writer(sink).writerow([as_text("0012345678901234")])
    assert sink.getvalue().strip() == "'0012345678901234"
