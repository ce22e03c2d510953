import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.schemas.record_answers import is_storable_record, leaves, plain_fields
from orchestration_assets.schemas.record_fields import PLAIN_ENTRY, FieldType, RecordField
from orchestration_assets.text.replies.record_values import FieldValueError, read_record
from tests.evidence.records_drawn import FIELDS, records
from tests.fuzzing import fuzz

_NAMES = [*(field.name for field in FIELDS), "item", "amount", "day", "path", "quote", "other"]
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["1e400", "12 EUR", "2026-13-01", "5 March 2026", "n/a", "yes", "\ud83d"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(_NAMES) | st.text(max_size=4), inner, max_size=5)
    ),
    max_leaves=12,
)
objects = st.dictionaries(st.sampled_from(_NAMES) | st.text(max_size=4), anything, max_size=8)


@fuzz
@given(objects, anything)
def test_any_object_is_a_record_that_can_be_stored_or_its_own_error(told, quotes) -> None:
    try:
        record = read_record(told, FIELDS, quotes)
    except FieldValueError as error:
        assert str(error)
        return
    assert is_storable_record(record)


@given(records())
def test_a_record_that_is_written_is_read_back(record) -> None:
    told = json.loads(json.dumps(plain_fields(record)))
    try:
        found = read_record(told, FIELDS)
    except FieldValueError:
        return  # a drawn text may be white space, or say that there is none
    for path, value in leaves(found):
        assert value in dict(leaves(record)).values() or isinstance(value, str), path


def read(value, kind: FieldType, **more):
    field = RecordField("f", kind, **more)
    return read_record({"f": value}, [field]).get("f")


@pytest.mark.parametrize(
    ("kind", "value", "found"),
    [
        (FieldType.NUMBER, "1.234,56 EUR", 1234.56),
        (FieldType.NUMBER, 3, 3.0),
        (FieldType.DATE, "5 March 2026", "2026-03-05"),
        (FieldType.DATE, "05.03.2026", "2026-03-05"),
        (FieldType.DATE, "2026-03-05T10:00:00Z", "2026-03-05"),
        (FieldType.DATE, "2026-03", "2026-03"),
        (FieldType.DATE, 2026, "2026"),
        (FieldType.BOOLEAN, "Yes", True),
        (FieldType.BOOLEAN, 0, False),
        (FieldType.TEXT, "  two\n words ", "two words"),
        (FieldType.TEXT, 17, "17"),
        (FieldType.TEXT, "n/a", None),
        (FieldType.NUMBER, "", None),
        (FieldType.BOOLEAN, "unknown", None),
    ],
)
def test_values_are_read_as_they_are_written(kind, value, found) -> None:
    assert read(value, kind) == found


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (FieldType.NUMBER, "twelve"),
        (FieldType.NUMBER, True),
        (FieldType.NUMBER, float("inf")),
        (FieldType.NUMBER, 10**400),
        (FieldType.NUMBER, "1e400"),
        (FieldType.DATE, "3/4/2026"),
        (FieldType.DATE, "2026-02-30"),
        (FieldType.BOOLEAN, "perhaps"),
        (FieldType.TEXT, {"a": 1}),
        (FieldType.TEXT, "x" * 4001),
    ],
)
def test_a_value_that_can_mean_nothing_or_two_things_is_an_error(kind, value) -> None:
    with pytest.raises(FieldValueError, match='"f" must be'):
        read(value, kind)


def test_a_label_is_one_of_the_closed_set_as_the_policy_spells_it() -> None:
    labels = ("Invoice", "letter", "N/A")
    assert read("INVOICE", FieldType.LABEL, labels=labels) == "Invoice"
    assert read("N/A", FieldType.LABEL, labels=labels) == "N/A"
    with pytest.raises(FieldValueError, match="one of: Invoice, letter"):
        read("bill", FieldType.LABEL, labels=labels)


def test_names_match_without_case_and_separators_and_the_exact_one_first() -> None:
    fields = [RecordField("due_date", FieldType.DATE)]
    assert read_record({"Due Date": "2026-03-05"}, fields).get("due_date") == "2026-03-05"
    both = {"DueDate": "2026-01-01", "due_date": "2026-03-05"}
    assert read_record(both, fields).get("due_date") == "2026-03-05"


def test_the_path_of_a_value_that_does_not_fit_is_named() -> None:
    told = {"lines": [{"item": "pen"}, {"item": "ink", "amount": "much"}]}
    with pytest.raises(FieldValueError, match=r'"lines\[1\]\.amount" must be a number'):
        read_record(told, FIELDS)
    needed = [RecordField("total", FieldType.NUMBER, required=True, unit="EUR")]
    with pytest.raises(FieldValueError, match='"total" is required: give a number in EUR'):
        read_record({"total": None, "other": 1}, [*needed, RecordField("other", FieldType.NUMBER)])


def test_an_object_without_a_single_field_is_an_error_that_names_the_fields() -> None:
    with pytest.raises(FieldValueError, match="none of the members number, day, total"):
        read_record({"answer": 1}, FIELDS)


def test_quotes_are_kept_by_path_whatever_form_they_come_in() -> None:
    told = {"total": 1}
    as_list = [{"path": "total", "quote": " Total\n 1 "}, {"path": "total", "quote": "again"}, 3]
    assert read_record(told, FIELDS, as_list).quotes == (("total", "Total 1"),)
    assert read_record(told, FIELDS, {"total": "Total 1"}).quotes == (("total", "Total 1"),)
    assert read_record(told, FIELDS, "Total 1").quotes == ()


def test_the_entries_of_all_lists_together_are_bounded() -> None:
    inner = RecordField("b", FieldType.LIST, fields=PLAIN_ENTRY, plain=True)
    nested = (RecordField("a", FieldType.LIST, fields=(inner,)),)
    fits = {"a": [{"b": ["x"] * 400}] * 4}
    assert read_record(fits, nested)
    with pytest.raises(FieldValueError, match="at most 2000 in all lists together"):
        read_record({"a": [{"b": ["x"] * 400}] * 5}, nested)
