import pytest

from orchestration_assets.disagreement.readings import group_readings
from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.items import Alternative, Reading
from tests.disagreement.batches import interpretation, interpretations
from tests.evidence.answers import ABSTAINED, FAILED, ok

ANSWERS = {
    AnswerKind.LABEL: "a",
    AnswerKind.SET: ("a", "b"),
    AnswerKind.TEXT: "some words",
    AnswerKind.SCORE: 0.0,
    AnswerKind.VECTOR: (0.5, -0.25),
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_an_answer_of_any_kind_comes_back_as_it_was_given(answer) -> None:
    said = Reading(Status.OK, answer, 0.8, (Alternative("z", 0.1),), "because")
    table = interpretations(interpretation("x", said))
    assert group_readings([table]) == {("i", "t"): (("x", said),)}


def test_vectors_stay_with_their_services() -> None:
    rows = [
        interpretation("w", ABSTAINED, step=0),
        interpretation("x", ok((1.0, 0.0)), step=1),
        interpretation("y", ok("a text"), step=2),
        interpretation("z", ok((0.0, 1.0, 2.0)), step=3),
    ]
    whole = interpretations(*rows)
    expected = [None, (1.0, 0.0), "a text", (0.0, 1.0, 2.0)]
    for tables in ([whole], [whole.slice(2), whole.slice(0, 2), whole.slice(0, 0)]):
        (heard,) = group_readings(tables).values()
        assert [reading.answer for _, reading in heard] == expected


def test_rounds_that_a_later_one_took_over_are_left_out() -> None:
    table = interpretations(
        interpretation("x", ok("early"), final=False),
        interpretation("x", ok("late"), round=1, step=1),
        interpretation("y", FAILED, step=2),
    )
    (heard,) = group_readings([table]).values()
    assert heard == (("x", ok("late")), ("y", FAILED))


def test_services_stand_in_the_order_of_asking_whichever_table_they_are_in() -> None:
    first = interpretations(interpretation("x", ok("a"), step=1))
    second = interpretations(interpretation("y", ok("b"), step=0))
    (heard,) = group_readings([first, second]).values()
    assert [name for name, _ in heard] == ["y", "x"]
