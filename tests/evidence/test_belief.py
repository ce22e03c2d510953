"""Stack, trees and belief against their definitions and against the libraries that grow them."""

from dataclasses import replace

import numpy as np
import pytest

from orchestration_assets.evidence.belief import fit_belief, logarithmic_pool, subsets
from orchestration_assets.evidence.boosting import fit_boosted
from orchestration_assets.evidence.calibration import reliability
from orchestration_assets.evidence.forest import LeafMeans, forest_means, grow_forest
from orchestration_assets.evidence.recorded_answers import one_hot
from orchestration_assets.evidence.stacking import StackingModel, fit_stacking, softmax
from tests.evidence.made import made


def test_all_ones_is_naive_bayes() -> None:
    rng = np.random.default_rng(0)
    prior, answer_scores, confidence_scores = (
        rng.normal(size=3),
        rng.normal(size=(5, 2, 3)),
        rng.normal(size=(5, 2, 3)),
    )
    stack = StackingModel((0, 1), np.ones(5))
    expected = softmax(prior + answer_scores.sum(axis=1) + confidence_scores.sum(axis=1))
    assert stack(prior, answer_scores, confidence_scores) == pytest.approx(expected)


def test_a_service_heard_twice_counts_about_once() -> None:
    rng = np.random.default_rng(1)
    gold = rng.integers(0, 2, 4_000)
    answer = np.where(rng.random(4_000) < 0.8, gold, 1 - gold)
    answer_scores = np.log(np.where(one_hot(answer, 2) > 0, 0.8, 0.2))[:, None, :]
    twice = np.concatenate([answer_scores, answer_scores], axis=1)
    prior, confidence_scores = np.log([0.5, 0.5]), np.zeros_like(twice)
    fitted = fit_stacking((0, 1), prior, twice, confidence_scores, gold)
    assert fitted.weights[1] + fitted.weights[2] == pytest.approx(1.0, abs=0.1)
    p = fitted(prior, twice, confidence_scores)
    assert p.max(axis=1).mean() == pytest.approx(0.8, abs=0.02)


def test_without_an_item_a_stack_stays_where_it_starts() -> None:
    empty, centre = np.empty((0, 1, 2)), np.array([0.0, 1.0, 0.5])
    none = np.empty(0, dtype=np.int64)
    fitted = fit_stacking((0,), np.log([0.5, 0.5]), empty, empty, none, centre=centre)
    assert fitted.weights.tolist() == centre.tolist()


def test_our_walk_reaches_what_scikit_learn_predicts() -> None:
    from sklearn.ensemble import ExtraTreesRegressor, HistGradientBoostingClassifier

    rng = np.random.default_rng(2)
    rows = rng.normal(size=(3_000, 4)).round(2)
    positive = rows[:, 0] + rows[:, 1] * rows[:, 2] + rng.normal(size=3_000) > 0
    boosted = fit_boosted(rows, positive, seed=3)
    peer = HistGradientBoostingClassifier(
        max_iter=60, learning_rate=0.1, max_leaf_nodes=15, min_samples_leaf=30,
        l2_regularization=5.0, early_stopping=False, random_state=3,
    ).fit(rows.astype(np.float32), positive)  # fmt: skip
    expected = peer.predict_proba(rows.astype(np.float32))[:, 1]
    assert np.abs(boosted(rows) - expected).max() < 1e-6
    forest, seen = grow_forest(
        rows, np.stack([positive, positive], axis=1).astype(float), 5, 40, seed=3
    )
    leaves = forest.leaves(rows)
    means = LeafMeans(leaves, seen, forest.n_nodes)
    assert means.means(np.ones((3_000, 1)))[leaves] == pytest.approx(1.0)
    peer_trees = ExtraTreesRegressor(
        n_estimators=5, min_samples_leaf=40, max_features=0.7, bootstrap=True, random_state=3
    ).fit(rows.astype(np.float32), np.stack([positive, positive], axis=1).astype(float))
    reached = peer_trees.apply(rows.astype(np.float32))
    ours = leaves - forest.roots
    assert (ours == reached).mean() > 0.999
    assert (forest.leaves(rows[:10]) == leaves[:10]).all()


def test_out_of_bag_estimates_do_not_see_the_row_itself() -> None:
    """Against pure noise an estimate that saw the row would correlate with it."""
    rng = np.random.default_rng(4)
    rows, noise = rng.normal(size=(2_000, 3)), rng.normal(size=(2_000, 2))
    forest, seen = grow_forest(rows, noise, 30, 5, seed=0)
    means = LeafMeans(forest.leaves(rows), seen, forest.n_nodes)
    averages = means.means(noise)
    unseen = np.corrcoef(means.out_of_bag(averages)[:, 0], noise[:, 0])[0, 1]
    inside = np.corrcoef(forest_means(forest.leaves(rows), averages)[:, 0], noise[:, 0])[0, 1]
    assert abs(unseen) < 0.08 < inside


