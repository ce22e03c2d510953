import numpy as np
import pytest

from orchestration_assets.evidence.calibration import reliability
from orchestration_assets.evidence.few_labels import MIN_LABELS, fit_few_labels
from orchestration_assets.evidence.label_free import fit_label_free, majority_vote
from orchestration_assets.evidence.recorded_answers import MISSING
from tests.evidence.recorded_worlds import world


def _labelled(gold, n):
    known = np.full(len(gold), MISSING)
    known[:n] = gold[:n]
    return known


def test_labels_calibrate_the_risk_of_a_standing_answer() -> None:
    answers, confidences, gold = world((0.85, 0.7, 0.6, 0.65))
    chosen = majority_vote(answers, confidences, 4)
    free = fit_label_free(answers, confidences, 4)
    few = fit_few_labels(answers, confidences, _labelled(gold, 200), free, chosen)
    error_probability = few.error_probability(answers, confidences, chosen)[200:]
    correct = (chosen == gold)[200:]
    assert reliability(1.0 - error_probability, correct).expected_calibration_error < 0.06
    assert few.n_gold == 200


def test_labels_tell_two_camps_apart_where_agreement_cannot() -> None:
    # three services share their errors: they outvote the one that is right
    answers, confidences, gold = world((0.95, 0.6, 0.6, 0.6))
    answers[:, 2] = np.where(np.arange(len(gold)) % 20 < 18, answers[:, 1], answers[:, 2])
    answers[:, 3] = np.where(np.arange(len(gold)) % 20 < 17, answers[:, 1], answers[:, 3])
    free = fit_label_free(answers, confidences, 4)
    few = fit_few_labels(answers, confidences, _labelled(gold, 300), free)
    test = slice(300, None)
    blind = (free.log_posterior(answers, confidences).argmax(axis=1) == gold)[test].mean()
    taught = (few.log_posterior(answers, confidences).argmax(axis=1) == gold)[test].mean()
    assert taught > blind
    assert taught > 0.93


def test_too_few_labels_are_refused() -> None:
    answers, confidences, gold = world((0.9, 0.8, 0.7), n_items=200)
    free = fit_label_free(answers, confidences, 4)
    with pytest.raises(ValueError, match=f"at least {MIN_LABELS}"):
        fit_few_labels(answers, confidences, _labelled(gold, MIN_LABELS - 1), free)


def test_services_that_are_never_wrong_keep_a_risk() -> None:
    answers, confidences, gold = world((1.0, 1.0, 1.0), n_items=300)
    free = fit_label_free(answers, confidences, 4)
    few = fit_few_labels(answers, confidences, _labelled(gold, 100), free)
    error_probability = few.error_probability(answers, confidences, gold)
    assert ((error_probability > 0.0) & (error_probability < 0.1)).all()
