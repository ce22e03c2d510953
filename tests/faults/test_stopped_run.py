"""Ctrl-C and SIGTERM while questions are asked: one clear line, nothing lost or paid twice."""

import signal

import dagster as dg
import pytest

from resources.ai_services.drill.faults import FaultScript
from resources.run_locks import STOPPED_TAG
from tests.faults.conftest import KNOWN

pytestmark = pytest.mark.slow

NEW = 24


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_is_gone_on_with_and_asks_nothing_twice(place, number) -> None:
    place.add(NEW)
    place.server.script = FaultScript(median_ms=40)
    command = place.run()
    command.until(lambda: sum(call.finished for call in place.calls) >= NEW // 3, "answers")
    command.send(number)
    assert command.end() == 128 + number, command.said
    assert command.ours == ["orchestrate: stopped; run the same command to go on"]
    assert "Traceback" not in command.said
    with dg.DagsterInstance.from_config(str(place.home / "dagster")) as instance:
        latest = instance.get_runs(limit=1)[0]
    assert STOPPED_TAG in latest.tags
    place.finishes()
    assert place.repeated == []
    assert len(place.rows("resolutions")) == KNOWN + NEW
