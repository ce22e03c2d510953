"""Promoted artefacts of a home: numbers that were learned or collected, versioned and verified."""

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

from orchestration_assets.schemas.errors import OrchestrationError
from resources.table_store import write_atomically

_MANIFEST: Final = "manifest.json"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]*")


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


class ArtefactStore:
    """``<home>/models/<name>/<version>``: a manifest, and the arrays file that it names.

    The manifest is written last and atomically: a reader sees the old version or the new one.
    Arrays are kept without pickle, so that reading one executes nothing.
    """

    def __init__(self, home: str | Path) -> None:
        self._folder = Path(home).expanduser().absolute() / "models"

    def promote(
        self, name: str, version: str, arrays: Mapping[str, Any], facts: Mapping[str, Any]
    ) -> Artefact:
        """Makes this version the one that is read, in the place of an earlier one of its name.

        Raises ValueError for a name or version that is no plain name, and for arrays of objects.
        """
        folder = self._at(name, version)
        sink = io.BytesIO()
        np.savez(sink, allow_pickle=False, **{key: arrays[key] for key in sorted(arrays)})
        data, stated = sink.getvalue(), json.dumps(facts, sort_keys=True)
        digest = blake2b(data + stated.encode(), digest_size=16).hexdigest()
        file = f"arrays-{digest}.npz"
        write_atomically(folder / file, data)
        manifest = {"name": name, "version": version, "digest": digest, "arrays": file}
        whole = json.dumps(manifest | {"facts": json.loads(stated)}, indent=1, sort_keys=True)
        write_atomically(folder / _MANIFEST, whole.encode())
        for old in folder.glob("arrays-*.npz"):
            if old.name != file:
                old.unlink(missing_ok=True)
        return Artefact(name, version, digest, dict(arrays), json.loads(stated))

    def versions(self, name: str) -> list[str]:
        """The versions of an artefact in the order of their names."""
        return sorted(path.parent.name for path in self._at(name).glob(f"*/{_MANIFEST}"))

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
                raise ValueError("it is not what was promoted")
            with np.load(io.BytesIO(data), allow_pickle=False) as stored:
                arrays = {key: stored[key] for key in stored.files}
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
