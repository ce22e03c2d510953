"""Verdict files that people drop become gold."""

import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import dagster as dg

from jobs import take_feedback
from orchestration_assets.content.verdict_folder import waiting
from orchestration_assets.namespace import ALONE, AssetJob, Namespace, with_resources_of
from orchestration_assets.policy.load import load_policy
from resources.home import Home
from resources.home_resource import PolicyFileResource
from resources.lost_runs import UNDER_WAY
from sensors.runs import STARTED, STOPPED

_FILES_TAG = "orchestration/verdict_files"
_ATTEMPTS = 3


def review_feedback_sensor_in(
    space: Namespace,
    jobs: Mapping[str, AssetJob] = MappingProxyType({}),
    started: bool = False,
) -> dg.SensorDefinition:
    """The sensor of one home; ``jobs`` are its jobs by their plain names, by default as written."""

    def sense(
        context: dg.SensorEvaluationContext,
        home: dg.ResourceParam[Home],
        policy_file: PolicyFileResource,
    ) -> dg.RunRequest | dg.SkipReason:
        return _tick(context, home, policy_file, space.name(take_feedback.name))

    return dg.sensor(
        name=space.name("review_feedback_sensor"),
        job=jobs.get(take_feedback.name, take_feedback),
        default_status=STARTED if started else STOPPED,
        minimum_interval_seconds=30,
        description=(
            "Looks into the home's folder verdicts/ and starts take_feedback for files (CSV or "
            "JSON Lines: item, task, verdict, who, when) that are no longer being written."
        ),
    )(with_resources_of(space, sense))


def _tick(
    context: dg.SensorEvaluationContext, home: Home, policy_file: PolicyFileResource, job: str
) -> dg.RunRequest | dg.SkipReason:
    """Files whose runs failed are tried three times, then wait for a person."""
    settle_seconds = load_policy(policy_file.path).policy.feedback.settle_s
    files = waiting(home.verdicts, time.time(), settle_seconds)
    if not files.settled:
        young = f"; {files.unsettled} still being written" if files.unsettled else ""
        return dg.SkipReason(f"No verdict files wait in {home.verdicts}{young}.")
    runs = context.instance.get_runs_count
    if runs(dg.RunsFilter(job_name=job, statuses=UNDER_WAY)):
        return dg.SkipReason(f"A run of {job} is under way.")
    tags = {_FILES_TAG: files.version}
    attempts = runs(dg.RunsFilter(job_name=job, tags=tags))
    if attempts >= _ATTEMPTS:
        return dg.SkipReason(
            f"{attempts} runs could not take these {len(files.settled)} files: see the last run of "
            f"{job}, mend the cause, and start the job by hand."
        )
    return dg.RunRequest(run_key=f"{files.version}-{attempts}", tags=tags)


review_feedback_sensor: Final = review_feedback_sensor_in(ALONE)
