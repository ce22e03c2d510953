"""A job of Dagster in the process of a command, and signals that come while it runs."""

import signal
from contextlib import suppress

import dagster as dg
import pytest

from orchestration_assets.command.batch_execution import RunFailedError
from orchestration_assets.command.interruption import stoppable
from orchestration_assets.command.job_execution import execute_job
from orchestration_assets.schemas.errors import StoreAwayError


@pytest.mark.parametrize("is_stopped", [False, True])
def test_a_job_that_breaks_while_a_signal_ends_it_was_stopped(is_stopped, tmp_path) -> None:
    @dg.op
    def breaks() -> None:
        with suppress(BaseException):
            if is_stopped:
                signal.raise_signal(signal.SIGTERM)
        raise ValueError("the disk is full")

    @dg.job
    def broken() -> None:
        breaks()

    definitions = dg.Definitions(jobs=[broken])
    expected = KeyboardInterrupt if is_stopped else RunFailedError
    with dg.instance_for_test() as instance, stoppable(), pytest.raises(expected):
        execute_job(definitions, instance, "broken", None, tmp_path)


def test_one_cause_of_several_steps_is_said_once(tmp_path) -> None:
    @dg.op
    def first() -> None:
        raise StoreAwayError("the store is away")

    @dg.op
    def second() -> None:
        raise StoreAwayError("the store is away")

    @dg.op
    def third() -> None:
        raise ValueError("no such column")

    @dg.job(executor_def=dg.in_process_executor)
    def broken() -> None:
        first()
        second()
        third()

    definitions = dg.Definitions(jobs=[broken])
    with dg.instance_for_test() as instance, pytest.raises(RunFailedError) as failed:
        execute_job(definitions, instance, "broken", None, tmp_path)
    words = str(failed.value)
    assert "first, second: the store is away; third: ValueError: no such column" in words
