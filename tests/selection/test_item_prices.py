"""Prices of calls follow the length of items, and the policy follows the prices."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration_assets.selection.item_prices import (
    fit_item_prices,
    pack_item_prices,
    unpack_item_prices,
)
from orchestration_assets.selection.learner import CONTENT, fit_selector
from orchestration_assets.selection.trained_selector import (
    USD,
    build_trained_selector,
    pack_selector,
    unpack_selector,
)
from tests.selection.test_content_policy import planted

CHANCES, PRICES = np.array([[0.6, 0.9]]), (0.001, 0.01)


def lengths_and_costs(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    tokens = np.random.default_rng(seed).lognormal(5.0, 1.0, n)
    return tokens, tokens[:, None] / tokens.mean() * np.array(PRICES)


def test_lines_go_through_what_calls_cost_and_are_level_where_tokens_tell_nothing() -> None:
    tokens, costs = lengths_and_costs(200, 1)
    costs = np.column_stack([costs, np.full(200, 0.004)])
    prices = fit_item_prices(costs, tokens, np.ones(200))
    expected = prices(np.array([tokens.mean() * 3.0, np.nan]))
    assert expected[0] == pytest.approx([0.003, 0.03, 0.004])
    assert expected[1] == pytest.approx(costs.mean(axis=0))
    assert prices.slopes[2] == 0.0
    again = unpack_item_prices(pack_item_prices(prices))
    assert (again(tokens) == prices(tokens)).all()


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_prices_never_fall_with_length_and_stay_between_finite_bounds(data) -> None:
    draw = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    n = data.draw(st.integers(1, 30))
    costs = draw.random((n, 3)) * data.draw(st.sampled_from([0.0, 1e-9, 1.0]))
    tokens = np.where(draw.random(n) < data.draw(st.floats(0.0, 1.0)), np.nan, draw.random(n) * 99)
    prices = fit_item_prices(costs, tokens, draw.random(n) + 0.01)
    longer = prices(np.sort(draw.random(20) * 1_000))
    assert np.isfinite(longer).all() and (longer >= 0.0).all()
    assert (np.diff(longer, axis=0) >= 0.0).all()


def test_the_dear_service_is_asked_where_its_call_is_cheap() -> None:
    """Services are as good on long items as on short ones: only the prices differ."""
    (train, of_train), (test, of_test) = (planted(2_000, seed, CHANCES, PRICES) for seed in (1, 2))
    paid = [lengths_and_costs(2_000, seed)[1] for seed in (3, 4)]
    train, test = (
        replace(some, costs=costs) for some, costs in zip((train, test), paid, strict=True)
    )
    by_item = fit_selector(train, paid[0], 12, expected=of_train)
    on_average = fit_selector(train, n_rates=12, expected=of_train)
    assert CONTENT in by_item.families
    reached = [
        max(one.accuracy for one in outcomes if one.price <= 0.004)
        for outcomes in (by_item.run(test, of_test, paid[1]), on_average.run(test, of_test))
    ]
    assert reached[0] > reached[1] + 0.04
    for rate, outcome in enumerate(by_item.run(test, of_test, paid[1])):
        promised = by_item.validation[by_item.families[rate]].prices[rate]
        assert outcome.price == pytest.approx(promised, abs=0.0012)


def test_a_stored_selector_asks_by_the_price_of_the_item_where_money_is_saved() -> None:
    train, expected = planted(1_200, 5, CHANCES, PRICES)
    paid = lengths_and_costs(1_200, 6)[1]
    selector = fit_selector(train, paid, 12, expected=expected)
    model = build_trained_selector(
        {USD: selector, "ms": selector}, train.mean(train.scores), paid.mean(axis=0), np.ones(2)
    )
    model = unpack_selector(*pack_selector(model))
    known, mean = np.array([0.6, 0.9]), paid.mean(axis=0)
    moved = set()
    for at, point in enumerate(model.points):
        first = [model.next_step(at, {}, known, mean * scale).ask for scale in (0.05, 1.0, 20.0)]
        if point.family == CONTENT and len(set(first)) > 1:
            moved.add(point.unit)
            assert first[0] == "service_1" and first[2] == "service_0"
        batch = model.first_steps(at, np.tile(known, (3, 1)), np.outer((0.05, 1.0, 20.0), mean))
        if batch is not None:
            asked = [model.services[k] for k in batch.ask.argmax(axis=1)]
            assert asked == first
        assert model.next_step(at, {}, known).ask == first[1] or point.family != CONTENT
    assert moved == {USD}
