import numpy as np
import pytest

from orchestration_assets.evidence.agreement import fit_agreement
from orchestration_assets.evidence.recorded_answers import MISSING
from tests.evidence.recorded_worlds import world


def _fitted(accuracies=(0.9, 0.75, 0.6), **options):
    answers, confidences, gold = world(accuracies, **options)
    chosen = answers[:, 0]
    correct = (chosen == gold).astype(float)
    return fit_agreement(answers, confidences, chosen, correct), answers, confidences, gold


def test_support_and_certainty_make_an_answer_more_probable_and_good_services_more_so() -> None:
    fitted, *_ = _fitted()
    answers = np.array([[0, 0, 1], [0, 1, 0], [0, 0, 0], [0, 0, 0]])
    confidences = np.array([[0.7, 0.7, 0.7]] * 3 + [[0.9, 0.9, 0.9]])
    log_odds = fitted.log_odds(answers, confidences, np.zeros(4, dtype=np.int64))
    # of two to one, the better service supports the first
    assert log_odds[1] < log_odds[0] < log_odds[2] < log_odds[3]


def test_which_label_is_meant_makes_no_difference() -> None:
    fitted, answers, confidences, _ = _fitted()
    log_odds = fitted.log_odds(answers, confidences, answers[:, 0])
    renamed = 3 - answers
    np.testing.assert_array_equal(log_odds, fitted.log_odds(renamed, confidences, renamed[:, 0]))


def test_the_scale_of_a_confidence_makes_no_difference() -> None:
    answers, confidences, gold = world((0.9, 0.75, 0.6), n_items=500)
    correct = (answers[:, 0] == gold).astype(float)
    one, other = (
        fit_agreement(answers, scaled, answers[:, 0], correct).log_odds(
            answers, scaled, answers[:, 0]
        )
        for scaled in (confidences, confidences / 4.0)
    )
    # quantiles may part equal neighbours by a rounding
    assert np.abs(one - other).mean() < 0.01


def test_a_service_that_was_not_heard_has_no_say() -> None:
    fitted, *_ = _fitted()
    silent = np.array([[0, 0, MISSING]])
    chosen = np.zeros(1, dtype=np.int64)
    unstated = fitted.log_odds(silent, np.array([[0.7, 0.7, np.nan]]), chosen)
    stated = fitted.log_odds(silent, np.array([[0.7, 0.7, 0.9]]), chosen)
    assert unstated == stated
    alone = np.array([[0, 0, 1]])
    assert unstated > fitted.log_odds(alone, np.array([[0.7, 0.7, np.nan]]), chosen)


def test_services_that_state_nothing_leave_agreement_alone() -> None:
    answers, confidences, gold = world((0.9, 0.75, 0.6))
    confidences[:] = np.nan
    correct = (answers[:, 0] == gold).astype(float)
    fitted = fit_agreement(answers, confidences, answers[:, 0], correct)
    log_odds = fitted.log_odds(answers, confidences, answers[:, 0])
    supporters = (answers == answers[:, [0]]).sum(axis=1)
    assert log_odds[supporters == 3].min() > log_odds[supporters == 1].max()


def test_few_labels_move_little_and_many_move_much() -> None:
    fitted, *_ = _fitted()
    answers, confidences, gold = world((0.4, 0.9, 0.8), seed=1)
    correct = (answers[:, 0] == gold).astype(float)

    def moved(n):
        sample = (answers[:n], confidences[:n], answers[:n, 0], correct[:n])
        return np.abs(fit_agreement(*sample, prior=fitted).weights - fitted.weights).sum()

    assert moved(5) < moved(50) < moved(3000)


def test_a_service_that_was_never_wrong_yet_may_still_be() -> None:
    fitted, answers, confidences, _ = _fitted()
    fitted = fit_agreement(
        answers[:100], confidences[:100], answers[:100, 0], np.ones(100), prior=fitted
    )
    log_odds = fitted.log_odds(answers, confidences, answers[:, 0])
    assert np.isfinite(log_odds).all()
    assert np.median(log_odds) < 10.0


@pytest.mark.parametrize("n_services", [1, 2, 5])
def test_equal_input_gives_equal_bytes(n_services: int) -> None:
    one, other = (_fitted((0.9, 0.8, 0.7, 0.6, 0.5)[:n_services])[0] for _ in range(2))
    assert one.weights.tobytes() == other.weights.tobytes()
