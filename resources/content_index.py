"""Which content is known: who computes it, and which items held it when.

Derived from the manifests, kept in LMDB below ``cache/``, and made again from them when it is
deleted. One batch is settled at a time, across processes, so that two batches that hold the same
content never both compute it.
"""

import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import lmdb

from orchestration_assets.schemas.errors import DamagedFileError, unwritable
from resources.damage import notice
from resources.lmdb_files import DAMAGE, as_os_error, open_whole, set_aside

_MAP_BYTES: Final = 1 << 28
_NOTHING: Final = bytes(16)
_ITEM: Final = 8
_HASH: Final = 16
_PLACE: Final = 8
_TAIL: Final = _HASH + 2 * _ITEM + _PLACE

# LMDB forbids opening one environment twice in a process
_open: dict[Path, "_Environment"] = {}
_abandoned: list["_Environment"] = []
_lock = threading.Lock()

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


class _Environment:
    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.lmdb = open_whole(folder, map_size=_MAP_BYTES, max_dbs=5, max_readers=512)
        # content hash -> item that computes it, and its batch
        self.claims = self.lmdb.open_db(b"claims")
        # item -> what it held, in every batch that it was in
        self.history = self.lmdb.open_db(b"history", dupsort=True)
        # content hash -> items that ever held it
        self.holders = self.lmdb.open_db(b"holders", dupsort=True, dupfixed=True)
        # batch -> its items
        self.batches = self.lmdb.open_db(b"batches")
        # item -> its file: holds content that nobody computes
        self.orphans = self.lmdb.open_db(b"orphans")

    def read(self, body: Callable[[lmdb.Transaction], Result]) -> Result:
        """What ``body`` finds in one consistent state."""
        while True:
            try:
                with self._kept(), self.lmdb.begin() as transaction:
                    return body(transaction)
            except lmdb.MapResizedError:  # another process has made it larger
                self.lmdb.set_mapsize(0)

    def write(self, body: Callable[[lmdb.Transaction], Result]) -> Result:
        """What ``body`` does, in one durable transaction; done again when the map is too small."""
        while True:
            try:
                with self._kept(), self.lmdb.begin(write=True) as transaction:
                    return body(transaction)
            except lmdb.MapFullError:
                self.lmdb.set_mapsize(self.lmdb.info()["map_size"] * 2)
            except lmdb.MapResizedError:
                self.lmdb.set_mapsize(0)

    @contextmanager
    def _kept(self) -> Generator[None, None, None]:
        """Sets a file aside that turns out to be damaged: the next use makes it again."""
        file = self._folder / "data.mdb"
        try:
            yield
        except (lmdb.MapFullError, lmdb.MapResizedError):
            raise
        except DAMAGE as error:
            with _lock:
                if _open.get(self._folder) is self:
                    _abandoned.append(_open.pop(self._folder))
                    set_aside(self._folder)
            raise DamagedFileError(
                file, str(error), "it was set aside; run the same command to make it again"
            ) from error
        except lmdb.Error as error:
            raise unwritable(file, as_os_error(error)) from error


def _environment(folder: Path) -> _Environment:
    with _lock:
        if folder not in _open:
            _open[folder] = _opened(folder)
        return _open[folder]


def _opened(folder: Path) -> _Environment:
    """The index, an empty one when its file is damaged. Raises UnwritableError."""
    file = folder / "data.mdb"
    try:
        try:
            return _Environment(folder)
        except DAMAGE as error:
            aside = set_aside(folder)
            notice(f"{file}: {error}; set aside as {aside.name}, made again from the manifests")
            return _Environment(folder)
    except OSError as error:
        raise unwritable(file, error) from error
    except lmdb.Error as error:
        raise unwritable(file, as_os_error(error)) from error


@dataclass(frozen=True, slots=True)
class _Held:
    """One entry of an item's history."""

    batch: bytes
    content: bytes
    file: bytes
    version: bytes
    place: int

    @classmethod
    def unpack(cls, value: bytes) -> "_Held":
        tail = value[-_TAIL:]
        file = tail[_HASH : _HASH + _ITEM]
        version = tail[_HASH + _ITEM : _HASH + 2 * _ITEM]
        place = int.from_bytes(tail[-_PLACE:], "big")
        return cls(value[:-_TAIL], tail[:_HASH], file, version, place)

    def pack(self) -> bytes:
        place = self.place.to_bytes(_PLACE, "big")
        return self.batch + self.content + self.file + self.version + place


class KnownContent:
    """What is known while one batch is settled."""

    def __init__(self, environment: _Environment, transaction: lmdb.Transaction, batch: str):
        self._environment = environment
        self._transaction = transaction
        self._batch = batch.encode()

    def computed_as(self, content_hash: str) -> str | None:
        """The item whose rows hold the results of this content, if any."""
        claim = self._transaction.get(bytes.fromhex(content_hash), db=self._environment.claims)
        return claim[:_ITEM].hex() if claim else None

    def last(self, item_id: str) -> str | None:
        """The content that the item held last before this batch; None for nothing."""
        held = [one for one in self._history(item_id) if one.batch < self._batch]
        return held[-1].content.hex() if held and held[-1].content != _NOTHING else None

    def elsewhere(self, item_id: str, version: str, place: int) -> bool:
        """Whether another record of the same version of the file has the item's identity."""
        wanted = bytes.fromhex(version)
        return any(
            one.version == wanted and one.place != place and one.content != _NOTHING
            for one in self._history(item_id)
        )

    def files_holding(self, content_hash: str) -> set[str]:
        """Ids of the files whose items held the content last, before this batch."""
        cursor = self._transaction.cursor(db=self._environment.holders)
        content = bytes.fromhex(content_hash)
        if not cursor.set_key(content):
            return set()
        found = set()
        for item in [bytes(value) for value in cursor.iternext_dup()]:
            held = [one for one in self._history(item.hex()) if one.batch < self._batch]
            if held and held[-1].content == content:
                found.add(held[-1].file.hex())
        return found

    def _history(self, item_id: str) -> list[_Held]:
        return _history(self._environment, self._transaction, bytes.fromhex(item_id))


