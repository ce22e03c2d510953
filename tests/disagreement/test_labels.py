import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.disagreement.labels import label_conflicts, severity
from orchestration_assets.disagreement.resolution import resolve
from orchestration_assets.schemas.enums import AnswerKind, ResolutionStatus, Status
from orchestration_assets.schemas.items import Reading, Task

TASK = Task("t", "1", AnswerKind.LABEL)
PLAN = {
    "batch": "b",
    "item_id": "i",
    "content_hash": "h",
    "path": "p",
    "task": "t",
    "chain": False,
}


def ok(answer: str, confidence: float | None = 0.9, evidence: str | None = None) -> Reading:
    return Reading(Status.OK, answer, confidence, evidence=evidence)


ABSTAINED = Reading(Status.ABSTAINED, reason="cannot tell")
FAILED = Reading(Status.FAILED, reason="broken")


def conflicts(*heard):
    return list(label_conflicts(iter([PLAN]), {("i", "t"): heard}))


def test_the_answer_with_more_weight_stands_and_dissent_is_kept() -> None:
    row = resolve(PLAN, (("x", ok("a", 0.6)), ("y", ok("b", 0.9)), ("z", ABSTAINED)), TASK)
    assert (row.answer, row.supporters, row.dissenters) == ("b", ("y",), ("x",))
    assert [reading.service for reading in row.readings] == ["x", "y", "z"]
    assert row.reason == "y outweighs x"


def test_error_risk_grows_with_contradiction() -> None:
    agreed = resolve(PLAN, (("x", ok("a")), ("y", ok("a"))), TASK)
    split = resolve(PLAN, (("x", ok("a")), ("y", ok("b", 0.8))), TASK)
    assert agreed.error_risk is not None and split.error_risk is not None
    assert agreed.error_risk < split.error_risk


@pytest.mark.parametrize(
    ("heard", "status"),
    [
        ((("x", ABSTAINED), ("y", ABSTAINED)), ResolutionStatus.ABSTAINED),
        ((("x", ABSTAINED), ("y", FAILED)), ResolutionStatus.FAILED),
        ((), ResolutionStatus.FAILED),
        ((("x", FAILED), ("y", ok("a"))), ResolutionStatus.RESOLVED),
    ],
)
def test_an_item_without_an_answer_says_why(heard, status) -> None:
    row = resolve(PLAN, heard, TASK)
    assert row.status is status
    assert (row.answer is None) == (status is not ResolutionStatus.RESOLVED)
    assert row.reason


def test_the_last_of_a_chain_decides() -> None:
    row = resolve({**PLAN, "chain": True}, (("x", ok("a", 0.99)), ("y", ok("b", 0.6))), TASK)
    assert row.answer == "b"
    assert "last of the chain" in row.reason


def test_every_contradicting_pair_is_a_row_with_both_sides_in_words() -> None:
    rows = conflicts(("z", ok("a")), ("x", ok("b", 0.8, "the extension")), ("y", ok("a")))
    assert [(row.service_a, row.service_b) for row in rows] == [("x", "y"), ("x", "z")]
    assert rows[0].evidence == "x: b (the extension); y: a"
    assert rows[0].severity == pytest.approx(0.72)


def test_abstentions_and_failures_take_no_part() -> None:
    assert conflicts(("x", ok("a")), ("y", ABSTAINED), ("z", FAILED)) == []


unit = st.none() | st.floats(0, 1)


@given(unit, unit)
def test_severity_is_symmetric_and_bounded(a, b) -> None:
    first, second = ok("a", a), ok("b", b)
    assert 0.0 <= severity(first, second) <= 1.0
    assert severity(first, second) == severity(second, first)
