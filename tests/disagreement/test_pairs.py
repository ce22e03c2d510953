from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.disagreement.pairs import disagreements, severity
from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import DISAGREEMENTS
from tests.disagreement.batches import PLAN, found
from tests.evidence.answers import TASKS, kinds, ok, votes

unit = st.floats(0, 1)
confidence = st.none() | unit
batches = kinds.flatmap(
    lambda kind: st.tuples(st.just(TASKS[kind]), st.lists(votes(kind), max_size=3))
)


@given(unit, confidence, confidence)
def test_severity_is_symmetric_bounded_and_never_above_the_distance(distance, a, b) -> None:
    first, second = ok("a", a), ok("b", b)
    assert 0.0 <= severity(distance, first, second) <= distance
    assert severity(distance, first, second) == severity(distance, second, first)


@given(unit, unit, unit)
def test_severity_grows_with_distance_and_confidence(distance, a, b) -> None:
    assert severity(distance / 2, ok("a", a), ok("b", b)) <= severity(
        distance, ok("a", a), ok("b", b)
    )
    assert severity(distance, ok("a", a / 2), ok("b", b)) <= severity(
        distance, ok("a", a), ok("b", b)
    )


@given(batches)
def test_a_pair_has_at_most_one_row_in_alphabetical_order(drawn) -> None:
    task, items = drawn
    rows = found(task, *items)
    keys = [(row.item_id, row.service_a, row.service_b) for row in rows]
    assert keys == sorted(set(keys))
    for row in rows:
        assert row.service_a < row.service_b
        assert task.disagree_at <= row.distance <= 1.0
        assert 0.0 <= row.severity <= row.distance
    assert rows_to_arrow(DISAGREEMENTS, rows).num_rows == len(rows)


@given(batches)
def test_the_order_of_asking_makes_no_difference(drawn) -> None:
    task, items = drawn
    assert found(task, *items) == found(task, *(reversed(heard) for heard in items))


def test_tasks_of_different_kinds_are_each_measured_their_own_way() -> None:
    tasks = {kind.value: TASKS[kind] for kind in (AnswerKind.LABEL, AnswerKind.SCORE)}
    readings = {
        ("i", "label"): (("x", ok("a")), ("y", ok("b"))),
        ("i", "score"): (("x", ok(-2.0)), ("y", ok(3.0))),
    }
    rows = [
        replace(PLAN, task="label"),
        replace(PLAN, task="score"),
        replace(PLAN, item_id="unheard", task="label"),
    ]
    assert [(row.task, row.kind) for row in disagreements(rows, readings, tasks)] == [
        ("label", "label_conflict"),
        ("score", "score_gap"),
    ]
