"""The policy that a run is held to: stored by hash when plans are made, read back by hash."""

import json
import re
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import ValidationError

from orchestration_assets.policy.files import UnreadableError, read_text
from orchestration_assets.policy.load import LoadedPolicy, canonical_hash
from orchestration_assets.policy.problems import dotted
from orchestration_assets.schemas.errors import OrchestrationError
from orchestration_assets.schemas.policy import Policy
from resources.table_store import write_atomically

_MAX_BYTES: Final = 64 * 1024 * 1024
"""A canonical policy is larger than the file: every default stands in it, and aliases are gone."""
_HASH: Final = re.compile(r"[0-9a-f]{16}")


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
    if not _HASH.fullmatch(str(hashes[0])):
        raise PinnedPolicyError(f"the plans name no policy; {_REMEDY}")
    path = folder / f"{hashes[0]}.json"
    try:
        kept = json.loads(read_text(path, _MAX_BYTES))
        policy = Policy.model_validate(kept)
    except (UnreadableError, ValueError, RecursionError) as error:
        raise PinnedPolicyError(
            f"the policy {hashes[0]} cannot be read back from {path}: {_words(error)}; {_REMEDY}"
        ) from error
    if canonical_hash(kept) != hashes[0]:
        raise PinnedPolicyError(f"{path} was changed after it was pinned; {_REMEDY}")
    return policy


_REMEDY: Final = "materialize processing_plans again"


def _words(error: Exception) -> str:
    """Why it cannot be read, on one line and without what stands in it."""
    if isinstance(error, UnreadableError):
        return str(error)
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{dotted(first['loc']) or 'the file'}: {first['msg']}"
    return "it is not the JSON that was written"
