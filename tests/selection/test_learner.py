"""Learning to select: better than its peers where there is something to learn, honest elsewhere."""

from dataclasses import replace

import numpy as np
import pytest

from orchestration_assets.evidence.belief import fit_belief
from orchestration_assets.evidence.recorded_answers import MISSING
from orchestration_assets.selection.backward_induction import STOP, StepStates, fit_step_policy
from orchestration_assets.selection.currencies import Currency
from orchestration_assets.selection.learner import SINGLE, STACK, fit_selector, fit_selectors
from orchestration_assets.selection.policy_outcomes import best_single, curve, exchange_rates
from orchestration_assets.selection.trained_selector import (
    build_trained_selector,
    pack_selector,
    unpack_selector,
)
from resources.home import Home
from tests.evidence.made import made


@pytest.fixture(scope="module")
def learned():
    recorded = made(4_000)
    train, test = recorded.take(slice(0, 2_000)), recorded.take(slice(2_000, None))
    return train, test, fit_selector(train, n_rates=16)


def test_what_was_learned_costs_less_for_the_same_and_is_more_right_for_the_same(learned) -> None:
    train, test, selector = learned
    single = best_single(train)
    price, target = train.prices[single], test.scores[:, single].mean()
    found = curve(selector.run(test))
    match = found.cost_to_match(target)
    assert match is not None and match < 0.6 * price
    assert found.accuracy_at(price) > target + 0.01
    assert STACK in selector.families


def test_what_a_point_promises_is_what_it_keeps(learned) -> None:
    _, test, selector = learned
    for at, done in enumerate(selector.run(test)):
        accuracy, price = selector.validated(at)
        assert done.accuracy == pytest.approx(accuracy, abs=0.04)
        assert done.price == pytest.approx(price, abs=0.15 * test.prices.max())


def test_with_few_labels_the_best_single_service_is_called_alone_and_that_is_said() -> None:
    train = made(200)
    selector = fit_selector(train)
    assert set(selector.families) == {SINGLE}
    assert selector.belief is None
    best = train.services[best_single(train)]
    assert f"the best single service, {best}, is called alone" in selector.description
    assert max(done.accuracy for done in selector.run(train)) == train.scores.mean(axis=0).max()


def test_chances_are_called_unequal_where_they_are() -> None:
    train = made(60)
    even = fit_selector(replace(train, stands_for=np.full(60, 2.0)))
    uneven = fit_selector(replace(train, stands_for=np.linspace(1.0, 2.0, 60)))
    assert "60 outcomes are too few" in even.description
    assert "60 outcomes of unequal chances" in uneven.description


def test_one_dominant_service_among_liars_is_called_alone() -> None:
    """Without confidences and with useless others, nothing is gained by asking them."""
    recorded = made(2_000, accuracies=(0.34, 0.34, 0.95), prices=(0.005, 0.006, 0.01))
    silent = replace(recorded, confidences=np.full(recorded.answers.shape, np.nan))
    train, test = silent.take(slice(0, 1_000)), silent.take(slice(1_000, None))
    selector = fit_selector(train, n_rates=12)
    done = selector.run(test)[selector.cheapest_rate(float(train.scores[:, 2].mean()))]
    assert done.price <= 0.0101
    assert done.accuracy >= test.scores[:, 2].mean() - 0.005


def test_an_incomplete_record_is_refused() -> None:
    recorded = made(400)
    asked = recorded.asked.copy()
    asked[0, 0] = False
    with pytest.raises(ValueError, match="every service was asked"):
        fit_selector(replace(recorded, asked=asked))


def test_free_texts_are_learned_without_comparing_them() -> None:
    recorded = made(800)
    free = replace(
        recorded,
        correct=recorded.scores,
        labels=("free text",),
        answers=np.zeros_like(recorded.answers),
        gold=np.full(800, MISSING),
    )
    selector = fit_selector(free, n_rates=8)
    assert STACK not in selector.families
    assert max(one.accuracy for one in selector.run(free)) >= recorded.scores.mean(axis=0).max()


def test_forests_of_steps_are_grown_once_for_money_and_time() -> None:
    train = made(600)
    duration = Currency(np.array([9.0, 5.0, 1.0]))
    money, time = fit_selectors(train, [Currency(train.prices), duration], 6)
    assert money.step_policy is not None and time.step_policy is not None
    assert money.belief is time.belief
    assert money.step_policy.forests is time.step_policy.forests
    alone = fit_selector(train, duration.prices, 6)
    np.testing.assert_array_equal(alone.validation[STACK].values, time.validation[STACK].values)


def test_asking_stops_where_it_is_free_of_use_and_the_last_service_ends_it() -> None:
    train = made(1_200)
    belief, posteriors = fit_belief(train)
    rates = exchange_rates(train.prices, 6)
    steps, outcomes = fit_step_policy(StepStates(train, posteriors), train.prices, rates)
    prices = [one.price for one in outcomes]
    assert prices == sorted(prices, reverse=True)
    whole = belief.posterior(train, (0, 1, 2))
    action, gain = steps.next_service((0, 1, 2), whole, 0)
    assert (action == STOP).all() and (gain == 0.0).all()
    dearest = steps.next_service((), belief.posterior(train, ()), len(rates) - 1)[0]
    assert set(dearest) <= {STOP, 0}


@pytest.fixture(scope="module")
def selector(learned):
    train, _, selector = learned
    times = fit_selector(train, train.milliseconds.mean(axis=0), n_rates=8)
    alone = train.scores.mean(axis=0)
    return build_trained_selector(
        {"usd": selector, "ms": times}, alone, train.prices, train.milliseconds.mean(axis=0)
    )


def test_a_stored_selector_decides_as_the_one_in_memory(selector, learned, home) -> None:
    _, test, _ = learned
    registry = Home(home).models
    arrays, manifest = pack_selector(selector)
    stored = registry.store("model", arrays, {"selector": manifest})
    found = registry.load("model", stored.version)
    again = unpack_selector(found.arrays, found.facts["selector"])
    assert again.points == selector.points
    part = test.take(slice(0, 200))
    for point in range(len(selector.points)):
        one, other = selector.run(point, part), again.run(point, part)
        assert (one.asked == other.asked).all()
        assert (one.scores == other.scores).all()


def test_advice_item_by_item_asks_whom_the_batch_would_ask(selector, learned) -> None:
    _, test, _ = learned
    part = test.take(slice(0, 12))
    for point in range(len(selector.points)):
        expected = selector.run(point, part)
        for item in range(part.n_items):
            said: dict[str, tuple[str | None, float | None]] = {}
            while (advice := selector.next_step(point, said)).ask is not None:
                k = part.services.index(advice.ask)
                answer = part.labels[part.answers[item, k]]
                said[advice.ask] = (answer, float(part.confidences[item, k]))
            assert [name in said for name in part.services] == expected.asked[item].tolist()
            right = advice.answer == part.labels[part.gold[item]]
            assert right == expected.scores[item]


def test_an_answer_that_training_never_saw_says_nothing(selector) -> None:
    point = next(n for n, one in enumerate(selector.points) if one.family == STACK)
    strange = selector.next_step(point, {"s0": ("never seen", 0.9)})
    silent = selector.next_step(point, {"s0": (None, 0.9)})
    assert strange == silent
    assert strange.answer in selector.labels


def test_another_format_is_refused(selector) -> None:
    arrays, manifest = pack_selector(selector)
    with pytest.raises(ValueError, match=r"format 99.*learn_selection"):
        unpack_selector(arrays, {**manifest, "format": 99})
