"""Policies that a home has seen, newest first, and what each says otherwise than the one before."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from orchestration_assets.policy.differences import policy_changes
from orchestration_assets.policy.kept_policies import (
    KeptPolicyError,
    is_policy_hash,
    read_kept_policy,
)
from orchestration_assets.schemas.policy import Policy

MOST_CHANGES: Final = 200


@dataclass(frozen=True, slots=True)
class SeenPolicy:
    """A policy by its hash, and when it was kept, in seconds since 1970. ``changes`` are those
    against the one seen before it, in words; None where either cannot be read, or it is the first.
    """

    hash: str
    when: float
    changes: tuple[str, ...] | None


def seen_policies(folder: Path) -> list[SeenPolicy]:
    """Every policy that a home keeps."""
    kept = [path for path in folder.glob("*.json") if is_policy_hash(path.stem)]
    times = {path: path.stat().st_mtime for path in kept}
    kept.sort(key=lambda path: (-times[path], path.stem))
    policies = [_read(path) for path in kept]
    before = [*policies[1:], None]
    return [
        SeenPolicy(path.stem, times[path], _changes(old, new))
        for path, new, old in zip(kept, policies, before, strict=True)
    ]


def changes_between(folder: Path, before: str, after: str) -> tuple[str, ...] | None:
    """What one kept policy says otherwise than another, by their hashes; None where one of them
    cannot be read."""
    old, new = (_read(folder / f"{one}.json") for one in (before, after))
    return _changes(old, new)


def _read(path: Path) -> Policy | None:
    try:
        return read_kept_policy(path)
    except KeptPolicyError:
        return None


def _changes(before: Policy | None, after: Policy | None) -> tuple[str, ...] | None:
    if before is None or after is None:
        return None
    return tuple(str(change) for change in policy_changes(before, after))
