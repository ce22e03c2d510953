"""Which batches hold messages: of which entries and threads, so that others need not be looked at.

Below ``<home>/threads/batches/`` is a file for each batch that accepted messages.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestration_assets.schemas.errors import DamagedFileError
from resources.home import Home


@dataclass(frozen=True, slots=True)
class BatchMessages:
    """``entries``: entry -> address of its file. ``threads`` are names of conversations."""

    batch: str
    entries: Mapping[str, str]
    threads: tuple[str, ...]


def index_batch(
    home: Home, batch: str, entries: Mapping[str, str], threads: Collection[str]
) -> None:
    """Notes the entries and threads that the batch holds messages of."""
    stated = {"entries": dict(sorted(entries.items())), "threads": sorted(threads)}
    home.files.overwrite(_path(home, batch), json.dumps(stated).encode())


def keep_threads(home: Home, batch: str, threads: Collection[str]) -> None:
    """Takes the names of all other threads out of what is noted of a batch, if anything is.

    What is damaged goes: it is made again with its batch.
    """
    path = _path(home, batch)
    try:
        noted = _read(path)
    except FileNotFoundError:
        return
    except DamagedFileError:
        drop_batch(home, batch)
        return
    left = [name for name in noted.threads if name in threads]
    if len(left) < len(noted.threads):
        index_batch(home, batch, noted.entries, left)


def drop_batch(home: Home, batch: str) -> None:
    """Takes away what is noted of a batch, if anything is."""
    home.files.remove(_path(home, batch))


def indexed_batches(home: Home, before: str | None = None) -> Iterator[BatchMessages]:
    """The batches that hold messages, or those of them ``before`` a batch, the oldest first.

    Raises DamagedFileError for one of these: a batch whose own is damaged makes it again.
    """
    for path in sorted((home.threads / "batches").glob("[!.]*.json")):
        if before is not None and path.stem >= before:
            return
        yield _read(path)


def _read(path: Path) -> BatchMessages:
    try:
        stated = json.loads(path.read_bytes())
        entries, threads = dict(stated["entries"]), tuple(map(str, stated["threads"]))
    except (ValueError, KeyError, TypeError) as error:
        remedy = "run its batch with --reprocess"
        raise DamagedFileError(path, f"cannot be read ({error})", remedy) from error
    return BatchMessages(path.stem, entries, threads)


def _path(home: Home, batch: str) -> Path:
    return home.threads / "batches" / f"{batch}.json"
