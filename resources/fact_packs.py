"""What is kept about many batches, put together in few files.

A fact is written as a file of its own. Small ones of batches that have ended are put together into
packs, so that whoever counts over all batches opens as many files as there are packs. As of the
parts of a table the last packs are joined with what comes as long as they hold no more facts than
that. A pack has a line for each batch, and is named by a hash of its bytes: one that holds others
is as good as none, and what it held is derived again. Nothing is lost where a process dies between
two steps, or two of them pack at once: what stands in two files is the same, and what stands in
none is derived again.
"""

import contextlib
import json
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

from orchestration_assets.schemas.errors import OrchestrationError, unwritable
from resources.locks import locked, make_folder
from resources.table_store import TableStore, write_atomically

FEWEST: Final = 16
"""So many files of their own are left as they are."""
MOST_FACTS: Final = 4_096
"""No pack holds more, so that a further fact never costs much more than this many."""
LARGE_BYTES: Final = 32_768
"""A fact from this size on stays a file of its own: reading it costs more than opening it."""
_PACKS: Final = "packs"
"""Below the folder of a fact: what is written beside its packs must not look like a new one."""
_SUFFIX: Final = ".facts"
_BETWEEN: Final = "\t"
"""Of a line: it has the batch before it, and after it the fact as its own file has it, so that who
looks for words reads them there as in any JSON."""
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


# two threads may read the same packs: it costs time, and a lock would be held by nobody in a child
_seen: dict[Path, _Seen] = {}


def packed_facts(folder: Path, batch: str) -> Iterator[str]:
    """What the packs of a folder hold about a batch: of several versions where one is older."""
    try:
        state = os.stat(f"{folder}/{_PACKS}")  # noqa: PTH116 -- asked once for each batch
    except OSError:
        return iter(())
    version = (state.st_mtime_ns, state.st_ino)
    seen = _seen.get(folder)
    if seen is None or seen.version != version:
        known = seen.packs if seen is not None else {}
        # a name is one of certain bytes
        packs = {path.name: known.get(path.name) or _read(path) for path in _packs(folder)}
        seen = _seen[folder] = _Seen(version, packs)
    return seen.of(batch)


def pack_facts(store: TableStore) -> None:
    """Puts together what is kept about batches in many files, or beside what was kept before it;
    what cannot be written stays."""
    for folder in _folders(store):
        with contextlib.suppress(OrchestrationError, OSError):
            loose = _loose(folder)
            small = [path for path in loose if path.stat().st_size < LARGE_BYTES]
            # what was forgotten on another machine of the home must not stand here for long
            again = any(True for path in loose for _ in packed_facts(folder, path.stem))
            if len(small) >= FEWEST or again:
                make_folder(folder / _PACKS)
                with locked(folder / _PACKS / _LOCK):
                    _pack(store, folder, small, {path.stem for path in loose})


def drop_facts(store: TableStore, batches: Collection[str], staying: Collection[str] = ()) -> None:
    """Takes away what is kept about some batches, but for what was derived of ``staying`` tables
    alone. Raises UnwritableError."""
    going, stays = set(batches), set(staying)
    if going:
        _drop(store, going.__contains__, lambda _, fact: not tables_of(fact) <= stays)


def drop_stale_facts(store: TableStore) -> None:
    """Takes away what was derived of tables that are gone or others now. Raises UnwritableError."""
    _drop(store, lambda _: True, lambda batch, fact: not _stands(store, batch, fact))


def _drop(
    store: TableStore, is_about: Callable[[str], bool], goes: Callable[[str, str], bool]
) -> None:
    """Takes away those facts about some batches that go."""
    for folder in _folders(store):
        make_folder(folder / _PACKS)
        with locked(folder / _PACKS / _LOCK):
            for path in sorted(folder.glob("[!.]*.json")):
                if is_about(path.stem) and goes(path.stem, _text_of(path)):
                    _unlink(path)
            for path in _packs(folder):
                held = _read(path)
                left = {
                    one: held[one] for one in held if not (is_about(one) and goes(one, held[one]))
                }
                if not held or len(left) < len(held):
                    _write(folder, left)
                    _unlink(path)
            _seen.pop(folder, None)


