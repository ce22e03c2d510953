"""kill -9 while the parts of a document are asked about: no finished part is asked again."""

import random
import time
from collections import Counter
from pathlib import Path

import pytest

from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.items import Task
from orchestration_assets.schemas.parts import JoinBy, PartsBy, TaskParts
from resources.ai_services.drill.faults import FaultScript
from resources.ai_services.drill.server import DrillServer, serving
from tests.ai_services.http.samples import LABELS
from tests.forked import forked, kill
from tests.processing.test_parts import Asking, contract, tables

pytestmark = pytest.mark.slow

KILLS = 4
CONCURRENCY = 8
TASK = Task(
    LABELS.name,
    "1",
    AnswerKind.LABEL,
    LABELS.labels,
    question="Which?",
    parts=TaskParts(PartsBy.SECTIONS, JoinBy.VOTE),
)


def process(url: str, folder: Path):
    """One document of 400 sections."""
    asking = Asking(url, folder, TASK, concurrency=CONCURRENCY)
    return asking.process({"contract": contract(400)})


def test_kills_repeat_no_finished_part(tmp_path) -> None:
    chance = random.Random(5)
    server, untouched = DrillServer(FaultScript(median_ms=10)), DrillServer()
    folder = tmp_path / "answers"
    with serving(server) as url, serving(untouched) as other:
        for _ in range(KILLS):
            before = len(server.billed)
            running = forked(process, url, folder)
            goal = before + chance.randint(20, 80)
            while len(server.billed) < goal and running.is_alive():
                time.sleep(0.01)
            kill(running)
        killed = process(url, folder)
        assert {one.status for one in killed.parts} == {Status.OK}
        repeated = Counter(one.key for one in server.log if one.finished)
        # what was under way when it was killed, and what the disk had not confirmed in that moment
        assert sum(times - 1 for times in repeated.values()) <= KILLS * 2 * CONCURRENCY
        assert len(repeated) == 400
        assert tables(killed) == tables(process(other, tmp_path / "untouched"))
        calls = len(server.log)
        assert tables(process(url, folder)) == tables(killed)
        assert len(server.log) == calls
