import numpy as np
import pytest

from orchestration_assets.evidence.calibration import reliability
from orchestration_assets.evidence.few_labels import FEWEST, learn_from
from orchestration_assets.evidence.label_free import learn, majority
from orchestration_assets.evidence.recorded_answers import MISSING
from tests.evidence.recorded_worlds import world


def _labelled(gold, n):
    known = np.full(len(gold), MISSING)
    known[:n] = gold[:n]
    return known


def test_labels_calibrate_the_risk_of_a_standing_answer() -> None:
    answers, confidences, gold = world((0.85, 0.7, 0.6, 0.65))
    standing = majority(answers, confidences, 4)
    free = learn(answers, confidences, 4)
    few = learn_from(answers, confidences, _labelled(gold, 200), free, standing)
    risk = few.risk(answers, confidences, standing)[200:]
    right = (standing == gold)[200:]
    assert reliability(1.0 - risk, right).error < 0.06
    assert few.n_gold == 200


def test_labels_tell_two_camps_apart_where_agreement_cannot() -> None:
    # three services share their errors: they outvote the one that is right
    answers, confidences, gold = world((0.95, 0.6, 0.6, 0.6))
    answers[:, 2] = np.where(np.arange(len(gold)) % 20 < 18, answers[:, 1], answers[:, 2])
    answers[:, 3] = np.where(np.arange(len(gold)) % 20 < 17, answers[:, 1], answers[:, 3])
    free = learn(answers, confidences, 4)
    few = learn_from(answers, confidences, _labelled(gold, 300), free)
    test = slice(300, None)
    blind = (free.belief(answers, confidences).argmax(axis=1) == gold)[test].mean()
    taught = (few.belief(answers, confidences).argmax(axis=1) == gold)[test].mean()
    assert taught > blind
    assert taught > 0.93


def test_too_few_labels_are_refused() -> None:
    answers, confidences, gold = world((0.9, 0.8, 0.7), n_items=200)
    free = learn(answers, confidences, 4)
    with pytest.raises(ValueError, match=f"at least {FEWEST}"):
        learn_from(answers, confidences, _labelled(gold, FEWEST - 1), free)


def test_services_that_are_never_wrong_keep_a_risk() -> None:
    answers, confidences, gold = world((1.0, 1.0, 1.0), n_items=300)
    free = learn(answers, confidences, 4)
    few = learn_from(answers, confidences, _labelled(gold, 100), free)
    risk = few.risk(answers, confidences, gold)
    assert ((risk > 0.0) & (risk < 0.1)).all()
