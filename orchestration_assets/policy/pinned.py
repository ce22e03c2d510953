"""The policy that a run is held to: stored by hash when plans are made, read back by hash."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.policy.load import LoadedPolicy, canonical_hash
from orchestration_assets.schemas.errors import OrchestrationError
from orchestration_assets.schemas.policy import Policy
from resources.table_store import write_atomically


class PinnedPolicyError(OrchestrationError):
    """The policy that plans were made under cannot be read back."""


def pin(folder: Path, loaded: LoadedPolicy) -> None:
    """Keeps the canonical policy under its hash."""
    canonical = json.dumps(loaded.policy.canonical(), indent=1, sort_keys=True)
    write_atomically(folder / f"{loaded.hash}.json", canonical.encode())


def pinned(folder: Path, plans: pa.Table) -> Policy | None:
    """The policy that the plans were made under; None when there are no plans.

    Raises PinnedPolicyError when the stored policy is missing or was changed.
    """
    hashes = pc.unique(plans["policy_hash"]).to_pylist()
    if not hashes:
        return None
    path = folder / f"{hashes[0]}.json"
    try:
        data = path.read_bytes()
        kept, policy = json.loads(data), Policy.model_validate_json(data)
    except (OSError, ValueError) as error:
        raise PinnedPolicyError(
            f"the policy {hashes[0]} cannot be read back from {path}: {error}; "
            "materialize processing_plans again"
        ) from error
    if canonical_hash(kept) != hashes[0]:
        raise PinnedPolicyError(
            f"{path} was changed after it was pinned; materialize processing_plans again"
        )
    return policy
