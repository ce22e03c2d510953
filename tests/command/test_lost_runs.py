"""Runs whose process was killed are ended in the instance; those of living processes are not."""

from pathlib import Path
from time import sleep

import dagster as dg

from orchestration_assets.command.instance import open_instance
from orchestration_assets.command.job_execution import execute_job
from resources.home import Home
from resources.lost_runs import LOCK_TAG, UNDER_WAY, end_lost_runs
from tests.forked import forked, kill


@dg.op(pool="batches")
def waits() -> None:
    sleep(600)


@dg.job
def waiting() -> None:
    waits()


def carry_out(folder: Path) -> None:
    home = Home(folder)
    with open_instance(home) as instance:
        execute_job(dg.Definitions(jobs=[waiting]), instance, "waiting", None, home.running)


def under_way(instance: dg.DagsterInstance) -> list[str]:
    return [run.run_id for run in instance.get_runs(dg.RunsFilter(statuses=UNDER_WAY))]


def until_started(instance: dg.DagsterInstance) -> str:
    for _ in range(600):
        if started := instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])):
            return started[0].run_id
        sleep(0.1)
    raise AssertionError("the run did not start")


def test_a_killed_run_is_ended_with_the_reason_and_a_living_one_goes_on(tmp_path) -> None:
    home = Home(tmp_path)
    with open_instance(home) as instance:
        # a run of another process, and one done again that took over its tags
        process = forked(carry_out, tmp_path)
        lost = until_started(instance)
        tags = {LOCK_TAG: instance.get_run_by_id(lost).tags[LOCK_TAG]}
        again = instance.create_run_for_job(waiting, tags=tags).run_id
        assert end_lost_runs(instance) == []
        kill(process)
        assert [run.run_id for run in end_lost_runs(instance)] == [lost]
        assert under_way(instance) == [again]
        ended = instance.get_run_by_id(lost)
        assert ended.status is dg.DagsterRunStatus.FAILURE
        said = [entry.message for entry in instance.all_logs(lost)]
        assert any("its machine died" in message for message in said)
        assert end_lost_runs(instance) == []
