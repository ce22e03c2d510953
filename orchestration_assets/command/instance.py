"""The Dagster instance of a home: made once, safely, and kept on this machine."""

from pathlib import Path

import dagster as dg
import yaml
from filelock import FileLock

from orchestration_assets.command.places import instance_folder

_CONFIG = {
    "telemetry": {"enabled": False},
    "nux": {"enabled": False},
    "run_monitoring": {"enabled": True},
    "run_retries": {"enabled": True, "retry_on_asset_or_op_failure": False},
    # batches share one machine: two at a time keep both cores busy
    "concurrency": {"runs": {"max_concurrent_runs": 2}},
    "retention": {
        "schedule": {"purge_after_days": 90},
        "sensor": {"purge_after_days": {"skipped": 7, "failure": 30, "success": -1}},
    },
}


def open_instance(home: Path) -> dg.DagsterInstance:
    """The instance of this home, created at first use.

    A fresh instance must not be initialised by two processes at once, hence the lock.
    """
    folder = instance_folder(home)
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".initialise.lock"):
        config = folder / "dagster.yaml"
        if not config.exists():
            config.write_text(yaml.safe_dump(_CONFIG), "utf-8")
        instance = dg.DagsterInstance.from_config(str(folder))
        instance.get_runs_count()  # touches the storage, so that its tables exist
    return instance
