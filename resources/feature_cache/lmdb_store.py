"""The second tier on one machine: LMDB, for several processes, crash-safe, microseconds a read."""

import struct
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

import pyarrow as pa

from orchestration_assets.schemas.errors import DamagedFileError, os_problem
from resources.damage import notice
from resources.feature_cache.short_texts import packed, unpacked
from resources.feature_cache.tier import (
    Counts,
    Holds,
    TierContents,
    TierError,
    intact,
    seal,
    unseal,
)
from resources.lmdb_database import LmdbDatabase, Transaction, as_os_error

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
# in the place of the first key's length, which is never as large
_COMPRESSED: Final = (1 << 32) - 1
# the share of the cap that groups may take before they are taken apart: they are compressed, and
# whoever looks answers up holds them unpacked
_GROUPS_MOST: Final = 1 / 32
# value by key; time and key by number, in the order of writing; groups by number
_TREES: Final[dict[str, dict[str, bool]]] = {"values": {}, "order": {}, "groups": {}}


Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def _raises_tier_error(
    method: "Callable[Concatenate[LmdbStore, Arguments], Result]",
) -> "Callable[Concatenate[LmdbStore, Arguments], Result]":
    """The method, with TierError in the place of what the database raises."""

    @wraps(method)
    def call(store: "LmdbStore", /, *args: Arguments.args, **more: Arguments.kwargs) -> Result:
        try:
            return method(store, *args, **more)
        except (OSError, DamagedFileError) as error:
            raise store.failure(error) from error

    return call


