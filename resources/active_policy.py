"""Which policy of a home is active: the hash of one that the home keeps, and where it lies."""

from pathlib import Path
from typing import Final

from resources.home import Home
from resources.versioned_state import StateVersion

ACTIVE_POLICY: Final = "active_policy"
"""The state whose value names the active policy: ``{"policy": hash, "source": where it is from}``.
"""


def active_policy_version(home: Home) -> StateVersion | None:
    """The activation in force; None where no policy was activated. Raises DamagedFileError."""
    return home.state(ACTIVE_POLICY).current()


def kept_policy_file(home: Home, policy_hash: str) -> Path:
    """Where a kept policy lies, or would; fetched from the store of the home if that has it."""
    path = home.policies / f"{policy_hash}.json"
    if not path.exists():
        home.files.fetch(path)
    return path


def active_policy_file(home: Home) -> Path | None:
    """The kept file of the active policy; None where no policy was activated."""
    version = active_policy_version(home)
    return None if version is None else kept_policy_file(home, str(version.value["policy"]))
