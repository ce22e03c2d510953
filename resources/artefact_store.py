"""Learned artefacts of a home: arrays with a manifest, versioned by content, promoted by name."""

import hashlib
import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from resources.table_store import write_atomically

_NAME = re.compile(r"^[a-z][a-z0-9_.-]{0,120}$")
_VERSION = re.compile(r"^[0-9a-f]{16}$")
_ARRAYS, _MANIFEST, _CURRENT = "arrays.npz", "manifest.json", "current"

Arrays = Mapping[str, npt.NDArray[Any]]


class ArtefactError(Exception):
    """An artefact is missing or was changed; the message names it, and the remedy."""


@dataclass(frozen=True)
class Artefact:
    """One version: plain arrays by name, and what they mean."""

    name: str
    version: str
    arrays: Arrays
    manifest: Mapping[str, Any]


class ArtefactStore:
    """The artefacts below ``<home>/models``: ``<name>/<version>/``, and ``<name>/current``.

    A version is the hash of its content, so the same artefact is stored once, and a version that
    a run has pinned never changes. Nothing stored is ever executed: arrays hold no objects.
    """

    def __init__(self, home: str | Path) -> None:
        self.folder = Path(home).expanduser().absolute() / "models"

    def write(self, name: str, arrays: Arrays, manifest: Mapping[str, Any]) -> str:
        """Stores a version without promoting it; returns the version."""
        data = _packed(arrays)
        described = {**manifest, "arrays": hashlib.blake2b(data, digest_size=16).hexdigest()}
        text = json.dumps(described, indent=1, sort_keys=True, allow_nan=False).encode()
        version = hashlib.blake2b(text, digest_size=8).hexdigest()
        folder = self._folder(name, version)
        write_atomically(folder / _ARRAYS, data)
        # the manifest comes last: a version that has one is whole
        write_atomically(folder / _MANIFEST, text)
        return version

    def read(self, name: str, version: str | None = None) -> Artefact:
        """One version, the promoted one by default.

        Raises ArtefactError when it is missing or does not have the content that its version says.
        """
        wanted = version or self.current(name)
        if wanted is None:
            raise ArtefactError(f"no version of {name} is promoted in {self.folder}")
        folder = self._folder(name, wanted)
        try:
            text, data = (folder / _MANIFEST).read_bytes(), (folder / _ARRAYS).read_bytes()
        except OSError as error:
            raise ArtefactError(
                f"{name} {wanted} cannot be read ({error}); materialize {name} again"
            ) from error
        changed = hashlib.blake2b(text, digest_size=8).hexdigest() != wanted
        manifest = {} if changed else json.loads(text)
        if changed or manifest["arrays"] != hashlib.blake2b(data, digest_size=16).hexdigest():
            raise ArtefactError(
                f"{name} {wanted} was changed after it was stored ({folder}); remove the folder "
                f"and materialize {name} again"
            )
        with np.load(io.BytesIO(data), allow_pickle=False) as packed:
            arrays = {key: packed[key] for key in packed.files}
        return Artefact(name, wanted, arrays, manifest)

    def promote(self, name: str, version: str) -> None:
        """Makes a stored version the one that new runs pin. Raises ArtefactError."""
        if not (self._folder(name, version) / _MANIFEST).exists():
            raise ArtefactError(f"{name} has no version {version} to promote")
        write_atomically(self.folder / name / _CURRENT, version.encode())

    def current(self, name: str) -> str | None:
        """The promoted version, if there is one."""
        try:
            version = (self._folder(name, None) / _CURRENT).read_text("utf-8").strip()
        except FileNotFoundError:
            return None
        if not _VERSION.match(version):
            raise ArtefactError(
                f"{self.folder / name / _CURRENT} does not hold a version; remove it"
            )
        return version

    def versions(self, name: str) -> list[str]:
        """Every stored version, by name."""
        found = self._folder(name, None).glob(f"*/{_MANIFEST}")
        return sorted(path.parent.name for path in found)

    def _folder(self, name: str, version: str | None) -> Path:
        if not _NAME.match(name) or ".." in name:
            raise ValueError(f"not a name of an artefact: {name!r}")
        if version is None:
            return self.folder / name
        if not _VERSION.match(version):
            raise ValueError(f"not a version: {version!r}")
        return self.folder / name / version


def _packed(arrays: Arrays) -> bytes:
    """The arrays as npz, the same bytes for the same arrays. Raises ValueError for objects."""
    if objects := [name for name, array in arrays.items() if array.dtype.hasobject]:
        raise ValueError(f"arrays of objects are not stored: {', '.join(objects)}")
    sink = io.BytesIO()
    # numpy stamps every member with 1980, so equal arrays give equal bytes
    in_order: dict[str, Any] = {name: arrays[name] for name in sorted(arrays)}
    np.savez_compressed(sink, **in_order)
    return sink.getvalue()