class LmdbStore:
    """Bytes by key, at most about ``max_bytes`` of them: the entries written first make room.

    Each value carries a checksum: a corrupt entry reads as absent. With ``words`` that short values
    share, values are compressed against them; those of before are read as well. Raises TierError
    when the folder cannot be used.
    """

    name = "lmdb"
    # what stood in the groups when they were last looked at, and the first and last of them
    _grouped: dict[str, bytes]
    _groups: tuple[bytes, bytes] | None
    _looked_at: int

    def __init__(
        self,
        folder: str | Path,
        max_bytes: int = MAX_BYTES,
        clock: Callable[[], float] = time.time,
        words: bytes = b"",
    ) -> None:
        self.counts = Counts()
        self._words = words
        self._database = LmdbDatabase(
            folder, _TREES, max(max_bytes * _HEADROOM, _SMALLEST_MAP), self._note_damage
        )
        self._max_bytes = max_bytes
        self._clock = clock
        self._forget_groups()

    @_raises_tier_error
    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """The values of the keys that are there and intact."""
        if not self._database.exists():
            return {}
        with self._database.transaction() as transaction:
            if (now := transaction.lmdb.id()) != self._looked_at:
                self._look_at_groups(transaction.cursor("groups"))
                self._looked_at = now
            keys = list(keys)
            values = {key: self._grouped[key] for key in keys if key in self._grouped}
            wanted = sorted(key.encode() for key in keys if key not in values)
            pairs = [(k.decode(), v[_NUMBER.size :]) for k, v in _pairs(transaction, wanted)]
        found = intact(pairs, self.counts)
        return values | (self._plain(found) if self._words else found)

    @_raises_tier_error
    def put_many(self, values: Mapping[str, bytes]) -> None:
        """Stores all values durably; the oldest entries make room for them.

        One transaction, or several when the values are large beside the cap; a value of more
        than a quarter of the cap is not kept.
        What was put as groups, by whomever, takes its place among the entries.
        """
        self._settle_groups()
        for portion in self._portions(values):
            with self._database.transaction(write=True) as transaction:
                self._put(transaction, portion)
                self._evict(transaction)

    @_raises_tier_error
    def put_group(self, values: Mapping[str, bytes]) -> None:
        """Stores all values durably as one record, which the next :meth:`put_many` takes apart.

        Each value that is put gives up the interpreter's lock, and beside a busy event loop has
        to wait for it: one record waits once. Every store finds the values at once.
        """
        group = _compressed(_packed(values))
        with self._database.transaction(write=True) as transaction:
            in_groups = _bytes_of(transaction, "groups")
            fits = in_groups + len(group) <= self._max_bytes * _GROUPS_MOST
            if fits:
                cursor = transaction.cursor("groups")
                last = _NUMBER.unpack(cursor.key())[0] if cursor.last() else 0
                # a number is never used again, so that equal ends mean equal groups
                place = _NUMBER.pack(max(last + 1, time.time_ns()))
                sealed = seal(place.hex(), group)
                transaction.lmdb.put(place, sealed, db=transaction.trees["groups"], append=True)
                self._evict(transaction)
        if not fits:
            # groups cannot be evicted: before they are many they take their place
            self.put_many(values)

    def _plain(self, stored: Mapping[str, bytes]) -> dict[str, bytes]:
        """The values as they were put; one that cannot be unpacked counts as corrupt."""
        values: dict[str, bytes] = {}
        for key, value in stored.items():
            try:
                values[key] = unpacked(value, self._words)
            except ValueError:
                self.counts.corrupt += 1
        return values

    def _put(self, transaction: Transaction, values: Mapping[str, bytes]) -> None:
        lmdb = transaction.lmdb
        by_key, by_number = transaction.trees["values"], transaction.trees["order"]
        order = transaction.cursor("order")
        first = _NUMBER.unpack(order.key())[0] + 1 if order.last() else 0
        now = _TIME.pack(self._clock())
        for number, (key, value) in enumerate(values.items(), first):
            encoded, place = key.encode(), _NUMBER.pack(number)
            before = lmdb.get(encoded, db=by_key)
            if before is not None:
                lmdb.delete(before[: _NUMBER.size], db=by_number)
            stored = packed(value, self._words) if self._words else value
            lmdb.put(encoded, place + seal(key, stored), db=by_key)
            lmdb.put(place, now + encoded, db=by_number, append=True)

    def _settle_groups(self) -> None:
        """Gives what was put as groups its place; a process that died may have left some too."""
        with self._database.transaction() as transaction:
            left = transaction.lmdb.stat(transaction.trees["groups"])["entries"]
        if left:
            with self._database.transaction(write=True) as transaction:
                values = self._taken_apart(transaction.cursor("groups"))
                transaction.lmdb.drop(transaction.trees["groups"], delete=False)
                self._put(transaction, values)
                self._evict(transaction)

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
            group = unseal(place.hex(), stored)
            try:
                values |= {} if group is None else _unpacked(_decompressed(group))
                is_whole = group is not None
            except (pa.ArrowException, OSError, ValueError, struct.error):
                is_whole = False
            self.counts.corrupt += not is_whole
        return values

    def _portions(self, values: Mapping[str, bytes]) -> Iterator[dict[str, bytes]]:
        """The values in portions of at most a quarter of the cap."""
        portion: dict[str, bytes] = {}
        size_so_far, most = 0, self._max_bytes // 4
        for key, value in values.items():
            size = _size(key, value)
            if size > most:
                continue
            if size_so_far + size > most:
                yield portion
                portion, size_so_far = {}, 0
            portion[key] = value
            size_so_far += size
        if portion:
            yield portion

    @_raises_tier_error
    def contents(self) -> TierContents:
        if not self._database.exists():
            return TierContents(0, 0, self._max_bytes, None)
        with self._database.transaction() as transaction:
            entries = transaction.lmdb.stat(transaction.trees["values"])["entries"]
            cursor = transaction.cursor("order")
            oldest = _TIME.unpack_from(cursor.value())[0] if cursor.first() else None
            return TierContents(entries, _used(transaction), self._max_bytes, oldest)

    @_raises_tier_error
    def entries(self) -> list[tuple[str, int, float]]:
        """Key, bytes, and when it was written (seconds since 1970) of every entry."""
        if not self._database.exists():
            return []
        self._settle_groups()
        with self._database.transaction() as transaction:
            written = {
                value[_TIME.size :]: _TIME.unpack_from(value)[0]
                for _, value in transaction.cursor("order")
            }
            return [
                (key.decode(), len(stored), written.get(key, 0.0))
                for key, stored in transaction.cursor("values")
            ]

    @_raises_tier_error
    def forget(self, keys: Collection[str], holds: Holds) -> int:
        """See :meth:`CacheTier.forget`; no other process may use the store meanwhile.

        The file is written anew: a page that LMDB frees keeps what stood on it.
        """
        if not self._database.exists():
            return 0
        self._settle_groups()
        with self._database.transaction(write=True) as transaction:
            going = [
                (key, stored[: _NUMBER.size])
                for key, stored in transaction.cursor("values")
                if key.decode() in keys
                or holds(key.decode(), self._as_put(key.decode(), stored[_NUMBER.size :]))
            ]
            for key, place in going:
                transaction.delete("values", key)
                transaction.delete("order", place)
        self._database.rewrite()
        self._forget_groups()
        return len(going)

    def values(self) -> Iterator[bytes]:
        """Every value that can be read, as it was put. Raises TierError while it goes on."""
        if not self._database.exists():
            return
        try:
            with self._database.transaction() as transaction:
                for key, stored in transaction.cursor("values"):
                    yield self._as_put(key.decode(), stored[_NUMBER.size :])
                yield from self._taken_apart(transaction.cursor("groups")).values()
        except (OSError, DamagedFileError) as error:
            raise self.failure(error) from error

    def _as_put(self, key: str, sealed: bytes) -> bytes:
        """The value behind the seal; the bytes as they are where it is no longer that."""
        value = unseal(key, sealed)
        if value is None:
            return sealed
        return self._plain({key: value}).get(key, sealed) if self._words else value

    def _evict(self, transaction: Transaction) -> None:
        """Deletes the oldest entries until the pages are within the cap."""
        if _used(transaction) <= self._max_bytes:
            return
        target = int(self._max_bytes * _EVICT_TO)
        cursor = transaction.cursor("order")
        # a page is freed only when all that stands on it is gone: entries are deleted by their
        # bytes, then the pages are counted again
        while (excess := _used(transaction) - target) > 0 and cursor.first():
            while excess > 0 and cursor.first():
                encoded = cursor.value()[_TIME.size :]
                stored = transaction.lmdb.pop(encoded, db=transaction.trees["values"]) or b""
                cursor.delete()
                excess -= len(encoded) + len(stored) + _ENTRY_BYTES
                self.counts.evicted += 1

    def failure(self, error: Exception) -> TierError:
        """In one line why the cache cannot be used, with the remedy."""
        self._forget_groups()
        cause = error.__cause__ or error
        refused = as_os_error(cause)
        why = os_problem(refused) if refused.errno else f"{cause}; run the same command to go on"
        return TierError(f"the cache in {self._database.folder} cannot be used: {why}")

    def _forget_groups(self) -> None:
        self._grouped, self._groups, self._looked_at = {}, None, -1

    def _note_damage(self, message: str) -> None:
        self.counts.errors += 1
        self.counts.last_error = message
        notice(message)


