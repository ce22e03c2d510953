"""Dates, amounts, identifiers and addresses as people write them, found in a text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.text.local_dates import DateOrder
from orchestration_assets.text.written_amounts import currency_of, written_amounts
from orchestration_assets.text.written_dates import iso_date, settled_in, written_dates
from orchestration_assets.text.written_identifiers import (
    is_isbn10,
    is_isbn13,
    written_identifiers,
)
from orchestration_assets.text.written_urls import written_urls
from tests.fuzzing import fuzz


@pytest.mark.parametrize(
    ("words", "iso"),
    [
        ("5 March 2026", "2026-03-05"),
        ("March 5th, 2026", "2026-03-05"),
        ("5. März 2026", "2026-03-05"),
        ("1er août 2024", "2024-08-01"),
        ("5 de marzo de 2026", "2026-03-05"),
        ("24-Nov-26", "2026-11-24"),
        ("24.11.2026", "2026-11-24"),
        ("28/11/2026", "2026-11-28"),
        ("2026/11/24", "2026-11-24"),
        ("2026-11-24T10:00:00.5+01:00", "2026-11-24"),
        ("2026年3月5日", "2026-03-05"),
        ("March 2026", "2026-03"),
        ("2026-03", "2026-03"),
        ("2026", "2026"),
        ("Thu, 05 Mar 2026 10:00:00 +0100", "2026-03-05"),
        ("3/4/2026", None),
        ("4/4/2026", "2026-04-04"),
        ("31.2.2026", None),
        ("version 1.2.2024.5", None),
        ("10.1.2003.4", None),
        ("01.10.10", "2010-10-01"),
        ("may 12 people", None),
        ("a march", None),
        ("", None),
    ],
)
def test_dates(words, iso) -> None:
    assert iso_date(words) == iso
    text = f"It was, we say, {words}, as they say."
    if iso not in ("2026", "2026-03") or "March" in words:
        dates = [one for one in written_dates(text) if one.iso]
        assert [one.iso for one in dates] == [iso] * (iso is not None)
        assert all(text[one.start : one.end] in words for one in dates)


def test_a_version_is_no_date_though_a_labelled_one_may_be() -> None:
    assert [*written_dates("since 1.10.10 and 1.2.3")] == []
    assert iso_date("5.3.26") == "2026-03-05"


def test_the_order_of_numbers_is_settled_by_the_dates_that_allow_one_only() -> None:
    assert settled_in("3/4/2026, 28/11/2026") is DateOrder.DAY_FIRST
    assert settled_in("3/4/2026, 11/28/2026") is DateOrder.MONTH_FIRST
    assert settled_in("28/11/2026, 11/28/2026") is None
    assert iso_date("3/4/2026", DateOrder.DAY_FIRST) == "2026-04-03"


@pytest.mark.parametrize(
    ("words", "amounts"),
    [
        ("1.234,50 EUR", ["1234.5 EUR"]),
        ("$1,234.50", ["1234.5 USD"]),
        ("CHF 1'200.00", ["1200 CHF"]),
        ("2\u202f345,67 €", ["2345.67 EUR"]),
        ("1.234 EUR", ["1234 EUR"]),
        ("3.2 million euros", ["3200000 EUR"]),
        ("US$ 20k", ["20000 USD"]),
        ("EUR -4.5", ["-4.5 EUR"]),
        ("-3 €", ["-3 EUR"]),
        ("5 EUR and 6 EUR", ["5 EUR", "6 EUR"]),
        ("12 EUROPEANS", []),
        ("version 1.2.3 EUR", []),
        ("12 pounds", []),
        ("EUR", []),
    ],
)
def test_amounts(words, amounts) -> None:
    assert [str(one) for one in written_amounts(f"It costs {words}.")] == amounts


def test_currencies_go_by_sign_code_and_name() -> None:
    assert [currency_of(unit) for unit in ("€", "eur", "euros", "kg", "")] == [
        *["EUR"] * 3,
        None,
        None,
    ]


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("doi:10.1000/xyz(1).2", "10.1000/xyz(1).2"),
        ("ISBN 0-306-40615-2", "0306406152"),
        ("978-3-16-148410-0", "9783161484100"),
        ("cve-2024-12345", "CVE-2024-12345"),
        ("RFC 0793", "RFC 793"),
        ("https://arxiv.org/abs/2112.11446v2", "arXiv:2112.11446v2"),
        ("arXiv:hep-th/9901001", "arXiv:hep-th/9901001"),
        ("DE89 3704 0044 0532 0130 00", "DE89370400440532013000"),
        ("PO12345", "PO12345"),
        ("order A-17", "A-17"),
    ],
)
def test_identifiers(words, name) -> None:
    assert [one.name for one in written_identifiers(f"({words}).")] == [name]


@pytest.mark.parametrize(
    "words",
    [
        "978-3-16-148410-1",
        "0-306-40615-2",
        "ISBN 0-306-40615-3",
        "DE89 3704 0044 0532 0130 01",
        "UTF-8 ISO-8859-1 SHA-256 16GB 3D A-17",
        "2026-03-05 12345 HELLO-WORLD",
        "https://example.org/INV-2026-17",
    ],
)
def test_what_fails_its_check_or_is_a_name_of_something_else_is_none(words) -> None:
    assert [*written_identifiers(words)] == []


def test_check_digits() -> None:
    assert is_isbn13("9783161484100") and not is_isbn13("9783161484101")
    assert is_isbn10("080442957X") and not is_isbn10("0804429570")
    assert not is_isbn13("٩٧٨٣١٦١٤٨٤١٠٠")


def test_urls_end_where_the_sentence_or_bracket_around_them_does() -> None:
    text = (
        "(https://a.org/x(1)), [![b](http://b.org/y)](https://c.org/?d=e&f). www.d.org/z! "
        "HTTPS://E.org; user@www.f.org"
    )
    urls = [*written_urls(text)]
    assert [one.url for one in urls] == [
        "https://a.org/x(1)",
        "http://b.org/y",
        "https://c.org/?d=e&f",
        "www.d.org/z",
        "HTTPS://E.org",
    ]
    assert all(text[one.start : one.end] == one.url for one in urls)


@fuzz
@given(st.text(st.sampled_from("0123456789./- ,:'EURMay$€()hTtps@wISBNx٣ſİ\n年月日"), max_size=300))
def test_finders_never_raise_and_their_places_are_in_order(text) -> None:
    for found in (written_dates(text), written_amounts(text), written_urls(text)):
        done = 0
        for one in found:
            assert done <= one.start < one.end <= len(text)
            done = one.start
    for one in written_identifiers(text):
        assert text[one.start : one.end]
