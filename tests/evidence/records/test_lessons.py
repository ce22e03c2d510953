"""What verdicts teach of services, field by field."""

import numpy as np
import pytest

from orchestration_assets.evidence.records.field_model import fit_field, judged_model
from orchestration_assets.evidence.records.judged import judged_values, right_share
from orchestration_assets.evidence.records.judged_cells import judged_cells
from orchestration_assets.evidence.records.lessons import (
    JudgedItem,
    learn,
    pack,
    unpack,
)
from orchestration_assets.evidence.records.stated_confidence import GivenValues, confidence_scale
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
    RecordField("paid", FieldType.BOOLEAN),
    RecordField("lines", FieldType.LIST, fields=LINE),
    RecordField("people", FieldType.LIST, fields=PLAIN_ENTRY, plain=True),
)
VERSIONS = {"x": "1", "y": "1"}


def record(**values) -> RecordAnswer:
    return RecordAnswer(tuple(values.items()))


def line(item: str, amount: float) -> RecordAnswer:
    return record(item=item, amount=amount)


def taught(records, verdict, weight=1.0):
    return learn([JudgedItem(judged_cells(records, verdict, FIELDS), weight, {})], VERSIONS)


def counts(lessons, pattern):
    return {
        name: lessons.counts[pattern][row].tolist() for row, name in enumerate(lessons.services)
    }


def test_what_is_right_left_out_wrong_made_up_and_rightly_silent_is_counted_apart() -> None:
    records = {
        "x": record(total=3.0, paid=False, lines=(line("pen", 2.0), line("ghost", 9.0))),
        "y": record(total=4.0, lines=(line("pen", 5.0),)),
    }
    verdict = RecordAnswer(
        (("total", 3.0), ("paid", False), ("lines", (line("pen", 2.0), line("desk", 1.0)))),
    )
    lessons = taught(records, verdict)
    assert counts(lessons, "total") == {"x": [1, 0, 0, 0, 0], "y": [0, 0, 1, 0, 0]}
    assert counts(lessons, "paid") == {"x": [1, 0, 0, 0, 0], "y": [0, 1, 0, 0, 0]}
    # a desk that nobody gives is no cell of any batch; what is in a ghost is wrong with it
    assert counts(lessons, "lines[]") == {"x": [1, 0, 0, 1, 0], "y": [1, 0, 0, 0, 1]}
    assert counts(lessons, "lines[].amount") == {"x": [1, 0, 0, 0, 0], "y": [0, 0, 1, 0, 0]}


def test_of_single_entries_nothing_is_said_about_the_others() -> None:
    records = {
        "x": record(lines=(line("blue pen", 2.0), line("ink", 3.0))),
        "y": record(lines=(line("ink", 4.0), line("old desk", 8.0))),
    }
    verdict = RecordAnswer(
        (),
        entries=(
            EntryVerdict("lines[1]", line("ink", 3.0), record(amount=4.0)),
            EntryVerdict("lines[2]", line("old desk", 8.0), RecordAnswer(()), there=False),
            EntryVerdict("lines[+]", None, line("chair", 6.0)),
        ),
    )
    lessons = taught(records, verdict)
    assert counts(lessons, "lines[]") == {"x": [1, 0, 0, 0, 1], "y": [1, 0, 0, 1, 0]}
    assert counts(lessons, "lines[].amount") == {"x": [0, 0, 1, 0, 0], "y": [1, 0, 0, 0, 0]}
    assert "lines[].item" not in lessons.counts
    assert judged_values(records["x"], verdict, FIELDS) == {
        ("lines[]", True): 2,
        ("lines[].amount", False): 1,
        ("lines[]", False): 1,
    }
    assert right_share(records["x"], verdict, FIELDS) == 0.5
    assert right_share(records["x"], RecordAnswer(()), FIELDS) is None


