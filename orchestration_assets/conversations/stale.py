"""Batches with messages whose earlier messages changed since they were asked about.

Below ``<home>/threads/stale/<batch>/`` is a file for each change of a thread's state that such a
batch has messages after, with the items of these: ``<state>.<version>.json``. It counts until the
batch was carried out to its end with that version, or a later one.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestration_assets.schemas.errors import DamagedFileError
from resources.home import Home


@dataclass(frozen=True, slots=True)
class StaleNote:
    """The items of a batch that a change of a thread's state has made stale."""

    state: str
    version: int
    items: tuple[str, ...]
    path: Path


def note_stale(home: Home, batch: str, state: str, version: int, items: Sequence[str]) -> None:
    """Notes that a version of a thread's state changes what comes before these items."""
    path = home.threads / "stale" / batch / f"{state}.{version:09d}.json"
    home.files.overwrite(path, json.dumps({"items": list(items)}).encode())


def stale_notes(home: Home, batch: str) -> list[StaleNote]:
    """The notes about a batch, by state and version. Raises DamagedFileError."""
    return [_read(path) for path in sorted((home.threads / "stale" / batch).glob("[!.]*.json"))]


def noted_batches(home: Home) -> list[str]:
    """The batches that there are notes about, the oldest first."""
    return sorted(
        path.name for path in (home.threads / "stale").glob("[!.]*") if any(path.glob("[!.]*.json"))
    )


def drop_notes(home: Home, notes: Iterable[StaleNote]) -> None:
    """Removes notes that are settled."""
    for note in notes:
        home.files.remove(note.path)


def _read(path: Path) -> StaleNote:
    state, _, version = path.name.removesuffix(".json").rpartition(".")
    try:
        items = tuple(map(str, json.loads(path.read_bytes())["items"]))
        return StaleNote(state, int(version), items, path)
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedFileError(
            path, f"cannot be read ({error})", "delete it, and run the batch with --reprocess"
        ) from error
