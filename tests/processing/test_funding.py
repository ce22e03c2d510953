"""Where the money is short it buys most: every case over real HTTP, with a server's own bill."""

import asyncio
from collections import Counter

import pytest

from orchestration_assets.processing.answer_cache import AnswerCache
from orchestration_assets.processing.asker import Asker
from orchestration_assets.processing.event_loop import BatchLimits, BatchWork, process_plans
from orchestration_assets.processing.funding import FundingRules
from orchestration_assets.schemas.enums import ProcessingModel, Status
from orchestration_assets.schemas.items import Item, Question, Task
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import DECISION_LOG, INTERPRETATIONS, PlanRow
from resources.ai_services.drill.faults import FaultScript
from resources.ai_services.drill.server import DrillServer, serving
from resources.ai_services.http.chat import ChatService
from resources.ai_services.resilience.spend_budget import Charge, Quote, SpendBudget
from resources.feature_cache.lmdb_store import LmdbStore
from tests.ai_services.http.samples import LABELS, chat
from tests.processing.services import choice
from tests.rows import row

TASK = Task(LABELS.name, "1", LABELS.kind, LABELS.labels, question=LABELS.question)


def load(name: str) -> Item:
    return Item(name, f"hash-{name}", f"{name}.txt", f"This is the text of item {name}.")


def process(folder, urls, way, items: int, cap: float | None, prices, **rules):
    """One plan an item over services with a price a call; an output of at most 4,096 tokens."""
    services = {
        name: ChatService(
            name,
            chat(
                url,
                model=name,
                price=prices[name],
                concurrency=40,
                max_output_tokens=4096,
                timeouts={"total_s": 20.0},
            ),
        )
        for name, url in urls.items()
    }
    most = sum(service.cost_usd for service in services.values())
    plans = [
        row(
            PlanRow,
            batch="b",
            item_id=f"i{n:04}",
            content_hash=f"hash-i{n:04}",
            task=TASK.name,
            model=way.model,
            option="default",
            services=way.services,
            calls_max=len(way.services),
            cost_usd_max=most,
        )
        for n in range(items)
    ]
    work = BatchWork({(TASK.name, "default"): way}, {TASK.name: TASK}, services)
    budget = SpendBudget(cap)
    limits = BatchLimits(40, budget, funding=FundingRules(**rules))
    cache = AnswerCache(LmdbStore(folder))
    done = process_plans(plans, work, cache, load, limits)
    return done, budget


def readings(done, model=ProcessingModel.SEQUENTIAL):
    return done.interpretations[model]


def test_calls_in_flight_that_hold_the_money_make_others_wait_and_not_fail(tmp_path) -> None:
    """At .0033 of 1 USD spent, 36 of 40 items were refused: each call may cost a quarter."""
    server = DrillServer(FaultScript(median_ms=20))
    with serving(server) as url:
        price = {"input_usd": 0.1, "output_usd": 60.0}
        done, budget = process(
            tmp_path, {"s": url}, choice("sequential", "s"), 40, 1.0, {"s": price}
        )
    assert Counter(one.status for one in readings(done)) == {Status.OK: 40}
    assert budget.spent_usd < 0.2


def test_without_plans_too_attempts_wait_for_those_in_flight(tmp_path) -> None:
    server = DrillServer(FaultScript(median_ms=20))

    async def ask(url: str):
        price = {"input_usd": 0.1, "output_usd": 60.0}
        config = chat(url, price=price, concurrency=40, max_output_tokens=4096)
        services = {"s": ChatService("s", config)}
        cache, budget = AnswerCache(LmdbStore(tmp_path)), SpendBudget(1.0)
        async with Asker(services, cache, budget=budget) as asker:
            questions = [Question(TASK, load(f"i{n:04}")) for n in range(40)]
            return await asyncio.gather(*(asker.ask("s", one) for one in questions))

    with serving(server) as url:
        answers = asyncio.run(ask(url))
    assert Counter(one.reading.status for one in answers) == {Status.OK: 40}


