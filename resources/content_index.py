"""Which content is known: who computes it, and which items held it when.

Derived from the manifests, kept in LMDB below ``cache/``, and made again from them when it is
deleted. One batch is settled at a time, across processes, so that two batches that hold the same
content never both compute it.
"""

import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from resources.lmdb_database import LmdbDatabase, Transaction, close_unused

_MAP_BYTES: Final = 1 << 28
_NOTHING: Final = bytes(16)
_ITEM_BYTES: Final = 8
# behind the name of the batch: content, file, version, and place in the file
_TAIL: Final = struct.Struct(">16s8s8sQ")
_TREES: Final = {
    # content hash -> item that computes it, and its batch
    "claims": {},
    # item -> what it held, in every batch that it was in: LMDB keeps the batches in order
    "history": {"dupsort": True},
    # content hash -> items that ever held it
    "holders": {"dupsort": True, "dupfixed": True},
    # batch -> its items
    "batches": {},
    # item -> its file: holds content that nobody computes
    "orphans": {},
}

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Holding:
    """What one item held in one batch: a content hash, or None when it is gone or rejected.

    ``computes`` is true when the item's own rows hold the results of that content. ``file_id`` is
    the file to offer again when the content has to be computed anew. ``version`` is 64 bits that
    name the version of that file, hex; ``place`` is where in it the item stands.
    """

    item_id: str
    file_id: str
    version: str
    place: int
    content_hash: str | None
    computes: bool


class _Entry(NamedTuple):
    """One entry of an item's history."""

    batch: bytes
    content: bytes
    file: bytes
    version: bytes
    place: int

    @classmethod
    def unpack(cls, value: bytes) -> "_Entry":
        return cls(value[: -_TAIL.size], *_TAIL.unpack(value[-_TAIL.size :]))

    def pack(self) -> bytes:
        batch, *tail = self
        return batch + _TAIL.pack(*tail)


class KnownContent:
    """What is known while one batch is settled."""

    def __init__(self, transaction: Transaction, batch: str) -> None:
        self._transaction = transaction
        self._batch = batch.encode()

    def computed_as(self, content_hash: str) -> str | None:
        """The item whose rows hold the results of this content, if any."""
        claim = self._transaction.get("claims", bytes.fromhex(content_hash))
        return claim[:_ITEM_BYTES].hex() if claim else None

    def last(self, item_id: str) -> str | None:
        """The content that the item held last before this batch; None for nothing."""
        last = self._last(bytes.fromhex(item_id))
        return last.content.hex() if last and last.content != _NOTHING else None

    def elsewhere(
        self, item_id: str, version: str, place: int, stands: Callable[[str, int], bool]
    ) -> bool:
        """Whether another record of the same version of the file has the item's identity.

        ``stands`` tells of a batch of an earlier version and a place in the file whether the record
        that the batch holds there is the same in this version.
        """
        wanted = bytes.fromhex(version)
        return any(
            entry.place != place
            and entry.content != _NOTHING
            and (entry.version == wanted or stands(entry.batch.decode(), entry.place))
            for entry in _history(self._transaction, bytes.fromhex(item_id))
        )

    def files_holding(self, content_hash: str) -> set[str]:
        """Ids of the files whose items held the content last, before this batch."""
        content = bytes.fromhex(content_hash)
        entries = map(self._last, self._transaction.values("holders", content))
        return {entry.file.hex() for entry in entries if entry and entry.content == content}

    def _last(self, item: bytes) -> _Entry | None:
        history = _history(self._transaction, item)
        return next((entry for entry in reversed(history) if entry.batch < self._batch), None)


