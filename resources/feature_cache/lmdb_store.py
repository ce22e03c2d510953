"""The second tier on one machine: LMDB, for several processes, crash-safe, microseconds a read."""

import os
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

import lmdb

from orchestration_assets.schemas.errors import os_problem
from resources.damage import notice
from resources.feature_cache.tier import Counts, Held, TierError, seal, unseal
from resources.lmdb_files import DAMAGE, as_os_error, open_whole, set_aside

MAX_BYTES: Final = 1 << 30

# evicting down to this share of the cap, so that not every write has to evict
_EVICT_TO: Final = 0.9
# Deleting takes fresh pages before it frees old ones: the map is larger than the cap.
_HEADROOM: Final = 2
_SMALLEST_MAP: Final = 1 << 24
# keys and values of an entry, its number, and its share of the pages of two trees
_ENTRY_BYTES: Final = 96
_NUMBER: Final = struct.Struct(">Q")
_TIME: Final = struct.Struct(">d")
_SIZES: Final = struct.Struct(">II")
# the share of the cap that groups may take before they are taken apart
_GROUPS_MOST: Final = 1 / 8


class _Database(NamedTuple):
    environment: Any
    values: Any
    order: Any
    groups: Any


# LMDB forbids opening one environment twice in a process, and using one after a fork
_open: dict[tuple[int, Path], _Database] = {}
_abandoned: list[_Database] = []
_lock = threading.Lock()


