"""The policy of a run: kept under its hash when plans are made, and read back by that hash."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.policy.kept_policies import (
    FirstUse,
    KeptPolicyError,
    is_policy_hash,
    keep_policy,
    read_kept_policy,
)
from orchestration_assets.policy.layers import nodes_below
from orchestration_assets.policy.load import LoadedPolicy
from orchestration_assets.schemas.errors import OrchestrationError
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.settings import user_name
from resources.table_store import LOCAL_FILES, Files
from resources.versioned_state import ChangeNote


class PinnedPolicyError(OrchestrationError):
    """The policy that plans were made under cannot be read back."""


def pin_policy(folder: Path, loaded: LoadedPolicy, files: Files = LOCAL_FILES) -> None:
    """Keeps the policy of a run under its hash, and beside it what it was resolved from."""
    first = FirstUse(loaded.source, ChangeNote(user_name(), datetime.now(UTC), "a run"))
    keep_policy(folder, loaded.policy, loaded.text, first, files)
    keep_sources(folder, loaded, files)


def keep_sources(folder: Path, loaded: LoadedPolicy, files: Files = LOCAL_FILES) -> None:
    """Keeps what a policy was resolved from; nothing where it was read as it is kept.

    The hash is over what the files yield together, so the same policy may come of other files: the
    sources are those of the last time. No value of a variable stands there, only its name.
    """
    if loaded.kept_as is not None:
        return
    variables = {name for _, node in nodes_below(loaded.root) for name in node.origin.variables}
    resolved_from = {
        "environment": loaded.environment,
        "files": [asdict(source) for source in loaded.sources],
        "variables": sorted(variables),
    }
    text = json.dumps(resolved_from, indent=1, sort_keys=True)
    files.overwrite(folder / f"{loaded.hash}.sources.json", text.encode())


def planned_under(plans: pa.Table) -> list[str]:
    """The hashes of the policies that plans were made under, ascending."""
    return sorted(map(str, pc.unique(plans["policy_hash"]).to_pylist()))


def read_pinned_policy(folder: Path, plans: pa.Table) -> Policy | None:
    """The policy that the plans were made under; None when there are no plans.

    Raises PinnedPolicyError when the stored policy is missing or was changed.
    """
    hashes = planned_under(plans)
    if not hashes:
        return None
    if not is_policy_hash(hashes[0]):
        raise PinnedPolicyError(f"the plans name no policy; {_REMEDY}")
    try:
        return read_kept_policy(folder / f"{hashes[0]}.json")
    except KeptPolicyError as error:
        raise PinnedPolicyError(f"{error}; {_REMEDY}") from error


_REMEDY: Final = "materialize processing_plans again"
