"""What a run could not do, in one line for each kind and service."""

import pytest

from orchestration_assets.command.shortfalls import Shortfall, UnaskedReading, shortfalls
from orchestration_assets.schemas.enums import Status

STOP = "model is stopped for this run: HTTP 401 Unauthorized"
EXPECTED = {
    Status.DEFERRED: Shortfall.DEFERRED,
    Status.TIMEOUT: Shortfall.DEADLINE,
    Status.OVER_BUDGET: Shortfall.OVER_BUDGET,
    Status.FAILED: Shortfall.FAILED,
    Status.REJECTED_OUTPUT: Shortfall.UNREADABLE,
}


@pytest.mark.parametrize("status", Status)
def test_every_status_is_a_shortfall_or_deliberately_none(status) -> None:
    kinds = [one.kind for one in shortfalls([UnaskedReading("model", status, "why")])]
    assert kinds == ([EXPECTED[status]] if status in EXPECTED else [])


def test_what_was_stopped_is_told_from_what_was_away() -> None:
    readings = [UnaskedReading("model", Status.DEFERRED, reason) for reason in (STOP, "away", STOP)]
    away, stopped = shortfalls(readings)
    assert (away.kind, away.readings, away.reason) == (Shortfall.DEFERRED, 1, "away")
    assert (stopped.kind, stopped.readings, stopped.reason) == (Shortfall.STOPPED, 2, STOP)
    assert str(stopped).startswith(f"2 questions of model ({STOP}): mend")


def test_lines_are_by_kind_and_service_with_the_commonest_reason() -> None:
    readings = [
        UnaskedReading("b", Status.TIMEOUT, "late"),
        UnaskedReading("a", Status.OVER_BUDGET, "no money"),
        UnaskedReading("a", Status.TIMEOUT, "rare"),
        UnaskedReading("a", Status.TIMEOUT, "common"),
        UnaskedReading("a", Status.TIMEOUT, "common"),
    ]
    lines = shortfalls(readings)
    assert [(one.kind, one.service, one.readings) for one in lines] == [
        (Shortfall.DEADLINE, "a", 3),
        (Shortfall.DEADLINE, "b", 1),
        (Shortfall.OVER_BUDGET, "a", 1),
    ]
    assert lines[0].reason == "common"
    assert str(lines[0]).startswith("3 questions of a (2 times: common): raise timeouts.total_s")
    assert all("--reprocess" in one.remedy for one in lines)
