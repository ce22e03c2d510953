import numpy as np
import pytest

from orchestration_assets.evidence.label_free import (
    error_log_odds,
    fit_label_free,
    majority_vote,
    one_factor_reliability,
    pairwise_kappa,
)
from orchestration_assets.evidence.recorded_answers import MISSING
from tests.evidence.recorded_worlds import world


def test_reliability_follows_accuracy_and_consensus_beats_the_best_service() -> None:
    answers, confidences, gold = world((0.9, 0.75, 0.6, 0.7))
    free = fit_label_free(answers, confidences, 4)
    assert np.argsort(free.reliability).tolist() == [2, 3, 1, 0]
    consensus = free.log_posterior(answers, confidences).argmax(axis=1)
    assert (consensus == gold).mean() > (answers == gold[:, None]).mean(axis=0).max()


def test_error_odds_order_errors_better_than_the_share_of_votes() -> None:
    from sklearn.metrics import roc_auc_score

    answers, confidences, gold = world((0.85, 0.7, 0.6, 0.65))
    chosen = majority_vote(answers, confidences, 4)
    free = fit_label_free(answers, confidences, 4)
    odds = error_log_odds(free.log_posterior(answers, confidences), chosen)
    share = (answers == chosen[:, None]).mean(axis=1)
    wrong = chosen != gold
    assert roc_auc_score(wrong, odds) > roc_auc_score(wrong, -share) + 0.05


def test_the_odds_of_an_error_order_errors_at_least_as_well_as_the_belief() -> None:
    from sklearn.metrics import roc_auc_score

    answers, confidences, gold = world((0.85, 0.7, 0.6, 0.65))
    chosen = answers[:, 0]
    free = fit_label_free(answers, confidences, 4)
    wrong = chosen != gold
    believed = roc_auc_score(
        wrong, error_log_odds(free.log_posterior(answers, confidences), chosen)
    )
    assert (
        roc_auc_score(wrong, free.error_log_odds(answers, confidences, chosen)) > believed - 0.005
    )


def test_an_answer_that_is_missing_has_even_odds() -> None:
    answers, confidences, _ = world((0.9, 0.8, 0.7), n_items=300)
    free = fit_label_free(answers, confidences, 4)
    nothing = np.full(300, MISSING)
    assert not free.error_log_odds(answers, confidences, nothing).any()


def test_a_confidence_on_a_scale_of_its_own_does_little_harm() -> None:
    answers, confidences, gold = world((0.9, 0.75, 0.6, 0.7))
    before = (
        fit_label_free(answers, confidences, 4).log_posterior(answers, confidences).argmax(axis=1)
    )
    confidences[:, 0] *= 0.3
    after = (
        fit_label_free(answers, confidences, 4).log_posterior(answers, confidences).argmax(axis=1)
    )
    assert (after == gold).mean() > (before == gold).mean() - 0.03


def test_a_clone_counts_once() -> None:
    answers, confidences, _ = world((0.9, 0.75, 0.6, 0.7))
    alone = fit_label_free(answers, confidences, 4)
    twice = np.column_stack([answers, answers[:, 2]])
    sure = np.column_stack([confidences, confidences[:, 2]])
    found = fit_label_free(twice, sure, 4)
    assert found.original.tolist() == [0, 1, 2, 3, 2]
    assert found.clones.tolist() == [False] * 4 + [True]
    np.testing.assert_allclose(
        found.log_posterior(twice, sure), alone.log_posterior(answers, confidences)
    )
    chosen = answers[:, 0]
    np.testing.assert_allclose(
        found.error_log_odds(twice, sure, chosen),
        alone.error_log_odds(answers, confidences, chosen),
    )


def test_two_good_services_that_agree_are_no_clones() -> None:
    answers, confidences, _ = world((0.97, 0.97, 0.6))
    assert not fit_label_free(answers, confidences, 4).clones.any()


def test_services_that_are_always_right_are_no_clones() -> None:
    answers, confidences, _ = world((1.0, 1.0))
    confidences[:] = 0.99
    assert not fit_label_free(answers, confidences, 4).clones.any()


