"""The table of a batch's messages: what it changes is merged into threads, which are then read."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.content.content_reader import ContentReader, SupersededError
from orchestration_assets.conversations.arrivals import Arrivals, ListedMessage, arrivals
from orchestration_assets.conversations.batch_index import drop_batch, index_batch
from orchestration_assets.conversations.brevity import remembered
from orchestration_assets.conversations.stale import noted_batches
from orchestration_assets.conversations.thread_state import change_thread, changes_in_words
from orchestration_assets.conversations.threads import MessageReference, Thread, merged
from orchestration_assets.schemas.conversations import THREAD_MESSAGES, ThreadMessageRow
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.listings import ContentError
from orchestration_assets.schemas.records import TableResult, rows_to_arrow
from orchestration_assets.schemas.tables import AcceptedItem, accepted_items
from resources.damage import leaving_out_damage
from resources.home import Home
from resources.table_store import TableMissingError

SHOWN_CHARACTERS: Final = 8_000
"""Of a message so many are remembered."""
_AT_ONCE: Final = 8
"""States of so many threads are written side by side: each waits for the disk, or for a server."""
_FIGURES = ("threads", "messages", "longest_thread", "threads_changed", "stale_batches")


def thread_messages_of(home: Home, batch: str, manifest: pa.Table) -> TableResult:
    """Merges what the batch says of conversations into their states, and tells the place of each of
    its messages.

    Raises SourceError where the source cannot be reached, DamagedFileError for a state that cannot
    be read.
    """
    if not home.threads.exists() and not _has_messages(manifest):
        return TableResult(THREAD_MESSAGES.schema.empty_table(), dict.fromkeys(_FIGURES, 0))
    home.series.await_earlier(batch, THREAD_MESSAGES.name)
    found = arrivals(home, batch, manifest)
    if found.messages:
        entries = _files(home, batch, found)
        index_batch(home, batch, entries, {one.place.thread for one in found.messages})
    elif home.threads.exists():
        drop_batch(home, batch)
    names = {one.place.thread for one in found.messages} | found.arrived.keys() | found.gone.keys()
    threads, changed = _merge_all(home, batch, sorted(names), found)
    warnings: list[str] = []
    texts = _texts(home, batch, manifest, warnings) if found.messages else {}
    rows = [_row(batch, one, *threads[one.place.thread], texts) for one in found.messages]
    own = {one.place.thread for one in found.messages}
    figures = {
        "threads": len(own),
        "messages": len(rows),
        "longest_thread": max((len(threads[name][0].messages) for name in own), default=0),
        "threads_changed": changed,
        "stale_batches": len(noted_batches(home)),
    }
    return TableResult(rows_to_arrow(THREAD_MESSAGES, rows), figures, warnings)


def _has_messages(manifest: pa.Table) -> bool:
    # manifests of an earlier version have no such column
    named = "message" in manifest.column_names
    return bool(named and manifest["message"].null_count < manifest.num_rows)


def _files(home: Home, batch: str, found: Arrivals) -> Mapping[str, str]:
    """Entry -> address of its file, of those that hold messages of the batch."""
    entries = home.batches.read(batch)
    wanted = {one.entry_id for one in found.messages}
    pairs = zip(entries["item_id"].to_pylist(), entries["file"].to_pylist(), strict=True)
    return {entry: file for entry, file in pairs if entry in wanted}


def _merge_all(
    home: Home, batch: str, names: Sequence[str], found: Arrivals
) -> tuple[Mapping[str, tuple[Thread, int]], int]:
    """Each thread with what the batch says of it, and its version; and how many have a new one."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        merges = list(pool.map(partial(_merge, home, batch, found), names))
    threads = dict(zip(names, (thread for thread, _ in merges), strict=True))
    return threads, sum(is_changed for _, is_changed in merges)


def _merge(home: Home, batch: str, found: Arrivals, name: str) -> tuple[tuple[Thread, int], bool]:
    """The thread with what the batch says of it, its version, and whether that is a new one."""
    wrote = []

    def change(thread: Thread) -> Thread:
        arrived, gone = _news(thread, found.arrived.get(name, ()), found.gone.get(name, ()))
        return merged(thread, arrived, gone, batch)

    def why(before: Thread, after: Thread) -> str:
        wrote.append(True)
        return changes_in_words(before, after)

    return change_thread(home, name, change, f"batch {batch}", why, batch), bool(wrote)


def _news(
    thread: Thread, arrived: Iterable[MessageReference], gone: Iterable[str]
) -> tuple[list[MessageReference], set[str]]:
    """Without messages that stand as they are, and items that are gone already: that a file was
    looked at again makes no version."""
    known = {one.item_id: one for one in thread.messages}
    news = [
        one
        for one in arrived
        if not ((old := known.get(one.item_id)) and _facts(old) == _facts(one))
    ]
    return news, {item for item in gone if item in known or item not in thread.removed}


def _facts(one: MessageReference) -> tuple[object, ...]:
    return one.batch, one.key, one.position, one.content


def _texts(home: Home, batch: str, manifest: pa.Table, warnings: list[str]) -> Mapping[str, str]:
    """Item -> its text, shortened; of what changed since it was listed none, with a warning.

    What the table held before stands: its source may no longer be what it was.
    """
    texts = _known_texts(home, batch)
    accepted = []
    with ContentReader(home, home.batches.source(batch)) as reader:
        for row in _of_messages(manifest):
            accepted.append((row.item_id, row.content_hash))
            if texts.get((row.item_id, row.content_hash)):
                continue
            try:
                texts[row.item_id, row.content_hash] = remembered(
                    reader.text(row), SHOWN_CHARACTERS
                )
            except (SupersededError, ContentError) as error:
                warnings.append(f"{row.path}: not remembered, {error}")
    return {item: texts[item, content] for item, content in accepted if (item, content) in texts}


def _known_texts(home: Home, batch: str) -> dict[tuple[str, str], str]:
    """(item, content hash) -> the text that the table of the batch has had so far."""
    columns = ("item_id", "content_hash", "text")
    with leaving_out_damage(), suppress(TableMissingError):
        rows = values(home.tables.read(THREAD_MESSAGES.name, batch, columns), *columns)
        return {(item, content): text for item, content, text in rows}
    return {}


def _of_messages(manifest: pa.Table) -> Iterator[AcceptedItem]:
    return accepted_items(manifest.filter(pc.is_valid(manifest["message"])))


def _row(
    batch: str, one: ListedMessage, thread: Thread, version: int, texts: Mapping[str, str]
) -> ThreadMessageRow:
    before = thread.place_of(one.reference(batch, batch))
    return ThreadMessageRow(
        batch=batch,
        item_id=one.item_id,
        thread=one.place.thread,
        position=one.place.position,
        speaker=one.place.speaker,
        path=one.path,
        record=one.record,
        content_hash=one.content_hash,
        text=texts.get(one.item_id, ""),
        before=before,
        memory_version=thread.memory_versions[before],
        thread_version=version,
        entry_id=one.entry_id,
    )
