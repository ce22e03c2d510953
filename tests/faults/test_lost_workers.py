"""Workers under a run that are killed again and again, and the scheduler of Dask."""

import os
import signal
import threading
from pathlib import Path

import pytest

from tests.faults.conftest import KNOWN
from tests.resources.test_dask_cluster import running_scheduler

pytestmark = pytest.mark.slow

NEW = 30
KILLS, EVERY_S = 3, 3.0
TIERS = "execution: {tiers: {dask_from_items: 1, chunk_items: 2, dask_from_s: 0}}\n"


def descendants(pid: int) -> dict[int, str]:
    """The processes below one, with their command lines."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(entry.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(entry.parent.name))
    below, waiting = {}, [pid]
    while waiting:
        for child in children.get(waiting.pop(), []):
            waiting.append(child)
            try:
                line = Path(f"/proc/{child}/cmdline").read_bytes()
            except OSError:
                continue
            below[child] = line.replace(b"\0", b" ").decode()
    return below


def workers(pid: int) -> list[int]:
    return [child for child in descendants(pid) if _name(child) == "worker"]


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text("ascii").strip()
    except OSError:
        return ""


def test_workers_that_are_killed_every_few_seconds_cost_time_only(place) -> None:
    place.policy.write_text(place.policy.read_text() + TIERS)
    place.add(NEW)
    command = place.run(environment={"ORCHESTRATION_DASK": "processes"})
    killed: list[int] = []
    over = threading.Event()

    def kill() -> None:
        while len(killed) < KILLS and not over.wait(EVERY_S if killed else 0.05):
            for worker in workers(command.pid)[:1]:
                os.kill(worker, signal.SIGKILL)
                killed.append(worker)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        code = command.end()
    finally:
        over.set()
        killer.join()
    assert code == 0, command.said[-3000:]
    assert killed, "no worker was ever there"
    assert place.repeated == []
    assert len(place.calls) == NEW
    assert len(place.rows("resolutions")) == KNOWN + NEW
    assert len(place.rows("content_profiles")) == KNOWN + NEW


def test_a_scheduler_that_is_killed_is_said_and_the_next_run_goes_on(place) -> None:
    place.policy.write_text(place.policy.read_text() + TIERS)
    place.add(NEW)
    with running_scheduler() as (address, scheduler, _):
        command = place.run(environment={"ORCHESTRATION_DASK": address})
        # profiles are under way, none is a table yet
        batches = set(place.home.glob("batches/*.parquet"))
        command.until(lambda: set(place.home.glob("batches/*.parquet")) - batches, "a batch")
        scheduler.kill()
        assert command.end() in (1, 2), command.said
    assert "Traceback" not in command.said
    assert [line for line in command.said.splitlines() if address in line], command.said
    assert place.calls == []
    place.finishes(environment={"ORCHESTRATION_DASK": "threads"})
    assert place.repeated == []
    assert len(place.rows("resolutions")) == KNOWN + NEW
