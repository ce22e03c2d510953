import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from orchestration_assets.evidence.distances.scores import score_distance
from orchestration_assets.evidence.distances.vectors import vector_distance

scores = st.floats(-10, 10)
vectors = st.lists(st.floats(-1, 1), min_size=4, max_size=4).filter(any)


def test_a_gap_counts_by_the_length_of_the_scale() -> None:
    assert score_distance(1.0, 4.0, (1.0, 5.0)) == 0.75
    assert score_distance(-90.0, 90.0, (1.0, 5.0)) == 1.0


@given(scores, scores, scores)
def test_a_wider_gap_is_no_nearer(low, middle, high) -> None:
    low, middle, high = sorted((low, middle, high))
    assert score_distance(low, middle, (-5.0, 5.0)) <= score_distance(low, high, (-5.0, 5.0))


@pytest.mark.parametrize(
    ("first", "second", "far"),
    [
        ((1.0, 0.0), (2.0, 0.0), 0.0),
        ((1.0, 0.0), (0.0, 3.0), 0.5),
        ((1.0, 0.0), (-1.0, 0.0), 1.0),
        ((0.0, 0.0), (1.0, 0.0), 0.5),
        ((1e300, 0.0), (0.0, 1e300), 0.5),
        ((1.0,), (1.0, 0.0), 1.0),
    ],
)
def test_vectors_differ_by_their_angle(first, second, far) -> None:
    assert vector_distance(first, second) == pytest.approx(far)


@given(vectors, st.floats(0.1, 10))
def test_length_does_not_count(vector, factor) -> None:
    stretched = tuple(factor * component for component in vector)
    assume(any(stretched))
    assert vector_distance(tuple(vector), stretched) == pytest.approx(0.0, abs=1e-9)
