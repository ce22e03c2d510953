"""kill -9 in the middle of conversations: no finished message is asked again, each in its turn."""

import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from orchestration_assets.processing.answer_cache import AnswerCache
from orchestration_assets.processing.event_loop import BatchLimits, BatchWork, process_plans
from orchestration_assets.processing.thread_memories import ThreadMemories
from orchestration_assets.schemas.conversation_config import ConversationConfig
from orchestration_assets.schemas.enums import AnswerKind, ProcessingModel, Status
from orchestration_assets.schemas.items import Task
from resources.ai_services.drill.faults import FaultScript
from resources.ai_services.drill.server import DrillServer, serving
from resources.ai_services.http.chat import ChatService
from resources.feature_cache.lmdb_store import LmdbStore
from tests.ai_services.http.samples import chat
from tests.forked import forked, kill
from tests.processing.chat_batches import stable_tables
from tests.processing.services import by_name, choice
from tests.processing.threads import Told, plans_about

pytestmark = pytest.mark.slow

KILLS = 3
THREADS = {f"t{n}": [f"Message {m} of thread t{n}." for m in range(1, 31)] for n in range(8)}
AT_ONCE = 16
TASKS = {"about": "reader", "stated": "notes"}
ABOUT = Task("about", "1", AnswerKind.LABEL, ("a", "b", "c"), question="Which?")
# facts rest on facts before them: each message waits for the one before it
STATED = Task("stated", "1", AnswerKind.SET, ("red", "green", "blue"), question="What?")


SCRIPT: Any = {
    "median_ms": 4,
    "replies": [
        {"contains": [f"NOW Message {m} "], "model": "notes", "answer": [("red", "green")[m % 2]]}
        for m in range(1, 31)
    ],
}


def process(url: str, folder: Path) -> Any:
    told = Told(THREADS)
    prompt = {"user": "{{ memory.text }} NOW {{ content }}"}
    shape = {"concurrency": AT_ONCE, "timeouts": {"total_s": 20.0}, "prompt": prompt}
    services = [ChatService(name, chat(url, model=name, **shape)) for name in TASKS.values()]
    config = ConversationConfig(facts_from="stated", recent=3)
    work = BatchWork(
        {(task, "default"): choice("sequential", name) for task, name in TASKS.items()},
        {"about": ABOUT, "stated": STATED},
        by_name(*services),
        memories=ThreadMemories(told, config, list(TASKS)),
    )
    plans = plans_about(list(told.items), TASKS)
    cache = AnswerCache(LmdbStore(folder))
    return process_plans(plans, work, cache, told.load, BatchLimits(AT_ONCE))


def tables(done: Any) -> list[Any]:
    return stable_tables(done, ProcessingModel.SEQUENTIAL)


def first_asked(log: list[Any], rows: list[Any]) -> dict[tuple[str, int, str], int]:
    """Thread, number of the message and task -> the place in the log where it was asked first."""
    about = {one.answer_key: (one.item_id, one.task) for one in rows}
    found: dict[tuple[str, int, str], int] = {}
    for place, request in enumerate(log):
        item, task = about[request.key]
        thread, _, number = item.partition("-")
        found.setdefault((thread, int(number), task), place)
    return found


def test_kills_repeat_no_finished_message_and_keep_each_in_its_turn(tmp_path) -> None:
    chance = random.Random(11)
    server, untouched = (DrillServer(FaultScript.model_validate(SCRIPT)) for _ in range(2))
    folder = tmp_path / "answers"
    kept: list[tuple[int, set[str]]] = []
    with serving(server) as url, serving(untouched) as other:
        for _ in range(KILLS):
            before = len(server.log)
            running = forked(process, url, folder)
            goal = before + chance.randint(30, 80)
            while len(server.log) < goal:
                assert running.is_alive(), "the run ended before it could be killed"
                time.sleep(0.002)
            kill(running)
            asked = {one.key for one in server.log}
            kept.append((len(server.log), set(LmdbStore(folder).get_many(asked))))
        killed, whole = process(url, folder), process(other, tmp_path / "whole")
        calls = len(server.log)
        assert tables(process(url, folder)) == tables(killed)
        assert len(server.log) == calls
    rows = [one for rows in killed.interpretations.values() for one in rows]
    assert {one.status for one in rows} == {Status.OK}
    assert tables(killed) == tables(whole)
    for seen, there in kept:
        assert there.isdisjoint(one.key for one in server.log[seen:])
    # one message of a thread is under way at a time: a kill costs what was under way at most
    repeated = Counter(one.key for one in server.log if one.finished)
    assert sum(times - 1 for times in repeated.values()) <= KILLS * 2 * len(THREADS)
    assert len(repeated) == 2 * 30 * len(THREADS)
    asked_at = first_asked(server.log, rows)
    for (thread, number, _), place in asked_at.items():
        assert number == 1 or asked_at[thread, number - 1, "stated"] < place
    # threads go side by side: none is over before each has begun
    ends = min(asked_at[thread, 30, "stated"] for thread in THREADS)
    assert all(asked_at[thread, 1, "stated"] < ends for thread in THREADS)
