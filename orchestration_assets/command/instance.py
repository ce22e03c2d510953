"""The Dagster instance of a home: made once, safely, and kept on this machine."""

import sqlite3
from collections.abc import Generator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

import dagster as dg
import yaml
from dagster._core.instance.ref import InstanceRef
from dagster_shared.check import CheckError
from sqlalchemy.exc import DatabaseError

from orchestration_assets.command.instance_paths import instance_folder
from orchestration_assets.command.job_count import MEMORY_OF_ONE
from orchestration_assets.partitions import BATCH_POOL
from orchestration_assets.schemas.errors import DamagedFileError, OrchestrationError, unwritable
from resources.captured_output import mirrored_output
from resources.dagster_storage import open_server_storage, open_storage
from resources.damage import notice
from resources.home import Home
from resources.locks import locked, make_folder
from resources.machine import usable_cores, usable_memory
from resources.run_locks import STOPPED_TAG
from resources.table_store import write_atomically

_DELETE: Final = "delete it: it is written anew"
_HEAD: Final = 100

_STORAGES: Final = frozenset({"storage", "run_storage", "event_log_storage", "schedule_storage"})

_FEWEST_BATCHES: Final = 2
"""At once, in the daemon: while one waits for a service, another computes."""
_OTHER_RUNS: Final = 2
"""Beside batches: reports over all of them, health checks."""
_CONFIG = {
    "telemetry": {"enabled": False},
    "nux": {"enabled": False},
    "run_monitoring": {"enabled": True},
    "run_retries": {"enabled": True, "retry_on_asset_or_op_failure": False},
    "retention": {
        "schedule": {"purge_after_days": 90},
        "sensor": {"purge_after_days": {"skipped": 7, "failure": 30, "success": -1}},
    },
}


def open_instance(home: Home) -> dg.DagsterInstance:
    """The instance of this home, created at first use.

    A fresh instance must not be initialised by two processes at once, hence the lock.
    """
    folder = instance_folder(home)
    make_folder(folder)
    with locked(folder / ".initialise.lock"):
        config = folder / "dagster.yaml"
        is_fresh = not config.exists() or (config.is_file() and not config.stat().st_size)
        if is_fresh:
            write_atomically(config, yaml.safe_dump(_CONFIG | _concurrency()).encode())
        configured = _checked_config(config)
        for file in _databases(folder):
            if not _looks_whole(file):
                _set_aside(file)
        try:
            instance = _instance(folder, configured)
        except (dg.DagsterError, CheckError, OSError, ValueError, TypeError) as error:
            raise DamagedFileError(config, str(error), _DELETE) from error
        except Exception as error:
            # the integration of a database wraps what its driver says in classes of its own
            if isinstance(error.__cause__, DatabaseError):
                raise _server_away(folder, error.__cause__) from error
            raise
        instance.get_runs_count()  # touches the storage, so that its tables exist
        if is_fresh:
            # a pool that nobody knows yet would not limit the first runs that the daemon starts
            instance.event_log_storage.initialize_concurrency_limit_to_default(BATCH_POOL)
    return instance


def _concurrency() -> dict[str, object]:
    """So many runs at once as this machine carries out well; those of batches share a pool."""
    by_machine = min(usable_cores(), usable_memory() // MEMORY_OF_ONE)
    batches = max(_FEWEST_BATCHES, by_machine)
    pools = {"granularity": "run", "default_limit": batches}
    runs = {"max_concurrent_runs": batches + _OTHER_RUNS}
    return {"concurrency": {"runs": runs, "pools": pools}}


def _instance(folder: Path, configured: Mapping[str, Any]) -> dg.DagsterInstance:
    # a storage that the owner configured stands
    is_owners = _STORAGES & {*configured}
    overrides = open_server_storage(configured) if is_owners else open_storage(folder)
    overrides |= mirrored_output(folder, configured)
    return dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(folder), overrides=overrides))


def _checked_config(config: Path) -> Mapping[str, Any]:
    """The settings in a configuration file."""
    try:
        plain = yaml.safe_load(config.read_bytes())
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise DamagedFileError(config, f"cannot be read ({error})", _DELETE) from error
    if plain is not None and not isinstance(plain, dict):
        raise DamagedFileError(config, "holds no settings", _DELETE)
    return plain or {}


def _databases(folder: Path) -> list[Path]:
    """The SQLite files below an instance that have not been set aside."""
    return sorted(folder.glob("history/**/*.db")) + sorted(folder.glob("schedules/*.db"))


def _looks_whole(file: Path) -> bool:
    """Whether the beginning and the size of a SQLite file are those of one; an empty one is."""
    try:
        with file.open("rb") as stream:
            head = stream.read(_HEAD)
    except IsADirectoryError:
        return False
    if not head:
        return True
    if len(head) < _HEAD or not head.startswith(b"SQLite format 3\0"):
        return False
    size = int.from_bytes(head[16:18], "big")
    pages = int.from_bytes(head[28:32], "big")
    return file.stat().st_size >= pages * (65_536 if size == 1 else size)


def _set_aside(file: Path) -> Path:
    """Takes a damaged database out of the way: what it held is the history of runs, no result."""
    aside = file.with_name(f"{file.name}.damaged")
    number = 0
    while aside.exists():
        number += 1
        aside = file.with_name(f"{file.name}.damaged{number}")
    try:
        file.rename(aside)
        for rest in ("-wal", "-shm", "-journal"):
            file.with_name(file.name + rest).unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(aside, error) from error
    notice(f"{file}: is damaged; set aside as {aside.name}: the history of runs begins anew")
    return aside


@contextmanager
def instance_errors(home: Home) -> Generator[None, None, None]:
    """Turns what the instance's storage raises into one line with file and remedy."""
    try:
        yield
    except (DatabaseError, sqlite3.DatabaseError) as error:
        folder = instance_folder(home)
        original = getattr(error, "orig", None) or error
        cause = " ".join(str(original).split())
        if not isinstance(original, sqlite3.Error):
            raise _server_away(folder, error) from error
        for file in _databases(folder):
            if not _is_sound(file):
                aside = _set_aside(file)
                raise DamagedFileError(
                    file,
                    cause,
                    f"it was set aside as {aside.name}: run the same command to go on",
                ) from error
        raise OrchestrationError(
            f"cannot use {folder}: {cause}; make room and let this user read and write it, then "
            "run the same command to go on"
        ) from error


def _server_away(folder: Path, error: Exception) -> OrchestrationError:
    cause = " ".join(str(getattr(error, "orig", None) or error).split())
    return OrchestrationError(
        f"the server that {folder / 'dagster.yaml'} names cannot be used ({cause}): start its "
        "database, then run the same command to go on"
    )


def _is_sound(file: Path) -> bool:
    """Whether SQLite finds nothing wrong with any page of the file."""
    if not _looks_whole(file):
        return False
    try:
        with closing(sqlite3.connect(file)) as connection:
            return bool(connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")
    except sqlite3.OperationalError:
        return True  # locked, or the disk is full: not the file's fault
    except sqlite3.DatabaseError:
        return False


def note_stopped(instance: dg.DagsterInstance, run_id: str) -> None:
    """Marks a run that was stopped from outside: it says nothing about its batch."""
    instance.add_run_tags(run_id, {STOPPED_TAG: "true"})
    run = instance.get_run_by_id(run_id)
    if run is not None:
        instance.report_run_canceled(run, "Stopped from outside; the same command goes on.")
