"""Small tables that this process has just read, as long as their files stay as they were."""

import os
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Final

import pyarrow as pa

_TABLES: Final = 48
_BYTES: Final = 1 << 20
# a file that is written twice within a tick of the system's clock has the same time twice
_TICK_NS: Final = 20_000_000

_Key = tuple[Hashable, ...]
_Version = tuple[int, int, int, int, int]


class RecentTables:
    """The tables read last, each of at most a megabyte.

    A step and its checks read the same tables, and so do the next ones.
    """

    def __init__(self) -> None:
        self._read: OrderedDict[_Key, tuple[_Version, pa.Table]] = OrderedDict()
        self._lock = Lock()

    def read(self, key: _Key, state: os.stat_result, read: Callable[[], pa.Table]) -> pa.Table:
        """What ``key`` names of the file whose ``state`` this is.

        It is ``read`` unless it has been since the file was written.
        """
        # what is put back over a file may bring its time along, but not that of the change
        times = state.st_mtime_ns, state.st_ctime_ns
        version = (state.st_dev, state.st_ino, state.st_size, *times)
        with self._lock:
            found = self._read.get(key)
            if found is not None and found[0] == version:
                self._read.move_to_end(key)
                return found[1]
        is_settled = time.time_ns() - state.st_mtime_ns > _TICK_NS
        table = read()
        if is_settled and table.nbytes <= _BYTES:
            with self._lock:
                self._read[key] = (version, table)
                self._read.move_to_end(key)
                while len(self._read) > _TABLES:
                    self._read.popitem(last=False)
        return table
