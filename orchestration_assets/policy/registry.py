"""The registry of policies: which one is active, how that came, and every one that ever ran.

To activate a policy is one compare-and-swap on the number of the version that stands: of two who
do it at once one wins, and the other is told what changed meanwhile.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Final

from orchestration_assets.policy.differences import policy_changes
from orchestration_assets.policy.kept_policies import (
    FirstUse,
    KeptPolicyError,
    first_use,
    keep_policy,
    kept_hashes,
    read_kept_policy,
)
from orchestration_assets.policy.load import LoadedPolicy, load_policy
from orchestration_assets.policy.pinned_policy import keep_sources
from orchestration_assets.policy.sources import PACKAGED
from orchestration_assets.schemas.errors import OrchestrationError
from resources.active_policy import ACTIVE_POLICY, active_policy_version, kept_policy_file
from resources.home import Home
from resources.versioned_state import ChangeNote, StateConflictError, StateVersion

ACTIVE_NAME: Final = "active"
PACKAGED_NAME: Final = "packaged"
_NUMBER: Final = re.compile(r"[0-9]{1,9}")
_PREFIX: Final = re.compile(r"[0-9a-f]{4,16}")


class UnknownPolicyError(OrchestrationError):
    """No policy is known by what was given, or several are; the message says what may be given."""


@dataclass(frozen=True, slots=True)
class Activation:
    """A policy became the active one of a home.

    ``version`` counts the activations from 1; ``restores`` is the earlier one that it brings back,
    if it does; ``source`` says where the policy came from.
    """

    version: int
    policy_hash: str
    source: str
    note: ChangeNote
    restores: int | None = None

    def is_of(self, loaded: LoadedPolicy) -> bool:
        """Whether it made this policy the active one."""
        return self.policy_hash in (loaded.hash, loaded.kept_as)

    @property
    def description(self) -> str:
        """Its number, policy, who activated it, when and why, for messages."""
        when = self.note.when.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        back = f", back to version {self.restores}" if self.restores else ""
        why = f" ({self.note.why})" if self.note.why else ""
        return (
            f"version {self.version}, {self.policy_hash} of {self.source}{back}, activated by "
            f"{self.note.who} at {when}{why}"
        )


@dataclass(frozen=True, slots=True)
class UnactivatedPolicy:
    """A policy that ran in this home without having been activated."""

    policy_hash: str
    first: FirstUse | None


class ActivationConflictError(OrchestrationError):
    """Somebody else activated a policy meanwhile; ``since`` are the activations that came."""

    def __init__(self, expected: int, since: Sequence[Activation], changes: Sequence[str]) -> None:
        if not since:
            words = f"there is no version {expected}"
        else:
            more = f" ({len(since)} since version {expected})" if len(since) > 1 else ""
            told = "; ".join(changes[:_MOST_CHANGES])
            beyond = len(changes) - _MOST_CHANGES
            rest = f"; and {beyond} more" if beyond > 0 else ""
            said = f", which changed: {told}{rest}" if told else ""
            words = f"{since[-1].description}{more}{said}"
        super().__init__(
            f"another policy is active by now: {words}. Nothing was changed: compare with "
            "`orchestrate policy diff active FILE`, then activate yours again"
        )
        self.since = tuple(since)


_MOST_CHANGES: Final = 5


class PolicyRegistry:
    """The policies of one home. Methods raise DamagedFileError, and StoreAwayError where the home
    belongs to a store."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._state = home.state(ACTIVE_POLICY)

    def active(self) -> Activation | None:
        """The activation in force; None before the first."""
        version = active_policy_version(self._home)
        return None if version is None else _activation(version)

    def history(self, after: int = 0) -> Iterator[Activation]:
        """Every activation above version ``after``, in their order."""
        return map(_activation, self._state.history(after))

    def never_activated(self) -> list[UnactivatedPolicy]:
        """Every kept policy that was never the active one, the first used first."""
        activated = {one.policy_hash for one in self.history()}
        found = [
            UnactivatedPolicy(name, first_use(self._home.policies, name))
            for name in kept_hashes(self._home.policies)
            if name not in activated
        ]
        return sorted(found, key=lambda one: one.first.note.when.isoformat() if one.first else "")

    def activate(self, loaded: LoadedPolicy, expected: int, note: ChangeNote) -> Activation:
        """Keeps a policy and makes it the active one in place of version ``expected``, 0 for none.

        Raises ActivationConflictError when another version stands by now; the policy is kept all
        the same.
        """
        first = FirstUse(loaded.source, note)
        files = self._home.files
        name = keep_policy(self._home.policies, loaded.policy, loaded.text, first, files)
        keep_sources(self._home.policies, loaded, files)
        value = {"policy": name, "source": loaded.source}
        return self._changed(expected, lambda: self._state.put(value, expected, note))

    def rollback(self, version: int, expected: int, note: ChangeNote) -> Activation:
        """Makes the policy of an earlier version the active one again, as a new version.

        Raises NoSuchVersionError, ActivationConflictError, and PolicyError when that policy is
        not valid any more.
        """
        load_policy(self._file(_activation(self._state.version(version)).policy_hash))
        return self._changed(expected, lambda: self._state.rollback(version, expected, note))

    def _changed(self, expected: int, change: Callable[[], StateVersion]) -> Activation:
        try:
            return _activation(change())
        except StateConflictError as error:
            since = [_activation(version) for version in error.since]
            raise ActivationConflictError(
                expected, since, self._changes(expected, since)
            ) from error

    def _changes(self, expected: int, since: Sequence[Activation]) -> list[str]:
        """What changed from a version to the last of those since, as far as both can be read."""
        if not expected or not since:
            return []
        before = _activation(self._state.version(expected)).policy_hash
        try:
            old, new = (
                read_kept_policy(self._file(one)) for one in (before, since[-1].policy_hash)
            )
        except KeptPolicyError:
            return []
        return [str(change) for change in policy_changes(old, new)]

    def version_named(self, name: str) -> int:
        """The version that its number or the hash of its policy names: the last one of that.

        Raises UnknownPolicyError.
        """
        versions = {one.version: one.policy_hash for one in self.history()}
        if _NUMBER.fullmatch(name) and int(name) in versions:
            return int(name)
        found = self._with_prefix(name, set(versions.values()), "activated")
        return max(version for version, policy in versions.items() if policy == found)

    def load(self, name: str) -> LoadedPolicy:
        """The policy that a name means: ``active``, ``packaged``, the number of a version, the
        first characters of a hash (4 or more), or a file.

        Raises UnknownPolicyError, PolicyError.
        """
        if name == PACKAGED_NAME:
            return _packaged()
        if name == ACTIVE_NAME:
            active = self.active()
            return _packaged() if active is None else load_policy(self._file(active.policy_hash))
        if _NUMBER.fullmatch(name) and int(name) in (one.version for one in self.history()):
            version = _activation(self._state.version(int(name)))
            return load_policy(self._file(version.policy_hash))
        if (name and Path(name).exists()) or not _PREFIX.fullmatch(name):
            return self._from_file(name)
        found = self._with_prefix(name, set(kept_hashes(self._home.policies)), "kept")
        return load_policy(self._file(found))

    def _from_file(self, name: str) -> LoadedPolicy:
        if _NUMBER.fullmatch(name):
            raise UnknownPolicyError(f"no version {name} was activated here: {_SEE_HISTORY}")
        if not name or not Path(name).exists():
            raise UnknownPolicyError(f"{name} is no file, and no policy of this home: {_NAMES}")
        return load_policy(name)

    def _with_prefix(self, prefix: str, hashes: set[str], what: str) -> str:
        found = sorted(one for one in hashes if one.startswith(prefix))
        if not _PREFIX.fullmatch(prefix) or not found:
            raise UnknownPolicyError(f"no policy {prefix} was {what} here: {_SEE_HISTORY}")
        if len(found) > 1:
            raise UnknownPolicyError(f"{prefix} may be {' or '.join(found)}: give more of it")
        return found[0]

    def _file(self, policy_hash: str) -> Path:
        return kept_policy_file(self._home, policy_hash)


_SEE_HISTORY: Final = "see `orchestrate policy history`"
_NAMES: Final = (
    "give a file, the number of a version, the first characters of a hash, active or packaged"
)


def _packaged() -> LoadedPolicy:
    """The packaged default, which has no environment of the name that others may have."""
    return load_policy(None, "")


def _activation(version: StateVersion) -> Activation:
    value = version.value
    policy, source = str(value["policy"]), str(value.get("source") or PACKAGED)
    return Activation(version.number, policy, source, version.note, version.restores)
