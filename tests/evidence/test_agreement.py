import numpy as np
import pytest

from orchestration_assets.evidence.agreement import fit_agreement
from orchestration_assets.evidence.recorded_answers import MISSING
from tests.evidence.recorded_worlds import world


def _fitted(accuracies=(0.9, 0.75, 0.6), **options):
    answers, confidences, gold = world(accuracies, **options)
    standing = answers[:, 0]
    right = (standing == gold).astype(float)
    return fit_agreement(answers, confidences, standing, right), answers, confidences, gold


def test_support_and_certainty_make_an_answer_more_probable_and_good_services_more_so() -> None:
    fitted, *_ = _fitted()
    answers = np.array([[0, 0, 1], [0, 1, 0], [0, 0, 0], [0, 0, 0]])
    confidences = np.array([[0.7, 0.7, 0.7]] * 3 + [[0.9, 0.9, 0.9]])
    odds = fitted.odds(answers, confidences, np.zeros(4, dtype=np.int64))
    # of two to one, the better service supports the first
    assert odds[1] < odds[0] < odds[2] < odds[3]


def test_which_label_is_meant_makes_no_difference() -> None:
    fitted, answers, confidences, _ = _fitted()
    odds = fitted.odds(answers, confidences, answers[:, 0])
    renamed = 3 - answers
    np.testing.assert_array_equal(odds, fitted.odds(renamed, confidences, renamed[:, 0]))


def test_the_scale_of_a_confidence_makes_no_difference() -> None:
    answers, confidences, gold = world((0.9, 0.75, 0.6), n_items=500)
    right = (answers[:, 0] == gold).astype(float)
    one, other = (
        fit_agreement(answers, sure, answers[:, 0], right).odds(answers, sure, answers[:, 0])
        for sure in (confidences, confidences / 4.0)
    )
    # quantiles may part equal neighbours by a rounding
    assert np.abs(one - other).mean() < 0.01


def test_a_service_that_was_not_heard_has_no_say() -> None:
    fitted, *_ = _fitted()
    silent = np.array([[0, 0, MISSING]])
    standing = np.zeros(1, dtype=np.int64)
    unstated = fitted.odds(silent, np.array([[0.7, 0.7, np.nan]]), standing)
    stated = fitted.odds(silent, np.array([[0.7, 0.7, 0.9]]), standing)
    assert unstated == stated
    alone = np.array([[0, 0, 1]])
    assert unstated > fitted.odds(alone, np.array([[0.7, 0.7, np.nan]]), standing)


def test_services_that_state_nothing_leave_agreement_alone() -> None:
    answers, confidences, gold = world((0.9, 0.75, 0.6))
    confidences[:] = np.nan
    right = (answers[:, 0] == gold).astype(float)
    fitted = fit_agreement(answers, confidences, answers[:, 0], right)
    odds = fitted.odds(answers, confidences, answers[:, 0])
    supporters = (answers == answers[:, [0]]).sum(axis=1)
    assert odds[supporters == 3].min() > odds[supporters == 1].max()


def test_few_labels_move_little_and_many_move_much() -> None:
    fitted, *_ = _fitted()
    answers, confidences, gold = world((0.4, 0.9, 0.8), seed=1)
    right = (answers[:, 0] == gold).astype(float)

    def moved(n):
        sample = (answers[:n], confidences[:n], answers[:n, 0], right[:n])
        return np.abs(fit_agreement(*sample, near=fitted).weights - fitted.weights).sum()

    assert moved(5) < moved(50) < moved(3000)


def test_a_service_that_was_never_wrong_yet_may_still_be() -> None:
    fitted, answers, confidences, _ = _fitted()
    sure = fit_agreement(
        answers[:100], confidences[:100], answers[:100, 0], np.ones(100), near=fitted
    )
    odds = sure.odds(answers, confidences, answers[:, 0])
    assert np.isfinite(odds).all()
    assert np.median(odds) < 10.0


@pytest.mark.parametrize("n_services", [1, 2, 5])
def test_equal_input_gives_equal_bytes(n_services: int) -> None:
    one, other = (_fitted((0.9, 0.8, 0.7, 0.6, 0.5)[:n_services])[0] for _ in range(2))
    assert one.weights.tobytes() == other.weights.tobytes()
