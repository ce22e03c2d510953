"""From what broke in a run to rows with remedies, and to the message that people are sent."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from orchestration_assets.schemas.failures import Delivery, FailureRow

_MESSAGE_CHARACTERS: Final = 2000
_MASK: Final = "***"
_CREDENTIALS = re.compile(r"(?<=://)[^/\s@]+(?=@)")
# Dagster prefixes what an exception said with its class, which stands in a column of its own
_CLASS_PREFIX = re.compile(r"\A[\w.]+: ")

_OWN_PACKAGES: Final = ("orchestration_assets.", "resources.", "sensors.", "jobs.")
_AGAIN: Final = "Finished answers come from the cache, so a new run asks only for what is missing."
_GENERAL: Final = (
    "Open the run in the Dagster UI, read the log of the step that failed, mend the cause, and "
    f"start the job again. {_AGAIN}"
)
_OWN: Final = f"The message in the record says what to mend; then start the job again. {_AGAIN}"

REMEDIES: Final[Mapping[str, str]] = {
    "ClusterError": (
        "Start the Dask scheduler again, or set ORCHESTRATION_DASK to processes or threads; then "
        f"start the job again. {_AGAIN}"
    ),
    "ContentError": (
        "Make the content readable again (permissions, mounts), then start the job again."
    ),
    "DagsterAssetCheckFailedError": (
        "A table lost rows or has other columns than declared: start the job again for this "
        "batch. If the check fails again, keep the home as it is and report the check's words."
    ),
    "FeedbackFolderError": (
        "Let the user that runs the jobs read and write the home's folder verdicts/, then start "
        "the job again. No verdict is lost: files stay where they are."
    ),
    "IllegalTransitionError": (
        "The tables of the batch contradict each other: start the job reprocess for it."
    ),
    "PinnedPolicyError": (
        "The policy that the plans were made under is lost or changed: start the job reprocess "
        "for this batch, which plans it again."
    ),
    "PolicyError": (
        "Mend the policy file (orchestrate policy check FILE lists every problem), then start "
        "the job again."
    ),
    "SourceError": (
        "Make the source readable again (it may be unmounted, renamed or closed to this user), "
        "then start the job again."
    ),
    "TableMissingError": (
        "Materialize the table that the message names first: the job process_batch makes all "
        "tables of a batch."
    ),
    "UnlistedItemError": (
        "The tables of the batch contradict each other: start the job reprocess for it."
    ),
}
"""Class of exception -> what to do. Others get a general remedy."""

# Dagster's class says no more than that something was not as it should be
_NO_PARTITION: Final = "Cannot access partition_key for a non-partitioned run"
_CHOOSE_BATCH: Final = (
    "The run was started without a batch: choose one as its partition (in the Dagster UI, "
    "Materialize asks for it), or start orchestrate job NAME --batch ID."
)


@dataclass(frozen=True, slots=True)
class Cause:
    """One exception of a chain, as Dagster recorded it: ``message`` starts with the full class."""

    error_class: str
    message: str


@dataclass(frozen=True, slots=True)
class StepFailure:
    """One thing that broke: the chain of its exceptions, outermost first.

    ``check`` names a blocking check that did not pass, with its table; the chain is then what
    the check said.
    """

    step: str | None
    causes: tuple[Cause, ...]
    check: str | None = None


@dataclass(frozen=True, slots=True)
class FailedRun:
    """A failed run as plain values."""

    run_id: str
    job: str
    batch: str | None
    failed_at: datetime
    broken: tuple[StepFailure, ...]


def failure_rows(run: FailedRun, secrets: Iterable[str] = ()) -> list[FailureRow]:
    """One row a thing that broke; at least one, so that no failed run goes without a record.

    ``secrets`` are values that must not stand in a message.
    """
    masked = [secret for secret in secrets if secret]
    nothing = StepFailure(None, (Cause("Unknown", "the run ended without saying why"),))
    return [
        _row(run, number, broken, masked) for number, broken in enumerate(run.broken or (nothing,))
    ]


def _row(run: FailedRun, number: int, broken: StepFailure, secrets: Sequence[str]) -> FailureRow:
    cause = most_specific_cause(broken.causes)
    return FailureRow(
        run_id=run.run_id,
        failure=number,
        job=run.job,
        batch=run.batch,
        step=broken.step,
        check=broken.check,
        error_class=cause.error_class,
        message=clean(_CLASS_PREFIX.sub("", cause.message, count=1), secrets),
        remedy=remedy(cause),
        failed_at=run.failed_at,
        delivery=Delivery.NOT_CONFIGURED,
        delivery_detail=None,
    )


def most_specific_cause(causes: Sequence[Cause]) -> Cause:
    """The exception of a chain that says most: our own, else the one that user code raised.

    Our own exceptions name the remedy; what lies below them is what they were made from, and
    what lies above is Dagster's wrapping.
    """
    own = next((cause for cause in causes if _is_own(cause)), None)
    raised = next((c for c in causes if not c.error_class.startswith("Dagster")), None)
    return own or raised or causes[0]


def remedy(cause: Cause) -> str:
    """What to do about it, in words that hold nothing of the content or the message."""
    if _NO_PARTITION in cause.message:
        return _CHOOSE_BATCH
    return REMEDIES.get(cause.error_class, _OWN if _is_own(cause) else _GENERAL)


def _is_own(cause: Cause) -> bool:
    return cause.message.startswith(_OWN_PACKAGES)


def clean(message: str, secrets: Sequence[str]) -> str:
    """The message on one line, shortened; secrets and credentials in URLs are masked."""
    for secret in secrets:
        message = message.replace(secret, _MASK)
    message = _CREDENTIALS.sub(_MASK, " ".join(message.split()))
    message = message.encode("utf-8", "backslashreplace").decode()
    if len(message) > _MESSAGE_CHARACTERS:
        return message[: _MESSAGE_CHARACTERS - 1] + "…"
    return message


def payload(rows: Sequence[FailureRow]) -> dict[str, Any]:
    """The message about a failed run, as JSON values.

    It says where to look and what to do, and holds no exception's words: those may quote
    content. ``text`` is what chat services show.
    """
    first = rows[0]
    batch = f" of batch {first.batch}" if first.batch else ""
    where = [row.check or row.step or "the run itself" for row in rows]
    what = ", ".join(
        f"{row.error_class} in {place}" for row, place in zip(rows, where, strict=True)
    )
    remedies = list(dict.fromkeys(row.remedy for row in rows))
    return {
        "event": "run_failed",
        "text": f"{first.job}{batch} failed: {what}. {' '.join(remedies)} (run {first.run_id})",
        "run": first.run_id,
        "job": first.job,
        "batch": first.batch,
        "failed_at": first.failed_at.isoformat(),
        "failures": [
            {
                "step": row.step,
                "check": row.check,
                "error_class": row.error_class,
                "remedy": row.remedy,
            }
            for row in rows
        ],
    }


def with_delivery(
    rows: Iterable[FailureRow], delivery: Delivery, detail: str | None = None
) -> list[FailureRow]:
    """The rows with what became of their message."""
    return [replace(row, delivery=delivery, delivery_detail=detail) for row in rows]
