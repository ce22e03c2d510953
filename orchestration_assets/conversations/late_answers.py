"""Answers that later messages remember, and that came after these were asked about.

A fact of a message may be answered late, or otherwise when its batch is processed again. Messages
of other batches that come after it in its conversation are then stale, those of earlier batches
too: where a message was put in before them, they were asked about again with what it states.
"""

from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

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

NEW_ANSWER: Final = "an answer about a message before it is new"


def note_late_answers(
    home: Home, batch: str, tasks: Collection[str], resolutions: pa.Table
) -> None:
    """Notes as stale what rests on answers of ``batch`` that ``resolutions``, which are about to be
    stored, have and those that are stored have not.

    Of batches that come before this one in its series that is whatever it answers: they are not
    shown answers of later batches while these are under way, though their messages may come after
    messages of these.

    ``tasks`` are those whose answers are remembered. Each conversation gets a new version that says
    why, so that its messages count as asked about once they were asked with that version: who is
    killed in between has noted too much, never too little. Raises DamagedFileError.
    """
    if not tasks or not home.threads.exists():
        return
    who, unseen = f"batch {batch}", frozenset(home.series.before(batch))
    changed = _changed(home, batch, tasks, resolutions)
    for name, items in sorted(_by_thread(home, batch, changed).items()) if changed else ():
        note_later(home, name, {batch: items}, who, NEW_ANSWER)
    if not unseen:
        return
    answered = frozenset(item for (item, _), told in _standing(resolutions, tasks).items() if told)
    for name, items in sorted(_by_thread(home, batch, answered).items()):
        note_later(home, name, {batch: items}, who, NEW_ANSWER, only=unseen)


def later_messages(
    thread: Thread, batch: str, items: Collection[str], *, own: bool = False
) -> Mapping[str, list[str]]:
    """Other batch -> its messages that come after one of these items of ``batch``; also of this
    batch where ``own``."""
    places = [thread.places[item] for item in items if item in thread.places]
    found: dict[str, list[str]] = {}
    for one in thread.messages[min(places) + 1 :] if places else ():
        if own or one.batch != batch:
            found.setdefault(one.batch, []).append(one.item_id)
    return found


def places_of(
    home: Home, name: str, batches: Mapping[str, Collection[str]], *, own: bool = False
) -> Mapping[str, list[str]]:
    """As :func:`later_messages`, of the conversation as it stands, for items of several batches."""
    version = state_of(home, name).current()
    return {} if version is None else _later(thread_of(state_of(home, name), version), batches, own)


def note_later(
    home: Home,
    name: str,
    batches: Mapping[str, Collection[str]],
    who: str,
    why: str,
    *,
    own: bool = False,
    only: Collection[str] | None = None,
) -> Collection[str]:
    """Notes as stale the messages of a conversation that come after these items, by batch: of other
    batches, or ``only`` of some of them, and of their ``own``; the batches of those that it noted.
    Raises DamagedFileError."""
    state = state_of(home, name)
    while (version := state.current()) is not None:
        later = {
            other: stale
            for other, stale in _later(thread_of(state, version), batches, own).items()
            if only is None or other in only
        }
        if not later:
            break
        for other, stale in later.items():
            note_stale(home, other, state.name, version.number + 1, stale, why)
        try:
            state.put(version.value, version.number, ChangeNote(who, datetime.now(UTC), why))
        except StateConflictError:
            continue
        return later.keys()
    return ()


def _later(
    thread: Thread, batches: Mapping[str, Collection[str]], own: bool
) -> Mapping[str, list[str]]:
    found: dict[str, dict[str, None]] = {}
    for batch, items in batches.items():
        for other, later in later_messages(thread, batch, items, own=own).items():
            found.setdefault(other, {}).update(dict.fromkeys(later))
    return {batch: list(items) for batch, items in found.items()}


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
