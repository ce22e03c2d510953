"""Forecasts of cost: what was seen decides, what was not is said, and the interval holds."""

from dataclasses import replace

import numpy as np
import pytest

from orchestration_assets.policy.load import load_policy, parse_policy
from orchestration_assets.policy.pinned_policy import pin_policy
from orchestration_assets.processing.batch import build_work
from orchestration_assets.processing.pricing import forecast_prices, list_price
from orchestration_assets.processing.question_costs import WayCosts, observed_costs, way_of
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import (
    CALL_LOG,
    CONTENT_PROFILES,
    PROCESSING_PLANS,
    CallRow,
    PlanRow,
)
from resources.home import Home
from tests.processing.services import Scripted, by_name
from tests.processing.test_health import POLICY
from tests.rows import row

SERVICES = by_name(Scripted("cheap", None), Scripted("dear", None))
PLAN = row(
    PlanRow, task="t", option="default", services=("cheap", "dear"), calls_min=1, calls_max=2
)
WAY = way_of(PLAN)


def plans(count: int) -> list[PlanRow]:
    return [replace(PLAN, item_id=f"i{n}") for n in range(count)]


def priced(count: int, costs=None, kept=None, **more):
    planned = plans(count)
    tokens = {plan.item_id: 100 for plan in planned}
    return forecast_prices(planned, tokens, SERVICES, {}, kept or {}, costs, **more)


def seen(questions: int, escalated: int) -> dict:
    """Questions of which so many went on to the second service."""
    rows = [[1.0, float(n < escalated)] for n in range(questions)]
    calls = [[int(one) for one in row_] for row_ in rows]
    return {WAY: WayCosts(PLAN.services, rows, calls, [[0.5, 0.5]] * questions)}


def test_without_history_the_bounds_are_what_may_and_what_must_be_asked() -> None:
    found = priced(10)
    assert (found.usd_low, found.usd, found.usd_high) == pytest.approx((5.0, 7.5, 10.0))
    assert found.observed == 0
    assert [one.calls for one in found.prices] == [10.0, 5.0]


def test_what_was_seen_narrows_the_interval_around_its_rate() -> None:
    few, many = priced(100, seen(10, 2)), priced(100, seen(1000, 200))
    assert many.usd == pytest.approx(100 * 0.5 * 1.2, rel=0.01)
    assert many.usd_high - many.usd_low < few.usd_high - few.usd_low
    assert few.usd_low < 60.0 < few.usd_high
    dear = next(one for one in many.prices if one.service == "dear")
    assert dear.calls == pytest.approx(20.0, rel=0.05)


def test_kept_answers_cost_nothing_and_the_rest_goes_on_costing() -> None:
    kept = {(f"i{n}", "t", "cheap"): True for n in range(100)}
    found = priced(100, seen(1000, 200), kept)
    assert found.usd == pytest.approx(100 * 0.5 * 0.2, rel=0.05)
    assert next(one for one in found.prices if one.service == "cheap").cached == 100


def test_a_sample_is_scaled_up_and_no_surer_for_it() -> None:
    whole, sampled = priced(400, seen(50, 10)), priced(100, seen(50, 10), scale=4.0)
    assert sampled.usd == pytest.approx(whole.usd)
    assert sampled.usd_high - sampled.usd_low >= (whole.usd_high - whole.usd_low) * (1 - 1e-9)


def test_a_learned_model_brings_its_own_rates() -> None:
    shares = {("v1", 0): {"cheap": 0.9, "dear": 0.3}}
    planned = [replace(one, artefact="v1", point=0) for one in plans(50)]
    tokens = {plan.item_id: 100 for plan in planned}
    found = forecast_prices(planned, tokens, SERVICES, {}, {}, None, shares)
    assert found.usd == pytest.approx(50 * 0.5 * 1.2)
    # what a call costs beside its list price is known from other ways
    other = {WAY: WayCosts(PLAN.services, [[1.2, 0.0]] * 50, [[1, 0]] * 50)}
    found = forecast_prices(planned, tokens, SERVICES, {}, {}, other, shares)
    assert found.usd == pytest.approx(50 * 0.5 * (0.9 * 1.2 + 0.3))
    # a better point for a share of the items costs what that point costs
    better = {**shares, ("v1", 1): {"cheap": 0.0, "dear": 1.0}}
    mixed = [replace(one, point=n % 2) for n, one in enumerate(planned)]
    found = forecast_prices(mixed, tokens, SERVICES, {}, {}, None, better)
    assert found.usd == pytest.approx(25 * 0.5 * 1.2 + 25 * 0.5 * 1.0)


@pytest.mark.parametrize(
    ("shares", "certain"),
    [
        ({"cheap": 0.4, "dear": 0.6}, {"cheap": 0, "dear": 0}),
        ({"cheap": 0.3, "dear": 1.0}, {"cheap": 0, "dear": 50}),
    ],
)
def test_a_learned_model_must_ask_what_it_has_always_asked(shares, certain) -> None:
    planned = [replace(one, artefact="v1", point=0) for one in plans(50)]
    tokens = {plan.item_id: 100 for plan in planned}
    found = forecast_prices(planned, tokens, SERVICES, {}, {}, None, {("v1", 0): shares})
    assert {one.service: one.calls_low for one in found.prices} == certain
    assert all(one.calls_low <= one.calls <= one.calls_high for one in found.prices)