class ContentIndex:
    """The index of one home."""

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder).expanduser().absolute()

    @property
    def _environment(self) -> _Environment:
        return _environment(self._folder)

    def included(self) -> set[str]:
        """Batches that the index knows."""
        environment = self._environment

        def names(transaction: lmdb.Transaction) -> set[str]:
            cursor = transaction.cursor(db=environment.batches)
            return {bytes(key).decode() for key in cursor.iternext(keys=True, values=False)}

        return environment.read(names)

    def settle(
        self, batch: str, decide: Callable[[KnownContent], tuple[Sequence[Holding], Result]]
    ) -> Result:
        """Forgets what the batch held before, lets ``decide`` look, and records what it says.

        One durable transaction: other processes wait. ``decide`` gives the holdings and what to
        return; it may be called again. Content whose computation the batch no longer claims is
        offered again wherever it is still held.
        """
        environment = self._environment

        def body(transaction: lmdb.Transaction) -> Result:
            released = _forget(environment, transaction, batch)
            holdings, result = decide(KnownContent(environment, transaction, batch))
            _remember(environment, transaction, batch, holdings)
            _orphan(environment, transaction, released)
            return result

        return environment.write(body)

    def include(self, batch: str, holdings: Iterable[Holding]) -> None:
        """Records what a batch held, from its manifest; for making the index again."""
        environment = self._environment
        held = list(holdings)
        environment.write(lambda transaction: _remember(environment, transaction, batch, held))

    def release(self, batch: str, content_hashes: Iterable[str]) -> None:
        """Content that the batch claimed but could not compute, because it changed meanwhile."""
        environment = self._environment
        wanted = [bytes.fromhex(one) for one in content_hashes]

        def body(transaction: lmdb.Transaction) -> None:
            released = []
            for content in wanted:
                claim = transaction.get(content, db=environment.claims)
                if claim is not None and claim[_ITEM:] == batch.encode():
                    transaction.delete(content, db=environment.claims)
                    released.append(content)
            _orphan(environment, transaction, released)

        if wanted:
            environment.write(body)

    def orphans(self) -> set[str]:
        """Ids of files to offer again, because they hold content that nobody computes."""
        environment = self._environment

        def files(transaction: lmdb.Transaction) -> set[str]:
            cursor = transaction.cursor(db=environment.orphans)
            return {bytes(file).hex() for file in cursor.iternext(keys=False, values=True)}

        return environment.read(files)

    def adopt(self, file_ids: Iterable[str]) -> None:
        """These files were offered again."""
        environment = self._environment
        wanted = {bytes.fromhex(one) for one in file_ids}

        def body(transaction: lmdb.Transaction) -> None:
            cursor = transaction.cursor(db=environment.orphans)
            for item in [item for item, file in cursor.iternext() if file in wanted]:
                transaction.delete(item, db=environment.orphans)

        if wanted:
            environment.write(body)


def _history(environment: _Environment, transaction: lmdb.Transaction, item: bytes) -> list[_Held]:
    """What an item held, batch by batch: LMDB keeps the values of a key in order."""
    cursor = transaction.cursor(db=environment.history)
    if not cursor.set_key(item):
        return []
    return [_Held.unpack(bytes(value)) for value in cursor.iternext_dup()]


def _forget(environment: _Environment, transaction: lmdb.Transaction, batch: str) -> list[bytes]:
    """Takes a batch out; the contents whose computation it claimed."""
    items = bytes(transaction.get(batch.encode(), db=environment.batches) or b"")
    released = []
    for start in range(0, len(items), _ITEM):
        item = items[start : start + _ITEM]
        for held in _history(environment, transaction, item):
            if held.batch != batch.encode():
                continue
            transaction.delete(item, held.pack(), db=environment.history)
            if transaction.get(held.content, db=environment.claims) == item + held.batch:
                transaction.delete(held.content, db=environment.claims)
                released.append(held.content)
    return released


def _remember(
    environment: _Environment,
    transaction: lmdb.Transaction,
    batch: str,
    holdings: Iterable[Holding],
) -> None:
    items = []
    for one in holdings:
        item = bytes.fromhex(one.item_id)
        content = bytes.fromhex(one.content_hash) if one.content_hash else _NOTHING
        file, version = bytes.fromhex(one.file_id), bytes.fromhex(one.version)
        held = _Held(batch.encode(), content, file, version, one.place)
        items.append(item)
        transaction.put(item, held.pack(), db=environment.history)
        if one.content_hash is not None:
            transaction.put(content, item, db=environment.holders)
            if one.computes:
                claim = item + batch.encode()
                transaction.put(content, claim, db=environment.claims, overwrite=False)
    transaction.put(batch.encode(), b"".join(items), db=environment.batches)


def _orphan(
    environment: _Environment, transaction: lmdb.Transaction, released: Iterable[bytes]
) -> None:
    """Notes who still holds content that nobody computes any more."""
    holders = transaction.cursor(db=environment.holders)
    for content in released:
        if transaction.get(content, db=environment.claims) or not holders.set_key(content):
            continue
        for item in [bytes(value) for value in holders.iternext_dup()]:
            history = _history(environment, transaction, item)
            if history and history[-1].content == content:
                transaction.put(item, history[-1].file, db=environment.orphans)
