"""Retries, money, tokens: the small decisions by themselves."""

import asyncio
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.schemas.services import Retries
from orchestration_assets.text.replies.call_errors import (
    PERMANENT,
    EndpointNotFound,
    Forbidden,
    PaymentRequired,
    RequestRefused,
    Unauthorised,
    Unavailable,
    error_from_status,
    retry_after_seconds,
)
from orchestration_assets.text.token_estimates import TokenScale
from resources.ai_services.resilience.retry import RetryBudget, retry_delay_s
from resources.ai_services.resilience.spend_budget import Charge, Quote, SpendBudget

CHANCE = st.floats(0.0, 1.0, exclude_max=True)
RETRIES = Retries(attempts=5, backoff_s=0.5, backoff_max_s=4.0, budget=0.2)


@given(st.integers(2, 60), CHANCE, st.none() | st.floats(0.0, 600.0))
def test_a_wait_is_never_shorter_than_asked_for_nor_longer_than_allowed(
    attempt, chance, asked
) -> None:
    wait = retry_delay_s(attempt, RETRIES, asked, chance)
    assert wait >= (asked or 0.0)
    assert wait <= max(asked or 0.0, RETRIES.backoff_max_s)


def test_the_bound_doubles_with_every_attempt() -> None:
    bounds = [retry_delay_s(n, RETRIES, None, 0.999999) for n in range(2, 7)]
    assert [round(bound, 3) for bound in bounds] == [0.5, 1.0, 2.0, 4.0, 4.0]


@given(st.integers(0, 500))
def test_retries_are_a_share_of_the_calls(calls) -> None:
    budget = RetryBudget(RETRIES)
    for _ in range(calls):
        budget.call()
    while budget.take():
        pass
    assert budget.retries == math.ceil(10 + 0.2 * calls)


def test_a_budget_of_nothing_allows_no_retry() -> None:
    budget = RetryBudget(Retries(budget=0.0))
    budget.call()
    assert not budget.take()


@given(
    st.floats(0.0, 2.0),
    st.lists(st.tuples(st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.booleans()), max_size=40),
)
def test_a_cap_is_never_passed_while_attempts_cost_no_more_than_expected(cap, attempts) -> None:
    async def drive() -> None:
        outer = SpendBudget(cap)
        budget = SpendBudget(within=outer)
        for most, share, arrived in attempts:
            reservation = await budget.reserve(Quote(most, most, most))
            if reservation is None:
                assert most > outer.left_usd
            elif arrived:
                budget.settle(reservation, Charge(most * share))
            else:
                budget.settle(reservation, Charge(most * share, at_risk_usd=most * (1.0 - share)))
            assert outer.spent_usd + outer.at_risk_usd <= cap + 1e-6
        assert outer.reserved_usd == pytest.approx(0.0)
        assert outer.spent_usd == pytest.approx(budget.spent_usd)

    asyncio.run(drive())


def test_the_scale_moves_to_what_is_billed_and_its_bound_stays_above() -> None:
    scale = TokenScale()
    assert scale.ratio == 1.0
    for _ in range(200):
        scale.observe(100, 140)
    assert scale.ratio == pytest.approx(1.4, abs=0.02)
    assert scale.highest >= 1.4


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, RequestRefused),
        (413, RequestRefused),
        (422, RequestRefused),
        (401, Unauthorised),
        (402, PaymentRequired),
        (403, Forbidden),
        (451, RequestRefused),
        (404, EndpointNotFound),
        (302, EndpointNotFound),
        (408, Unavailable),
        (429, Unavailable),
        (500, Unavailable),
        (503, Unavailable),
        (599, Unavailable),
    ],
)
def test_what_a_status_means(status, kind) -> None:
    error = error_from_status(status, "3", b'{"error": "why"}', 0.0)
    assert type(error) is kind
    assert "why" in str(error)
    assert isinstance(error, PERMANENT) is (kind is not Unavailable)
    assert error.retry_after == (3.0 if kind is Unavailable else None)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("soon", None),
        ("inf", None),
        ("nan", None),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 90.0),
        ("Thu, 01 Jan 1970 00:00:01 GMT", 0.0),
    ],
)
def test_retry_after_as_seconds_or_date(header, seconds) -> None:
    assert retry_after_seconds(header, 10.0) == seconds


def test_a_share_of_a_budget_is_all_that_may_be_spent_within_its_block() -> None:
    async def drive() -> None:
        budget = SpendBudget(1.0, spent_usd=0.2)
        inner = SpendBudget(within=budget)
        with budget.limited_to(0.3):
            assert await inner.reserve(Quote(0.4, 0.4, 0.4)) is None
            held = await inner.reserve(Quote(0.3, 0.3, 0.3))
            assert held is not None
            inner.settle(held, Charge(0.1))
        assert budget.left_usd == pytest.approx(0.7)

    asyncio.run(drive())
