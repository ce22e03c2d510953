"""An embedded key-value store on LMDB: several processes, crash-safe, microseconds a read."""

import threading
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Final

import lmdb

_CHECK_BYTES: Final = 8
_MAP_BYTES: Final = 1 << 30

# LMDB forbids opening one environment twice in a process
_open: dict[Path, lmdb.Environment] = {}
_lock = threading.Lock()


def _environment(folder: Path) -> lmdb.Environment:
    with _lock:
        if folder not in _open:
            folder.mkdir(parents=True, exist_ok=True)
            _open[folder] = lmdb.open(str(folder), map_size=_MAP_BYTES, max_readers=512)
        return _open[folder]


class LmdbStore:
    """Bytes by key. Each value carries a checksum: a corrupt entry reads as absent.

    Open it after forking, and never on a network file system.
    """

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder).expanduser().absolute()

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """The values of the keys that are there and intact."""
        found: dict[str, bytes] = {}
        with _environment(self._folder).begin(buffers=False) as transaction:
            for key in keys:
                stored = transaction.get(key.encode())
                if stored is not None and stored[:_CHECK_BYTES] == _check(stored[_CHECK_BYTES:]):
                    found[key] = stored[_CHECK_BYTES:]
        return found

    def put_many(self, values: Mapping[str, bytes]) -> None:
        """Stores all values in one durable transaction, growing the store when it is full."""
        environment = _environment(self._folder)
        while True:
            try:
                with environment.begin(write=True) as transaction:
                    for key, value in values.items():
                        transaction.put(key.encode(), _check(value) + value)
                return
            except lmdb.MapFullError:
                environment.set_mapsize(environment.info()["map_size"] * 2)


def _check(value: bytes) -> bytes:
    return blake2b(value, digest_size=_CHECK_BYTES).digest()
