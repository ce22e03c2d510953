import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.text.plain_numbers import plain_number

cents = st.integers(0, 10**11)
# marks of thousands and of decimals: English, German, French (narrow space), Swiss, none
marks = st.sampled_from(
    [
        (",", "."),
        (".", ","),
        ("\u202f", ","),
        (" ", ","),
        ("'", "."),
        ("\u2019", "."),
        ("", "."),
        ("", ","),
    ]
)
around = st.sampled_from(
    [("", ""), ("", " EUR"), ("\u20ac ", ""), ("$", ""), ("CHF ", ""), ("", " kg"), ("Total: ", "")]
)


@given(cents, marks, around)
def test_an_amount_is_read_in_the_notation_that_it_is_written_in(amount, used, beside) -> None:
    thousands, decimals = used
    written = f"{amount // 100:,}".replace(",", thousands) + f"{decimals}{amount % 100:02d}"
    before, after = beside
    assert plain_number(f"{before}{written}{after}") == amount / 100


@given(cents, marks)
def test_a_minus_or_brackets_of_bookkeepers_make_it_negative(amount, used) -> None:
    thousands, decimals = used
    written = f"{amount // 100:,}".replace(",", thousands) + f"{decimals}{amount % 100:02d}"
    for text in (f"-{written}", f"\u2212{written}", f"({written})", f"- {written} EUR"):
        assert plain_number(text) == -amount / 100


@given(st.floats(-1e12, 1e12))
def test_what_a_program_writes_is_read_back(number) -> None:
    assert plain_number(repr(number)) == number


@given(st.text(max_size=80))
def test_any_text_is_a_finite_number_or_none(text) -> None:
    found = plain_number(text)
    assert found is None or math.isfinite(found)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1.234", 1.234),
        ("1,234", 1234.0),
        ("1,23", 1.23),
        ("0,125", 0.125),
        ("1.1 million EUR", 1_100_000.0),
        ("USD 2.5bn", 2.5e9),
        ("3 Mio EUR", 3e6),
        ("12 m", 12.0),
        ("1.234.567", 1234567.0),
        ("1 234 567", 1234567.0),
        ("12,-", 12.0),
        ("12.--", 12.0),
        ("19 %", 19.0),
        ("12 of 14", None),
        ("2026-03-05", None),
        ("", None),
        ("none", None),
        ("1.234.56", None),
        ("9" * 65, None),
        ("1e400", None),
        ("-1e400 EUR", None),
    ],
)
def test_only_a_text_that_is_one_number_is_read(text, number) -> None:
    assert plain_number(text) == number


@pytest.mark.parametrize("text", ["INV-12", "LS\u221212", "No/12", "order INV-0012"])
def test_an_identifier_is_no_number(text: str) -> None:
    assert plain_number(text) is None


@pytest.mark.parametrize(
    ("text", "number"), [("EUR -12", -12.0), ("EUR-12.50", -12.5), ("about -3", -3.0)]
)
def test_a_sign_after_a_currency_or_a_space_is_a_sign(text: str, number: float) -> None:
    assert plain_number(text) == number
