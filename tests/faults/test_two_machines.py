"""Processes of two machines on one home, where no lock of one holds on the other."""

import pytest

from orchestration_assets.content.intake import unfinished
from resources.ai_services.drill.faults import FaultScript
from resources.home import Home
from tests.faults.conftest import AT_ONCE, KNOWN

pytestmark = pytest.mark.slow

NEW = 20
HERE, THERE = {"machine": ["here"]}, {"machine": ["there"]}


def test_two_machines_share_a_home_and_ask_nothing_twice(place) -> None:
    place.add(NEW)
    place.server.script = FaultScript(median_ms=400)
    first = place.run(**HERE)
    first.until(lambda: place.calls, "calls")
    second = place.run(**THERE)
    assert first.end() == 0, first.said
    assert second.end() == 0, second.said
    assert unfinished(Home(place.home)) == []
    assert place.repeated == []
    assert len(place.calls) == NEW
    assert len(place.rows("resolutions")) == KNOWN + NEW


def test_the_work_of_a_machine_that_is_gone_is_taken_over(place) -> None:
    place.add(NEW)
    place.server.script = FaultScript(median_ms=100)
    gone = place.run(**HERE)
    gone.until(lambda: sum(call.finished for call in place.calls) >= 2 * AT_ONCE, "answers")
    gone.kill()
    before = [call.key for call in place.calls]
    kept = set(Home(place.home).answers.get_many(before))
    place.finishes(**THERE)
    # answers are saved together, however busy the machine is: what was not saved yet is lost with
    # what was under way, and nothing else
    asked_since = {call.key for call in place.calls[len(before) :]}
    assert not kept & asked_since
    assert set(place.repeated) <= set(before) - kept
    assert len({call.key for call in place.calls}) == NEW
    assert len(place.rows("resolutions")) == KNOWN + NEW
