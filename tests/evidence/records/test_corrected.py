"""Records as they should be, by verdicts about their fields and about single entries of lists."""

from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.evidence.records.judged import corrected_record
from orchestration_assets.schemas.record_answers import EntryVerdict, RecordAnswer
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
ITEMS = ("pen", "ink", "cello strings", "floor tiles", "bow hair")


def record(**values) -> RecordAnswer:
    return RecordAnswer(tuple(values.items()))


PEN, INK = record(item="pen", amount=2.0), record(item="ink", amount=3.0)
ANN, BOB = record(**{ENTRY: "Ann Lee"}), record(**{ENTRY: "Bob Ray"})
STANDS = record(total=5.0, lines=(PEN, INK), people=(ANN, BOB))
NOTHING = RecordAnswer(())


def said(*entries: EntryVerdict, **values) -> RecordAnswer:
    return RecordAnswer(tuple(values.items()), entries=entries)


def test_entries_are_corrected_taken_out_and_added() -> None:
    verdict = said(
        EntryVerdict("lines[1]", INK, record(amount=10.0)),
        EntryVerdict("people[0]", ANN, NOTHING, there=False),
        EntryVerdict("lines[+]", None, record(item="cello strings", amount=7.0)),
        EntryVerdict("people[1]", BOB, record(**{ENTRY: "Robert Ray"})),
        total=19.0,
    )
    ten, cello = record(item="ink", amount=10.0), record(item="cello strings", amount=7.0)
    expected = record(
        total=19.0, lines=(PEN, ten, cello), people=(record(**{ENTRY: "Robert Ray"}),)
    )
    assert corrected_record(STANDS, verdict, FIELDS) == expected
    # what was corrected is not added once more where it stands by now
    assert corrected_record(expected, verdict, FIELDS).get("lines") == (PEN, ten, cello)


def test_an_entry_that_stands_no_more_is_added_as_it_should_be_or_forgotten() -> None:
    there = said(EntryVerdict("lines[1]", INK, record(amount=10.0)))
    gone = said(EntryVerdict("lines[1]", INK, NOTHING, there=False))
    without = record(lines=(PEN,))
    ten = record(item="ink", amount=10.0)
    assert corrected_record(without, there, FIELDS) == record(lines=(PEN, ten))
    assert corrected_record(NOTHING, there, FIELDS) == record(lines=(ten,))
    assert corrected_record(without, gone, FIELDS) == without
    no_amount = said(EntryVerdict("lines[0]", PEN, RecordAnswer((), absent=("amount",))))
    assert corrected_record(without, no_amount, FIELDS) == record(lines=(record(item="pen"),))
    assert corrected_record(STANDS, RecordAnswer((), absent=("lines", "people")), FIELDS) == record(
        total=5.0
    )


@given(
    amounts=st.dictionaries(st.sampled_from(ITEMS), st.integers(1, 9), min_size=1),
    judged=st.dictionaries(st.sampled_from(ITEMS), st.one_of(st.none(), st.integers(10, 99))),
    seed=st.randoms(use_true_random=False),
)
def test_whatever_the_order_each_entry_is_as_it_was_judged(amounts, judged, seed) -> None:
    lines = [record(item=item, amount=float(n)) for item, n in amounts.items()]
    entries = [
        EntryVerdict(
            f"lines[{place}]",
            line,
            NOTHING if n is None else record(amount=float(n)),
            there=n is not None,
        )
        for place, line in enumerate(lines)
        if (item := line.get("item")) in judged
        for n in [judged[item]]
    ]
    seed.shuffle(lines)
    seed.shuffle(entries)
    found = corrected_record(record(lines=tuple(lines)), said(*entries), FIELDS).get("lines")
    expected = {item: n for item, n in (amounts | judged).items() if item in amounts}
    assert {(one.get("item"), one.get("amount")) for one in found} == {
        (item, float(n)) for item, n in expected.items() if n is not None
    }
