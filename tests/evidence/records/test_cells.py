import random

from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.evidence.records.cells import cells_of
from orchestration_assets.evidence.records.consensus import (
    groups_of,
    settled_record,
)
from orchestration_assets.schemas.record_answers import (
    RecordAnswer,
    leaves,
    record_json,
    record_of,
    value_at,
)
from orchestration_assets.schemas.record_fields import FieldType, RecordField
from tests.evidence.records_drawn import FIELDS, entry, plain, records

of_services = st.lists(records(), min_size=1, max_size=4).map(
    lambda given: {f"s{number}": record for number, record in enumerate(given)}
)


@given(of_services, st.randoms(use_true_random=False))
def test_cells_and_what_stands_do_not_depend_on_who_was_asked_first(
    answers, chance: random.Random
) -> None:
    names = list(answers)
    chance.shuffle(names)
    other = {name: answers[name] for name in names}
    assert cells_of(other, FIELDS) == cells_of(answers, FIELDS)
    confidences = dict.fromkeys(answers, 0.8)
    assert settled_record(other, confidences, FIELDS) == settled_record(
        answers, confidences, FIELDS
    )


@given(of_services)
def test_every_value_stands_in_one_cell_under_its_own_path(answers) -> None:
    cells = cells_of(answers, FIELDS)
    assert len({cell.path for cell in cells}) == len(cells)
    for name, record in answers.items():
        held = {
            cell.own[name]: cell.values[name]
            for cell in cells
            if not cell.is_entry and cell.values.get(name) is not None
        }
        assert held == dict(leaves(record))


@given(records())
def test_what_all_say_stands(record) -> None:
    answers = dict.fromkeys("abc", record)
    stands, settled = settled_record(answers, dict.fromkeys(answers, 0.9), FIELDS)
    assert stands == record
    assert all(one.risk < 0.5 and not one.dissenters for one in settled)


def test_entries_are_laid_beside_each_other_by_their_content() -> None:
    pen, ink, lamp = (
        entry(one, number) for one, number in (("pen", 1.0), ("ink", 2.0), ("lamp", 3.0))
    )
    answers = {
        "a": RecordAnswer((("lines", (pen, ink)),)),
        "b": RecordAnswer((("lines", (ink, lamp, pen)),)),
    }
    cells = {cell.path: cell for cell in cells_of(answers, FIELDS)}
    things = {
        path: dict(cell.values) for path, cell in cells.items() if cell.pattern == "lines[].item"
    }
    assert sorted(map(str, things.values())) == [
        "{'a': 'ink', 'b': 'ink'}",
        "{'a': 'pen', 'b': 'pen'}",
        "{'b': 'lamp'}",
    ]
    of_pen = next(cell for cell in cells.values() if cell.values == {"a": "pen", "b": "pen"})
    assert dict(of_pen.own) == {"a": "lines[0].item", "b": "lines[2].item"}
    alone = next(cell for cell in cells.values() if cell.is_entry and cell.values["a"] is None)
    assert alone.values["b"] is True


def test_plain_texts_of_a_list_are_one_value_however_they_are_spelled() -> None:
    answers = {
        "a": RecordAnswer((("people", plain(["Ruth Okafor"])),)),
        "b": RecordAnswer((("people", plain(["R. Okafor"])),)),
    }
    (cell,) = cells_of(answers, FIELDS)
    assert (cell.path, cell.pattern) == ("people[0]", "people[]")
    assert groups_of(cell) == {"a": 1, "b": 1}


NUMBERS = (RecordField("value", FieldType.NUMBER),)
NESTED = (
    RecordField(
        "value",
        FieldType.LIST,
        fields=(RecordField("value", FieldType.LIST, fields=NUMBERS),),
    ),
)


def test_entries_of_one_field_called_value_are_entries() -> None:
    numbers = tuple(RecordAnswer((("value", float(number)),)) for number in range(3))
    record = RecordAnswer((("value", (RecordAnswer((("value", numbers),)),)),))
    assert record_of(record_json(record)) == record
    paths = [f"value[0].value[{number}].value" for number in range(3)]
    assert [path for path, _ in leaves(record)] == paths
    assert [value_at(record, path) for path in paths] == [0.0, 1.0, 2.0]
    # entries that hold nothing but lists are told apart by what these hold
    other = RecordAnswer((("value", (RecordAnswer((("value", numbers[:1]),)),)),))
    stands, settled = settled_record(
        {"a": record, "b": record, "c": other}, dict.fromkeys("abc", 0.9), NESTED
    )
    assert stands == record
    assert [one.cell.path for one in settled if not one.cell.is_entry] == paths


def test_a_year_does_not_make_two_of_its_days_one_value() -> None:
    days = {"a": "2026", "b": "2026-04-01", "c": "2026-03-05", "d": "2026-03"}
    answers = {name: RecordAnswer((("day", day),)) for name, day in days.items()}
    (cell,) = cells_of(answers, FIELDS)
    assert groups_of(cell) == {"a": 1, "b": 1, "c": 2, "d": 2}
