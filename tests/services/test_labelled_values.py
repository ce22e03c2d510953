"""Values stand behind the labels of content: in lines, tables, definitions and lists."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.schemas.answers import answer_columns
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.record_answers import RecordAnswer, record_json
from orchestration_assets.services.registry import load_embedded
from tests.fuzzing import fuzz
from tests.services.records import read, values

FIELDS = {
    "invoice_number": "text",
    "date": "date",
    "total": {"type": "number", "unit": "EUR"},
    "paid": "boolean",
    "status": {"type": "label", "labels": ["open", "overdue"]},
    "people": "list",
    "lines": {"type": "list", "fields": {"item": "text", "quantity": "number", "amount": "number"}},
}
LINES = [
    {"item": "blue pen", "quantity": 2, "amount": 3.5},
    {"item": "ink, black", "quantity": 10, "amount": 12},
]


def found(text, fields=FIELDS, **parameters):
    return values(read("labelled_values", text, fields, parameters))


@pytest.mark.parametrize(
    "line",
    [
        "Total: 1.234,50 EUR",
        "**Total:** EUR 1,234.50 (incl. VAT)",
        "- Total : 1234.5",
        "Total ........... 1.234,50 €",
        "Total\t1,234.50 EUR",
        "Total          1 234,50 EUR",
        "| **Total** | | 1.234,50 € |",
        "Total - 1.234,50 EUR",
        "Total:\n  1.234,50 EUR",
        "Total\n: 1.234,50 EUR",
        "## Total\n\n1.234,50 EUR",
        "  Invoice total (EUR): 1.234,50",
        "Total due: 1.234,50",
        '  "total": 1234.50,',
        "total = 1234.50",
        "Customer: Ann, total: 1.234,50 EUR",
        "Subtotal: 1.000,00 EUR\nTotal: 1.234,50 EUR",
        "Total excl. VAT: 1.000,00\nTotal: 1.234,50 EUR",
        "<html><dl><dt>Total</dt><dd>1.234,50 EUR</dd></dl>",
        "<table><tr><th>Total</th><td>1.234,50&nbsp;EUR</td></tr></table>",
    ],
)
def test_a_number_is_found_in_every_form_of_a_label(line) -> None:
    assert found(line) == {"total": 1234.5}


@pytest.mark.parametrize(
    "text",
    [
        "The total was never stated.",
        "Subtotal: 12 EUR",
        "Net total: 12 EUR",
        "Total: 12 USD",
        "Total: see below",
        "Total: n/a",
        "Totals per week: 12",
        "Date: 3/4/2026",
        "Status: unheard of",
        "```python\ntotal: int = 42\n```\n",
        "See #12 (#13), and no. 14.",
        "",
    ],
)
def test_it_abstains_where_nothing_is_labelled_or_the_value_does_not_fit(text) -> None:
    reading = read("labelled_values", text, FIELDS)
    assert reading.status is Status.ABSTAINED
    assert reading.reason == "no label of a field stands in the content"


def test_dates_are_read_in_the_order_that_another_date_of_the_document_settles() -> None:
    assert found("Date: 3/4/2026\nSent 28/11/2026") == {"date": "2026-04-03"}
    assert found("Date: 3/4/2026\nSent 11/28/2026") == {"date": "2026-03-04"}
    assert found("Date: Thursday, 5 March 2026")["date"] == "2026-03-05"
    assert found("Datum: 5. März 2026", labels={"date": ["Datum"]})["date"] == "2026-03-05"


def test_names_of_fields_match_plurals_abbreviations_and_other_labels() -> None:
    for line in ("Invoice No.: A-17", "Invoice #: A-17", "invoiceNumber: A-17", "Invoice nr. A-17"):
        assert found(line) == {"invoice_number": "A-17"}, line
    labels = {"invoice_number": ["Rechnung"], "lines.item": ["Artikel"], "lines.amount": ["Preis"]}
    text = "Rechnung: A-17\n\nArtikel;Preis\nStift;3,5\n"
    assert found(text, labels=labels) == {
        "invoice_number": "A-17",
        "lines": [{"item": "Stift", "amount": 3.5}],
    }


def test_booleans_and_labels_are_told_by_their_words() -> None:
    assert found("Paid: [x]\nStatus: **Overdue** since May") == {"paid": True, "status": "overdue"}
    assert found("Paid: nein") == {"paid": False}
    assert found("OPEN\n\nSome text.") == {"status": "open"}
    assert found("Status: open or overdue") == {}


@pytest.mark.parametrize(
    "table",
    [
        "| Item | Qty | Amount |\n|---|---:|---:|\n| blue pen | 2 | 3.50 € |\n"
        "| ink, black | 10 | 12.00 € |\n| **Total** | | 15.50 € |",
        "Item\tQuantity\tAmount\nblue pen\t2\t3.50\nink, black\t10\t12.00\n",
        'item,quantity,amount\nblue pen,2,3.5\n"ink, black",10,12\n',
        "Item              Qty     Amount\n--------------------------------\n"
        "blue pen            2       3.50\nink, black         10      12.00\n"
        "                 Subtotal  15.50\n",
        "+----------+-----+-------+\n| Item | Qty | Amount |\n+==========+=====+=======+\n"
        "| blue pen | 2 | 3.50 |\n+----------+-----+-------+\n| ink, black | 10 | 12 |\n",
        "<table><tr><th>Item</th><th>Qty</th><th>Amount</th></tr><tr><td>blue pen</td><td>2</td>"
        "<td>3.50</td></tr><tr><td>ink, black</td><td>10</td><td>12</td></tr></table>",
        "Item: blue pen\nQuantity: 2\nAmount: 3.50\n\nItem: ink, black\nQuantity: 10\nAmount: 12\n",
    ],
)
def test_entries_come_from_tables_whose_headers_name_their_fields(table) -> None:
    assert found(table)["lines"] == LINES


def test_a_row_of_labels_above_a_row_of_values_is_read_by_column() -> None:
    text = "Invoice No     Date           Total\nA-17           2026-03-05     12,50 EUR\n"
    assert found(text) == {"invoice_number": "A-17", "date": "2026-03-05", "total": 12.5}


def test_plain_lists_come_from_bullets_below_their_name_or_from_one_line() -> None:
    for text in (
        "## People\n\n- Ann\n- Bob\n  Jones\n    - nested\n\nOthers came later.",
        "People:\n1. Ann\n2. Bob Jones\n",
        "People: Ann and Bob Jones",
        "People: Ann; Bob Jones",
        "People\n======\n\n* Ann\n* Bob Jones\n",
        "<div><h2>People</h2>\n<ul>\n<li>Ann</li>\n<li>Bob Jones</li>\n</ul>",
    ):
        assert found(text) == {"people": ["Ann", "Bob Jones"]}, text


def test_values_carry_the_words_that_they_rest_on_only_where_they_are_asked_for() -> None:
    text = "Invoice No.: A-17   Total: 12 EUR\n\nitem,amount\npen,3\n"
    reading = read("labelled_values", text, FIELDS)
    assert isinstance(reading.answer, RecordAnswer)
    assert dict(reading.answer.quotes) == {
        "invoice_number": "Invoice No.: A-17",
        "total": "Total: 12 EUR",
        "lines[0].item": "pen,3",
        "lines[0].amount": "pen,3",
    }


def test_confidence_says_how_plainly_a_value_is_labelled() -> None:
    def sure(text):
        return read("labelled_values", text, FIELDS).confidence

    plain = sure("Total: 12 EUR")
    assert plain == 0.95
    assert plain > sure("Total    12 EUR") > sure("Total due    12 EUR")
    assert plain > sure("Total: 12 EUR\nTotal: 13 EUR")
    assert plain == sure("Total: 12 EUR\nTotal: 12.00 EUR")


def test_of_a_program_only_comments_are_read() -> None:
    program = "# Total: 12 EUR\ntotal = 13\nself.total: float = 14\n"
    assert values(read("labelled_values", program, FIELDS, family="code")) == {"total": 12}
    assert found("```\nTotal: 12 EUR\n```\n") == {"total": 12}


def test_the_headers_of_a_mail_stand_back_behind_what_the_mail_says() -> None:
    mail = "From: Ann <a@example.org>\nDate: Sun, 01 Mar 2026 10:00:00 +0000\n\n"
    assert found(mail + "Hello.")["date"] == "2026-03-01"
    assert found(mail + "Date of invoice: 2026-02-27")["date"] == "2026-02-27"


PIECES = (
    *("Total", ":", " ", "  ", "\t", "\n", "|", "12", ",", "item", "amount"),
    *("- ", "People", "=", ".....", "2026-03-05", "Date", "(", "**", "---", "1/2/2026", "EUR"),
    *("\ud800"),
)


@fuzz
@given(
    st.lists(
        st.sampled_from(PIECES),
        max_size=200,
    ).map("".join)
)
def test_whatever_a_document_says_the_record_can_be_kept_and_is_no_larger_than_it(text) -> None:
    reading = read("labelled_values", text, FIELDS)
    answer_columns(reading.answer)
    if isinstance(reading.answer, RecordAnswer):
        record_json(reading.answer).encode()
        assert len(record_json(reading.answer)) <= 400 * (len(text) + 1)


def test_long_tables_and_lists_end_at_their_bound() -> None:
    table = "item,amount\n" + "pen,3\n" * 5000
    people = "People:\n" + "".join(f"- Ann {n}\n" for n in range(5000))
    record = found(people + table)
    assert (len(record["lines"]), len(record["people"])) == (500, 500)


def test_parameters_that_do_not_exist_are_refused() -> None:
    with pytest.raises(ValueError, match="label"):
        load_embedded("labelled_values", {"label": {}})
