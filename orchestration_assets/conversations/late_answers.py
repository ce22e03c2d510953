"""Answers that later messages remember, and that came after these were asked about.

A fact of a message may be answered late, or otherwise when its batch is processed again. Messages
of other batches that come after it in its conversation are then stale, those of earlier batches
too: where a message was put in before them, they were asked about again with what it states.
"""

from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.conversations.stale import note_stale
from orchestration_assets.conversations.thread_state import state_of, thread_of
from orchestration_assets.conversations.threads import Thread
from orchestration_assets.schemas.answers import Answer, answer_of
from orchestration_assets.schemas.conversations import THREAD_MESSAGES
from orchestration_assets.schemas.decoding import column_names, decode, values
from orchestration_assets.schemas.errors import DamagedFileError
from orchestration_assets.schemas.resolved_answers import ResolvedAnswer
from orchestration_assets.schemas.tables import RESOLUTIONS
from resources.damage import leaving_out_damage
from resources.home import Home
from resources.table_store import TableMissingError
from resources.versioned_state import ChangeNote, StateConflictError


def note_late_answers(
    home: Home, batch: str, tasks: Collection[str], resolutions: pa.Table
) -> None:
    """Notes as stale what rests on answers of ``batch`` that ``resolutions``, which are about to be
    stored, have and those that are stored have not.

    ``tasks`` are those whose answers are remembered. Each conversation gets a new version that says
    why, so that its messages count as asked about once they were asked with that version: who is
    killed in between has noted too much, never too little. Raises DamagedFileError.
    """
    if not tasks or not home.threads.exists():
        return
    changed = _changed(home, batch, tasks, resolutions)
    if not changed:
        return
    for name, items in sorted(_by_thread(home, batch, changed).items()):
        _note(home, batch, name, items)


def later_messages(thread: Thread, batch: str, items: Collection[str]) -> Mapping[str, list[str]]:
    """Other batch -> its messages that come after one of these items of ``batch``."""
    places = [thread.places[item] for item in items if item in thread.places]
    found: dict[str, list[str]] = {}
    for one in thread.messages[min(places) + 1 :] if places else ():
        if one.batch != batch:
            found.setdefault(one.batch, []).append(one.item_id)
    return found


def _changed(
    home: Home, batch: str, tasks: Collection[str], resolutions: pa.Table
) -> frozenset[str]:
    """The items of which another answer stands than did; all where nobody can tell any more."""
    after = _standing(resolutions, tasks)
    try:
        columns = ("task", *column_names(ResolvedAnswer))
        before = _standing(home.tables.read(RESOLUTIONS.name, batch, columns), tasks)
    except TableMissingError:
        # nobody can have remembered anything of what was never stored
        return frozenset()
    except DamagedFileError:
        return frozenset(item for item, _ in after)
    return frozenset(
        item
        for item, task in before.keys() | after.keys()
        if before.get((item, task)) != after.get((item, task))
    )


def _standing(rows: pa.Table, tasks: Collection[str]) -> Mapping[tuple[str, str], Answer | None]:
    about = rows.filter(pc.is_in(rows["task"], pa.array(sorted(tasks), pa.string())))
    named = zip(decode(ResolvedAnswer, about), values(about, "task"), strict=True)
    return {(one.item_id, task): answer_of(one) for one, (task,) in named}


def _by_thread(home: Home, batch: str, items: Collection[str]) -> Mapping[str, set[str]]:
    found: dict[str, set[str]] = {}
    with leaving_out_damage(), suppress(TableMissingError):
        rows = home.tables.read(THREAD_MESSAGES.name, batch, ("item_id", "thread"))
        for item, thread in values(rows, "item_id", "thread"):
            if item in items:
                found.setdefault(thread, set()).add(item)
    return found


def _note(home: Home, batch: str, name: str, items: Collection[str]) -> None:
    state = state_of(home, name)
    while (version := state.current()) is not None:
        later = later_messages(thread_of(state, version), batch, items)
        if not later:
            return
        for other, stale in later.items():
            note_stale(home, other, state.name, version.number + 1, stale)
        note = ChangeNote(f"batch {batch}", datetime.now(UTC), "an answer about a message is new")
        try:
            state.put(version.value, version.number, note)
        except StateConflictError:
            continue
        return
