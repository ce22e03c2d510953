"""Batches with messages whose earlier messages changed since they were asked about.

Below ``<home>/threads/stale/<batch>/`` is a file for each change of a thread's state that such a
batch has messages after, with the items of these: ``<state>.<version>.json``. It counts once the
state has that version (who was killed before has changed nothing yet), until the batch was carried
out to its end with that version, or a later one. The file says why, too.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from hashlib import blake2b
from pathlib import Path
from typing import Final

from orchestration_assets.policy.kept_policies import KeptPolicyError, read_kept_policy
from orchestration_assets.policy.memory import memory_tasks
from orchestration_assets.schemas.conversations import THREAD_MESSAGES
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.errors import DamagedFileError
from orchestration_assets.schemas.tables import DISAGREEMENT_REPORT
from resources.damage import leaving_out_damage
from resources.home import Home
from resources.run_claims import report_version
from resources.table_store import TableMissingError
from resources.versioned_state import NoSuchVersionError


def state_name(thread: str) -> str:
    """The name of a thread's state: a hash, as threads may be called anything."""
    return f"thread-{blake2b(thread.encode(), digest_size=12).hexdigest()}"


@dataclass(frozen=True, slots=True)
class StaleNote:
    """The items of a batch that a change of a thread's state has made stale."""

    state: str
    version: int
    items: tuple[str, ...]
    path: Path
    why: str


MESSAGES_CHANGED: Final = "messages before it were put in, changed or removed"


def note_stale(
    home: Home, batch: str, state: str, version: int, items: Sequence[str], why: str
) -> None:
    """Notes that a version of a thread's state changes what comes before these items, and why."""
    path = home.threads / "stale" / batch / f"{state}.{version:09d}.json"
    home.files.overwrite(path, json.dumps({"items": list(items), "why": why}).encode())


def stale_notes(home: Home, batch: str) -> list[StaleNote]:
    """The notes about a batch, by state and version. Raises DamagedFileError."""
    return [_read(path) for path in sorted((home.threads / "stale" / batch).glob("[!.]*.json"))]


def noted_batches(home: Home) -> list[str]:
    """The batches that there are notes about, the oldest first."""
    return sorted(
        path.name for path in (home.threads / "stale").glob("[!.]*") if any(path.glob("[!.]*.json"))
    )


@dataclass(frozen=True, slots=True)
class StaleBatch:
    """A finished batch with stale messages: how many, the policy that its plans are under, when the
    last of them became so, in seconds since 1970, and why they did."""

    batch: str
    messages: int
    policy_hash: str
    since: float
    why: tuple[str, ...] = ()


def stale_batches(home: Home, batches: Iterable[str], *, settles: bool = True) -> list[StaleBatch]:
    """Those of the batches that have stale messages, in the order given; settled notes are removed,
    unless nothing is to be written.

    A batch without a report is left out: it is yet to be carried out. So is one that was carried
    out when no service was shown any memory, and its notes are removed: another policy asks about
    it again with --reprocess only, of all its messages. What is damaged is left out, and said.
    """
    noted = set(noted_batches(home))
    is_shown = lru_cache(maxsize=None)(partial(_shows_memory, home))
    found = []
    for batch in batches:
        if batch not in noted or not home.tables.exists(DISAGREEMENT_REPORT.name, batch):
            continue
        with leaving_out_damage():
            columns = ["policy_hash"]
            (row,) = home.tables.read(DISAGREEMENT_REPORT.name, batch, columns).to_pylist()
            if not is_shown(row["policy_hash"]):
                for note in stale_notes(home, batch) if settles else ():
                    home.files.remove(note.path)
            elif notes := _unsettled(home, batch, settles=settles):
                items = {item for note in notes for item in note.items}
                since = max(note.path.stat().st_mtime for note in notes)
                why = tuple(sorted({note.why for note in notes}))
                found.append(StaleBatch(batch, len(items), row["policy_hash"], since, why))
    return found


def is_asked_again(home: Home, batch: str) -> bool:
    """Whether a run would ask about stale messages of a batch: as :func:`stale_batches` has it."""
    with leaving_out_damage():
        if home.tables.exists(DISAGREEMENT_REPORT.name, batch):
            (row,) = home.tables.read(DISAGREEMENT_REPORT.name, batch, ["policy_hash"]).to_pylist()
            return _shows_memory(home, row["policy_hash"])
    return False


def _shows_memory(home: Home, policy_hash: str) -> bool:
    """Whether services are shown memory under a policy; also where it cannot be read any more."""
    try:
        return bool(memory_tasks(read_kept_policy(home.policies / f"{policy_hash}.json")))
    except KeptPolicyError:
        return True


def stale_items(home: Home, batch: str) -> frozenset[str]:
    """The messages of a batch that are to be asked about again. Raises DamagedFileError."""
    notes = [note for note in stale_notes(home, batch) if _is_made(home, note)]
    return frozenset(item for note in notes for item in note.items)


def unsettled_items(home: Home, batch: str) -> Mapping[str, str]:
    """The messages of a batch that are stale still, and why; nothing is written. Raises
    DamagedFileError."""
    notes = _unsettled(home, batch, settles=False)
    return {item: note.why for note in notes for item in note.items}


def _unsettled(home: Home, batch: str, *, settles: bool = True) -> list[StaleNote]:
    """The notes that count still; the others are removed where this ``settles``."""
    known, items = _carried_out(home, batch)
    left = []
    for note in stale_notes(home, batch):
        if note.version <= known.get(note.state, 0) or items.isdisjoint(note.items):
            if settles:
                home.files.remove(note.path)
        elif _is_made(home, note):
            left.append(note)
    return left


def _is_made(home: Home, note: StaleNote) -> bool:
    """Whether the state has the version that the note is about, which is written after it."""
    try:
        home.state(note.state).version(note.version)
    except NoSuchVersionError:
        return False
    return True


def _carried_out(home: Home, batch: str) -> tuple[Mapping[str, int], set[str]]:
    """State -> the version of its thread that the batch was carried out to its end with; and the
    messages of the batch."""
    tables = home.tables
    report = report_version(tables, batch)
    columns = ("item_id", "thread", "thread_version")
    try:
        made = tables.path(THREAD_MESSAGES.name, batch).stat().st_mtime_ns
        rows = list(values(tables.read(THREAD_MESSAGES.name, batch, columns), *columns))
    except (FileNotFoundError, TableMissingError):
        return {}, set()
    items = {item for item, _, _ in rows}
    # its table comes first, its report last
    if report is None or report[0] < made:
        return {}, items
    return {state_name(thread): version for _, thread, version in rows}, items


def _read(path: Path) -> StaleNote:
    state, _, version = path.name.removesuffix(".json").rpartition(".")
    try:
        stated = json.loads(path.read_bytes())
        items = tuple(map(str, stated["items"]))
        # notes of an earlier release do not say why
        why = str(stated.get("why", MESSAGES_CHANGED))
        return StaleNote(state, int(version), items, path, why)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedFileError(
            path, f"cannot be read ({error})", "delete it, and run the batch with --reprocess"
        ) from error
