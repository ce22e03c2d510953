"""Ids and dates on their way through a spreadsheet and back."""

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.content.spreadsheets import as_given, as_text, mangled

hexadecimal = st.text("0123456789abcdef", min_size=16, max_size=16)
# such as a random id is once in a thousand times
number_like = st.from_regex(r"\A(?:[0-9]{16}|[0-9]{3,12}e[0-9]{3,12})\Z").map(lambda one: one[:16])


def through_a_spreadsheet(cell: str) -> str:
    """What a spreadsheet makes of a cell that it opens and saves: 15 digits of whatever counts,
    days of months, and truth values in capitals."""
    if re.fullmatch("true|false", cell):
        return cell.upper()
    if match := re.fullmatch(r"(\d*)(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)(\d+)", cell):
        return f"{match[1] or match[3]}-{match[2].capitalize()}"
    try:
        number = float(cell)
    except ValueError:
        return cell
    return f"{number:.15g}" if "e" not in cell else f"{number:.5E}"


@given(st.one_of(hexadecimal, number_like))
def test_every_id_survives_a_spreadsheet(identity) -> None:
    assert as_given(through_a_spreadsheet(as_text(identity))) == identity
    assert as_given(identity) == identity


@pytest.mark.parametrize("name", ["dec1", "mar12", "true", "sep", "letter", "1e10", "0012e45"])
def test_every_name_survives_a_spreadsheet(name) -> None:
    assert as_given(through_a_spreadsheet(as_text(name))) == name


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


def test_the_cell_stays_one_field_of_csv() -> None:
    sink = io.StringIO()
    csv.writer(sink).writerow([as_text("0012345678901234")])
    assert sink.getvalue().strip() == "'0012345678901234"
