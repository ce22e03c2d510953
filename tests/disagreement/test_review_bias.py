"""What a review loop teaches, on generated corpora of which everything is known."""

from functools import cache

import numpy as np
import pytest

from benchmarks.review_bias import WAYS, Covered, Lesson, learn, outside_of_intervals


@cache
def lessons(name: str) -> list[Lesson]:
    """Made once for the tests of a way: processes that share the tests make only theirs."""
    (way,) = (way for way in WAYS if way.name == name)
    return [learn(seed, way) for seed in (11, 12)]


@pytest.mark.parametrize("way", [way.name for way in WAYS if way.weighed])
def test_however_people_answer_the_truth_is_in_most_intervals(way) -> None:
    found = [one for lesson in lessons(way) for one in lesson.estimates]
    inside = np.mean([one.low <= one.truth <= one.high for one in found])
    # of a cascade it is not known what would be answered without one of its services
    assert len(found) >= 2 * (9 if way == "cascade" else 13)
    assert inside >= 0.8
    of_services = [one.mean - one.truth for one in found if one.name == "accuracy of a service"]
    assert abs(np.mean(of_services)) < 0.06


def test_riskiest_questions_counted_for_themselves_teach_falsehood() -> None:
    found = [one for lesson in lessons("doubtful only") for one in lesson.estimates]
    of_services = [one.mean - one.truth for one in found if one.name == "accuracy of a service"]
    assert np.mean(of_services) < -0.2


@pytest.mark.parametrize("way", [way.name for way in WAYS if way.weighed])
def test_what_was_learned_is_no_worse_once_it_is_used(way) -> None:
    for lesson in lessons(way):
        figures = lesson.figures
        assert figures["accuracy after"] >= figures["accuracy before"] - 0.015
        assert figures["accuracy learned"] >= figures["accuracy before"] - 0.03
        assert figures["ECE after"] <= figures["ECE before"] + 0.01
        assert figures["under review after"] <= figures["under review before"] + 0.05


def test_intervals_that_hold_the_truth_too_rarely_or_too_often_are_named() -> None:
    def lesson(number: int) -> Lesson:
        held = {"always": 100, "as said": 95, "rarely": 92}
        estimates = tuple(
            Covered(name, 0.5, 0.5, 0.4, 0.6 if number < times else 0.45)
            for name, times in held.items()
        )
        return Lesson("a way", estimates, {}, {})

    found = outside_of_intervals({"a way": [lesson(number) for number in range(100)]})
    assert found == ["a way: always 100.0", "a way: rarely 92.0"]
