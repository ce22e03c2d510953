"""kill -9 between the rounds of panels: no call that was finished is made again."""

import random
import time
from collections import Counter
from pathlib import Path

import pytest

from orchestration_assets.processing.answer_cache import AnswerCache
from orchestration_assets.processing.event_loop import BatchLimits, BatchWork, process_plans
from orchestration_assets.schemas.enums import ProcessingModel
from resources.ai_services.drill.faults import FaultScript
from resources.ai_services.drill.server import DrillServer, serving
from resources.ai_services.http.chat import ChatService
from resources.feature_cache.lmdb_store import LmdbStore
from tests.ai_services.http.samples import chat
from tests.forked import forked, kill
from tests.processing.chat_batches import TASK, load, plans_of, stable_tables
from tests.processing.services import choice

pytestmark = pytest.mark.slow

ITEMS, KILLS, AT_ONCE = 60, 4, 8
MEMBERS = ("first", "second", "third")
CALLS = ITEMS * len(MEMBERS) * 3
REPLIES = [
    # shown red and green, the third moves to red; the second holds
    {"contains": ["another: red"], "model": "third", "answer": "red", "confidence": 0.9},
    {"contains": ["item"], "model": "first", "answer": "red", "confidence": 0.9},
    {"contains": ["item"], "model": "second", "answer": "green", "confidence": 0.6},
    {"contains": ["item"], "model": "third", "answer": "blue", "confidence": 0.7},
]


def process(url: str, store: LmdbStore):
    services = {
        name: ChatService(
            name, chat(url, model=name, concurrency=AT_ONCE, timeouts={"total_s": 20.0})
        )
        for name in MEMBERS
    }
    way = choice("iterative", *MEMBERS, panel={})
    plans = plans_of(ITEMS, ProcessingModel.ITERATIVE, MEMBERS)
    work = BatchWork({(TASK.name, "default"): way}, {TASK.name: TASK}, services)
    return process_plans(plans, work, AnswerCache(store), load, BatchLimits(AT_ONCE))


def process_in(url: str, folder: Path) -> None:
    process(url, LmdbStore(folder))


def tables(done) -> list:
    return stable_tables(done, ProcessingModel.ITERATIVE)


def test_kills_between_rounds_repeat_no_finished_call(tmp_path) -> None:
    chance = random.Random(7)
    script = FaultScript.model_validate({"median_ms": 60, "replies": REPLIES})
    server, untouched = DrillServer(script), DrillServer(script)
    folder = tmp_path / "answers"
    with serving(server) as url, serving(untouched) as other:
        for _ in range(KILLS):
            goal = len(server.billed) + chance.randint(30, 100)
            running = forked(process_in, url, folder)
            while len(server.billed) < goal and running.is_alive():
                time.sleep(0.01)
            kill(running)
        store = LmdbStore(folder)
        kept, before = len(store.entries()), len(server.log)
        killed = process(url, store)
        assert 0 < kept < CALLS
        assert len(server.log) - before == CALLS - kept
        # what was answered and is lost was under way when it was killed, or not on disk yet
        repeated = Counter(one.key for one in server.log if one.finished)
        lost = sum(times - 1 for times in repeated.values())
        assert lost <= KILLS * 2 * AT_ONCE * len(MEMBERS)
        assert {one.round for one in killed.interpretations[ProcessingModel.ITERATIVE]} == {0, 1, 2}
        assert tables(killed) == tables(process(other, LmdbStore(tmp_path / "untouched")))
        calls = len(server.log)
        assert tables(process(url, store)) == tables(killed)
        assert len(server.log) == calls
