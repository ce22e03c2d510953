"""The gain of asking is that of an enumeration, and negative where a service does harm."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration_assets.evidence.expected_gain import (
    AnsweringHabit,
    ToldLabel,
    answering_habit,
    calibrated_habit,
    expected_gain,
)
from orchestration_assets.evidence.posterior import GUESSING

probability = st.floats(0.05, 0.95)
habits = st.builds(
    lambda stated, right: AnsweringHabit(tuple(stated), tuple(right), 0.0),
    st.lists(probability, min_size=3, max_size=3),
    st.lists(probability, min_size=3, max_size=3),
)


def enumerated(told, asked, n_labels):
    """P(right) after asking less before, over each truth and everything that may be said."""
    labels = range(n_labels)

    def share(label, truth, p):
        return p if label == truth else (1.0 - p) / (n_labels - 1)

    def stands(said):
        given_labels = list(dict.fromkeys(label for label, _ in said))
        scores = []
        for answer in given_labels:
            score = 1.0
            for label, stated in said:
                even = share(label, answer, stated)
                score *= (1.0 - GUESSING) * even + GUESSING / n_labels
            scores.append(score)
        return given_labels[max(range(len(scores)), key=lambda n: (round(scores[n], 12), -n))]

    before = after = mass = 0.0
    heard = [(one.label, one.stated) for one in told]
    for truth in labels:
        chance = 1.0
        for one in told:
            chance *= share(one.label, truth, one.right)
        mass += chance
        before += chance * (bool(heard) and stands(heard) == truth)
        levels = [list(zip(one.stated, one.right, strict=True)) for one in asked]
        for said in product(*(product(labels, some) for some in levels)):
            p = chance
            for label, (_, right) in said:
                p *= share(label, truth, right) / 3.0
            answers = [*heard, *((label, stated) for label, (stated, _) in said)]
            after += p * (stands(answers) == truth)
    return (after - before) / mass


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 1), probability, probability), max_size=2),
    st.lists(habits, min_size=1, max_size=2),
)
def test_the_gain_is_that_of_all_that_may_be_said(told, asked) -> None:
    names: dict[int, int] = {}
    before = tuple(
        ToldLabel(names.setdefault(label, len(names)), stated, right)
        for label, stated, right in told
    )
    # labels that nobody gave are alike: more of them than can be told apart change nothing else
    expected = enumerated(before, asked, 4)
    assert expected_gain(before, tuple(asked), 4) == pytest.approx(expected, abs=1e-6)


def test_a_poor_service_that_is_sure_of_itself_does_harm() -> None:
    told = (ToldLabel(0, 0.8, 0.9),)
    assert expected_gain(told, (answering_habit(0.5, [0.95] * 9),), 4) < -0.2
    assert expected_gain(told, (calibrated_habit([0.5] * 9),), 4) == pytest.approx(0.0)


def test_two_equals_gain_together_what_none_gains_alone() -> None:
    told, equal = (ToldLabel(0, 0.7, 0.7),), answering_habit(0.7, [])
    assert expected_gain(told, (equal,), 4) == pytest.approx(0.0)
    assert expected_gain(told, (equal, equal), 4) == pytest.approx(0.126)


@given(st.floats(0.02, 0.98), st.lists(st.floats(0.0, 1.0), max_size=30))
def test_confidences_are_right_on_average(accuracy, stated) -> None:
    habit = answering_habit(accuracy, stated)
    rights = [habit.rightness(one) for one in stated or [accuracy]]
    assert sum(rights) / len(rights) == pytest.approx(accuracy, abs=1e-3)
