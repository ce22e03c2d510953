"""Runs of Dagster whose process was killed: nobody else ends them in the instance, where they would
look under way for good and keep a place of their pool.

A run that may be ended so carries a tag with the lock that its process holds from before the
instance knows of the run until it is over. The kernel gives that back however the process ends, so
a run that is under way without its lock has none.
"""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import dagster as dg
from dagster._core.storage.runs.sqlite.sqlite_run_storage import SqliteRunStorage

from resources.claims import machine
from resources.run_locks import is_running, run_lock

LOCK_TAG: Final = "orchestration/lock"
"""On a run: the machine and the folder of the lock that its process holds, and its own id, since a
run that is done again takes over the tags of the first."""
UNDER_WAY: Final = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
"""States of a run that has not come to its end."""
_WHY: Final = "The process of this run is gone: it was killed, or its machine died."


@contextmanager
def held_run(folder: Path, run_id: str) -> Generator[dict[str, str], None, None]:
    """Holds the lock of a run that is to be made, below ``folder``; yields the tags it needs."""
    with run_lock(folder, run_id):
        yield {LOCK_TAG: f"{run_id}:{machine()}:{folder.absolute()}"}


def end_lost_runs(instance: dg.DagsterInstance) -> list[dg.DagsterRun]:
    """Ends every run as failed that says which lock its process holds, and whose process is gone;
    the runs that it ended.

    Those of other machines that share the instance's database are left to them.
    """
    is_local = isinstance(instance.run_storage, SqliteRunStorage)
    lost = [
        run
        for run in instance.get_runs(dg.RunsFilter(statuses=UNDER_WAY))
        if _is_lost(run, is_local=is_local)
    ]
    for run in lost:
        end_lost_run(instance, run)
    return lost


def end_lost_run(instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    """Ends a run whose process is gone as failed, with the reason, and frees its places."""
    instance.report_run_failed(run, _WHY)
    if instance.event_log_storage.supports_global_concurrency_limits:
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)


def _is_lost(run: dg.DagsterRun, *, is_local: bool) -> bool:
    whose, _, place = run.tags.get(LOCK_TAG, "").partition(":")
    where, _, folder = place.partition(":")
    if whose != run.run_id or not folder:
        return False
    # a file is the database of one machine: what an earlier start of it carried out is gone
    return (is_local or where == machine()) and not is_running(Path(folder), run.run_id)