class ContentIndex:
    """The index of one home. Raises DamagedFileError and UnwritableError."""

    def __init__(self, folder: str | Path) -> None:
        self._database = LmdbDatabase(folder, _TREES, _MAP_BYTES)

    def included(self) -> set[str]:
        """Batches that the index knows."""
        with self._database.transaction() as transaction:
            return {key.decode() for key in transaction.cursor("batches").iternext(values=False)}

    def settle(
        self, batch: str, decide: Callable[[KnownContent], tuple[Sequence[Holding], Result]]
    ) -> Result:
        """Forgets what the batch held before, lets ``decide`` look, and records what it says.

        One durable transaction: other processes wait. ``decide`` gives the holdings and what to
        return; it may be called again. Content whose computation the batch no longer claims is
        offered again wherever it is still held.
        """

        def body(transaction: Transaction) -> Result:
            released = _forget(transaction, batch.encode())
            holdings, result = decide(KnownContent(transaction, batch))
            _remember(transaction, batch.encode(), holdings)
            _offer_again(transaction, released)
            return result

        settled = self._database.write(body)
        # what comes next in this batch needs the memory, and does not look here again
        close_unused()
        return settled

    def include(self, batch: str, holdings: Iterable[Holding]) -> None:
        """Records what a batch held, from its manifest; for making the index again."""
        kept = list(holdings)
        self._database.write(lambda transaction: _remember(transaction, batch.encode(), kept))

    def release(self, batch: str, content_hashes: Iterable[str]) -> None:
        """Content that the batch claimed but could not compute, because it changed meanwhile."""
        contents = [bytes.fromhex(content_hash) for content_hash in content_hashes]

        def body(transaction: Transaction) -> None:
            released = []
            for content in contents:
                claim = transaction.get("claims", content)
                if claim is not None and claim[_ITEM_BYTES:] == batch.encode():
                    transaction.delete("claims", content)
                    released.append(content)
            _offer_again(transaction, released)

        if contents:
            self._database.write(body)

    def forget(self, content_hashes: Iterable[str]) -> None:
        """Nobody computes or holds these contents any more, and no hash of them is left.

        No other process may use the index meanwhile.
        """
        contents = [bytes.fromhex(content_hash) for content_hash in content_hashes]

        def body(transaction: Transaction) -> None:
            for content in contents:
                for item in transaction.values("holders", content):
                    for entry in _history(transaction, item):
                        if entry.content == content:
                            transaction.delete("history", item, entry.pack())
                            nothing = entry._replace(content=_NOTHING).pack()
                            transaction.put("history", item, nothing)
                    transaction.delete("orphans", item)
                transaction.delete("holders", content)
                transaction.delete("claims", content)

        if contents and self._database.exists():
            self._database.write(body)
            self._database.rewrite()

    def orphans(self) -> set[str]:
        """Ids of files to offer again, because they hold content that nobody computes."""
        with self._database.transaction() as transaction:
            return {file.hex() for file in transaction.cursor("orphans").iternext(keys=False)}

    def adopt(self, file_ids: Iterable[str]) -> None:
        """These files were offered again."""
        files = {bytes.fromhex(file_id) for file_id in file_ids}

        def body(transaction: Transaction) -> None:
            orphans = list(transaction.cursor("orphans"))
            for item in [item for item, file in orphans if file in files]:
                transaction.delete("orphans", item)

        if files:
            self._database.write(body)


def _history(transaction: Transaction, item: bytes) -> list[_Entry]:
    """What an item held, batch by batch."""
    return [_Entry.unpack(value) for value in transaction.values("history", item)]


def _forget(transaction: Transaction, batch: bytes) -> list[bytes]:
    """Takes a batch out; the contents whose computation it claimed."""
    items = transaction.get("batches", batch) or b""
    released = []
    for start in range(0, len(items), _ITEM_BYTES):
        item = items[start : start + _ITEM_BYTES]
        for entry in _history(transaction, item):
            if entry.batch != batch:
                continue
            transaction.delete("history", item, entry.pack())
            if transaction.get("claims", entry.content) == item + batch:
                transaction.delete("claims", entry.content)
                released.append(entry.content)
    return released


def _remember(transaction: Transaction, batch: bytes, holdings: Iterable[Holding]) -> None:
    items, history, holders, claims = [], [], [], []
    for holding in holdings:
        item = bytes.fromhex(holding.item_id)
        content = bytes.fromhex(holding.content_hash) if holding.content_hash else _NOTHING
        file, version = bytes.fromhex(holding.file_id), bytes.fromhex(holding.version)
        items.append(item)
        history.append((item, batch + _TAIL.pack(content, file, version, holding.place)))
        if holding.content_hash is not None:
            holders.append((content, item))
            if holding.computes:
                claims.append((content, item + batch))
    transaction.cursor("history").putmulti(history)
    transaction.cursor("holders").putmulti(holders)
    transaction.cursor("claims").putmulti(claims, overwrite=False)
    transaction.put("batches", batch, b"".join(items))


def _offer_again(transaction: Transaction, released: Iterable[bytes]) -> None:
    """Notes who still holds content that nobody computes any more."""
    for content in released:
        if transaction.get("claims", content) is not None:
            continue
        for item in transaction.values("holders", content):
            history = _history(transaction, item)
            if history and history[-1].content == content:
                transaction.put("orphans", item, history[-1].file)