CHEAP, DEAR = {"call_usd": 0.001}, {"call_usd": 0.01}


@pytest.mark.parametrize("model", ["sequential", "parallel"])
def test_first_answers_for_all_come_before_the_second_for_the_most_doubtful(
    tmp_path, model
) -> None:
    first, second = DrillServer(), DrillServer()
    # for each item once the cheap one, and for ten of them the dear one
    cap = 60 * 0.001 + 10 * 0.01
    with serving(first) as one, serving(second) as two:
        done, budget = process(
            tmp_path,
            {"cheap": one, "dear": two},
            choice(model, "cheap", "dear"),
            60,
            cap,
            {"cheap": CHEAP, "dear": DEAR},
        )
    rows = readings(done, ProcessingModel(model))
    assert sum(one.status is Status.OK for one in rows if one.service == "cheap") == 60
    sure = {one.item_id: one.confidence for one in rows if one.service == "cheap"}
    paid = [one.item_id for one in rows if one.service == "dear" and one.status is Status.OK]
    assert sorted(map(sure.get, paid)) == sorted(sure.values())[:10]
    assert budget.spent_usd == pytest.approx(cap)
    assert len(second.billed) == 10


def test_a_dollar_buys_what_is_known_to_be_right_more_often(tmp_path) -> None:
    servers = {name: DrillServer() for name in ("poor", "good")}
    with serving(servers["poor"]) as one, serving(servers["good"]) as two:
        done, _ = process(
            tmp_path,
            {"poor": one, "good": two},
            choice("parallel", "poor", "good"),
            40,
            20 * 0.001,
            {"poor": CHEAP, "good": CHEAP},
            reliabilities={(TASK.name, "poor"): 0.3, (TASK.name, "good"): 0.9},
        )
    ok = [one.service for one in readings(done, ProcessingModel.PARALLEL) if one.status == "ok"]
    assert Counter(ok) == {"good": 20}


def test_equal_budgets_give_equal_tables_in_whatever_order_replies_come(tmp_path) -> None:
    stored = []
    for seed in (1, 2):
        script = FaultScript(seed=seed, median_ms=3.0, sigma=1.5)
        first, second = DrillServer(script), DrillServer(script)
        with serving(first) as one, serving(second) as two:
            done, _ = process(
                tmp_path / str(seed),
                {"cheap": one, "dear": two},
                choice("sequential", "cheap", "dear", stop_at=0.9),
                60,
                60 * 0.001 + 7 * 0.01,
                {"cheap": CHEAP, "dear": DEAR},
            )
        tables = (
            (INTERPRETATIONS[ProcessingModel.SEQUENTIAL], readings(done)),
            (DECISION_LOG, done.decisions),
        )
        stored.append([rows_to_arrow(t, r).select(t.stable_columns) for t, r in tables])
    assert stored[0] == stored[1]


def test_what_waits_is_served_by_value_and_the_hopeless_fail_at_once() -> None:
    async def drive() -> list[str]:
        budget, served = SpendBudget(1.0), []
        held = await budget.reserve(Quote(0.4, 0.9, 0.9))
        assert held is not None
        assert await budget.reserve(Quote(1.5, 1.5, 1.5)) is None

        async def wait(name: str, value: float) -> None:
            reservation = await budget.reserve(Quote(0.2, 0.2, 0.2), value)
            served.append(name if reservation else f"no {name}")
            if reservation:
                budget.settle(reservation, Charge(0.2))

        waiting = [asyncio.ensure_future(wait(f"v{v}", v)) for v in (1, 3, 2, 0)]
        gone = asyncio.ensure_future(wait("gone", 9))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.sleep(0)
        assert served == []
        budget.settle(held, Charge(0.4))
        await asyncio.gather(*waiting)
        return served

    assert asyncio.run(drive()) == ["v3", "v2", "v1", "no v0"]
