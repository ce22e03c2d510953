"""What a Dagster run claims of its home, read from its tags; and how its batch stood before."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from orchestration_assets.schemas.tables import DISAGREEMENT_REPORT
from resources.table_store import TableStore

CORPUS: Final = "corpus"
"""The claim of whatever writes the tables of the whole corpus."""
CLAIM_TAG: Final = "orchestration/claim"
UNLESS_FINISHED_TAG: Final = "orchestration/unless_finished"
"""Runs that are only started because their batch has no report carry it."""
ASSETS_JOB: Final = "__ASSET_JOB"
"""Dagster's name for what materializes assets that somebody chose, such as in its UI."""
_PARTITION_TAG: Final = "dagster/partition"

ReportVersion = tuple[int, int]


@dataclass(frozen=True, slots=True)
class RunClaim:
    """``name`` of the claim; ``batch`` that the run is about, if it is about one, with the
    version of its report ``before`` the claim was waited for: any is enough ``unless_finished``."""

    name: str
    batch: str | None = None
    before: ReportVersion | None = None
    unless_finished: bool = False


def run_claim(tables: TableStore, job: str, tags: Mapping[str, str]) -> RunClaim | None:
    """What a run of the job with these tags claims; None for one that changes nothing that others
    do."""
    batch = tags.get(_PARTITION_TAG)
    if batch is None:
        # chosen assets may be any of the whole corpus
        name = tags.get(CLAIM_TAG, CORPUS if job == ASSETS_JOB else None)
        return None if name is None else RunClaim(name)
    before = report_version(tables, batch)
    return RunClaim(batch, batch, before, UNLESS_FINISHED_TAG in tags)


def report_version(tables: TableStore, batch: str) -> ReportVersion | None:
    """Tells one report of a batch from the next; None while it has none."""
    try:
        status = tables.path(DISAGREEMENT_REPORT.name, batch).stat()
    except FileNotFoundError:
        return None
    return status.st_mtime_ns, status.st_ino
