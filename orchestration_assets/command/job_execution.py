"""One job of Dagster in this process, recorded in the instance of its home."""

from typing import TYPE_CHECKING, Final

from orchestration_assets.command.batch_execution import RunFailedError
from orchestration_assets.command.failure import failure_of
from orchestration_assets.command.interruption import raise_if_stopped

if TYPE_CHECKING:
    import dagster as dg

_QUIET: Final = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def execute_job(
    definitions: "dg.Definitions", instance: "dg.DagsterInstance", job: str, batch: str | None
) -> "dg.ExecuteInProcessResult":
    """Runs the job to its end, about one batch where it is about any.

    Raises RunFailedError when a step broke, KeyboardInterrupt when it was stopped from outside.
    """
    if batch is not None:
        _add_partition(instance, batch)
    result = _executed(definitions.resolve_job_def(job), instance, batch)
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


def _executed(
    job: "dg.JobDefinition", instance: "dg.DagsterInstance", batch: str | None
) -> "dg.ExecuteInProcessResult":
    """As ``job.execute_in_process`` does it, which would hold every table that a step yields, and
    those of earlier batches, until the process ends: they are all stored, and read from there."""
    from dagster._core.definitions.job_base import InMemoryJob
    from dagster._core.execution.execute_in_process import core_execute_in_process, merge_run_tags

    alone = job.as_ephemeral_job(resource_defs={}, input_values={})
    return core_execute_in_process(
        run_config=_QUIET,
        job=InMemoryJob(job_def=alone),
        instance=instance,
        output_capturing_enabled=False,
        raise_on_error=False,
        run_tags=merge_run_tags(job, batch, None, [], instance, _QUIET),
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
