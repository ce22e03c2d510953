import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.evidence.distances import distance, is_disagreement
from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.items import Task
from tests.evidence.answers import TASKS, answers, kinds

pairs = kinds.flatmap(lambda kind: st.tuples(st.just(TASKS[kind]), answers(kind, 2)))


@given(pairs)
def test_a_distance_is_bounded_and_symmetric(drawn) -> None:
    task, (first, second) = drawn
    found = distance(first, second, task)
    assert 0.0 <= found <= 1.0
    assert found == distance(second, first, task)


@given(pairs)
def test_an_answer_is_no_distance_from_itself(drawn) -> None:
    task, (first, _) = drawn
    assert distance(first, first, task) == 0.0


@pytest.mark.parametrize(
    ("found", "disagree_at", "disagrees"),
    [(0.0, 0.0, False), (0.6, 0.6, True), (0.59, 0.6, False), (1.0, 1.0, True)],
)
def test_answers_disagree_from_the_threshold_on_and_equal_ones_never(
    found, disagree_at, disagrees
) -> None:
    assert (
        is_disagreement(found, Task("t", "1", AnswerKind.SET, disagree_at=disagree_at)) is disagrees
    )
