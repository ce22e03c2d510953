"""Messages whose content was removed on request: no version of a thread's state keeps their places.

A state keeps what stood before each change, and may be brought back to it: what was forgotten is
taken out of every version, so that nothing can bring it back.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import pyarrow.compute as pc

from orchestration_assets.conversations.thread_state import change_thread, state_of, thread_of
from orchestration_assets.conversations.threads import Thread, parsed, plain, without
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.enums import EntryOutcome
from orchestration_assets.schemas.tables import CONTENT_MANIFEST
from resources.damage import leaving_out_damage
from resources.home import Home
from resources.table_store import TableMissingError


def forget_messages(home: Home, name: str, items: Collection[str], who: str) -> None:
    """Takes messages out of a thread, in a new version, and then out of all earlier ones.

    Messages after them become stale. The name of a thread that never had another message goes, too.
    The caller has the home for itself. Stopped at any moment, the same call goes on. Raises
    DamagedFileError.
    """
    _, last = change_thread(
        home,
        name,
        partial(without, items=items),
        who,
        lambda _before, _after: "a message was forgotten",
    )
    state = state_of(home, name)
    # not as a history: who was stopped has linked a part of it anew
    versions = map(state.version, range(1, last + 1))
    left = (without(thread_of(state, one), items) for one in versions)
    keeps_name = any(thread.messages or thread.removed for thread in left)
    state.remove(partial(_without, items=items, keeps_name=keeps_name))


def versions_holding(home: Home, name: str, items: Collection[str]) -> int:
    """How many versions of a thread's state hold the place of one of the messages."""
    state = state_of(home, name)
    threads = (thread_of(state, one) for one in state.history())
    return sum(without(thread, items) != thread for thread in threads)


def without_forgotten(home: Home, thread: Thread) -> Thread:
    """The thread without messages whose content was removed from the batch that has their results:
    versions of homes of an earlier release may still hold their places."""
    by_batch: dict[str, set[str]] = {}
    for one in thread.messages:
        by_batch.setdefault(one.batch, set()).add(one.item_id)
    gone: set[str] = set()
    for batch, items in by_batch.items():
        gone |= items & _forgotten_in(home, batch)
    return without(thread, gone) if gone else thread


def _without(
    stated: Mapping[str, Any], items: Collection[str], *, keeps_name: bool
) -> Mapping[str, Any]:
    thread = without(parsed(stated), items)
    return plain(thread if keeps_name else replace(thread, name=""))


def _forgotten_in(home: Home, batch: str) -> set[str]:
    try:
        with leaving_out_damage():
            rows = home.tables.read(CONTENT_MANIFEST.name, batch, ["item_id", "outcome"])
            gone = rows.filter(pc.equal(rows["outcome"], EntryOutcome.FORGOTTEN.value))
            return {item for (item,) in values(gone, "item_id")}
    except TableMissingError:
        pass
    return set()