def test_the_mixture_of_ways_in_a_sample_is_not_that_of_all_items() -> None:
    shares = {("v1", 0): {"cheap": 1.0}, ("v1", 1): {"cheap": 1.0, "dear": 1.0}}
    mixed = [replace(one, artefact="v1", point=n % 2) for n, one in enumerate(plans(100))]
    tokens = {plan.item_id: 100 for plan in mixed}
    whole = forecast_prices(mixed, tokens, SERVICES, {}, {}, None, shares)
    sampled = forecast_prices(mixed, tokens, SERVICES, {}, {}, None, shares, scale=5.0)
    assert whole.usd_high - whole.usd_low == pytest.approx(0.0)
    # 250 of 500 items in the mean, with the deviation of a sample of 100
    deviation = 500 * (0.25 * 0.8 / 100) ** 0.5 * 0.5
    assert sampled.usd_high - sampled.usd == pytest.approx(1.96 * deviation, rel=0.02)


@pytest.mark.parametrize(("questions", "rate"), [(30, 0.1), (100, 0.5), (300, 0.9)])
def test_the_interval_holds_what_comes_nine_times_in_ten(questions, rate) -> None:
    """History and future drawn by the same rate, 400 times."""
    draws = np.random.default_rng(7)
    within = 0
    for _ in range(400):
        history, future = draws.binomial(questions, rate), draws.binomial(100, rate)
        found = priced(100, seen(questions, int(history)))
        within += found.usd_low <= 0.5 * (100 + future) <= found.usd_high
    assert within >= 0.9 * 400


def test_long_items_that_take_more_rounds_count_by_what_they_cost() -> None:
    """Nine short items of one round and one of ten times the price and three rounds."""
    one_call, dear = [[0.5, 0.5]] * 90 + [[5.0, 5.0]] * 10, [[1.0, 0.0]] * 90 + [[3.0, 0.0]] * 10
    costs = {WAY: WayCosts(PLAN.services, dear, [[1, 0]] * 100, one_call)}
    found = priced(100, costs)
    rate = (90 * 0.5 + 10 * 3 * 5.0) / (90 * 0.5 + 10 * 5.0)
    cheap = next(one for one in found.prices if one.service == "cheap")
    assert cheap.usd == pytest.approx(50.0 * rate, rel=0.03)


def kept_batch(home: Home, batch: str, loaded, calls: list[CallRow], items: int) -> None:
    planned = [
        replace(PLAN, batch=batch, item_id=f"i{n}", task="kind", services=("names", "model"),
                policy_hash=loaded.hash)
        for n in range(items)
    ]  # fmt: skip
    home.tables.write(PROCESSING_PLANS, rows_to_arrow(PROCESSING_PLANS, planned), batch)
    home.tables.write(CALL_LOG, rows_to_arrow(CALL_LOG, calls), batch)
    profiles = CONTENT_PROFILES.schema.empty_table()
    home.tables.write(CONTENT_PROFILES, profiles, batch)


def test_history_is_what_the_same_way_really_cost(tmp_path) -> None:
    loaded = parse_policy(POLICY.format(url="http://localhost/v1", key="null"), "p")
    home = Home(tmp_path)
    pin_policy(home.policies, loaded)
    price = list_price(build_work(loaded.policy).services, {})
    usd = price("model", 0)

    def call(item: str, origin: str, cost: float, attempt: int = 1) -> CallRow:
        about = {"batch": "b", "task": "kind", "service": "model"}
        return row(CallRow, item_id=item, origin=origin, cost_usd=cost, attempt=attempt, **about)

    calls = [
        call("i0", "called", usd),
        call("i1", "called", usd),
        call("i1", "called", usd, attempt=2),
        call("i1", "cache", 0.0),
        call("i2", "cache", 0.0),
        call("i3", "shared", 0.0),
        # neither a budget nor an outage makes questions cheap
        replace(call("i5", "not_called", 0.0), status=Status.OVER_BUDGET),
        replace(call("i6", "not_called", 0.0), status=Status.DEFERRED),
        replace(call("i7", "not_called", 0.0), status=Status.TIMEOUT),
    ]
    kept_batch(home, "b", loaded, calls, 8)
    (costs,) = observed_costs(home, loaded.policy, price).values()
    assert [one[1] for one in costs.ratios] == pytest.approx([1.0, 2.0, 1.0, 0.0, 0.0])
    assert [one[1] for one in costs.calls] == [1, 1, 1, 0, 0]
    service = loaded.policy.services["model"].model_copy(update={"model": "another"})
    other = loaded.policy.model_copy(
        update={"services": {**loaded.policy.services, "model": service}}
    )
    assert observed_costs(home, other, price) == {}
    assert observed_costs(home, load_policy(None).policy, price) == {}
