"""kill -9 at random: the ledger is the server's own bill, and the cap holds over all runs."""

import random
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest

from orchestration_assets.command.run_account import open_accounts
from orchestration_assets.processing.answer_cache import AnswerCache
from orchestration_assets.processing.event_loop import BatchLimits, BatchWork, process_plans
from orchestration_assets.schemas.enums import ProcessingModel, Status
from orchestration_assets.schemas.items import Item
from resources.ai_services.drill.faults import Fault, FaultKind, FaultScript
from resources.ai_services.drill.server import DrillServer, serving
from resources.ai_services.http.chat import ChatService
from resources.ai_services.resilience.spend_budget import SpendBudget
from resources.home import Home
from resources.spending.writer import SpendingPurpose, SpendingWriter
from tests.ai_services.http.samples import chat
from tests.forked import forked, kill
from tests.processing.chat_batches import TASK, plans_of
from tests.processing.services import choice

ITEMS = 300
AT_ONCE = 8
KILLS = 4
PRICE = {"input_usd": 100.0, "output_usd": 400.0}


def load(name: str) -> Item:
    return Item(name, f"hash-{name}", f"{name}.txt", f"This is the text of item {name}. " * 3)


def spend(url: str, folder: Path, cap: float | None):
    """Carries out a batch as a run does: its account, its ledger, its budget."""
    home = Home(folder)
    config = chat(url, concurrency=AT_ONCE, price=PRICE, max_output_tokens=64)
    services = {"s": ChatService("s", config)}
    plans = plans_of(ITEMS, ProcessingModel.SEQUENTIAL, ("s",))
    work = BatchWork(
        {(TASK.name, "default"): choice("sequential", "s")}, {TASK.name: TASK}, services
    )
    accounts = open_accounts(home, {"s": config}, ["b"], cap)
    with accounts.limited_to_share("b", {"b": ITEMS}), ExitStack() as stack:
        purpose = SpendingPurpose("batch", "b", account=accounts.budget.account)
        writer = stack.enter_context(SpendingWriter(home.spending.folder, purpose))
        budget = SpendBudget(within=accounts.budget, recorder=writer)
        limits = BatchLimits(AT_ONCE, budget)
        return process_plans(plans, work, AnswerCache(home.answers), load, limits)


def bill(server: DrillServer) -> float:
    price = chat("http://127.0.0.1:1", price=PRICE).price
    return sum(price.of(one.tokens_in, one.tokens_out) for one in server.billed)


@pytest.mark.parametrize("seed", range(3))
def test_the_ledger_is_the_bill_and_the_cap_holds_over_every_kill(tmp_path, seed) -> None:
    chance = random.Random(seed)
    faults = (
        Fault(kind=FaultKind.HANG, share=0.03),
        Fault(kind=FaultKind.TRUNCATED, share=0.05),
        Fault(kind=FaultKind.ERROR, share=0.05),
        Fault(kind=FaultKind.RATE_LIMIT, share=0.05, seconds=0.01),
    )
    server = DrillServer(FaultScript(seed=seed, median_ms=5, faults=faults))
    cap = 1.5
    with serving(server) as url:
        for _ in range(KILLS):
            child = forked(spend, url, tmp_path, cap)
            wanted = len(server.log) + chance.randint(5, 40)
            while len(server.log) < wanted and child.is_alive():
                time.sleep(0.002)
            kill(child)
        done = spend(url, tmp_path, cap)
    rows = Home(tmp_path).spending.rows().to_pylist()
    assert {row["account"] for row in rows} == {rows[0]["account"]}
    ledger = sum(row["usd"] for row in rows)
    # no answer came, or nobody was left to hear it
    uncertain = [row for row in rows if row["estimated"]]
    assert {row["state"] for row in uncertain} >= {"in_flight"}
    assert sum(row["state"] == "in_flight" for row in rows) <= KILLS * AT_ONCE
    in_flight = sum(row["most_usd"] for row in uncertain)
    assert abs(ledger - bill(server)) <= in_flight + 1e-9
    assert bill(server) <= cap + in_flight + 1e-9
    # the money was there for a part of the items: it was spent
    statuses = Counter(one.status for one in done.interpretations[ProcessingModel.SEQUENTIAL])
    assert statuses[Status.OVER_BUDGET] > 0
    assert ledger > cap * 0.9
    assert ledger <= cap + max(row["most_usd"] for row in rows) * AT_ONCE
