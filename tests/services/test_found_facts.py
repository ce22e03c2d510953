"""Facts with a form of their own are found, each once, in the order of the content."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.schemas.answers import answer_columns
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.record_answers import RecordAnswer, record_json
from orchestration_assets.schemas.record_fields import FieldType, RecordField
from orchestration_assets.services.records.found_facts import FactKind, kind_of
from orchestration_assets.services.registry import load_embedded
from tests.fuzzing import fuzz
from tests.services.records import read, values

TEXT = (
    "On 5 March 2026 Ann (ann@example.org) wrote INV-2026-0017 over 1.234,50 EUR, of which $5 and "
    "EUR 1,234.50 are paid; see https://example.org/x(1), www.example.org/y. Due 2026-04-05, again "
    "5 March 2026. Call +49 30 1234567. doi:10.1000/182, CVE-2024-12345, RFC2119, "
    "arXiv:2112.11446v2, ISBN 978-3-16-148410-0, not 978-3-16-148410-1, "
    "DE89 3704 0044 0532 0130 00 and not DE89 3704 0044 0532 0130 01, UTF-8.\n"
)
LISTS = {
    "dates": "list",
    "amounts": "list",
    "emails": "list",
    "links": "list",
    "phone_numbers": "list",
    "identifiers": "list",
}


def found(text, fields, **finds):
    return values(read("found_facts", text, fields, {"finds": finds}))


def test_every_kind_is_found_by_the_name_of_the_field() -> None:
    assert found(TEXT, LISTS) == {
        "dates": ["2026-03-05", "2026-04-05"],
        "amounts": ["1234.5 EUR", "5 USD"],
        "emails": ["ann@example.org"],
        "links": ["https://example.org/x(1)", "www.example.org/y"],
        "phone_numbers": ["+49 30 1234567"],
        "identifiers": [
            "INV-2026-0017",
            "10.1000/182",
            "CVE-2024-12345",
            "RFC 2119",
            "arXiv:2112.11446v2",
            "9783161484100",
            "DE89370400440532013000",
        ],
    }


def test_parameters_say_what_fields_of_other_names_hold() -> None:
    fields = {"events": "list", "money": "list", "paper": "text", "accounts": "list"}
    given = {"events": "dates", "money": "amounts", "paper": "doi", "accounts": "iban"}
    assert found(TEXT, fields, **given) == {
        "events": ["2026-03-05", "2026-04-05"],
        "money": ["1234.5 EUR", "5 USD"],
        "paper": "10.1000/182",
        "accounts": ["DE89370400440532013000"],
    }
    with pytest.raises(ValueError, match="finds"):
        load_embedded("found_facts", {"finds": {"events": "horoscopes"}})


def test_entries_with_fields_take_number_currency_and_scheme() -> None:
    fields = {
        "amounts": {"type": "list", "fields": {"value": "number", "currency": "text"}},
        "identifiers": {"type": "list", "fields": {"scheme": "text", "identifier": "text"}},
        "dates": {"type": "list", "fields": {"date": "date"}},
    }
    record = found("RFC 2119 costs $5 and 3.2 million euros on 2026-03-05", fields)
    assert record == {
        "amounts": [{"value": 5, "currency": "USD"}, {"value": 3.2e6, "currency": "EUR"}],
        "identifiers": [{"scheme": "rfc", "identifier": "RFC 2119"}],
        "dates": [{"date": "2026-03-05"}],
    }


def test_a_single_field_takes_what_occurs_most_often_and_is_less_sure_of_it() -> None:
    fields = {"email": "text"}
    one = read("found_facts", "a@example.org", fields)
    most = read("found_facts", "b@example.org a@example.org a@example.org", fields)
    assert values(one) == values(most) == {"email": "a@example.org"}
    assert (one.confidence or 0) > (most.confidence or 0)
    assert found("b@example.org a@example.org", fields) == {"email": "b@example.org"}


def test_a_number_field_takes_amounts_in_its_own_currency() -> None:
    fields = {"amount": {"type": "number", "unit": "EUR"}, "currency": "text"}
    assert found("$5, 7 EUR", fields) == {"amount": 7, "currency": "USD"}
    assert found("$5", {"amount": {"type": "number", "unit": "EUR"}}) == {}


@pytest.mark.parametrize(
    ("name", "type_", "kind"),
    [
        ("due_dates", FieldType.LIST, FactKind.DATES),
        ("date", FieldType.DATE, FactKind.DATES),
        ("due_date", FieldType.DATE, None),
        ("date", FieldType.NUMBER, None),
        ("contact_email", FieldType.TEXT, FactKind.EMAILS),
        ("homepage", FieldType.TEXT, FactKind.URLS),
        ("people", FieldType.LIST, None),
        ("currency", FieldType.LABEL, FactKind.CURRENCIES),
    ],
)
def test_the_name_of_a_field_says_what_it_holds(name, type_, kind) -> None:
    assert kind_of(RecordField(name, type_)) is kind


def test_it_abstains_where_no_field_is_of_a_kind_or_nothing_is_found() -> None:
    reading = read("found_facts", TEXT, {"people": "list"})
    assert reading.status is Status.ABSTAINED
    reading = read("found_facts", "nothing here", LISTS)
    assert reading.reason == (
        "none found of: amounts, dates, emails, identifiers, phone numbers, urls"
    )


def test_lists_end_at_their_bound() -> None:
    text = " ".join(f"a{n}@example.org" for n in range(2000))
    assert len(found(text, LISTS)["emails"]) == 200


PIECES = (
    *("1", "2026", "-", "/", ".", ",", "EUR", "$", "@", "a", "A"),
    *("http://", "www.", "(", ")", "May", " ", "10.", "ISBN", "978", "CVE-", "RFC"),
    *("DE89", "+49", "\n", "٣", "ſept", "İ", "年", "月", "日", "x", "\ud800"),
    *("'", "v"),
)


@fuzz
@given(
    st.lists(
        st.sampled_from(PIECES),
        max_size=120,
    ).map("".join)
)
def test_whatever_stands_in_a_text_the_record_can_be_kept_and_its_quotes_stand(text) -> None:
    reading = read("found_facts", text, {**LISTS, "date": "date", "amount": "number"})
    answer_columns(reading.answer)
    if isinstance(reading.answer, RecordAnswer):
        assert len(record_json(reading.answer)) <= 100 * (len(text) + 1)
        if text.isascii():
            assert reading.answer.ungrounded == ()
