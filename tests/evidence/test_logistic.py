import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.evidence.logistic import fit_logistic, sigmoid


def test_without_a_ridge_a_constant_finds_the_share() -> None:
    none = np.zeros(1)
    found = fit_logistic(np.ones((10, 1)), np.array([1.0] * 3 + [0.0] * 7), none, none)
    assert sigmoid(found)[0] == pytest.approx(0.3, abs=1e-6)


def test_a_share_stands_for_as_many_of_both_sides() -> None:
    rng = np.random.default_rng(0)
    design = np.column_stack([rng.normal(size=40), np.ones(40)])
    share = rng.integers(0, 5, 40) / 4.0
    ridge, none = np.ones(2), np.zeros(2)
    whole = np.concatenate([np.ones(40), np.zeros(40)])
    twice = fit_logistic(
        np.vstack([design, design]), whole, ridge, none, np.concatenate([share, 1.0 - share])
    )
    np.testing.assert_allclose(fit_logistic(design, share, ridge, none), twice, atol=1e-6)


def test_no_rows_leave_everything_as_it_was() -> None:
    centre = np.array([2.0, -1.0])
    assert fit_logistic(np.empty((0, 2)), np.empty(0), np.ones(2), centre).tolist() == [2.0, -1.0]


def test_sides_that_a_line_parts_stay_finite_under_a_ridge() -> None:
    design = np.column_stack([np.linspace(-50.0, 50.0, 20), np.ones(20)])
    found = fit_logistic(design, (design[:, 0] > 0.0).astype(float), np.ones(2), np.zeros(2))
    assert np.isfinite(found).all()
    assert found[0] > 0.0


@given(st.integers(0, 1000), st.floats(0.1, 100.0))
def test_nothing_near_the_optimum_is_better(seed: int, ridge: float) -> None:
    rng = np.random.default_rng(seed)
    design, target = rng.normal(size=(30, 3)), rng.random(30)
    centre = rng.normal(size=3)
    found = fit_logistic(design, target, np.full(3, ridge), centre)

    def loss(at):
        score = design @ at
        fit = (np.logaddexp(0.0, score) - target * score).sum()
        return fit + 0.5 * ridge * ((at - centre) ** 2).sum()

    for _ in range(10):
        assert loss(found) <= loss(found + rng.normal(scale=0.1, size=3))