class LmdbStore:
    """Bytes by key, at most about ``max_bytes`` of them: the entries written first make room.

    Each value carries a checksum: a corrupt entry reads as absent. A file that is no database any
    more is set aside as ``data.mdb.broken``, and an empty one takes its place. Never put it on a
    network file system. Raises TierError when the folder cannot be used.
    """

    name = "lmdb"

    def __init__(
        self,
        folder: str | Path,
        max_bytes: int = MAX_BYTES,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.counts = Counts()
        self._folder = Path(folder).expanduser().absolute()
        self._max_bytes = max_bytes
        self._clock = clock
        # what the groups held when they were last looked at, and the first and last of them
        self._grouped: dict[str, bytes] = {}
        self._groups: tuple[bytes, bytes] | None = None
        self._looked_at = -1

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """The values of the keys that are there and intact."""
        if not self._exists():
            return {}
        with self._transaction() as (database, transaction):
            if (now := transaction.id()) != self._looked_at:
                self._look_at_groups(transaction.cursor(database.groups))
                self._looked_at = now
            keys = list(keys)
            found = {key: self._grouped[key] for key in keys if key in self._grouped}
            asked = sorted(key.encode() for key in keys if key not in found)
            for encoded, stored in _pairs(database, transaction, asked):
                key = encoded.decode()
                value = unseal(key, stored[_NUMBER.size :])
                if value is None:
                    self.counts.corrupt += 1
                else:
                    found[key] = value
        return found

    def put_many(self, values: Mapping[str, bytes]) -> None:
        """Stores all values durably; the oldest entries make room for them.

        One transaction, or several when the values are large beside the cap; a value of more
        than a quarter of the cap is not kept.
        What was put as groups, by whomever, takes its place among the entries.
        """
        self._settle_groups()
        for portion, incoming in self._portions(values):
            with self._transaction(write=True) as (database, transaction):
                self._make_room(database, transaction, incoming)
                self._put(database, transaction, portion)

    def put_group(self, values: Mapping[str, bytes]) -> None:
        """Stores all values durably as one record, which the next :meth:`put_many` takes apart.

        Each value that is put gives up the interpreter's lock, and beside a busy event loop has
        to wait for it: one record waits once. Every store finds the values at once.
        """
        packed = _packed(values)
        with self._transaction() as (database, transaction):
            held = _bytes_of(transaction, database.groups)
        if held + len(packed) > self._max_bytes * _GROUPS_MOST:
            # groups cannot be evicted: before they are many they take their place
            self.put_many(values)
            return
        with self._transaction(write=True) as (database, transaction):
            self._make_room(database, transaction, len(packed))
            cursor = transaction.cursor(database.groups)
            last = _NUMBER.unpack(cursor.key())[0] if cursor.last() else 0
            # a number is never used again, so that equal ends mean equal groups
            place = _NUMBER.pack(max(last + 1, time.time_ns()))
            transaction.put(place, seal(place.hex(), packed), db=database.groups, append=True)

    def _put(self, database: _Database, transaction: Any, values: Mapping[str, bytes]) -> None:
        order = transaction.cursor(database.order)
        first = _NUMBER.unpack(order.key())[0] + 1 if order.last() else 0
        now = _TIME.pack(self._clock())
        for number, (key, value) in enumerate(values.items(), first):
            encoded, place = key.encode(), _NUMBER.pack(number)
            before = transaction.get(encoded, db=database.values)
            if before is not None:
                transaction.delete(before[: _NUMBER.size], db=database.order)
            transaction.put(encoded, place + seal(key, value), db=database.values)
            transaction.put(place, now + encoded, db=database.order, append=True)

    def _settle_groups(self) -> None:
        """Gives what was put as groups its place; a process that died may have left some too."""
        with self._transaction() as (database, transaction):
            left = transaction.stat(database.groups)["entries"]
        if left:
            with self._transaction(write=True) as (database, transaction):
                values = self._taken_apart(transaction.cursor(database.groups))
                transaction.drop(database.groups, delete=False)
                self._make_room(database, transaction, sum(map(_size, values, values.values())))
                self._put(database, transaction, values)

    def _look_at_groups(self, groups: Any) -> None:
        """Takes notice of groups that came, or were settled, since the last look."""
        last = groups.key() if groups.last() else b""
        first = groups.key() if groups.first() else b""
        if self._groups == (first, last):
            return
        if self._groups is None or self._groups[0] != first:
            self._grouped = {}
            newer = groups.first()
        else:
            newer = groups.set_range(_NUMBER.pack(_NUMBER.unpack(self._groups[1])[0] + 1))
        if newer:
            self._grouped |= self._taken_apart(groups.iternext())
        self._groups = (first, last)

    def _taken_apart(self, groups: Iterable[tuple[bytes, bytes]]) -> dict[str, bytes]:
        values: dict[str, bytes] = {}
        for place, stored in groups:
            packed = unseal(place.hex(), stored)
            if packed is None:
                self.counts.corrupt += 1
            else:
                values |= _unpacked(packed)
        return values

    def _portions(self, values: Mapping[str, bytes]) -> Iterator[tuple[dict[str, bytes], int]]:
        """The values in portions of at most a quarter of the cap, with the bytes of each."""
        portion: dict[str, bytes] = {}
        held, most = 0, self._max_bytes // 4
        for key, value in values.items():
            size = _size(key, value)
            if size > most:
                continue
            if held + size > most:
                yield portion, held
                portion, held = {}, 0
            portion[key] = value
            held += size
        if portion:
            yield portion, held

    def held(self) -> Held:
        if not self._exists():
            return Held(0, 0, self._max_bytes, None)
        with self._transaction() as (database, transaction):
            entries = transaction.stat(database.values)["entries"]
            cursor = transaction.cursor(database.order)
            oldest = _TIME.unpack_from(cursor.value())[0] if cursor.first() else None
            return Held(entries, _used(database, transaction), self._max_bytes, oldest)

    def _exists(self) -> bool:
        """Whether anything was ever written: reading must leave no file behind."""
        if (os.getpid(), self._folder) in _open:
            return True
        try:
            return (self._folder / "data.mdb").exists()
        except OSError as error:
            raise TierError(self._refused(error)) from error

    def _make_room(self, database: _Database, transaction: Any, incoming: int) -> None:
        excess = _used(database, transaction) + incoming - self._max_bytes
        if excess <= 0:
            return
        # pages are freed only when all that stands on them is gone: the estimate is by bytes
        excess += int(self._max_bytes * (1 - _EVICT_TO))
        cursor = transaction.cursor(database.order)
        while excess > 0 and cursor.first():
            encoded = cursor.value()[_TIME.size :]
            stored = transaction.pop(encoded, db=database.values) or b""
            cursor.delete()
            excess -= len(encoded) + len(stored) + _ENTRY_BYTES
            self.counts.evicted += 1

    @contextmanager
    def _transaction(self, *, write: bool = False) -> Iterator[tuple[_Database, Any]]:
        database = None
        try:
            database = self._database()
            transaction = _begin(database, write=write)
            with transaction:
                yield database, transaction
        except (lmdb.Error, OSError, struct.error, UnicodeDecodeError) as error:
            if database is not None and isinstance(error, (*DAMAGE, struct.error, ValueError)):
                with suppress(OSError):
                    self._give_up(database, error)
            raise TierError(self._refused(error)) from error

    def _refused(self, error: Exception) -> str:
        """In one line why the cache cannot be used, with the remedy."""
        refused = as_os_error(error)
        why = os_problem(refused) if refused.errno else f"{error}; run the same command to go on"
        return f"the cache in {self._folder} cannot be used: {why}"

    def _database(self) -> _Database:
        place = (os.getpid(), self._folder)
        with _lock:
            if place not in _open:
                self._folder.mkdir(parents=True, exist_ok=True)
                try:
                    _open[place] = self._opened()
                except DAMAGE as error:
                    self._set_aside(error)
                    _open[place] = self._opened()
            return _open[place]

    def _set_aside(self, error: Exception) -> None:
        """Makes room for an empty file; nothing may hold the lock of another process's making."""
        aside = set_aside(self._folder)
        self.counts.errors += 1
        self.counts.last_error = f"{self._folder}: {error}; set aside, begun anew"
        notice(f"{self._folder / 'data.mdb'}: {error}; set aside as {aside.name}, begun anew")

    def _opened(self) -> _Database:
        environment = open_whole(
            self._folder,
            map_size=max(self._max_bytes * _HEADROOM, _SMALLEST_MAP),
            max_readers=512,
            max_dbs=3,
        )
        try:
            trees = [environment.open_db(name) for name in (b"values", b"order", b"groups")]
        except lmdb.Error:
            environment.close()
            raise
        return _Database(environment, *trees)

    def _give_up(self, database: _Database, error: Exception) -> None:
        """Sets a file aside that turned out to be damaged while it was used."""
        place = (os.getpid(), self._folder)
        with _lock:
            if _open.get(place) is database:
                # never closed: other threads may be reading it
                _abandoned.append(_open.pop(place))
                self._set_aside(error)
        self._looked_at, self._groups, self._grouped = -1, None, {}


def _begin(database: _Database, *, write: bool) -> Any:
    try:
        return database.environment.begin(write=write)
    except lmdb.MapResizedError:
        # another process works with a larger cap: take the size that the file has now
        database.environment.set_mapsize(0)
        return database.environment.begin(write=write)


def _used(database: _Database, transaction: Any) -> int:
    """The bytes of the pages that the trees stand on."""
    trees = (database.values, database.order, database.groups)
    return sum(_bytes_of(transaction, tree) for tree in trees)


def _bytes_of(transaction: Any, tree: Any) -> int:
    found = transaction.stat(tree)
    pages: int = found["branch_pages"] + found["leaf_pages"] + found["overflow_pages"]
    return pages * int(found["psize"])


def _pairs(database: _Database, transaction: Any, keys: list[bytes]) -> Any:
    """The keys that are there, with what stands under them."""
    if len(keys) != 1:
        return transaction.cursor(database.values).getmulti(keys)
    # the answer to one question: a cursor would take longer than the look-up itself
    stored = transaction.get(keys[0], db=database.values)
    return [] if stored is None else [(keys[0], stored)]


def _size(key: str, value: bytes) -> int:
    return len(key) + len(value) + _ENTRY_BYTES


def _packed(values: Mapping[str, bytes]) -> bytes:
    parts: list[bytes] = []
    for key, value in values.items():
        encoded = key.encode()
        parts += (_SIZES.pack(len(encoded), len(value)), encoded, value)
    return b"".join(parts)


def _unpacked(packed: bytes) -> dict[str, bytes]:
    values: dict[str, bytes] = {}
    at = 0
    while at < len(packed):
        key, value = _SIZES.unpack_from(packed, at)
        at += _SIZES.size
        values[packed[at : at + key].decode()] = packed[at + key : at + key + value]
        at += key + value
    return values