def test_boosted_trees_keep_to_the_directions_that_are_known() -> None:
    rng = np.random.default_rng(5)
    rows = rng.normal(size=(2_000, 3))
    positive = np.sin(4.0 * rows[:, 0]) - np.sin(4.0 * rows[:, 1]) + rows[:, 2] > 0
    model = fit_boosted(rows, positive, seed=0, directions=(1, -1))
    line = np.linspace(-3.0, 3.0, 200)
    for feature, sign in ((0, 1), (1, -1)):
        along = np.zeros((200, 3))
        along[:, feature] = line
        assert (sign * np.diff(model(along)) >= 0.0).all()


@pytest.mark.parametrize("seed", range(3))
def test_new_items_are_answered_as_well_as_those_learned_from(seed: int) -> None:
    """One service states few confidences, and its lowest are about as often right as wrong."""
    rng = np.random.default_rng(seed)
    n_items, shares = 12_000, np.array([0.43, 0.75, 0.89, 0.94, 0.98, 1.0, 1.0, 1.0, 1.0, 1.0])
    level, gold = rng.integers(0, 10, n_items), rng.integers(0, 2, n_items)
    level = np.where(rng.random(n_items) < 0.5, level, 9)
    right = rng.random(n_items) < shares[level]
    base = made(n_items, accuracies=(0.6, 0.7), prices=(0.1, 0.4), n_labels=2, seed=seed)
    answers, confidences = base.answers.copy(), base.confidences.copy()
    answers[:, 0], confidences[:, 0] = np.where(right, gold, 1 - gold), level / 10.0
    recorded = replace(base, answers=answers, confidences=confidences, gold=gold).only([0])
    train, test = recorded.take(slice(0, 6_000)), recorded.take(slice(6_000, None))
    belief, _ = fit_belief(train, seed)
    after = belief.posterior(test, (0,))
    best_possible = np.maximum(shares, 1.0 - shares)[level[6_000:]].mean()
    assert (after.answer == test.gold).mean() > best_possible - 0.008


def test_one_sided_labels_give_a_constant() -> None:
    model = fit_boosted(np.zeros((5, 2)), np.ones(5, dtype=bool), seed=0)
    assert model(np.zeros((2, 2))) == pytest.approx(0.9999)


def test_blending_pools_and_leaves_the_rest_in_proportion() -> None:
    p = np.array([[0.5, 0.3, 0.1, 0.1]])
    candidates = np.array([[True, True, False, False]])
    whole = logarithmic_pool(p, candidates, np.array([0.2, 0.6]), 1.0)
    assert whole[0] == pytest.approx([0.2, 0.6, 0.1, 0.1], abs=1e-4)
    assert logarithmic_pool(p, candidates, np.array([0.2, 0.6]), 0.0) is p
    assert logarithmic_pool(p, candidates, np.array([0.9, 0.9]), 0.5).sum() == pytest.approx(1.0)


def test_more_services_know_more_and_say_how_sure_they_are() -> None:
    recorded = made(6_000)
    train, test = recorded.take(slice(0, 3_000)), recorded.take(slice(3_000, None))
    belief, posteriors = fit_belief(train)
    assert set(posteriors) == set(subsets(3))
    after = belief.posterior(test, (0, 1, 2))
    correct = after.answer == test.gold
    assert correct.mean() > test.scores.mean(axis=0).max()
    assert reliability(after.confidence, correct).expected_calibration_error < 0.03
    first = belief.posterior(test, (0,))
    assert (first.answer == test.gold).mean() == pytest.approx(test.scores[:, 0].mean(), abs=0.015)


def test_answers_of_services_not_asked_are_not_looked_at() -> None:
    recorded = made(1_500)
    belief, _ = fit_belief(recorded)
    blind = recorded.answers.copy()
    blind[:, 1:] = -1
    other = replace(
        recorded,
        answers=blind,
        confidences=np.where(np.arange(3) > 0, np.nan, recorded.confidences),
    )
    assert (
        belief.posterior(recorded, (0,)).probabilities
        == belief.posterior(other, (0,)).probabilities
    ).all()


def test_too_many_services_are_refused() -> None:
    with pytest.raises(ValueError, match="at most 6"):
        fit_belief(made(50).only([0, 1, 2, 0, 1, 2, 0]))
