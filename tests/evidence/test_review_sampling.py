"""The review queue as a sample: probabilities are those of the draw, and weights undo it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration_assets.evidence.review_sampling import (
    AskedQuestion,
    inclusion_probabilities,
    permanent_number,
    sizes_of,
    weights_over_rounds,
)

VALUES = st.lists(st.floats(0.0, 50.0), min_size=1, max_size=60)


def asked(sizes, numbers, answered, bands=None) -> list[AskedQuestion]:
    return [
        AskedQuestion(str(n), size, size / number, (bands or {}).get(n, "b"), n in answered)
        for n, (size, number) in enumerate(zip(sizes, numbers, strict=True))
    ]


@given(values=VALUES, share=st.floats(0.01, 1.0))
def test_every_question_has_at_least_its_even_share(values, share) -> None:
    sizes = sizes_of(values, share)
    assert sizes.sum() == pytest.approx(1.0)
    assert sizes.min() >= share / len(values) * (1.0 - 1e-9)
    assert np.all(np.diff(sizes[np.argsort(values, kind="stable")]) >= -1e-12)


def test_permanent_numbers_are_even_and_never_change() -> None:
    numbers = np.array([permanent_number("t", str(n), "1") for n in range(20_000)])
    assert numbers.min() > 0.0 and numbers.max() < 1.0
    assert np.histogram(numbers, 10, (0.0, 1.0))[0] == pytest.approx(2_000, abs=250)
    assert permanent_number("t", "c", "1") == permanent_number("t", "c", "1")
    assert len({permanent_number("t", "c", "1"), permanent_number("t", "c", "2")}) == 2
    assert permanent_number("ta", "c") != permanent_number("t", "ac")


@given(
    values=st.lists(st.floats(0.01, 50.0), min_size=3, max_size=40),
    seed=st.integers(0, 10_000),
    share=st.floats(0.0, 1.0),
)
def test_any_prefix_has_the_probabilities_of_its_own_threshold(values, seed, share) -> None:
    sizes = sizes_of(values, 0.2).tolist()
    numbers = np.random.default_rng(seed).uniform(0.001, 0.999, len(sizes)).tolist()
    order = sorted(range(len(sizes)), key=lambda n: -sizes[n] / numbers[n])
    length = max(1, int(share * len(sizes)))
    said = set(order[:length])
    found = inclusion_probabilities(asked(sizes, numbers, said), 0.0)
    assert set(found) == {str(n) for n in said}
    assert all(0.0 < p <= 1.0 for p in found.values())
    if length == len(sizes):
        assert set(found.values()) == {1.0}
    else:
        threshold = sizes[order[length]] / numbers[order[length]]
        for n in said:
            assert found[str(n)] == pytest.approx(min(1.0, sizes[n] / threshold))


@given(seed=st.integers(0, 10_000), extra=st.integers(30, 80))
def test_one_answer_far_from_the_others_is_left_out(seed, extra) -> None:
    numbers = np.random.default_rng(seed).uniform(0.01, 0.99, 100).tolist()
    sizes = sizes_of([1.0] * 100, 0.5).tolist()
    order = sorted(range(100), key=lambda n: -sizes[n] / numbers[n])
    far = order[min(20 + extra, 99)]
    found = inclusion_probabilities(asked(sizes, numbers, {*order[:20], far}), 0.0)
    assert set(found) == {str(n) for n in order[:20]}


def test_what_people_leave_out_is_weighed_by_band() -> None:
    sizes = [0.01] * 100
    numbers = np.linspace(0.01, 0.99, 100).tolist()
    bands = {n: "easy" if n % 2 else "hard" for n in range(100)}
    # every easy question, and each fourth of the hard ones
    said = {n for n in range(100) if n % 2 or n % 8 == 0}
    found = inclusion_probabilities(asked(sizes, numbers, said, bands), 0.0)
    assert {found[str(n)] for n in said if n % 2} == {1.0}
    (of_hard,) = {found[str(n)] for n in said if not n % 2}
    assert of_hard == pytest.approx(13 / 50, abs=0.02)


def test_a_band_with_few_answers_counts_with_the_others() -> None:
    sizes, numbers = [0.01] * 40, np.linspace(0.01, 0.99, 40).tolist()
    bands = {n: "rare" if n == 39 else "b" for n in range(40)}
    found = inclusion_probabilities(asked(sizes, numbers, set(range(40)) - {1, 3}, bands), 0.0)
    assert {round(p, 6) for p in found.values()} == {0.95}


def test_nothing_answered_has_no_probability() -> None:
    assert inclusion_probabilities([], 0.0) == {}
    assert inclusion_probabilities(asked([0.5, 0.5], [0.1, 0.2], set()), 0.0) == {}


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 1_000), n_rounds=st.integers(1, 3))
def test_weighted_totals_are_unbiased_over_any_rounds(seed, n_rounds) -> None:
    """The mean of many draws is the total, although later sizes follow what was answered."""
    rng = np.random.default_rng(seed)
    n_items, repetitions = 40, 600
    outcome = rng.random(n_items) < 0.3
    value = np.where(outcome, 0.4, 0.1) * rng.uniform(0.5, 2.0, n_items)
    totals, counts = [], []
    for _ in range(repetitions):
        rounds, seen = [], {}
        for number in range(n_rounds):
            rest = [n for n in range(n_items) if str(n) not in seen]
            # a model that learned: what it saw wrong makes all the rest more or less valuable
            learned = 1.0 + sum(outcome[int(key)] for key in seen) * value[rest]
            sizes = sizes_of((value[rest] * learned).tolist(), 0.3)
            numbers = rng.uniform(1e-6, 1.0, len(rest))
            priorities = sizes / numbers
            order = np.argsort(-priorities)[:8]
            beyond = float(np.sort(priorities)[::-1][8])
            questions = [
                AskedQuestion(str(rest[at]), float(sizes[at]), float(priorities[at]), "b", True)
                for at in order
            ]
            probabilities = inclusion_probabilities(questions, beyond)
            rounds.append((number, probabilities))
            seen |= probabilities
        weights = weights_over_rounds(rounds)
        totals.append(sum(weight * outcome[int(key)] for key, weight in weights.items()))
        counts.append(sum(weights.values()))
    for found, truth in ((totals, outcome.sum()), (counts, n_items)):
        error = np.std(found) / repetitions**0.5
        assert abs(np.mean(found) - truth) < 4.5 * error + 1e-9
