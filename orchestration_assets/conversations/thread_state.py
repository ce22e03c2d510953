"""The state of each thread: read in a version, changed by compare-and-swap."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from orchestration_assets.conversations.stale import MESSAGES_CHANGED, note_stale, state_name
from orchestration_assets.conversations.threads import (
    MessageReference,
    Thread,
    parsed,
    plain,
    remembering_else,
)
from orchestration_assets.schemas.errors import DamagedFileError
from resources.home import Home
from resources.versioned_state import (
    ChangeNote,
    StateConflictError,
    StateVersion,
    VersionedState,
)

_REMEDY: Final = "bring it back from a copy"


def state_of(home: Home, thread: str) -> VersionedState:
    """The state of a thread, which has no version before its first message."""
    return home.state(state_name(thread))


def current_thread(home: Home, name: str) -> tuple[Thread, int]:
    """The thread as it stands, and the version of its state: 0 before its first message.

    Raises DamagedFileError.
    """
    state = state_of(home, name)
    version = state.current()
    return (thread_of(state, version), version.number) if version else (Thread(name), 0)


def thread_at(home: Home, name: str, version: int) -> Thread:
    """The thread in one version of its state. Raises NoSuchVersionError, DamagedFileError."""
    if not version:
        return Thread(name)
    state = state_of(home, name)
    return thread_of(state, state.version(version))


def thread_of(state: VersionedState, version: StateVersion) -> Thread:
    """What a version of a thread's state holds. Raises DamagedFileError."""
    try:
        return parsed(version.value)
    except (KeyError, ValueError, IndexError, TypeError) as error:
        place = state.place(version.number)
        raise DamagedFileError(place, f"is no thread ({error!r})", _REMEDY) from error


def change_thread(
    home: Home,
    name: str,
    change: Callable[[Thread], Thread],
    who: str,
    why: Callable[[Thread, Thread], str],
    batch: str = "",
    restores: int | None = None,
) -> tuple[Thread, int]:
    """Applies ``change``, a pure function, to the thread as it stands, again whenever somebody else
    was faster; the thread then, and the version of its state. Nothing is written without a change.

    Messages of other batches than ``batch`` that have other messages before them afterwards are
    noted as stale first: a process that is killed in between has noted too much, never too little.
    """
    state = state_of(home, name)
    while True:
        version = state.current()
        before = thread_of(state, version) if version else Thread(name)
        # a thread whose only message was forgotten has lost its name
        before = replace(before, name=name)
        number = version.number if version else 0
        after = change(before)
        if after == before:
            return before, number
        stale: dict[str, list[str]] = {}
        for one in remembering_else(before, after):
            if one.batch != batch:
                stale.setdefault(one.batch, []).append(one.item_id)
        for other, items in stale.items():
            note_stale(home, other, state.name, number + 1, items, MESSAGES_CHANGED)
        note = ChangeNote(who, datetime.now(UTC), why(before, after))
        try:
            return after, state.put(plain(after), number, note, restores).number
        except StateConflictError:
            continue


def changes_in_words(before: Thread, after: Thread) -> str:
    """How many messages are new, changed and gone."""
    known = {one.item_id: one for one in before.messages}
    new = sum(one.item_id not in known for one in after.messages)
    gone = len(known.keys() - after.places.keys())
    changed = sum(
        one.item_id in known and _told(known[one.item_id]) != _told(one) for one in after.messages
    )
    parts = [
        f"{count} {word}"
        for count, word in ((new, "new"), (changed, "changed"), (gone, "gone"))
        if count
    ]
    return f"messages: {', '.join(parts)}" if parts else "its messages were seen again"


def _told(one: MessageReference) -> Sequence[object]:
    return one.key, one.content
