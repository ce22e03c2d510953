"""Verdict files that people drop become gold."""

import time

import dagster as dg

from jobs import take_feedback
from orchestration_assets.content.verdict_folder import waiting
from orchestration_assets.policy.load import load_policy
from resources.home import Home
from resources.home_resource import PolicyFileResource
from sensors.runs import UNDER_WAY

_FILES_TAG = "orchestration/verdict_files"
_ATTEMPTS = 3


@dg.sensor(
    name="review_feedback_sensor",
    job=take_feedback,
    minimum_interval_seconds=30,
    description=(
        "Looks into the home's folder verdicts/ and starts take_feedback for files (CSV or JSON "
        "Lines: item, task, verdict, who, when) that are no longer being written."
    ),
)
def review_feedback_sensor(
    context: dg.SensorEvaluationContext,
    home: dg.ResourceParam[Home],
    policy_file: PolicyFileResource,
) -> dg.RunRequest | dg.SkipReason:
    """One tick. Files whose runs failed are tried three times, then wait for a person."""
    settle_seconds = load_policy(policy_file.path).policy.feedback.settle_s
    files = waiting(home.verdicts, time.time(), settle_seconds)
    if not files.settled:
        young = f"; {files.unsettled} still being written" if files.unsettled else ""
        return dg.SkipReason(f"No verdict files wait in {home.verdicts}{young}.")
    runs = context.instance.get_runs_count
    if runs(dg.RunsFilter(job_name=take_feedback.name, statuses=UNDER_WAY)):
        return dg.SkipReason("A run of take_feedback is under way.")
    tags = {_FILES_TAG: files.version}
    attempts = runs(dg.RunsFilter(job_name=take_feedback.name, tags=tags))
    if attempts >= _ATTEMPTS:
        return dg.SkipReason(
            f"{attempts} runs could not take these {len(files.settled)} files: see the last run of "
            f"{take_feedback.name}, mend the cause, and start the job by hand."
        )
    return dg.RunRequest(run_key=f"{files.version}-{attempts}", tags=tags)