def as_fact(versions: Mapping[str, Any], facts: Mapping[str, Any]) -> bytes:
    """A fact as its file has it, on one line: of which tables, as they were then, and what."""
    return json.dumps({"versions": versions, "mark": _mark(facts), "facts": facts}).encode()


def is_whole(found: Mapping[str, Any]) -> bool:
    """Whether a fact tells what was written, as far as it says so: in homes of before it did not.
    Raises KeyError where it tells nothing."""
    return "mark" not in found or found["mark"] == _mark(found["facts"])


def _mark(facts: Any) -> str:
    return blake2b(json.dumps(facts).encode(), digest_size=8).hexdigest()


def made_of(path: Path) -> frozenset[str]:
    """:func:`tables_of` of a fact in a file of its own."""
    return tables_of(_text_of(path))


def tables_of(fact: str) -> frozenset[str]:
    """The tables that a fact was derived from; of one that does not say so a word that is no
    table's."""
    try:
        return frozenset(json.loads(fact)["versions"]) or frozenset({""})
    except (ValueError, KeyError, TypeError, RecursionError):
        return frozenset({""})


def _text_of(path: Path) -> str:
    """A fact as its file has it, on which nothing but ASCII was written."""
    try:
        return path.read_text("ascii", "replace")
    except OSError:
        return ""


def _pack(store: TableStore, folder: Path, loose: Collection[Path], own: Collection[str]) -> None:
    """Packs the ``loose`` ones; ``own`` are all batches that have a file of their own."""
    fresh = {path.stem: path.read_text("ascii", "replace") for path in loose}
    packs = {path: _read(path) for path in _packs(folder)}
    joined, facts = dict[Path, Facts](), dict(fresh)
    # one that says something else of the same batches is older than their own files
    for path, held in sorted(packs.items(), key=lambda one: (len(one[1]), one[0])):
        few = len(held) <= len(facts) and len(held) + len(facts) <= MOST_FACTS
        if few or not held.keys().isdisjoint(own):
            joined[path] = held
            facts = {one: held[one] for one in held if one not in own} | facts
    whole = sorted((batch, fact) for batch, fact in facts.items() if _stands(store, batch, fact))
    written = {
        _write(folder, dict(whole[start : start + MOST_FACTS]))
        for start in range(0, len(whole), MOST_FACTS)
    }
    for path in (*loose, *joined):
        if path not in written:
            _unlink(path)
    # the folder may look as before to who looked at it just now
    _seen.pop(folder, None)


def _stands(store: TableStore, batch: str, fact: str) -> bool:
    """Whether a fact is whole, and the tables that it was derived from are as they were."""
    try:
        found: dict[str, Any] = json.loads(fact)
        versions: dict[str, Any] = found["versions"]
        same = all(store.version(table, batch) == told for table, told in versions.items())
        is_line = fact.isascii() and "\n" not in fact
        return bool(versions) and same and is_line and is_whole(found)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return False


def _write(folder: Path, facts: Facts) -> Path | None:
    """The pack of these facts; none where there are none. Raises UnwritableError."""
    if not facts:
        return None
    lines = (f"{batch}{_BETWEEN}{fact}" for batch, fact in sorted(facts.items()))
    data = "\n".join(lines).encode()
    path = folder / _PACKS / f"{_name_of(data)}{_SUFFIX}"
    write_atomically(path, data)
    return path


def _read(path: Path) -> Facts:
    """What a pack holds; nothing where it is gone, or has other bytes than were written."""
    try:
        data = path.read_bytes()
        if _name_of(data) != path.stem:
            return {}
        lines = (line.partition(_BETWEEN) for line in data.decode().split("\n"))
        return {batch: fact for batch, _, fact in lines}
    except (OSError, ValueError):
        return {}


def _name_of(data: bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()


def _folders(store: TableStore) -> list[Path]:
    return [path for path in sorted(store.derived.glob("[!.]*")) if path.is_dir()]


def _loose(folder: Path) -> list[Path]:
    found = sorted(folder.glob("[!.]*.json"))
    return [path for path in found if not path.name.startswith(_PART)]


def _packs(folder: Path) -> list[Path]:
    return sorted((folder / _PACKS).glob("[!.]*"))


def _unlink(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(path, error) from error
