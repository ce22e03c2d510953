"""The policy of a run: stored under its hash when plans are made, and read back by that hash."""

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import ValidationError

from orchestration_assets.policy.files import UnreadableError, read_text
from orchestration_assets.policy.formats import upgraded_values
from orchestration_assets.policy.hashes import canonical_hash
from orchestration_assets.policy.layers import nodes_below
from orchestration_assets.policy.load import LoadedPolicy
from orchestration_assets.policy.problems import dotted_path
from orchestration_assets.schemas.errors import OrchestrationError
from orchestration_assets.schemas.policy import Policy
from resources.table_store import LOCAL_FILES, Files

_MAX_BYTES: Final = 64 * 1024 * 1024
"""A canonical policy is larger than the file: every default stands in it, and aliases are gone."""
_HASH: Final = re.compile(r"[0-9a-f]{16}")


class PinnedPolicyError(OrchestrationError):
    """The policy that plans were made under cannot be read back."""


def pin_policy(folder: Path, loaded: LoadedPolicy, files: Files = LOCAL_FILES) -> None:
    """Stores the canonical policy under its hash, and beside it what it was resolved from.

    The hash is over what the files yield together, so the same policy may come of other files: the
    sources are those of the last time. No value of a variable stands there, only its name.
    """
    canonical = json.dumps(loaded.policy.canonical(), indent=1, sort_keys=True)
    files.write(folder / f"{loaded.hash}.json", canonical.encode())
    variables = {name for _, node in nodes_below(loaded.root) for name in node.origin.variables}
    resolved_from = {
        "environment": loaded.environment,
        "files": [asdict(source) for source in loaded.sources],
        "variables": sorted(variables),
    }
    text = json.dumps(resolved_from, indent=1, sort_keys=True)
    files.overwrite(folder / f"{loaded.hash}.sources.json", text.encode())


def read_pinned_policy(folder: Path, plans: pa.Table) -> Policy | None:
    """The policy that the plans were made under; None when there are no plans.

    Raises PinnedPolicyError when the stored policy is missing or was changed.
    """
    hashes = pc.unique(plans["policy_hash"]).to_pylist()
    if not hashes:
        return None
    if not _HASH.fullmatch(str(hashes[0])):
        raise PinnedPolicyError(f"the plans name no policy; {_REMEDY}")
    path = folder / f"{hashes[0]}.json"
    try:
        canonical = json.loads(read_text(path, _MAX_BYTES))
        policy = Policy.model_validate(upgraded_values(canonical))
    except (UnreadableError, ValueError, RecursionError) as error:
        raise PinnedPolicyError(
            f"the policy {hashes[0]} cannot be read back from {path}: {_reason(error)}; {_REMEDY}"
        ) from error
    if canonical_hash(canonical) != hashes[0]:
        raise PinnedPolicyError(f"{path} was changed after it was pinned; {_REMEDY}")
    return policy


_REMEDY: Final = "materialize processing_plans again"


def _reason(error: Exception) -> str:
    """Why the file cannot be read, in one line that repeats nothing of its content."""
    if isinstance(error, UnreadableError):
        return str(error)
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{dotted_path(first['loc']) or 'the file'}: {first['msg']}"
    return "it is not the JSON that was written"
