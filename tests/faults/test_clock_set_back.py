"""The time of day is set back by days, between runs and for one of them."""

import pytest

from tests.faults.conftest import KNOWN

pytestmark = pytest.mark.slow

BACK = {"CLOCK_OFFSET_S": str(-3 * 86_400)}


def test_a_clock_set_back_loses_nothing_and_asks_nothing_twice(place) -> None:
    if place.commands.clock is None:
        pytest.skip("needs a C compiler, for a clock that can be moved")
    place.add(2)
    place.finishes(environment=BACK)
    assert len(place.calls) == 2
    place.add(1)
    (place.source / "note0.md").unlink()
    place.finishes(environment=BACK)
    place.finishes()
    assert place.repeated == []
    assert len(place.calls) == 3
    assert len(place.rows("resolutions")) == KNOWN + 3
    assert [row["path"] for row in place.rows("content_ledger") if row["state"] == "deleted"] == []
