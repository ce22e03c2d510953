"""Checks of the policy registry: no activation is lost, and what is watched is valid."""

import dagster as dg
import pyarrow as pa

from orchestration_assets.policy.registry import PolicyRegistry
from orchestration_assets.policy.watched_file import policy_problems
from orchestration_assets.schemas.policies import ACTIVE_POLICY_TABLE
from orchestration_assets.table_assets import Balance, Stored, table_checks
from resources.active_policy import active_policy_file
from resources.home import Home
from resources.home_resource import PolicyFileResource

VALID = "valid"


def _check_activations(stored: Stored, rows: pa.Table) -> list[Balance]:
    # others may come while the table is made
    versions = len([*PolicyRegistry(stored.home).history()][: rows.num_rows])
    return [Balance(versions, rows.num_rows, "activations with a row")]


active_policy_checks = table_checks(ACTIVE_POLICY_TABLE, _check_activations, per_batch=False)


@dg.asset_check(
    asset=ACTIVE_POLICY_TABLE.name,
    name=VALID,
    description=(
        "The watched policy file and the active policy are valid with what is installed. While the "
        "file is not, the last good one stays active."
    ),
)
def active_policy_valid(
    home: dg.ResourceParam[Home], policy_file: PolicyFileResource
) -> dg.AssetCheckResult:
    """Reads both; shows every problem with its line."""
    active = active_policy_file(home)
    files = [policy_file.watched or policy_file.path, str(active) if active else None]
    problems = [problem for one in dict.fromkeys(files) for problem in policy_problems(one)]
    return dg.AssetCheckResult(passed=not problems, description=valid_words(problems))


def valid_words(problems: list[str]) -> str:
    """What the check says: every problem on a line of its own."""
    if not problems:
        return "The policy is valid."
    return "\n".join([f"{len(problems)} problems; the last good policy stays active.", *problems])
