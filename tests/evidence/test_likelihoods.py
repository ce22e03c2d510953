"""Bins and shrunken tables against cases counted by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.evidence.bins import bin_count_for, fit_bins
from orchestration_assets.evidence.likelihoods import (
    answer_likelihoods,
    answer_scores,
    bin_likelihoods,
    bin_scores,
    fit_likelihoods,
    fit_log_prior,
)
from orchestration_assets.evidence.recorded_answers import MISSING, one_hot


def test_quantile_bins_hold_equal_shares_and_part_no_ties() -> None:
    confidences = np.array([[0.1, 0.5], [0.2, 0.5], [0.3, 0.5], [0.4, 0.9]])
    bins = fit_bins(confidences, 2)
    assert bins.codes(confidences)[:, 0].tolist() == [0, 0, 1, 1]
    assert len(set(bins.codes(confidences)[:3, 1])) == 1


def test_few_distinct_confidences_have_a_bin_each_however_rare() -> None:
    confidences = np.repeat([0.0, 0.1, 0.2, 0.9], [40, 60, 20, 900])[:, None]
    codes = fit_bins(confidences, 4).codes(confidences)[:, 0]
    assert [sorted(set(codes[confidences[:, 0] == value])) for value in (0.0, 0.1, 0.2, 0.9)] == [
        [0], [1], [2], [3]
    ]  # fmt: skip


def test_an_unstated_confidence_has_a_bin_of_its_own() -> None:
    bins = fit_bins(np.array([[0.1], [0.9], [np.nan]]), 2)
    assert bins.codes(np.array([[0.1], [np.nan], [1.0]])).ravel().tolist() == [0, 2, 1]
    assert bins.n_bins == 3
    assert fit_bins(np.array([[np.nan]]), 4).codes(np.array([[0.3]])).tolist() == [[0]]


@pytest.mark.parametrize(("gold", "bins"), [(0, 2), (100, 2), (500, 4), (2_000, 6), (30_000, 10)])
def test_more_gold_fills_more_bins(gold: int, bins: int) -> None:
    assert bin_count_for(gold) == bins


def test_prior_counts_one_more_of_each_label() -> None:
    truth = one_hot(np.array([0, 0, 1]), 2)
    assert np.exp(fit_log_prior(truth)) == pytest.approx([3 / 5, 2 / 5])


def test_answers_shrink_towards_a_one_coin_service() -> None:
    """Two labels: three items of label 0 (answers 0, 0, 1), one of label 1 (answer 1)."""
    answers = np.array([[0], [0], [1], [1]])
    truth = one_hot(np.array([0, 0, 0, 1]), 2)
    table = np.exp(answer_likelihoods(answers, truth))[0]
    accuracy = (3 + 1) / (4 + 2)
    pseudo = 2 * np.sqrt(2)
    assert table[0, 0] == pytest.approx((2 + pseudo * accuracy) / (3 + pseudo))
    assert table[0, 1] == pytest.approx((1 + pseudo * (1 - accuracy)) / (3 + pseudo))
    assert table[1, 1] == pytest.approx((1 + pseudo * accuracy) / (1 + pseudo))


def test_bins_shrink_towards_the_table_that_needs_no_labels() -> None:
    """One label answered four times, bins 0 0 1 1; the first and the last are known right."""
    answers = np.zeros((4, 1), dtype=np.int64)
    bins = np.array([[0], [0], [1], [1]])
    truth = np.array([[1.0, 0.0], [0.0, 0.0], [0.0, 0.0], [1.0, 0.0]])
    table = np.exp(bin_likelihoods(answers, bins, truth, n_bins=2, pseudo_per_bin=4.0))[0]
    usual = np.array([3 / 6, 3 / 6])
    free = (np.array([2, 2]) + 8 * usual) / (4 + 8)
    assert table[0, :, 1] == pytest.approx((np.array([1, 1]) + 8 * free) / (2 + 8))
    assert table[0, :, 0] == pytest.approx(free)  # nothing is known wrong
    assert table[1, :, 0] == pytest.approx(usual)  # the label was never answered


def test_no_answer_scores_nothing() -> None:
    answers = np.array([[0, MISSING], [1, 1]])
    bins = np.zeros((2, 2), dtype=np.int64)
    fitted = fit_likelihoods(answers, bins, one_hot(np.array([0, 1]), 2), n_bins=1)
    said, sure = fitted.scores(answers, bins)
    assert said[0, 1].tolist() == [0.0, 0.0]
    assert sure[0, 1].tolist() == [0.0, 0.0]
    assert said[0, 0, 0] > said[0, 0, 1]


def test_a_confident_bin_speaks_for_the_answered_label_only() -> None:
    answers = np.zeros((200, 1), dtype=np.int64)
    bins = np.repeat([[0], [1]], 100, axis=0)
    gold = np.concatenate([np.ones(100, dtype=np.int64), np.zeros(100, dtype=np.int64)])
    table = bin_likelihoods(answers, bins, one_hot(gold, 2), n_bins=2)
    scores = bin_scores(answers, bins, table)
    assert scores[0, 0, 0] < -1.0 < 1.0 < scores[-1, 0, 0]
    assert (scores[:, 0, 1] == 0.0).all()


@given(
    st.integers(1, 5),
    st.lists(st.tuples(st.integers(-1, 4), st.integers(0, 4)), min_size=1, max_size=30),
)
def test_tables_are_distributions_whatever_was_seen(
    n_labels: int, seen: list[tuple[int, int]]
) -> None:
    answers = np.array([[min(a, n_labels - 1)] for a, _ in seen])
    truth = one_hot(np.array([min(c, n_labels - 1) for _, c in seen]), n_labels)
    table = np.exp(answer_likelihoods(answers, truth))
    assert table.sum(axis=2) == pytest.approx(np.ones((1, n_labels)))
    assert (table > 0.0).all()
    assert answer_scores(answers, np.log(table)).shape == (len(seen), 1, n_labels)