def test_an_entry_of_plain_texts_is_judged_as_the_text_that_it_is() -> None:
    ann, bo = (record(**{ENTRY: name}) for name in ("Ann Lee", "Bo Li"))
    verdict = RecordAnswer(
        (), entries=(EntryVerdict("people[0]", ann, record(**{ENTRY: "Anna Leigh"})),)
    )
    lessons = taught({"x": record(people=(ann, bo)), "y": record(people=(bo,))}, verdict)
    assert counts(lessons, "people[]") == {"x": [0, 0, 1, 0, 0], "y": [0, 1, 0, 0, 0]}


def test_counts_add_up_to_as_many_verdicts_as_an_even_sample_would_have() -> None:
    cells = judged_cells({"x": record(total=3.0)}, record(total=3.0), FIELDS)
    lessons = learn([JudgedItem(cells, weight, {}) for weight in (1.0, 1.0, 8.0)], VERSIONS)
    assert lessons.verdicts == 3
    assert lessons.effective == pytest.approx(100.0 / 66.0)
    assert counts(lessons, "total")["x"][0] == pytest.approx(100.0 / 66.0)


def test_lessons_are_kept_whole_and_say_nothing_of_a_service_that_changed() -> None:
    records = {"x": record(total=3.0), "y": record(total=4.0)}
    cells = judged_cells(records, record(total=3.0), FIELDS)
    sure = [JudgedItem(cells, 1.0, {"x": share, "y": 0.5}) for share in (0.4, 0.9)]
    lessons = learn(sure, VERSIONS)
    assert list(lessons.scales) == ["x"]
    arrays, facts = pack(lessons)
    again = unpack(arrays, facts)
    assert again.counts["total"].tolist() == lessons.counts["total"].tolist()
    assert (again.scales, again.services) == (lessons.scales, lessons.services)
    assert list(again.scales_of(VERSIONS)) == ["x"] and not again.scales_of({"x": "2"})
    known = again.prior("total", ("y", "x", "new"), {"x": "1", "y": "2"})
    assert known is not None
    assert known.given.tolist() == [[0, 0, 0], [2, 0, 0], [0, 0, 0]]
    assert again.prior("total", ("y",), {"y": "2"}) is None
    assert again.prior("vat", ("x",), {}) is None
    with pytest.raises(ValueError, match="format 9"):
        unpack(arrays, {**facts, "format": 9})


def test_two_services_are_told_apart_by_verdicts_and_not_by_their_agreement() -> None:
    said = {"x": record(total=3.0), "y": record(total=4.0)}
    items = [JudgedItem(judged_cells(said, record(total=3.0), FIELDS), 1.0, {})] * 40
    prior = learn(items, VERSIONS).prior("total", ("x", "y"), VERSIONS)
    assert prior is not None
    codes = np.array([[1, 2]] * 50)
    assert fit_field(codes).right[0] == pytest.approx(fit_field(codes).right[1])
    for model in (judged_model(prior), fit_field(codes, prior)):
        assert model.right[0] > 0.85 > 0.3 > model.right[1]
        assert model.posterior(codes)[0, 1] > 0.9


def given(stated, right) -> GivenValues:
    ones = np.ones(len(stated))
    return GivenValues(ones, stated, right.astype(np.float64), ones)


def test_a_confidence_counts_as_much_as_it_tells_and_never_against_itself() -> None:
    chance = np.random.default_rng(3)
    stated = chance.uniform(0.3, 0.95, 400)

    def scale(right):
        return confidence_scale(given(stated, right))

    telling = scale(chance.random(400) < stated)
    silent = scale(chance.random(400) < 0.7)
    against = scale(chance.random(400) > stated)
    assert telling.slope > 0.5 > silent.slope and against.slope == 0.0
    assert telling.shift(0.95) > 0.0 > telling.shift(0.3)
    assert telling.shift(None) == 0.0
    assert confidence_scale(given(np.full(5, 0.8), np.ones(5))) is None
    assert confidence_scale(given(np.zeros(0), np.zeros(0))) is None
