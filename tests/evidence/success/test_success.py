"""Success predictors: what they find, what they do not invent, and how they are kept."""

import json
from dataclasses import replace

import numpy as np
import pytest

from benchmarks._recorded_texts import item_inputs
from benchmarks._rewordings import REWORDINGS
from orchestration_assets.evidence.success.fitting import fit_success
from orchestration_assets.evidence.success.stored import pack_predictor, unpack_predictor
from tests.evidence.success.made_items import code, planted, prose

SERVICES = ("a", "b", "c")


@pytest.mark.parametrize("kind", ["language", "length", "code"])
def test_content_that_decides_which_service_is_right_is_found_from_300_outcomes(kind: str) -> None:
    items, scores = planted(kind, 300, seed=3)
    unseen, outcomes = planted(kind, 600, seed=4)

    predictor, _ = fit_success(items, scores, np.ones(300), SERVICES)

    chosen = predictor.expected_scores(unseen).argmax(axis=1)
    reached = outcomes[np.arange(600), chosen].mean()
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


@pytest.mark.parametrize("n", [50, 300, 2_000])
def test_content_that_tells_nothing_leaves_the_overall_scores(n: int) -> None:
    items, _ = planted("language", n, seed=6)
    unseen, _ = planted("language", 500, seed=7)
    chances = np.array([0.6, 0.5, 0.7])
    scores = (np.random.default_rng(8).random((n, 3)) < chances).astype(np.float64)

    predictor, _ = fit_success(items, scores, np.ones(n), SERVICES)

    # the score of always choosing by expectation, of services whose true scores are known
    chosen = predictor.expected_scores(unseen).argmax(axis=1)
    single = chances[scores.mean(axis=0).argmax()]
    assert chances[chosen].mean() >= single - 1.0 / np.sqrt(n)


def test_expectations_are_calibrated_on_items_not_seen() -> None:
    items, scores = planted("code", 600, seed=9)
    unseen, outcomes = planted("code", 900, seed=10)

    predictor, out_of_fold = fit_success(items, scores, np.ones(600), SERVICES)

    for expected, observed in (
        (predictor.expected_scores(unseen), outcomes),
        (out_of_fold, scores),
    ):
        for low, high in ((0.0, 0.5), (0.5, 1.0)):
            inside = (expected >= low) & (expected < high)
            assert abs(expected[inside].mean() - observed[inside].mean()) < 0.06


def test_unknown_scores_are_left_out() -> None:
    items, scores = planted("language", 900, seed=11)
    unseen, outcomes = planted("language", 1_000, seed=12)
    asked = np.random.default_rng(13).random(scores.shape) < 0.4

    predictor, out_of_fold = fit_success(
        items, np.where(asked, scores, np.nan), np.ones(900), SERVICES
    )

    chosen = predictor.expected_scores(unseen).argmax(axis=1)
    single = outcomes.mean(axis=0).max()
    reached = outcomes[np.arange(1_000), chosen].mean()
    assert reached - single >= 0.85 * (0.9 - single)
    assert not np.isnan(out_of_fold).any()


def test_an_item_that_counts_twice_is_as_good_as_two() -> None:
    items, scores = planted("language", 300, seed=14)
    twice = np.arange(300).repeat(1 + (np.arange(300) % 2))
    weights = 1.0 + np.arange(300) % 2

    weighted, _ = fit_success(items, scores, weights, SERVICES)
    repeated, _ = fit_success(items.take(twice), scores[twice], np.ones(len(twice)), SERVICES)

    np.testing.assert_allclose(weighted.blend.overall, repeated.blend.overall)


def test_fitting_twice_gives_the_same_arrays() -> None:
    items, scores = planted("code", 150, seed=15)
    first, unseen = fit_success(items, scores, np.ones(150), SERVICES, seed=2)
    second, again = fit_success(items, scores, np.ones(150), SERVICES, seed=2)

    np.testing.assert_array_equal(unseen, again)
    for name, array in pack_predictor(first)[0].items():
        assert array.tobytes() == pack_predictor(second)[0][name].tobytes(), name


def test_items_of_another_kind_are_unfamiliar() -> None:
    rng = np.random.default_rng(16)
    learned = item_inputs([prose("en", int(rng.integers(30, 90)), rng) for _ in range(300)])
    alike = item_inputs([prose("en", int(rng.integers(30, 90)), rng) for _ in range(300)])
    other = item_inputs([code(60, rng) for _ in range(30)] + [prose("fr", 60, rng)] * 30)
    scores = (rng.random((300, 3)) < 0.5).astype(np.float64)

    predictor, _ = fit_success(learned, scores, np.ones(300), SERVICES)

    assert (predictor.familiarity(alike) < 0.01).mean() < 0.05
    assert (predictor.familiarity(other) < 0.01).mean() > 0.95


def test_other_writing_of_the_same_items_leaves_the_choice() -> None:
    rng = np.random.default_rng(17)
    items, scores = planted("language", 300, seed=18)
    texts = [prose(("en", "de", "fr")[n % 3], int(rng.integers(20, 90)), rng) for n in range(150)]
    predictor, _ = fit_success(items, scores, np.ones(300), SERVICES)
    before = predictor.expected_scores(item_inputs(texts)).argmax(axis=1)

    for name, reword in REWORDINGS.items():
        reworded = item_inputs([reword(text) for text in texts])
        after = predictor.expected_scores(reworded).argmax(axis=1)
        assert (before == after).mean() >= 0.95, name


def test_few_items_few_services_and_no_terms_are_enough() -> None:
    items, scores = planted("language", 8, seed=19)
    without_terms = replace(items, terms=None)
    for some, known in ((items.take(slice(1)), 1), (items.take(slice(3)), 3), (without_terms, 8)):
        predictor, unseen = fit_success(some, scores[:known, :1], np.ones(known), ("only",))
        assert predictor.expected_scores(items).shape == (8, 1)
        assert ((unseen >= 0.0) & (unseen <= 1.0)).all()
        assert (predictor.familiarity(items) >= 0.0).all()


def test_semantic_vectors_tell_what_nothing_else_does() -> None:
    rng = np.random.default_rng(20)
    alike = [prose("en", 40, rng)] * 400
    vectors = rng.standard_normal((400, 50)).astype(np.float32)
    right = (vectors[:, 0] > 0).astype(np.int64)
    items = replace(item_inputs(alike), semantic=vectors)
    scores = np.where(np.arange(2) == right[:, None], 1.0, 0.0)

    predictor, unseen = fit_success(items, scores, np.ones(400), ("a", "b"))

    assert (unseen.argmax(axis=1) == right).mean() > 0.8
    without = predictor.expected_scores(replace(items, semantic=None))
    assert without.shape == (400, 2)


@pytest.mark.parametrize(
    ("scores", "weights", "message"),
    [
        (np.zeros((2, 2)), np.ones(2), "do not fit to 2 items and 3 services"),
        (np.full((2, 3), 1.5), np.ones(2), r"scores must lie in \[0, 1\]"),
    ],
)
def test_outcomes_that_do_not_fit_are_refused(scores, weights, message: str) -> None:
    items, _ = planted("language", 2, seed=21)
    with pytest.raises(ValueError, match=message):
        fit_success(items, scores, weights, SERVICES)
