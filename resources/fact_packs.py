"""What is kept about many batches, put together in few files.

A fact is written as a file of its own. Small ones of batches that have ended are put together into
packs, so that whoever counts over all batches opens as many files as there are packs. As of the
parts of a table the last packs are joined with what comes as long as they hold no more facts than
that. A pack is named by a hash of its bytes: one that holds others is as good as none, and what it
held is derived again. Nothing is lost where a process dies between two steps, or two of them pack
at once: what stands in two files is the same, and what stands in none is derived again.
"""

import contextlib
import json
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from threading import Lock
from typing import Any, Final

from orchestration_assets.schemas.errors import OrchestrationError, unwritable
from resources.locks import locked, make_folder
from resources.table_store import TableStore, write_atomically

FEWEST: Final = 16
"""So many files of their own are left as they are."""
MOST_FACTS: Final = 4_096
"""No pack holds more, so that further facts never cost more than this many."""
LARGE_BYTES: Final = 32_768
"""A fact from this size on stays a file of its own: reading it costs more than opening it."""
_PACKS: Final = "packs"
"""Below the folder of a fact: what is written beside its packs must not look like a new one."""
_SUFFIX: Final = ".json"
_PART: Final = "part-"
"""Facts about parts of a table go with these."""
_LOCK: Final = ".lock"

Facts = Mapping[str, str]
"""Batch -> what is kept about it, as its own file would hold it."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """The packs of a folder as it was when it had this version."""

    version: tuple[int, int]
    packs: Mapping[str, Facts]

    def of(self, batch: str) -> Iterator[str]:
        return (facts[batch] for facts in self.packs.values() if batch in facts)


_seen: dict[Path, _Seen] = {}
_lock: Final = Lock()


def packed_facts(folder: Path, batch: str) -> Iterator[str]:
    """What the packs of a folder hold about a batch: of several versions where one is older."""
    try:
        state = os.stat(f"{folder}/{_PACKS}")  # noqa: PTH116 -- asked once for each batch
    except OSError:
        return iter(())
    version = (state.st_mtime_ns, state.st_ino)
    with _lock:
        seen = _seen.get(folder)
        if seen is None or seen.version != version:
            known = seen.packs if seen is not None else {}
            # a name is one of certain bytes
            packs = {path.name: known.get(path.name) or _read(path) for path in _packs(folder)}
            seen = _seen[folder] = _Seen(version, packs)
    return seen.of(batch)


def pack_facts(store: TableStore) -> None:
    """Puts together what is kept about batches in many files; what cannot be written stays."""
    for folder in _folders(store):
        with contextlib.suppress(OrchestrationError, OSError):
            loose = [path for path in _loose(folder) if path.stat().st_size < LARGE_BYTES]
            if len(loose) >= FEWEST:
                make_folder(folder / _PACKS)
                with locked(folder / _PACKS / _LOCK):
                    _pack(store, folder, loose)


def drop_facts(store: TableStore, batches: Collection[str]) -> None:
    """Takes away what is kept about some batches. Raises UnwritableError."""
    going = set(batches)
    for folder in _folders(store) if going else ():
        make_folder(folder / _PACKS)
        with locked(folder / _PACKS / _LOCK):
            for path in _loose(folder):
                if path.stem in going:
                    _unlink(path)
            for path in _packs(folder):
                held = _read(path)
                if not held or going & held.keys():
                    _write(folder, {one: held[one] for one in held if one not in going})
                    _unlink(path)


def made_of(path: Path) -> frozenset[str]:
    """The tables that a fact in a file of its own was derived from; of one that cannot be read a
    word that is no table's."""
    try:
        return frozenset(json.loads(path.read_bytes())["versions"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return frozenset({""})


def _pack(store: TableStore, folder: Path, loose: Collection[Path]) -> None:
    fresh = {path.stem: path.read_text("utf-8") for path in loose}
    packs = {path: _read(path) for path in _packs(folder)}
    joined, facts = dict[Path, Facts](), dict(fresh)
    # one that says something else of the same batches is older than their own files
    for path, held in sorted(packs.items(), key=lambda one: (len(one[1]), one[0])):
        few = len(held) <= len(facts) and len(held) + len(facts) <= MOST_FACTS
        if few or fresh.keys() & held.keys():
            joined[path] = held
            facts = {**held, **facts}
    whole = {batch: fact for batch, fact in facts.items() if _stands(store, batch, fact)}
    written = _write(folder, whole)
    for path in (*loose, *joined):
        if path != written:
            _unlink(path)


def _stands(store: TableStore, batch: str, fact: str) -> bool:
    """Whether the tables that a fact was derived from are as they were."""
    try:
        versions: dict[str, Any] = json.loads(fact)["versions"]
        return all(store.version(table, batch) == told for table, told in versions.items())
    except (ValueError, KeyError, TypeError, AttributeError):
        return False


def _write(folder: Path, facts: Facts) -> Path | None:
    """The pack of these facts; none where there are none. Raises UnwritableError."""
    if not facts:
        return None
    data = json.dumps(dict(sorted(facts.items()))).encode()
    path = folder / _PACKS / f"{_name_of(data)}{_SUFFIX}"
    write_atomically(path, data)
    return path


def _read(path: Path) -> Facts:
    """What a pack holds; nothing where it is gone, or has other bytes than were written."""
    try:
        data = path.read_bytes()
        held: dict[str, str] = json.loads(data) if _name_of(data) == path.stem else {}
    except (OSError, ValueError, RecursionError):
        return {}
    return held


def _name_of(data: bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()


def _folders(store: TableStore) -> list[Path]:
    return [path for path in sorted(store.derived.glob("[!.]*")) if path.is_dir()]


def _loose(folder: Path) -> list[Path]:
    found = sorted(folder.glob("[!.]*.json"))
    return [path for path in found if not path.name.startswith(_PART)]


def _packs(folder: Path) -> list[Path]:
    return sorted((folder / _PACKS).glob(f"[!.]*{_SUFFIX}"))


def _unlink(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(path, error) from error
