"""A policy over what is expected before any call and what has been answered since."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from orchestration_assets.evidence.recorded_answers import MISSING, Floats, RecordedAnswers
from orchestration_assets.selection.action_gains import gain_models_of
from orchestration_assets.selection.content_actions import best_of
from orchestration_assets.selection.content_fitting import fit_content_policy
from orchestration_assets.selection.content_policy import ContentPolicy
from orchestration_assets.selection.content_simulation import ContentSimulator
from orchestration_assets.selection.currencies import Currency
from orchestration_assets.selection.learner import CONTENT, fit_selector, fit_selectors
from orchestration_assets.selection.policy_outcomes import best_single, curve, exchange_rates
from orchestration_assets.selection.stored_content_policy import (
    pack_content_policy,
    unpack_content_policy,
)
from orchestration_assets.selection.trained_selector import (
    build_trained_selector,
    pack_selector,
    unpack_selector,
)

FREE = ("free text",)


def planted(
    n: int,
    seed: int = 0,
    chances: Floats | None = None,
    prices: tuple[float, ...] = (0.001, 0.001, 0.001),
    labels: tuple[str, ...] = ("w", "x", "y", "z"),
) -> tuple[RecordedAnswers, Floats]:
    """Answers that are right by ``chances`` (kinds, K), and what is expected of them, roughly."""
    random = np.random.default_rng(seed)
    by_kind = np.full((3, 3), 0.4) + 0.5 * np.eye(3) if chances is None else chances
    chance = by_kind[random.integers(0, len(by_kind), n)]
    right = random.random(chance.shape) < chance
    gold = random.integers(0, len(labels), n)
    wrong = (gold[:, None] + random.integers(1, max(len(labels), 2), chance.shape)) % len(labels)
    recorded = RecordedAnswers(
        "planted",
        tuple(f"service_{k}" for k in range(chance.shape[1])),
        labels,
        tuple(str(number) for number in range(n)),
        np.where(right, gold[:, None], wrong),
        np.full(chance.shape, np.nan),
        np.ones(chance.shape, dtype=np.bool_),
        gold if len(labels) > 1 else np.full(n, MISSING),
        np.tile(prices, (n, 1)),
        np.full(chance.shape, 100.0),
        None if len(labels) > 1 else right.astype(np.float64),
    )
    expected = np.clip(chance + random.normal(0.0, 0.05, chance.shape), 0.0, 1.0)
    return recorded, expected


@pytest.mark.parametrize("labels", [("w", "x", "y", "z"), FREE])
def test_300_outcomes_suffice_where_content_decides_who_is_right(labels) -> None:
    train, expected = planted(300, 1, labels=labels)
    test, of_test = planted(4_000, 2, labels=labels)
    selector = fit_selector(train, n_rates=12, expected=expected)
    assert set(selector.families) == {CONTENT}
    assert "beyond noise" in selector.description
    single = test.scores[:, best_single(train)].mean()
    for outcome in selector.run(test, of_test)[4:]:
        assert outcome.accuracy - single >= 0.9 * (0.9 - single)
        assert outcome.price <= 0.0013


@pytest.mark.parametrize("n", [50, 300])
def test_expectations_that_are_noise_leave_the_best_single_service(n) -> None:
    misled = 0
    for seed in range(6):
        train, _ = planted(n, seed, np.full((1, 3), 0.6), labels=FREE)
        noise = np.random.default_rng(seed + 50).uniform(0.4, 0.8, train.answers.shape)
        selector = fit_selector(train, n_rates=12, seed=seed, expected=noise)
        misled += CONTENT in selector.families
        test, _ = planted(4_000, seed + 100, np.full((1, 3), 0.6), labels=FREE)
        for outcome in selector.run(test, noise[np.arange(4_000) % n]):
            assert outcome.accuracy >= 0.6 - 0.03
    assert misled <= 1


def test_agreement_of_cheap_services_spares_the_dear_one() -> None:
    """Nothing is known of the content, no service states a confidence: answers alone tell."""
    chances, prices = np.array([[0.7, 0.7, 0.9]]), (0.0001, 0.0001, 0.01)
    train, _ = planted(2_000, 3, chances, prices)
    test, _ = planted(4_000, 4, chances, prices)
    overall = np.tile(train.scores.mean(axis=0), (2_000, 1))
    policy, _ = fit_content_policy(train, overall, train.prices, exchange_rates(train.prices, 12))
    simulator = ContentSimulator(policy, np.tile(overall[0], (4_000, 1)), test)
    found = curve([simulator.run(rate) for rate in range(12)])
    match = found.cost_to_match(test.scores[:, 2].mean())
    assert match is not None and match < 0.65 * 0.01


def test_what_a_rate_promises_out_of_fold_is_what_it_keeps() -> None:
    train, expected = planted(1_500, 5)
    test, of_test = planted(4_000, 6)
    rates = exchange_rates(train.prices, 6)
    policy, outcomes = fit_content_policy(train, expected, train.prices, rates)
    simulator = ContentSimulator(policy, of_test, test)
    for rate, promised in enumerate(outcomes):
        kept = simulator.run(rate)
        assert kept.accuracy == pytest.approx(promised.accuracy, abs=0.04)
        assert kept.price == pytest.approx(promised.price, abs=0.0003)


def test_a_failed_service_is_followed_by_another_one() -> None:
    train, expected = planted(1_000, 7)
    failing = np.random.default_rng(0).random(train.answers.shape) < 0.3
    train = replace(train, answers=np.where(failing, MISSING, train.answers))
    rates = exchange_rates(train.prices, 4)[:2]
    policy, _ = fit_content_policy(train, expected, train.prices, rates)
    asked = np.zeros(train.answers.shape, dtype=np.bool_)
    first = policy.next_steps(0, expected, train, asked).ask
    failed = (first & failing).any(axis=1) & (first.sum(axis=1) == 1)
    second = policy.next_steps(0, expected, train, first)
    assert (second.accepted[failed] == MISSING).all()
    assert (second.probability[failed] == 0.0).all()
    assert second.ask[failed].any(axis=1).all()
    assert not (second.ask & first).any()


def test_services_are_asked_at_once_where_time_is_dear_and_one_by_one_where_it_is_not() -> None:
    train, _ = planted(1_500, 8, np.array([[0.75, 0.75, 0.75]]))
    overall = np.tile(train.scores.mean(axis=0), (1_500, 1))
    asked = np.zeros(train.answers.shape, dtype=np.bool_)
    calls = []
    for second in (0.0, 0.05):
        times = np.full(3, second)
        policy, outcomes = fit_content_policy(
            train, overall, train.prices, np.array([1.0]), times=times
        )
        calls.append(policy.next_steps(0, overall, train, asked).ask.sum(axis=1).mean())
        # at once: two services cost the time of one
        assert outcomes[0].waits is not None
        assert outcomes[0].waits.max() <= second * outcomes[0].asked.sum(axis=1).max()
    assert calls[0] == 1.0
    assert calls[1] > 1.5


def test_twelve_services_are_learned_from_without_trying_every_set() -> None:
    chances = np.full((3, 12), 0.4)
    chances[:, [2, 7, 11]] += 0.5 * np.eye(3)
    prices = tuple(np.full(12, 0.001))
    train, expected = planted(700, 9, chances, prices)
    test, of_test = planted(2_000, 10, chances, prices)
    policy, _ = fit_content_policy(train, expected, train.prices, exchange_rates(train.prices, 4))
    assert {2, 7, 11} <= set(policy.candidates)
    assert len(policy.forests) <= 22
    assert ContentSimulator(policy, of_test, test).run(2).accuracy > 0.87


def test_graded_scores_are_learned_from() -> None:
    train, expected = planted(600, 11, labels=FREE)
    assert train.correct is not None
    graded = replace(train, correct=0.2 + 0.6 * train.correct)
    policy, outcomes = fit_content_policy(
        graded, 0.2 + 0.6 * expected, train.prices, exchange_rates(train.prices, 4)
    )
    assert outcomes[2].accuracy > graded.scores.mean(axis=0).max() + 0.15
    first = policy.next_steps(2, 0.2 + 0.6 * expected, graded, np.zeros_like(train.asked))
    answered = policy.next_steps(2, 0.2 + 0.6 * expected, graded, first.ask)
    assert answered.probability.mean() == pytest.approx(outcomes[2].accuracy, abs=0.04)


@pytest.fixture(scope="module")
def fitted() -> tuple[ContentPolicy, RecordedAnswers, Floats]:
    train, expected = planted(900, 12)
    rates = exchange_rates(train.prices, 5)
    return fit_content_policy(train, expected, train.prices, rates)[0], train, expected


def test_a_policy_comes_back_from_arrays_as_it_was_and_is_the_same_each_time(fitted) -> None:
    policy, train, expected = fitted
    arrays: dict[str, np.ndarray] = {}
    again = unpack_content_policy("p", arrays, pack_content_policy("p", policy, arrays))
    refitted, _ = fit_content_policy(train, expected, train.prices, policy.exchange_rates)
    for rate in range(5):
        outcome = ContentSimulator(policy, expected, train).run(rate)
        for copy in (again, refitted):
            other = ContentSimulator(copy, expected, train).run(rate)
            assert (outcome.asked == other.asked).all()
            assert (outcome.scores == other.scores).all()


def test_steps_in_batches_lead_where_the_simulation_leads(fitted) -> None:
    policy, train, expected = fitted
    for rate in range(5):
        asked = np.zeros(train.answers.shape, dtype=np.bool_)
        for _ in range(4):
            steps = policy.next_steps(rate, expected, train, asked)
            asked |= steps.ask
        simulated = ContentSimulator(policy, expected, train).run(rate)
        assert (asked == simulated.asked).all()
        scores = train.scores[np.arange(train.n_items), steps.accepted]
        assert (scores == simulated.scores).all()


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_every_state_has_a_sound_step(fitted, data) -> None:
    policy, train, _ = fitted
    shape = (4, 3)
    draw = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    expected = draw.random(shape).round(data.draw(st.integers(0, 3)))
    asked = draw.random(shape) < data.draw(st.floats(0.0, 1.0))
    recorded = replace(
        train.take(slice(0, 4)), answers=draw.integers(-1, 4, shape), confidences=draw.random(shape)
    )
    steps = policy.next_steps(data.draw(st.integers(0, 4)), expected, recorded, asked)
    assert not (steps.ask & asked).any()
    assert (steps.ask <= steps.best).all()
    assert ((steps.probability >= 0.0) & (steps.probability <= 1.0)).all()
    assert np.isfinite([steps.expected_gain, steps.price]).all()
    given_answers = asked & (recorded.answers != MISSING)
    assert ((steps.accepted != MISSING) == given_answers.any(axis=1)).all()
    assert (steps.ask[~asked.any(axis=1)].any(axis=1)).all()


def test_one_item_is_decided_by_name_also_on_answers_that_training_never_saw() -> None:
    train, expected = planted(600, 13)
    selector = fit_selector(train, n_rates=8, expected=expected)
    trained = build_trained_selector(
        {"usd": selector}, train.mean(train.scores), train.prices, np.full(3, 100.0)
    )
    stored = unpack_selector(*pack_selector(trained))
    point = [one.family for one in stored.points].index(CONTENT)
    step = stored.next_step(point, {}, np.array([0.3, 0.95, 0.3]))
    assert step.ask == "service_1"
    assert step == trained.next_step(point, {}, np.array([0.3, 0.95, 0.3]))
    apart = stored.next_step(
        point, {"service_0": ("new", None), "service_1": ("newer", None)}, np.full(3, 0.6)
    )
    alike = stored.next_step(
        point, {"service_0": ("new", None), "service_1": ("new", None)}, np.full(3, 0.6)
    )
    assert alike.answer == "new"
    assert alike.probability is not None and apart.probability is not None
    assert alike.probability > apart.probability + 0.1
    assert stored.next_step(point, {}).ask is not None


def test_expected_scores_of_other_items_are_refused() -> None:
    train, expected = planted(100, 14)
    with pytest.raises(ValueError, match="expected scores have shape"):
        fit_selector(train, expected=expected[:50])


def test_what_no_price_changes_is_fitted_once_for_money_and_time() -> None:
    train, expected = planted(500, 21)
    money, duration = Currency(train.prices), Currency(np.array([3.0, 2.0, 1.0]))
    both = fit_selectors(train, [money, duration], 6, expected=expected)
    alone = [fit_selector(train, one.prices, 6, expected=expected) for one in (money, duration)]
    for together, single in zip(both, alone, strict=True):
        assert together.families == single.families
        assert together.content is not None and single.content is not None
        np.testing.assert_array_equal(
            together.validation[CONTENT].values, single.validation[CONTENT].values
        )
    first, second = (one.content for one in both)
    assert first is not None and second is not None
    assert first.accepted is second.accepted
    for subset in set(first.forests) & set(second.forests):
        assert first.forests[subset] is second.forests[subset]


@given(
    arrays(np.float64, st.tuples(st.integers(1, 5), st.integers(1, 20)),
           elements=st.sampled_from([-1.0, 0.0, 0.25, 3.0]))
)  # fmt: skip
def test_the_best_action_is_the_first_of_the_highest(net) -> None:
    action, best = best_of(net)
    np.testing.assert_array_equal(action, net.argmax(axis=0))
    np.testing.assert_array_equal(best, net.max(axis=0))


@given(st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_gains_in_training_are_those_that_the_policy_expects_later(n_actions, seed) -> None:
    rng = np.random.default_rng(seed)
    slopes, plain, learned = (rng.random(size) for size in (
        n_actions, (n_actions, 7), (n_actions, 7)
    ))  # fmt: skip
    for model, gains in gain_models_of(slopes, plain, learned):
        np.testing.assert_allclose(model(plain.T, learned.T).T, gains, atol=1e-12)
        wide = model.spread(np.arange(n_actions) + 1, n_actions + 2)
        padded = [np.pad(part.T, ((0, 0), (1, 1))) for part in (plain, learned)]
        np.testing.assert_allclose(wide(*padded)[:, 1:-1].T, gains, atol=1e-12)
        assert np.isneginf(wide(*padded)[:, [0, -1]]).all()
