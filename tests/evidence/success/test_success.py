"""Success predictors: what they find, what they do not invent, and how they are kept."""

import json

import numpy as np
import pytest

from orchestration_assets.evidence.success.fitting import fit_success
from orchestration_assets.evidence.success.stored import pack_predictor, unpack_predictor
from tests.evidence.success.made_items import planted

SERVICES = ("a", "b", "c")


@pytest.mark.parametrize("kind", ["language", "length", "code"])
def test_content_that_decides_which_service_is_right_is_found_from_300_outcomes(kind: str) -> None:
    items, scores = planted(kind, 300, seed=3)
    unseen, outcomes = planted(kind, 1_500, seed=4)

    predictor, _ = fit_success(items, scores, np.ones(300), SERVICES)

    chosen = predictor.expected_scores(unseen).argmax(axis=1)
    reached = outcomes[np.arange(1_500), chosen].mean()
    single = outcomes[:, scores.mean(axis=0).argmax()].mean()
    assert reached - single >= 0.9 * (0.9 - single)


def test_a_stored_predictor_expects_the_same() -> None:
    items, scores = planted("language", 200, seed=5)
    predictor, _ = fit_success(items, scores, np.ones(200), SERVICES)

    arrays, facts = pack_predictor(predictor)
    again = unpack_predictor(arrays, json.loads(json.dumps(facts)))

    np.testing.assert_array_equal(again.expected_scores(items), predictor.expected_scores(items))
    np.testing.assert_array_equal(again.familiarity(items), predictor.familiarity(items))
    assert again.services == SERVICES
