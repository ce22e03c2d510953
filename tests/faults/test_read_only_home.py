"""A home that cannot be written: said in one line; what only reads goes on."""

import pytest

from tests.faults.conftest import KNOWN

pytestmark = pytest.mark.slow


def test_a_read_only_home_is_said_in_one_line_and_can_be_read(place) -> None:
    place.add(1)
    place.commands.mounted("--bind", place.home, place.home)
    place.commands.mounted("-o", "remount,ro,bind", place.home)
    try:
        command = place.run()
        assert command.end() == 2, command.said
        assert len(command.ours) == 1, command.said
        assert str(place.home) in command.ours[0]
        assert "choose a home that can be written" in command.ours[0]
        assert "Traceback" not in command.said
        explained = place.commands.start("explain", "note0.md", "--home", place.home)
        assert explained.end() == 0, explained.said
        assert place.calls == []
    finally:
        place.commands.mounted("-o", "remount,rw,bind", place.home)
    place.finishes()
    assert place.repeated == []
    assert len(place.rows("resolutions")) == KNOWN + 1
