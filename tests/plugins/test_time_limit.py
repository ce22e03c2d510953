"""Limits on the time of somebody else's code, and what they leave of the thread."""

import subprocess
import sys
import threading
import time

import pytest

from orchestration_assets.extensions.time_limit import TimeUsedUpError, limited


def busy(seconds: float) -> str:
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass
    return "done"


def stubborn() -> None:
    while True:
        try:
            busy(0.5)
        except BaseException:  # noqa: BLE001 -- what a stubborn plug-in does
            return


def test_what_keeps_its_time_is_returned_and_what_does_not_is_stopped() -> None:
    assert limited(lambda: busy(0.001), 5.0) == "done"
    with pytest.raises(TimeUsedUpError, match="after 20 ms"):
        limited(lambda: busy(60.0), 0.02)
    with pytest.raises(TimeUsedUpError, match="after 50 ms"):
        limited(lambda: time.sleep(0.3), 5.0, wall_s=0.05)
    # code that catches everything is not stopped, and nothing of it is left to whoever comes next
    limited(stubborn, 0.01)
    assert busy(0.2) == "done"


def test_threads_are_stopped_each_by_its_own_limit() -> None:
    found: dict[int, str] = {}

    def one(number: int) -> None:
        for _ in range(20):
            try:
                found[number] = limited(lambda: busy(60.0 if number % 2 else 0.001), 0.01 + number)
            except TimeUsedUpError:
                found[number] = "stopped"
            if number % 2:
                return

    threads = [threading.Thread(target=one, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {0: "done", 1: "stopped"}


PROFILED = """
import sys
from orchestration_assets.extensions.time_limit import TimeUsedUpError, limited
def forever():
    while True:
        pass
for call, limit_s in ((lambda: 1, 5.0), (forever, 0.01)):
    try:
        limited(call, limit_s)
    except TimeUsedUpError:
        pass
seen = []
def work():
    return sum(range(9))
sys.setprofile(lambda *what: seen.append(what[1]))
work()
sys.setprofile(None)
print(len(seen) > 0)
"""


def test_a_thread_goes_on_under_a_profiler_afterwards() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROFILED], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout == "True\n"