@pytest.mark.parametrize("constant", [True, False])
def test_a_service_that_knows_nothing_changes_little(constant: bool) -> None:
    answers, confidences, gold = world((0.9, 0.75, 0.6, 0.7))
    rng = np.random.default_rng(1)
    noise = np.zeros(len(gold), dtype=np.int64) if constant else rng.integers(0, 4, len(gold))
    more = np.column_stack([answers, noise])
    sure = np.column_stack([confidences, np.full(len(gold), 0.99)])
    free, before = fit_label_free(more, sure, 4), fit_label_free(answers, confidences, 4)
    assert free.reliability[-1] < 0.1
    with_it = (free.log_posterior(more, sure).argmax(axis=1) == gold).mean()
    without = (before.log_posterior(answers, confidences).argmax(axis=1) == gold).mean()
    assert with_it > without - 0.01


def test_missing_answers_and_unstated_confidences_take_no_part() -> None:
    answers, confidences, gold = world((0.9, 0.8, 0.7))
    answers[::3, 1] = MISSING
    confidences[:, 2] = np.nan
    log_posterior = fit_label_free(answers, confidences, 4).log_posterior(answers, confidences)
    assert np.isfinite(log_posterior).all()
    np.testing.assert_allclose(np.exp(log_posterior).sum(axis=1), 1.0, atol=1e-6)
    assert (log_posterior.argmax(axis=1) == gold).mean() > 0.85


def test_without_confidences_every_service_has_one_accuracy() -> None:
    answers, _, gold = world((0.9, 0.8, 0.7))
    unstated = np.full(answers.shape, np.nan)
    free = fit_label_free(answers, unstated, 4)
    tables = np.exp(free.tables.answers)
    diagonals = tables[:, np.arange(4), np.arange(4)]
    np.testing.assert_allclose(diagonals, diagonals[:, :1].repeat(4, axis=1), atol=1e-6)
    assert (free.log_posterior(answers, unstated).argmax(axis=1) == gold).mean() > 0.9


@pytest.mark.parametrize("n_services", [1, 2])
def test_few_services_still_give_a_distribution(n_services: int) -> None:
    answers, confidences, _ = world((0.9, 0.8)[:n_services], n_items=50)
    log_posterior = fit_label_free(answers, confidences, 4).log_posterior(answers, confidences)
    np.testing.assert_allclose(np.exp(log_posterior).sum(axis=1), 1.0, atol=1e-6)


def test_equal_input_gives_equal_bytes() -> None:
    answers, confidences, _ = world((0.9, 0.8, 0.7), n_items=300)
    one, other = (
        fit_label_free(answers, confidences, 4).log_posterior(answers, confidences)
        for _ in range(2)
    )
    assert one.tobytes() == other.tobytes()


def test_kappa_takes_chance_away() -> None:
    same = np.array([[0, 0], [1, 1], [0, 0], [1, 1]])
    assert pairwise_kappa(same, 2)[0, 1] == pytest.approx(1.0)
    crossed = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    assert pairwise_kappa(crossed, 2)[0, 1] == pytest.approx(0.0)
    apart = np.array([[0, MISSING], [MISSING, 1]])
    assert pairwise_kappa(apart, 2)[0, 1] == 0.0


def test_the_factor_behind_agreement_is_found() -> None:
    truth = np.array([0.9, 0.6, 0.3, 0.7])
    np.testing.assert_allclose(one_factor_reliability(np.outer(truth, truth)), truth, atol=1e-3)


def test_majority_breaks_ties_by_confidence() -> None:
    answers = np.array([[0, 1], [0, 1], [MISSING, MISSING]])
    confidences = np.array([[0.4, 0.9], [0.9, 0.4], [np.nan, np.nan]])
    assert majority_vote(answers, confidences, 2).tolist() == [1, 0, MISSING]


def test_error_odds_of_a_distribution() -> None:
    log_posterior = np.log(np.array([[0.8, 0.1, 0.1], [0.5, 0.25, 0.25]]))
    odds = error_log_odds(log_posterior, np.array([0, MISSING]))
    assert odds[0] == pytest.approx(np.log(0.2 / 0.8))
    assert odds[1] == 0.0


def test_where_only_one_label_is_possible_an_answer_is_sure_and_no_warning_is_given() -> None:
    with np.errstate(all="raise"):
        odds = error_log_odds(np.zeros((2, 1)), np.array([0, MISSING]))
    assert odds.tolist() == [-40.0, 0.0]
