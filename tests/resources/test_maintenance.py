"""Maintenance and runs: never both at once, and neither waits for ever."""

import threading

import pytest

from resources.claims import claimed, is_claimed
from resources.home import Home
from resources.maintenance import (
    MAINTENANCE,
    HomeInUseError,
    await_maintenance,
    maintaining,
)
from tests.forked import event, forked


def test_a_run_that_begins_meanwhile_waits_until_it_is_over(tmp_path) -> None:
    home, told, went_on = Home(tmp_path), threading.Event(), threading.Event()

    def run() -> None:
        await_maintenance(home, lambda owner: told.set())
        went_on.set()

    with maintaining(home, "a test"):
        thread = threading.Thread(target=run)
        thread.start()
        assert told.wait(30) and not went_on.is_set()
    assert went_on.wait(30)
    thread.join()
    assert not is_claimed(tmp_path, MAINTENANCE)


def test_it_does_not_begin_twice_nor_beside_a_run(tmp_path) -> None:
    home = Home(tmp_path)
    for name in (MAINTENANCE, "corpus", "20260101T000000Z-00000000"):
        ready, over = event(), event()
        other = forked(_hold, tmp_path, name, ready, over)
        assert ready.wait(60)
        with pytest.raises(HomeInUseError, match="a test elsewhere"), maintaining(home, "it"):
            raise AssertionError("it began")
        assert not is_claimed(tmp_path, MAINTENANCE) or name == MAINTENANCE
        over.set()
        other.join()
    with maintaining(home, "it"):
        assert is_claimed(tmp_path, MAINTENANCE)


def test_what_a_dead_run_left_is_in_nobodys_way(tmp_path) -> None:
    (tmp_path / "claims").mkdir()
    (tmp_path / "claims" / "20260101T000000Z-00000000").write_bytes(b"left behind")
    with maintaining(Home(tmp_path), "it"):
        pass


def _hold(folder, name, ready, over) -> None:
    with claimed(folder, name, "a test elsewhere"):
        ready.set()
        over.wait(120)
