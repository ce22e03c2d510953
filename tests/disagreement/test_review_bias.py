"""What a review loop teaches, on generated corpora of which everything is known."""

import numpy as np
import pytest

from benchmarks.review_bias import WAYS, learn


@pytest.fixture(scope="module")
def lessons():
    return {way.name: [learn(seed, way) for seed in (11, 12)] for way in WAYS}


@pytest.mark.parametrize("way", [way.name for way in WAYS if way.weighed])
def test_however_people_answer_the_truth_is_in_most_intervals(lessons, way) -> None:
    found = [one for lesson in lessons[way] for one in lesson.estimates]
    inside = np.mean([one.low <= one.truth <= one.high for one in found])
    assert len(found) >= 2 * 13
    assert inside >= 0.8
    of_services = [one.mean - one.truth for one in found if one.name == "accuracy of a service"]
    assert abs(np.mean(of_services)) < 0.06


def test_riskiest_questions_counted_for_themselves_teach_falsehood(lessons) -> None:
    found = [one for lesson in lessons["doubtful only"] for one in lesson.estimates]
    of_services = [one.mean - one.truth for one in found if one.name == "accuracy of a service"]
    assert np.mean(of_services) < -0.2


@pytest.mark.parametrize("way", [way.name for way in WAYS if way.weighed])
def test_what_was_learned_is_no_worse_once_it_is_used(lessons, way) -> None:
    for lesson in lessons[way]:
        figures = lesson.figures
        assert figures["accuracy after"] >= figures["accuracy before"] - 0.015
        assert figures["accuracy learned"] >= figures["accuracy before"] - 0.03
        assert figures["ECE after"] <= figures["ECE before"] + 0.01
        assert figures["under review after"] <= figures["under review before"] + 0.05
