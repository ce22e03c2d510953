"""One job of Dagster in this process, recorded in the instance of its home."""

from typing import TYPE_CHECKING, Final

from orchestration_assets.command.batch_execution import RunFailedError
from orchestration_assets.command.failure import failure_of
from orchestration_assets.command.garbage import collect_from_here
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
    definition = definitions.resolve_job_def(job)
    collect_from_here()
    result = definition.execute_in_process(
        instance=instance, partition_key=batch, run_config=_QUIET, raise_on_error=False
    )
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
