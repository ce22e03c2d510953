"""How many batches the daemon carries out at once: the runs that it would take from its queue."""

import time

import dagster as dg
import pytest
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._daemon.run_coordinator import QueuedRunCoordinatorDaemon

from orchestration_assets.command import instance as homes
from orchestration_assets.command.instance import open_instance
from orchestration_assets.definitions import build_definitions
from orchestration_assets.settings import Settings
from resources.home import Home


@pytest.mark.parametrize("cores", [1, 3])
def test_the_daemon_starts_as_many_batches_as_the_machine_carries(
    tmp_path, monkeypatch, cores
) -> None:
    monkeypatch.setattr(homes, "usable_cores", lambda: cores)
    monkeypatch.setattr(homes, "usable_memory", lambda: 64 << 30)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    definitions = build_definitions(Settings(tmp_path))
    place = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("here"), "__repository__")
    with open_instance(Home(tmp_path)) as instance:
        batches = [f"20260102T030405Z-0000000{n}" for n in range(6)]
        instance.add_dynamic_partitions("content_batches", batches)

        def queue(name: str, **tags: str) -> str:
            run = instance.create_run_for_job(
                definitions.resolve_job_def(name),
                tags=tags,
                status=dg.DagsterRunStatus.QUEUED,
                remote_job_origin=RemoteJobOrigin(place, name),
            )
            return run.run_id

        about_batches = [
            queue("process_batch", **{"dagster/partition": batch}) for batch in batches
        ]
        reports = queue("corpus_reports")
        daemon = QueuedRunCoordinatorDaemon(interval_seconds=5)
        taken = daemon._get_runs_to_dequeue(
            instance, instance.get_concurrency_config(), fixed_iteration_time=time.time()
        )
    assert taken[0].run_op_concurrency is not None
    ids = [run.run_id for run in taken]
    assert [one for one in ids if one in about_batches] == about_batches[: max(cores, 2)]
    # what is about all batches need not wait for them
    assert reports in ids
