"""Verdicts about single entries of lists, as people write them, and what they make together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.content.record_verdicts import (
    RecordVerdictError,
    merged,
    read_record_verdict,
)
from orchestration_assets.schemas.record_answers import (
    EntryVerdict,
    RecordAnswer,
    record_json,
    record_of,
    record_text,
)
from orchestration_assets.schemas.record_fields import (
    ENTRY,
    PLAIN_ENTRY,
    FieldType,
    RecordField,
)

LINE = (RecordField("item", FieldType.TEXT), RecordField("amount", FieldType.NUMBER))
FIELDS = (
    RecordField("total", FieldType.NUMBER),
    RecordField("lines", FieldType.LIST, fields=LINE),
    RecordField("people", FieldType.LIST, fields=PLAIN_ENTRY, plain=True),
)


def record(**values) -> RecordAnswer:
    return RecordAnswer(tuple(values.items()))


PEN, INK = record(item="pen", amount=2.0), record(item="ink", amount=3.0)
ANN = record(**{ENTRY: "Ann Lee"})
STANDING = record(total=5.0, lines=(PEN, INK), people=(ANN,))


def said(text, standing=STANDING) -> RecordAnswer:
    return read_record_verdict(text, FIELDS, standing)


def test_a_value_of_an_entry_is_judged_with_the_entry_as_it_stood() -> None:
    assert said("lines[1].amount: 10").entries == (
        EntryVerdict("lines[1]", INK, record(amount=10.0)),
    )
    assert said("lines[0]: none").entries == (
        EntryVerdict("lines[0]", PEN, RecordAnswer(()), there=False),
    )
    assert said("lines[1].amount: none").entries[0].said == RecordAnswer((), absent=("amount",))
    assert said("people[0]: Anna Lee").entries[0].corrected == record(**{ENTRY: "Anna Lee"})


@pytest.mark.parametrize(
    "text",
    [
        'lines[+]: {"item": "desk; oak", "amount": 4}; total: 9\npeople[+]: Bo Li',
        {"lines[+]": {"item": "desk; oak", "amount": 4}, "total": 9, "people[+]": "Bo Li"},
    ],
)
def test_missing_entries_are_added_beside_fields(text) -> None:
    verdict = said(text)
    assert verdict.get("total") == 9.0
    desk, bo = verdict.entries
    assert (desk.stood, desk.said) == (None, record(item="desk; oak", amount=4.0))
    assert bo.said == record(**{ENTRY: "Bo Li"})


def test_several_statements_about_one_entry_are_one_verdict() -> None:
    (one,) = said("lines[0].amount: 4; lines[0].item: pencil").entries
    assert one.corrected == record(item="pencil", amount=4.0)


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("lines[2].amount: 1", "lines has 2 entries that stand, lines[0] to lines[1]; lines[+]"),
        ("lines[0].prise: 1", "lines has no field 'prise' in its entries"),
        ("lines[0]: pen", 'has fields: write lines[0]: {"item": ...}'),
        ("lines[+]: none", "says of no entry that it is"),
        ("lines[+].amount: 3", "is a whole entry"),
        ("total[0]: 3", "'total' is no list of the task; its lists are lines, people"),
        ("lines[x]: none", "names no entry"),
        ("people[0].name: Bo", "its entries are texts"),
        ('{"lines": [], "lines[0].amount": 3}', "as a whole and by its entries"),
        ("lines[0].amount: cheap", '"lines[0].amount" must be a number'),
        ('lines[0]: {"item": "pen"', "is no JSON object"),
    ],
)
def test_what_names_no_entry_is_refused_with_the_remedy(text, remedy) -> None:
    with pytest.raises(RecordVerdictError) as refused:
        said(text)
    assert remedy in str(refused.value)


def test_where_nothing_stands_no_entry_can_be_named() -> None:
    with pytest.raises(RecordVerdictError, match="no entry of lines stands"):
        said("lines[0]: none", None)


def test_later_verdicts_about_the_same_entry_stand_in_place_of_earlier_ones() -> None:
    first, second = said("lines[1].amount: 10; total: 1"), said("lines[1].item: red ink")
    (one,) = merged([first, second]).entries
    assert one.corrected == record(item="red ink", amount=10.0)
    # what stands has taken the first verdict up meanwhile
    after = record(total=1.0, lines=(PEN, record(item="ink", amount=10.0)))
    (one,) = merged([first, said("lines[1]: none", after)]).entries
    assert not one.there


def test_a_list_that_was_judged_as_a_whole_takes_up_what_is_said_of_its_entries() -> None:
    whole = read_record_verdict({"lines": [{"item": "pen", "amount": 2}]}, FIELDS)
    changed = merged([whole, said("lines[0].amount: 4"), said('lines[+]: {"item": "desk"}')])
    assert changed.get("lines") == (record(item="pen", amount=4.0), record(item="desk"))
    assert not changed.entries
    assert merged([whole, said("lines[0]: none")]).absent == ("lines",)
    assert merged([said("lines[0]: none"), whole]) == whole


def test_a_verdict_is_stored_and_told_as_it_was_given() -> None:
    text = "total: 9; lines[1].amount: 10; lines[0]: none; people[+]: Bo Li"
    verdict = said(text)
    assert record_of(record_json(verdict)) == verdict
    assert record_text(verdict) == text


@given(st.text(alphabet='lines[]+0123.:;{}"peo amount\n\\', max_size=60))
def test_any_text_is_a_verdict_or_is_refused_in_words(text: str) -> None:
    try:
        verdict = said(text)
    except RecordVerdictError as refused:
        assert str(refused)
    else:
        assert record_of(record_json(verdict)) == verdict
