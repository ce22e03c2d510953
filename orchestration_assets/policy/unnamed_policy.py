"""A home that follows the packaged policy for want of another, though its newest batch was planned
under one."""

from contextlib import suppress
from pathlib import Path

import pyarrow as pa

from orchestration_assets.policy.kept_policies import first_use, is_policy_hash
from orchestration_assets.policy.load import LoadedPolicy, load_policy
from orchestration_assets.policy.pinned_policy import planned_under
from orchestration_assets.policy.problems import PolicyError
from orchestration_assets.policy.sources import PACKAGED
from orchestration_assets.schemas.tables import PROCESSING_PLANS
from orchestration_assets.settings import DEFAULT_HOME, absolute_path
from resources.active_policy import kept_policy_file
from resources.damage import leaving_out_damage
from resources.home import Home


def packaged_note(home: Home) -> str | None:
    """What to say where the packaged policy is followed for want of another: under which policy the
    newest batch was planned instead, and how to make that the home's. None where that was the
    packaged one, of this version or an earlier one, or where nothing is planned yet.
    """
    batch, policy_hash = _newest_planned(home)
    if policy_hash is None:
        return None
    source = _source(home, policy_hash)
    if source.startswith(PACKAGED):
        return None
    file = source if source and Path(source).is_file() else ""
    where = "" if home.folder == absolute_path(DEFAULT_HOME) else f" --home {home.folder}"
    of = f" of {source}" if source else ""
    activate = f"orchestrate policy activate {file or policy_hash}{where}"
    once = f", or name it with --policy {file}" if file else ""
    return (
        f"no policy is active in {home.folder}, so the packaged one is followed; batch {batch} was "
        f"planned under {policy_hash}{of}: make that the home's with `{activate}`{once}"
    )


def policy_of_plans(home: Home, loaded: LoadedPolicy, plans: pa.Table) -> LoadedPolicy:
    """The policy that the plans were made under, where ``loaded`` is the packaged one that nobody
    chose; else ``loaded``, as where the other cannot be read back."""
    hashes = planned_under(plans)
    # one that was activated is read as it is kept, and was chosen
    if loaded.source != PACKAGED or not hashes or not is_policy_hash(hashes[0]):
        return loaded
    if _source(home, hashes[0]).startswith(PACKAGED):
        return loaded
    with suppress(PolicyError):
        return load_policy(kept_policy_file(home, hashes[0]))
    return loaded


def _source(home: Home, policy_hash: str) -> str:
    """Where a kept policy came from; empty where that is not known."""
    first = first_use(home.policies, policy_hash)
    return first.source if first else ""


def _newest_planned(home: Home) -> tuple[str, str | None]:
    """The newest batch with plans, and a policy that they were made under."""
    for batch in reversed(home.tables.batches(PROCESSING_PLANS.name)):
        with leaving_out_damage():
            plans = home.tables.read(PROCESSING_PLANS.name, batch, ["policy_hash"])
            hashes = planned_under(plans)
            if hashes and is_policy_hash(hashes[0]):
                return batch, hashes[0]
    return "", None