def _used(transaction: Transaction) -> int:
    """The bytes of the pages that the trees stand on."""
    return sum(_bytes_of(transaction, tree) for tree in transaction.trees)


def _bytes_of(transaction: Transaction, tree: str) -> int:
    stat = transaction.lmdb.stat(transaction.trees[tree])
    pages: int = stat["branch_pages"] + stat["leaf_pages"] + stat["overflow_pages"]
    return pages * int(stat["psize"])


def _pairs(transaction: Transaction, keys: list[bytes]) -> Any:
    """The keys that are there, with what stands under them."""
    if len(keys) != 1:
        return transaction.cursor("values").getmulti(keys)
    # the answer to one question: a cursor would take longer than the look-up itself
    stored = transaction.lmdb.get(keys[0], db=transaction.trees["values"])
    return [] if stored is None else [(keys[0], stored)]


def _size(key: str, value: bytes) -> int:
    return len(key) + len(value) + _ENTRY_BYTES


def _compressed(group: bytes) -> bytes:
    compressed: bytes = pa.compress(group, "zstd", asbytes=True)
    return _SIZES.pack(_COMPRESSED, len(group)) + compressed


def _decompressed(stored: bytes) -> bytes:
    """A group, whose seal was intact; those of before are not compressed."""
    if len(stored) < _SIZES.size:
        return stored
    mark, size = _SIZES.unpack_from(stored)
    if mark != _COMPRESSED:
        return stored
    group: bytes = pa.decompress(stored[_SIZES.size :], size, "zstd", asbytes=True)
    return group


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
