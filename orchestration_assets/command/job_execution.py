"""One job of Dagster in this process, recorded in the instance of its home."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from orchestration_assets.command.batch_execution import RunFailedError, say
from orchestration_assets.command.failure import failure_of
from orchestration_assets.command.garbage import collect_from_here
from orchestration_assets.command.interruption import raise_if_stopped

if TYPE_CHECKING:
    import dagster as dg

_QUIET: Final = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def execute_job(
    definitions: "dg.Definitions",
    instance: "dg.DagsterInstance",
    job: str,
    batch: str | None,
    running: Path,
) -> "dg.ExecuteInProcessResult":
    """Runs the job to its end, about one batch where it is about any.

    ``running``: the folder of the locks by which runs of a home are found out whose process is
    gone. Raises RunFailedError when a step broke, KeyboardInterrupt when it was stopped from
    outside.
    """
    if batch is not None:
        _add_partition(instance, batch)
    definition = definitions.resolve_job_def(job)
    collect_from_here()
    result = _executed(definition, instance, batch, running)
    if not result.success:
        failure = failure_of(result)
        if failure.stopped:
            from orchestration_assets.command.instance import note_stopped

            note_stopped(instance, result.run_id)
            raise KeyboardInterrupt
        where = f"batch {batch}: " if batch else ""
        words = f"{where}{job} failed (run {result.run_id}): {failure.words}"
        failed = RunFailedError(words, failure.exit_code)
        # a step may break while it ends what a signal stops: no other batch is begun either
        raise_if_stopped(failed)
        raise failed
    raise_if_stopped()
    return result


def end_lost(instance: "dg.DagsterInstance") -> None:
    """Ends earlier runs in the instance whose process was killed, and says which."""
    from resources.lost_runs import end_lost_runs

    for run in end_lost_runs(instance):
        about = f" of batch {batch}" if (batch := run.tags.get("dagster/partition")) else ""
        say(f"{run.job_name}{about} (run {run.run_id}) was killed; it ends as failed in Dagster")


def _executed(
    job: "dg.JobDefinition", instance: "dg.DagsterInstance", batch: str | None, running: Path
) -> "dg.ExecuteInProcessResult":
    """As ``job.execute_in_process`` does it, which would hold every table that a step yields, and
    those of earlier batches, until the process ends: they are all stored, and read from there."""
    from dagster._core.definitions.job_base import InMemoryJob
    from dagster._core.execution.execute_in_process import core_execute_in_process, merge_run_tags
    from dagster._core.utils import make_new_run_id

    from resources.lost_runs import held_run

    alone = job.as_ephemeral_job(resource_defs={}, input_values={})
    tags = merge_run_tags(job, batch, None, [], instance, _QUIET)
    run_id = make_new_run_id()
    with held_run(running, run_id) as held:
        return core_execute_in_process(
            run_config=_QUIET,
            job=InMemoryJob(job_def=alone),
            instance=instance,
            output_capturing_enabled=False,
            raise_on_error=False,
            run_tags={**tags, **held},
            run_id=run_id,
            asset_selection=frozenset(),
        )


def _add_partition(instance: "dg.DagsterInstance", batch: str) -> None:
    """The batch as a partition; others may add it at the same moment."""
    from orchestration_assets.partitions import content_batches

    partitions = content_batches.name or ""
    if instance.has_dynamic_partition(partitions, batch):
        return
    try:
        instance.add_dynamic_partitions(partitions, [batch])
    except Exception:
        if not instance.has_dynamic_partition(partitions, batch):
            raise
