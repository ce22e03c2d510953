"""Whether a batch was finished by another process, so that nothing is left to do for this one."""

from orchestration_assets.content.deferred import deferred_batches
from orchestration_assets.policy.load import load_policy
from orchestration_assets.schemas.tables import PROCESSING_PLANS
from resources.home import Home
from resources.run_claims import ReportVersion, report_version
from resources.table_store import TableStore


def spending_pass(home: Home, batch: str) -> str:
    """The pass that the spending on a batch counts to; begins another once it was finished.

    A batch is finished by its report, unless answers are deferred: whatever is sent because its
    process was killed, or a service was away, counts to the same pass, and what is done again on
    purpose to the next one.
    """
    ledger = home.spending
    marks = ledger.marks()
    version, begun = report_version(home.tables, batch), marks.passes.get(batch)
    is_older = version is None or (begun is not None and version[0] // 1000 <= begun.at)
    if is_older or deferred_batches(home, [batch]):
        return marks.pass_of(batch)
    return ledger.begin_pass(batch)


def nothing_left(home: Home, policy: str | None) -> bool:
    """Whether the run that has claimed its batch in the home finds it finished by somebody else.

    ``policy``: the file in force, None for the packaged one.
    """
    claim, tables = home.claim, home.tables
    if claim is None or claim.batch is None:
        return False
    if claim.unless_finished and report_version(tables, claim.batch) is not None:
        return True
    if report_version(tables, claim.batch) == claim.before:
        return False
    return finished_since(tables, claim.batch, claim.before, load_policy(policy).hash)


def finished_since(
    tables: TableStore, batch: str, before: ReportVersion | None, policy_hash: str
) -> bool:
    """Whether the batch got a report since ``before``, under this very policy.

    Under another policy it was not what this process is to do.
    """
    now = report_version(tables, batch)
    if now is None or now == before:
        return False
    hashes = tables.read(PROCESSING_PLANS.name, batch, ["policy_hash"])["policy_hash"]
    return set(hashes.to_pylist()) <= {policy_hash}
