"""kill -9 at random moments: nothing that was answered and kept is ever asked again."""

import random
import time
from collections import Counter
from pathlib import Path

import pytest

from orchestration_assets.processing.answer_cache import AnswerCache
from orchestration_assets.processing.event_loop import BatchLimits, BatchWork, process_plans
from orchestration_assets.schemas.enums import ProcessingModel, Status
from resources.ai_services.drill.faults import FaultScript
from resources.ai_services.drill.server import DrillServer, serving
from resources.ai_services.http.chat import ChatService
from resources.feature_cache.lmdb_store import LmdbStore
from tests.ai_services.http.samples import chat
from tests.forked import forked, kill
from tests.processing.chat_batches import TASK, load, plans_of, stable_tables
from tests.processing.services import choice

pytestmark = pytest.mark.slow

ITEMS = 1000
CALLS = 2 * ITEMS
KILLS = 10
AT_ONCE = 16


def process(url: str, folder: Path):
    """Two waves an item: the second service sees what the first one said."""
    services = {
        name: ChatService(
            name, chat(url, model=name, concurrency=AT_ONCE, timeouts={"total_s": 20.0})
        )
        for name in ("first", "second")
    }
    way = choice("sequential", "first", "second", chain=True)
    plans = plans_of(ITEMS, ProcessingModel.SEQUENTIAL, ("first", "second"))
    work = BatchWork({(TASK.name, "default"): way}, {TASK.name: TASK}, services)
    return process_plans(
        plans, work, AnswerCache(LmdbStore(folder)), load, BatchLimits(AT_ONCE), lambda items: None
    )


def tables(done) -> list:
    return stable_tables(done, ProcessingModel.SEQUENTIAL)


def test_ten_kills_repeat_no_kept_answer_and_change_no_table(tmp_path) -> None:
    chance = random.Random(7)
    server, untouched = DrillServer(FaultScript(median_ms=5)), DrillServer()
    folder = tmp_path / "answers"
    known_at: list[tuple[int, set[str]]] = []
    with serving(server) as url, serving(untouched) as other:
        for _ in range(KILLS):
            child = forked(process, url, folder)
            # somewhere within the next tenth of the run
            wanted = len(server.log) + chance.randint(20, 19 * CALLS // (20 * KILLS))
            while len(server.log) < wanted:
                assert child.is_alive(), "the run ended before it could be killed"
                time.sleep(0.002)
            kill(child)
            asked = {one.key for one in server.log}
            known_at.append((len(server.log), set(LmdbStore(folder).get_many(asked))))
        done = process(url, folder)
        whole = process(other, tmp_path / "whole")
    for seen, there in known_at:
        again = there & {one.key for one in server.log[seen:]}
        assert not again, "an answer that was kept was asked for again"
    assert len(known_at[-1][1]) > CALLS / 4
    counted = Counter(one.key for one in server.log)
    repeated = sum(times - 1 for times in counted.values())
    assert len(counted) == CALLS
    # at each kill no more is lost than one call of each item under way, as many as both services
    # take at once
    assert repeated <= KILLS * 2 * AT_ONCE
    assert max(Counter(one.key for one in server.billed).values()) == 1
    assert tables(done) == tables(whole)
    rows = done.interpretations[ProcessingModel.SEQUENTIAL]
    assert {row.status for row in rows} == {Status.OK}
