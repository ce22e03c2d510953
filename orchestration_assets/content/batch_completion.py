"""Whether a batch was finished by another process, so that nothing is left to do for this one."""

import math

from orchestration_assets.content.deferred import deferred_batches
from orchestration_assets.policy.load import load_policy
from orchestration_assets.schemas.tables import PROCESSING_PLANS
from resources.home import Home
from resources.run_claims import ReportVersion, report_version
from resources.spending.accounts import account_states
from resources.table_store import TableStore


def spending_pass(home: Home, batch: str, *, anew: bool = False) -> str:
    """The pass that the spending on a batch counts to; begins another once it was finished.

    A batch is finished by its report, unless answers are deferred: whatever is sent because its
    process was killed, or a service was away, counts to the same pass, and what is done again on
    purpose (``anew``) to the next one, also where answers are deferred.
    """
    ledger = home.spending
    marks = ledger.marks()
    version, begun = report_version(home.tables, batch), marks.passes.get(batch)
    is_older = version is None or (begun is not None and version[0] // 1000 <= begun.at)
    if is_older or (not anew and deferred_batches(home, [batch])):
        return marks.pass_of(batch)
    return ledger.begin_pass(batch)


def is_complete(home: Home, batch: str) -> bool:
    """Whether the batch has a report by which no reading is deferred."""
    return report_version(home.tables, batch) is not None and not deferred_batches(home, [batch])


def share_of_account(home: Home, batch: str) -> tuple[str, float]:
    """The open account that a batch is on, and what one run over the batch may spend of what is
    left there, in US dollars: as much as is left to each other batch that is not complete.

    Without an open account: an empty name, and infinite.
    """
    for name, state in account_states(home.spending, [batch]).items():
        others = [one for one in state.opened.batches if one != batch]
        sharing = 1 + sum(not is_complete(home, one) for one in others)
        return name, state.left_usd / sharing
    return "", math.inf


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
