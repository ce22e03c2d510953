"""Learned models of a home: versioned by what they hold, one of each in force."""

import json
import re
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import numpy as np

from resources.artefact_store import Artefact, ArtefactError, ArtefactStore
from resources.damage import notice
from resources.table_store import write_atomically

_CURRENT: Final = "current"
_VERSION: Final = re.compile(r"[0-9a-f]{16}")
_NAME: Final = re.compile(r"[a-z][a-z0-9_.-]{0,120}")


class ModelStore:
    """Artefacts whose version is the hash of their content, and ``models/<name>/current``.

    The same model is stored once, and a version that a run has pinned never changes.
    """

    def __init__(self, home: str | Path) -> None:
        self.folder = Path(home).expanduser().absolute() / "models"
        self._kept = ArtefactStore(home)

    def write(self, name: str, arrays: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
        """Stores a model without putting it in force; returns its version.

        Raises ValueError for a name that is no plain name, and for arrays of objects.
        """
        _check(name)
        version = _version(arrays, facts)
        self._kept.promote(name, version, arrays, facts)
        return version

    def read(self, name: str, version: str | None = None) -> Artefact:
        """One version, the one in force by default. Raises ArtefactError."""
        wanted = version or self.current(name)
        if wanted is None:
            raise ArtefactError(f"no version of {name} is promoted in {self.folder}")
        if not _VERSION.fullmatch(wanted):
            raise ValueError(f"not a version: {wanted!r}")
        found = self._kept.load(name, wanted)
        if _version(found.arrays, found.facts) != wanted:
            raise ArtefactError(
                f"{name} {wanted} was changed after it was stored; delete its folder and "
                f"materialize what makes it again"
            )
        return found

    def promote(self, name: str, version: str) -> None:
        """Puts a stored version in force for new runs. Raises ArtefactError."""
        if version not in self.versions(name):
            raise ArtefactError(f"{name} has no version {version} to promote")
        write_atomically(self.folder / name / _CURRENT, version.encode())

    def current(self, name: str) -> str | None:
        """The version in force, if there is one. Raises ArtefactError."""
        path = self.folder / _check(name) / _CURRENT
        try:
            version = path.read_text("utf-8").strip()
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise ArtefactError(f"{path} cannot be read ({error}); remove it") from error
        if not _VERSION.fullmatch(version):
            raise ArtefactError(f"{path} does not hold a version; remove it")
        return version

    def usable(self, name: str) -> str | None:
        """The version in force, None also when it cannot be read: that is said, and no batch
        waits for it to be learned again."""
        try:
            version = self.current(name)
            if version is not None:
                self.read(name, version)
        except ArtefactError as error:
            notice(f"not used: {error}")
            return None
        return version

    def versions(self, name: str) -> list[str]:
        """Every stored version, by name."""
        return self._kept.versions(_check(name))


def _check(name: str) -> str:
    if not _NAME.fullmatch(name) or ".." in name:
        raise ValueError(f"not a name of a model: {name!r}")
    return name


def _version(arrays: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    digest = blake2b(digest_size=8)
    for name in sorted(arrays):
        array = np.asarray(arrays[name])
        if array.dtype.hasobject:
            raise ValueError(f"arrays of objects are not stored: {name}")
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    digest.update(json.dumps(facts, sort_keys=True).encode())
    return digest.hexdigest()
