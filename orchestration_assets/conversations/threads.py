"""The messages of one conversation in their order, over all batches: pure decisions.

Batches are merged in any order, any number of times, and yield the same thread: of each message
counts what the latest batch says of it, also that it is gone.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import blake2b
from typing import Any, NamedTuple

_DIGEST_BYTES = 8


class PlaceKey(NamedTuple):
    """What messages of a thread are ordered by."""

    position: float
    path: str
    record: int
    item_id: str


@dataclass(frozen=True, slots=True)
class MessageReference:
    """Where a message of a thread is to be found; nothing of what it says.

    ``batch`` has the results about it, ``seen`` is the latest batch that listed it. ``content`` is
    blake2b-64 of the hash of its text and of its speaker, hex.
    """

    item_id: str
    batch: str
    seen: str
    position: float | None
    path: str
    record: int
    content: str

    @property
    def key(self) -> PlaceKey:
        """Its place: by position (0 where there is none), then by file and record."""
        return PlaceKey(self.position or 0.0, self.path, self.record, self.item_id)


@dataclass(frozen=True)
class Thread:
    """A conversation: references in their order.

    ``removed``: item -> the latest batch by which it was known to be gone.
    """

    name: str
    messages: tuple[MessageReference, ...] = ()
    removed: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def places(self) -> Mapping[str, int]:
        """Item -> its place, from 0."""
        return {one.item_id: place for place, one in enumerate(self.messages)}

    @cached_property
    def memory_versions(self) -> tuple[str, ...]:
        """For each message the identity of all those before it, and one more: of all of them."""
        digest, found = blake2b(digest_size=_DIGEST_BYTES), []
        for one in self.messages:
            found.append(digest.hexdigest())
            digest.update(f"{one.item_id} {one.content}\n".encode())
        return (*found, digest.hexdigest())

    def place_of(self, reference: MessageReference) -> int:
        """How many messages come before it, whether or not it belongs to the thread (any more)."""
        known = self.places.get(reference.item_id)
        if known is not None and self.messages[known].key == reference.key:
            return known
        return sum(
            one.key < reference.key for one in self.messages if one.item_id != reference.item_id
        )


def content_of(content_hash: str, speaker: str | None) -> str:
    """What a reference knows a message's text and speaker by: blake2b-64, hex."""
    told = f"{content_hash} {speaker or ''}".encode()
    return blake2b(told, digest_size=_DIGEST_BYTES).hexdigest()


def merged(
    thread: Thread, arrived: Iterable[MessageReference], gone: Collection[str], batch: str
) -> Thread:
    """The thread with what a batch says of it: messages that ``arrived`` or changed, and items that
    are ``gone`` from it. What a later batch said of a message stands."""
    messages = {one.item_id: one for one in thread.messages}
    removed = dict(thread.removed)
    for one in arrived:
        known = messages.get(one.item_id)
        last = known.seen if known else removed.get(one.item_id, "")
        if one.seen > last:
            messages[one.item_id] = one
            removed.pop(one.item_id, None)
    for item in gone:
        held = messages.get(item)
        last = held.seen if held else removed.get(item, "")
        if batch > last:
            messages.pop(item, None)
            removed[item] = batch
    return _thread(thread.name, messages.values(), removed)


def without(thread: Thread, items: Collection[str]) -> Thread:
    """The thread without these messages, and without a trace of them."""
    kept = [one for one in thread.messages if one.item_id not in items]
    removed = {item: batch for item, batch in thread.removed.items() if item not in items}
    return _thread(thread.name, kept, removed)


def restored(now: Thread, then: Thread) -> Thread:
    """The thread as it was ``then``, for good: batches that were merged since do not bring back
    what they said, only later ones do."""
    seen = dict(now.removed) | {one.item_id: one.seen for one in now.messages}
    kept = [
        replace(one, seen=max(one.seen, seen.get(one.item_id, one.seen))) for one in then.messages
    ]
    held = {one.item_id for one in kept}
    removed = {item: batch for item, batch in seen.items() if item not in held}
    return _thread(now.name, kept, {**then.removed, **removed})


def _thread(name: str, messages: Iterable[MessageReference], removed: Mapping[str, str]) -> Thread:
    ordered = sorted(messages, key=lambda one: one.key)
    return Thread(name, tuple(ordered), dict(sorted(removed.items())))


def remembering_else(before: Thread, after: Thread) -> Iterator[MessageReference]:
    """The messages of both whose earlier messages are others in ``after``, as that has them."""
    known = dict(
        zip((one.item_id for one in before.messages), before.memory_versions, strict=False)
    )
    for one, version in zip(after.messages, after.memory_versions, strict=False):
        if one.item_id in known and known[one.item_id] != version:
            yield one


def plain(thread: Thread) -> dict[str, Any]:
    """The thread as JSON keeps it: names of batches and files stand once."""
    batches = sorted(
        {one.batch for one in thread.messages}
        | {one.seen for one in thread.messages}
        | set(thread.removed.values())
    )
    files = sorted({one.path for one in thread.messages})
    batch_at = {name: at for at, name in enumerate(batches)}
    file_at = {name: at for at, name in enumerate(files)}
    return {
        "thread": thread.name,
        "batches": batches,
        "files": files,
        "messages": [
            [
                one.item_id,
                batch_at[one.batch],
                batch_at[one.seen],
                one.position,
                file_at[one.path],
                one.record,
                one.content,
            ]
            for one in thread.messages
        ],
        "removed": [[item, batch_at[batch]] for item, batch in thread.removed.items()],
    }


def parsed(stated: Mapping[str, Any]) -> Thread:
    """What :func:`plain` made. Raises KeyError, ValueError or IndexError for what it did not."""
    batches, files = stated["batches"], stated["files"]
    messages = tuple(
        MessageReference(
            item, batches[batch], batches[seen], position, files[file], record, content
        )
        for item, batch, seen, position, file, record, content in stated["messages"]
    )
    removed = {item: batches[batch] for item, batch in stated["removed"]}
    return Thread(stated["thread"], messages, removed)
