"""The first tier: this process's memory, bounded by bytes, least recently used first out."""

import threading
import time
from collections.abc import Collection, Iterable, Mapping
from typing import Final, NamedTuple

from cachetools import LRUCache

from resources.feature_cache.tier import Counts, Holds, TierContents, intact, seal, unseal

# a key, a tuple and a place in two dictionaries, beside the value itself
_ENTRY_BYTES: Final = 300


class _Entry(NamedTuple):
    stored: bytes
    since: float


def _size(entry: _Entry) -> int:
    return len(entry.stored) + _ENTRY_BYTES


class SharedMemory:
    """The memory that all tiers of one name in this process look into."""

    def __init__(self, max_bytes: int) -> None:
        self.lock = threading.Lock()
        self.entries: LRUCache[str, _Entry] = LRUCache(max_bytes, getsizeof=_size)


_shared: dict[tuple[str, int], SharedMemory] = {}
_lock = threading.Lock()


class MemoryTier:
    """A view of the memory shared under ``name_space``; its counts are its own.

    ``max_bytes`` bounds values and what keeping them takes. A value that is larger than the
    whole is not kept.
    """

    name = "memory"

    def __init__(self, name_space: str, max_bytes: int) -> None:
        self.counts = Counts()
        with _lock:
            self._memory = _shared.setdefault((name_space, max_bytes), SharedMemory(max_bytes))

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        entries = self._memory.entries
        with self._memory.lock:
            held = [(key, entry.stored) for key in keys if (entry := entries.get(key)) is not None]
        return intact(held, self.counts)

    def put_many(self, values: Mapping[str, bytes]) -> None:
        now = time.time()
        entries = self._memory.entries
        with self._memory.lock:
            for key, value in values.items():
                entry = _Entry(seal(key, value), now)
                if _size(entry) > entries.maxsize:
                    continue
                before = len(entries) + (key not in entries)
                entries[key] = entry
                self.counts.evicted += before - len(entries)

    def forget(self, keys: Collection[str], holds: Holds) -> int:
        entries = self._memory.entries
        with self._memory.lock:
            going = [
                key
                for key, entry in entries.items()
                if key in keys or holds(key, unseal(key, entry.stored) or b"")
            ]
            for key in going:
                del entries[key]
        return len(going)

    def contents(self) -> TierContents:
        entries = self._memory.entries
        with self._memory.lock:
            oldest = min((entry.since for entry in entries.values()), default=None)
            return TierContents(len(entries), int(entries.currsize), int(entries.maxsize), oldest)
