"""What a home has learned or collected: versions that are verified, one of each name in force."""

import io
import json
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import numpy as np

from orchestration_assets.schemas.errors import OrchestrationError, unwritable
from resources.damage import notice
from resources.table_store import LOCAL_FILES, Files

_MANIFEST: Final = "manifest.json"
_CURRENT: Final = "current"
_NAME: Final = re.compile(r"(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9_.\-]*")
_HASH: Final = re.compile(r"[0-9a-f]{16}")


class ArtefactError(OrchestrationError):
    """An artefact cannot be read; the message names the file and the remedy."""


@dataclass(frozen=True, slots=True)
class Artefact:
    """One version: its arrays by name, and the facts that its manifest states.

    ``digest`` is blake2b-128 over arrays and facts, hex: what to write down when it is used.
    """

    name: str
    version: str
    digest: str
    arrays: Mapping[str, Any]
    facts: Mapping[str, Any]


class ModelRegistry:
    """``<name>/<version>``: a manifest, and the arrays file that it names. ``<name>/current``: the
    version in force.

    The manifest is written last and atomically: a reader sees the old version or the new one.
    Arrays are kept without pickle, so that reading one executes nothing.
    """

    def __init__(self, folder: Path, files: Files = LOCAL_FILES) -> None:
        self._folder = folder
        self._files = files

    def store(
        self,
        name: str,
        arrays: Mapping[str, Any],
        facts: Mapping[str, Any],
        version: str | None = None,
    ) -> Artefact:
        """Keeps a version without putting it in force; one of that name is replaced.

        By default a version is named by the hash of what it holds, so that it never changes.
        Raises ValueError for a name or version that is no plain name, and for arrays of objects.
        """
        version = version or _content_hash(arrays, facts)
        folder = self._at(name, version)
        sink = io.BytesIO()
        np.savez_compressed(
            sink, allow_pickle=False, **{key: arrays[key] for key in sorted(arrays)}
        )
        data, stated = sink.getvalue(), json.dumps(facts, sort_keys=True)
        digest = blake2b(data + stated.encode(), digest_size=16).hexdigest()
        file = f"arrays-{digest}.npz"
        self._files.write(folder / file, data)
        manifest = {"name": name, "version": version, "digest": digest, "arrays": file}
        whole = json.dumps(manifest | {"facts": json.loads(stated)}, indent=1, sort_keys=True)
        self._files.write(folder / _MANIFEST, whole.encode())
        for old in folder.glob("arrays-*.npz"):
            if old.name != file:
                self._files.remove(old)
        return Artefact(name, version, digest, dict(arrays), json.loads(stated))

    def promote(self, name: str, version: str) -> None:
        """Puts a stored version in force for new runs. Raises ArtefactError."""
        if version not in self.versions(name):
            raise ArtefactError(f"{name} has no version {version} to promote")
        self._files.overwrite(self._at(name) / _CURRENT, version.encode())

    def names(self) -> list[str]:
        """What there are versions of, in the order of their names."""
        return sorted({path.parents[1].name for path in self._folder.glob(f"*/*/{_MANIFEST}")})

    def delete(self, name: str, version: str) -> None:
        """Removes a version; one that was in force leaves none in force. Raises UnwritableError."""
        folder = self._at(name, version)
        try:
            if self.current(name) == version:
                self._files.remove(self._at(name) / _CURRENT)
            # without its manifest it is no version, whatever is left of it
            self._files.remove(folder / _MANIFEST)
            for path in folder.iterdir():
                self._files.remove(path)
            folder.rmdir()
        except OSError as error:
            raise unwritable(folder, error) from error

    def folder(self, name: str, version: str) -> Path:
        """Where a version is kept."""
        return self._at(name, version)

    def versions(self, name: str) -> list[str]:
        """The stored versions in the order of their names."""
        return sorted(path.parent.name for path in self._at(name).glob(f"*/{_MANIFEST}"))

    def current(self, name: str) -> str | None:
        """The version in force, if there is one. Raises ArtefactError."""
        path = self._at(name) / _CURRENT
        try:
            version = path.read_text("utf-8").strip()
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise ArtefactError(f"{path} cannot be read ({error}); remove it") from error
        if not _NAME.fullmatch(version):
            raise ArtefactError(f"{path} does not hold a version; remove it")
        return version

    def usable(self, name: str) -> Artefact | None:
        """What is in force, None also when it cannot be read: that is said, and no batch waits
        for it to be learned again."""
        try:
            version = self.current(name)
            return None if version is None else self.load(name, version)
        except ArtefactError as error:
            notice(f"not used: {error}")
            return None

    def usable_version(self, name: str) -> str | None:
        """The version of what is usable."""
        artefact = self.usable(name)
        return None if artefact is None else artefact.version

    def facts(self, name: str, version: str) -> Mapping[str, Any]:
        """What the manifest states, without reading the arrays. Raises ArtefactError."""
        facts: Mapping[str, Any] = self._manifest(name, version)["facts"]
        return facts

    def load(self, name: str, version: str) -> Artefact:
        """One version, verified against its digest. Raises ArtefactError."""
        manifest = self._manifest(name, version)
        path = self._at(name, version) / str(manifest["arrays"])
        try:
            data = path.read_bytes()
            stated = json.dumps(manifest["facts"], sort_keys=True)
            digest = blake2b(data + stated.encode(), digest_size=16).hexdigest()
            if digest != manifest["digest"]:
                raise ValueError("it is not what was stored")
            with np.load(io.BytesIO(data), allow_pickle=False) as stored:
                arrays = {key: stored[key] for key in stored.files}
            if _HASH.fullmatch(version) and _content_hash(arrays, manifest["facts"]) != version:
                raise ValueError("it was changed after it was stored")
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise ArtefactError(
                f"{name} {version} cannot be read from {path}: {error}; delete its folder and "
                "materialize what makes it again"
            ) from error
        return Artefact(name, version, digest, arrays, manifest["facts"])

    def _manifest(self, name: str, version: str) -> Mapping[str, Any]:
        path = self._at(name, version) / _MANIFEST
        try:
            manifest: Mapping[str, Any] = json.loads(path.read_bytes())
            if not isinstance(manifest.get("facts"), dict):
                raise ValueError("it states no facts")
            if not {"facts", "arrays", "digest"} <= manifest.keys():
                raise ValueError("it lacks a part")
            if not _NAME.fullmatch(str(manifest["arrays"])):
                raise ValueError("its arrays file has no plain name")
        except (OSError, ValueError, AttributeError, RecursionError) as error:
            raise ArtefactError(
                f"{name} has no readable version {version}: {path}: {error}; materialize what "
                "makes it again"
            ) from error
        return manifest

    def _at(self, *parts: str) -> Path:
        for part in parts:
            if not _NAME.fullmatch(part):
                raise ValueError(f"not a plain name: {part!r}")
        return self._folder.joinpath(*parts)


def _content_hash(arrays: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    digest = blake2b(digest_size=8)
    for name in sorted(arrays):
        array = np.asarray(arrays[name])
        if array.dtype.hasobject:
            raise ValueError(f"arrays of objects are not stored: {name}")
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    digest.update(json.dumps(facts, sort_keys=True).encode())
    return digest.hexdigest()
