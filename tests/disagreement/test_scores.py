import math

import numpy as np
import pytest

from orchestration_assets.disagreement.scores import MIN_READINGS
from orchestration_assets.schemas.enums import AnswerKind, DisagreementKind
from tests.disagreement.batches import found, task
from tests.evidence.answers import ok

SCORE = task(AnswerKind.SCORE, 0.3)


def batch(first, second):
    return [(("x", ok(float(a))), ("y", ok(float(b)))) for a, b in zip(first, second, strict=True)]


def test_services_that_use_the_scale_differently_but_rank_alike_agree() -> None:
    wide = np.linspace(0.0, 1.0, 41)
    narrow = 0.8 + 0.1 * wide
    assert found(SCORE, *batch(wide, narrow)) == []
    # without enough readings to know that, the raw gap counts
    assert found(SCORE, *batch(wide[:5], narrow[:5]))


def test_an_item_that_is_high_for_one_and_low_for_the_other_is_found() -> None:
    wide = np.linspace(0.0, 1.0, 41)
    narrow = 0.5 + 0.02 * wide
    narrow[40] = 0.5
    rows = found(SCORE, *batch(wide, narrow))
    assert [row.item_id for row in rows] == ["i0040"]
    assert rows[0].kind is DisagreementKind.SCORE_GAP
    assert "deviations above its median of 0.5" in rows[0].evidence
    assert "below its median" in rows[0].evidence


def test_the_distance_is_how_often_unrelated_items_lie_nearer() -> None:
    first = np.arange(-20.0, 21.0)
    second = first.copy()
    second[40] += 3.0 * 1.4826 * 10.0  # three deviations: the MAD of -20..20 is and stays 10
    rows = found(SCORE, *batch(first, second))
    assert rows[0].distance == pytest.approx(math.erf(3.0 / 2.0))
    # the same by drawing two unrelated items from normal scores
    a, b = np.random.default_rng(0).normal(size=(2, 200_000))
    assert np.mean(np.abs(a - b) < 3.0) == pytest.approx(rows[0].distance, abs=0.005)


@pytest.mark.parametrize("count", [MIN_READINGS - 1, MIN_READINGS])
def test_few_readings_or_equal_ones_fall_back_to_the_scale(count) -> None:
    equal = [0.5] * count
    rows = found(SCORE, *batch(equal, [*equal[1:], 0.9]))
    assert [row.distance for row in rows] == pytest.approx([0.4])
    assert rows[0].evidence == "x: 0.5; y: 0.9"


def test_an_outlier_does_not_change_how_the_others_are_seen() -> None:
    first, second = np.linspace(0.0, 1.0, 41), np.linspace(0.0, 1.0, 41)
    second[7] = 1e6
    assert [row.item_id for row in found(SCORE, *batch(first, second))] == ["i0007"]
