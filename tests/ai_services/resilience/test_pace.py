"""Slowing down and waiting: the decisions by themselves, whatever happens in whatever order."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.schemas.services import Retries
from resources.ai_services.resilience.pace import Pace
from resources.ai_services.resilience.patience import Patience, wait_s
from resources.ai_services.resilience.places import Places
from resources.ai_services.resilience.retry import RetryBudget, is_at_fault
from tests.ai_services.http.samples import chat
from tests.processing.virtual_time import run_in_virtual_time

MOST = 16


@given(st.lists(st.booleans(), max_size=300))
def test_places_stay_between_one_and_the_most(answers) -> None:
    pace = Pace(MOST)
    for answered in answers:
        before = pace.places
        pace.answered() if answered else pace.refused()
        assert 1 <= pace.places <= MOST
        assert pace.places >= before if answered else pace.places <= before


def test_a_round_of_refusals_halves_the_places_and_answers_bring_them_back() -> None:
    pace = Pace(MOST)
    sizes = []
    for _ in range(5):
        for _ in range(pace.places):
            pace.refused()
        sizes.append(pace.places)
    assert sizes == [8, 4, 2, 1, 1]
    rounds = 0
    while pace.places < MOST:
        for _ in range(pace.places):
            pace.answered()
        rounds += 1
    assert rounds <= 9


@given(st.integers(1, 49), st.integers(0, 10_000))
def test_while_fewer_than_half_are_refused_it_does_not_stay_slow(percent, seed) -> None:
    pace = Pace(MOST)
    pace.restart()
    for number in range(3000):
        # evenly spread refusals, from any place on
        refused = (number + seed) * percent % 100 < percent
        pace.refused() if refused else pace.answered()
    assert pace.places >= MOST // 2


@given(st.lists(st.tuples(st.floats(0.0, 5.0), st.booleans()), max_size=80))
def test_one_trouble_is_waited_for_once_by_all(events) -> None:
    patience, now = Patience(10.0), 0.0
    for seconds, answered in events:
        now += seconds
        before = patience.ends(now)
        if answered:
            patience.answered()
            assert patience.ends(now) == now + 10.0
        else:
            patience.unavailable(now)
            # more trouble never makes the wait longer
            assert patience.ends(now) <= before


def test_trouble_after_a_long_rest_is_another_trouble() -> None:
    patience = Patience(10.0)
    patience.unavailable(0.0)
    patience.unavailable(500.0)
    assert patience.ends(500.0) == 510.0


def test_with_a_fallback_the_first_probe_decides() -> None:
    assert wait_s(chat("http://h/v1", breaker={"open_s": 5.0})) == 120.0
    assert wait_s(chat("http://h/v1", breaker={"open_s": 5.0}, fallbacks=["other"])) == 10.0
    assert wait_s(chat("http://h/v1", breaker={"wait_s": 3.0}, fallbacks=["other"])) == 3.0


@given(st.integers(1, 20), st.floats(0.0, 1.0), st.booleans())
def test_a_question_is_at_fault_where_chance_explains_its_failures_no_more(
    failures, share, answered
) -> None:
    retries = Retries(attempts=3)
    at_fault = is_at_fault(failures, retries, share, others_answered=answered)
    if at_fault:
        assert answered
        assert failures >= 3
        assert share**failures < 0.0001
        assert is_at_fault(failures + 1, retries, share, others_answered=True)
    if share == 0.0:
        assert at_fault is (failures >= 3 and answered)
    if share == 1.0:
        assert not at_fault


def test_answers_pay_for_retries_but_not_for_those_of_a_later_outage() -> None:
    retries = Retries(budget=0.2)
    budget = RetryBudget(retries)
    for _ in range(1000):
        budget.call()
        budget.answered()
        assert budget.take()
    assert budget.retries == 0
    taken = 0
    while budget.take():
        taken += 1
    # the share of the calls, and the few that are always allowed
    assert taken == 210


def test_a_budget_of_nothing_stays_nothing() -> None:
    budget = RetryBudget(Retries(budget=0.0))
    budget.answered()
    assert not budget.take()


@pytest.mark.parametrize("most", [1, 4])
def test_places_are_given_in_order_and_never_more_than_there_are(most) -> None:
    async def work() -> tuple[list[int], int]:
        places, order, at_once, peak = Places(most), [], 0, 0

        async def one(number: int) -> None:
            nonlocal at_once, peak
            await places.take()
            at_once += 1
            peak = max(peak, at_once)
            order.append(number)
            await asyncio.sleep(1.0)
            at_once -= 1
            places.give_back()

        await asyncio.gather(*map(one, range(12)))
        return order, peak

    (order, peak), _ = run_in_virtual_time(work())
    assert order == list(range(12))
    assert peak == most


def test_fewer_places_take_effect_as_they_are_given_back_and_nobody_is_lost() -> None:
    async def work() -> int:
        places = Places(4)
        for _ in range(4):
            await places.take()
        waiting = [asyncio.ensure_future(places.take()) for _ in range(6)]
        await asyncio.sleep(0)
        waiting[1].cancel()
        places.resize(2)
        for _ in range(3):
            places.give_back()
        await asyncio.sleep(0)
        first = sum(turn.done() and not turn.cancelled() for turn in waiting)
        places.resize(10)
        await asyncio.sleep(0)
        assert sum(turn.done() and not turn.cancelled() for turn in waiting) == 5
        return first

    first, _ = run_in_virtual_time(work())
    # one of four is left, so that one more fits into two
    assert first == 1
