import random

from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.evidence.records.cells import cells_of
from orchestration_assets.evidence.records.consensus import groups_of, settled_record
from orchestration_assets.schemas.record_answers import RecordAnswer, leaves
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
