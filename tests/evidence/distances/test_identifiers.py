"""Identifiers and addresses: one other letter or digit is another thing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.evidence.distances.entry_alignment import aligned
from orchestration_assets.evidence.distances.identifiers import exact_form, same_identifier
from orchestration_assets.evidence.distances.record_values import same_value
from orchestration_assets.schemas.record_answers import RecordAnswer
from orchestration_assets.schemas.record_fields import ENTRY, PLAIN_ENTRY, FieldType, RecordField

NUMBER = RecordField("number", FieldType.TEXT)


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("LS-4711", "R-4711", False),
        ("LS-4711", "LS-4712", False),
        ("LS-4711", "ls 4711", True),
        ("LS-4711", "4711", True),
        ("10-2", "102", False),
        ("v1.10.0", "1.10.0", True),
        ("1.10.0", "1.1.0", False),
        ("BSD-2-Clause", "BSD-3-Clause", False),
        ("https://example.org/a/", "http://www.example.org/a", True),
        ("https://example.org/a", "https://example.org/b", False),
        ("Documentation: https://example.org/a/", "https://example.org/a", True),
        ("<https://example.org/a>.", "https://example.org/a", True),
        ("{https://example.org/a}", "https://example.org/a", True),
        ("https://example.org/a and https://example.org/b", "https://example.org/a", None),
        ("Ann@Example.org", "ann@example.org", True),
        ("ann@example.org", "anne@example.org", False),
    ],
)
def test_identifiers_are_one_where_all_their_letters_are(first, second, same) -> None:
    assert same_identifier(first, second) is same is same_identifier(second, first)
    if same is not None:
        assert same_value(first, second, NUMBER) is same


@pytest.mark.parametrize("text", ["Ruth Okafor", "12.50", "A4 paper", "pen", "invoice of 2026", ""])
def test_names_amounts_and_sentences_are_none(text: str) -> None:
    assert exact_form(text) is None
    assert same_identifier(text, "LS-4711") is None


def test_an_address_is_aligned_with_itself_and_with_no_word() -> None:
    def entries(*texts: str) -> tuple[RecordAnswer, ...]:
        return tuple(RecordAnswer(((ENTRY, text),)) for text in texts)

    first = entries("https://example.org/changelog", "https://example.org/a1", "changelog")
    second = entries("https://example.org/a2", "changelog", "https://example.org/changelog/")
    assert aligned(first, second, PLAIN_ENTRY) == [(0, 2), (2, 1)]


@given(st.text(max_size=40), st.text(max_size=40))
def test_the_comparison_is_symmetric_and_every_identifier_is_itself(first, second) -> None:
    assert same_identifier(first, second) == same_identifier(second, first)
    if exact_form(first) is not None:
        assert same_identifier(first, first) is True


def test_the_years_of_a_holder_say_nothing_of_who_it_is() -> None:
    assert same_value("1991-2000 Silicon Graphics", "Silicon Graphics, Inc", NUMBER)
    assert same_value("(c) 2002, 2015 Ann Lee", "Ann Lee", NUMBER)
    assert not same_value("1991 Silicon Graphics", "Red Hat, Inc", NUMBER)
    assert not same_value("1984 report", "1985 report", NUMBER)
