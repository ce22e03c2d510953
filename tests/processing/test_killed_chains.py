"""kill -9 in the middle of chains of tasks: nothing that was answered and kept is asked again."""

import random
import time
from collections import Counter
from pathlib import Path

import pytest

from orchestration_assets.processing.answer_cache import AnswerCache
from orchestration_assets.processing.event_loop import BatchLimits, BatchWork, process_plans
from orchestration_assets.schemas.comparisons import AnswerCondition
from orchestration_assets.schemas.enums import ProcessingModel
from orchestration_assets.schemas.items import Item, Task
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import DECISION_LOG, INTERPRETATIONS, PlanRow
from orchestration_assets.schemas.task_inputs import AnswerTest, TaskInputs
from resources.ai_services.drill.faults import FaultScript
from resources.ai_services.drill.server import DrillServer, serving
from resources.ai_services.http.chat import ChatService
from resources.feature_cache.lmdb_store import LmdbStore
from tests.ai_services.http.samples import LABELS, chat
from tests.forked import forked, kill
from tests.processing.services import choice
from tests.rows import row

pytestmark = pytest.mark.slow

ITEMS = 200
KILLS = 4
SHOWN = "{% for t in answers %}{{ answers[t] }}{% endfor %}"
PROMPT = {"user": f"{{{{ task.name }}}} {SHOWN} {{{{ content }}}}"}


def load(name: str) -> Item:
    return Item(name, f"hash-{name}", f"{name}.txt", f"This is the text of item {name}.")


def process(url: str, folder: Path):
    """Three tasks, each shown the answer before it; the last only where that is not one label."""
    service = ChatService("model", chat(url, model="m", concurrency=16, prompt=PROMPT))
    names = ("t0", "t1", "t2")
    tasks = {n: Task(n, "1", LABELS.kind, LABELS.labels, question="Which?") for n in names}
    unlike = AnswerTest("t1", "", AnswerCondition(ne=LABELS.labels[0]))
    inputs = {
        "t1": TaskInputs(("t0",), ("t0",)),
        "t2": TaskInputs(("t1",), ("t0", "t1")[1:], (unlike,)),
    }
    plans = [
        row(PlanRow, batch="b", item_id=f"i{n:04}", content_hash=f"hash-i{n:04}", task=name,
            model=ProcessingModel.PARALLEL, option="default", services=("model",))
        for n in range(ITEMS) for name in names
    ]  # fmt: skip
    way = choice("parallel", "model")
    work = BatchWork({(n, "default"): way for n in names}, tasks, {"model": service}, inputs=inputs)
    return process_plans(plans, work, AnswerCache(LmdbStore(folder)), load, BatchLimits(16))


def tables(done) -> list:
    model = ProcessingModel.PARALLEL
    stored = ((INTERPRETATIONS[model], done.interpretations[model]), (DECISION_LOG, done.decisions))
    return [rows_to_arrow(table, rows).select(table.stable_columns) for table, rows in stored]


def test_kills_repeat_no_kept_answer_of_a_chain(tmp_path) -> None:
    chance = random.Random(7)
    server, untouched = DrillServer(FaultScript(median_ms=5)), DrillServer()
    folder = tmp_path / "answers"
    with serving(server) as url, serving(untouched) as other:
        for _ in range(KILLS):
            before = len(server.billed)
            running = forked(process, url, folder)
            goal = before + chance.randint(20, 100)
            while len(server.billed) < goal and running.is_alive():
                time.sleep(0.01)
            kill(running)
        killed = process(url, folder)
        # under way when it was killed are at most as many as may be at once
        repeated = Counter(one.key for one in server.log if one.finished)
        assert sum(times - 1 for times in repeated.values()) <= KILLS * 16
        assert tables(killed) == tables(process(other, tmp_path / "untouched"))
        calls = len(server.log)
        assert tables(process(url, folder)) == tables(killed)
        assert len(server.log) == calls
