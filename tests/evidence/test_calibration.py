"""Calibration against probabilities whose truth is known."""

import numpy as np
import pytest

from orchestration_assets.evidence.calibration import (
    PlattScaling,
    brier_score,
    fit_platt_scaling,
    logit,
    reliability,
    sigmoid,
)


def _overconfident(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Items whose log-odds are half of what is stated."""
    rng = np.random.default_rng(7)
    stated = sigmoid(rng.normal(2.0, 2.0, n))
    return stated, rng.random(n) < sigmoid(0.5 * logit(stated))


def test_platt_finds_how_much_too_sure_a_score_is() -> None:
    stated, correct = _overconfident(20_000)
    fitted = fit_platt_scaling(stated, correct)
    assert fitted.slope == pytest.approx(0.5, abs=0.03)
    assert fitted.offset == pytest.approx(0.0, abs=0.06)
    assert (
        reliability(fitted(stated), correct).expected_calibration_error
        < 0.02
        < reliability(stated, correct).expected_calibration_error
    )
    assert brier_score(fitted(stated), correct) < brier_score(stated, correct)


def test_without_labels_nothing_changes() -> None:
    fitted = fit_platt_scaling(np.array([]), np.array([], dtype=bool))
    assert fitted == PlattScaling(1.0, 0.0)
    assert fitted(np.array([0.3])) == pytest.approx([0.3])


def test_the_order_is_never_turned_round() -> None:
    stated = np.linspace(0.05, 0.95, 200)
    assert fit_platt_scaling(stated, stated < 0.5).slope > 0.0


def test_reliability_counts_by_hand() -> None:
    found = reliability(np.array([0.9, 0.1, 0.8, 0.2]), np.array([True, False, False, False]), 2)
    assert found.stated == pytest.approx([0.15, 0.85])
    assert found.observed == pytest.approx([0.0, 0.5])
    assert found.expected_calibration_error == pytest.approx((0.15 + 0.35) / 2)
