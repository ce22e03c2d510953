"""What this process may use of its machine."""

import ctypes
import math
import os
from functools import cache
from pathlib import Path
from typing import Any, Final

from resources.control_groups import cores_of_quota, memory_of_limit

_MEMORY: Final = Path("/proc/meminfo")
LARGE_BYTES: Final = 1 << 20
"""After work on more than this it pays to give memory back."""
# of malloc.h
_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8
_LARGE_PIECE: Final = 1 << 20
_KEPT_FREE: Final = 4 << 20


def usable_cores() -> int:
    """The cores that this process may run on, or those whose time its container may use where
    that is less: the part of a core counts as one, which otherwise nobody would use."""
    has_affinity = hasattr(os, "sched_getaffinity")
    cores = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    quota = cores_of_quota()
    return cores if quota is None else max(1, min(cores, math.ceil(quota)))


def usable_memory() -> int:
    """Bytes that are free now, or that its container may still take where that is less.

    All of the machine's where the system does not say what is free.
    """
    try:
        lines = _MEMORY.read_text("ascii").splitlines()
        (available,) = (line.split()[1] for line in lines if line.startswith("MemAvailable:"))
        free = int(available) * 1024
    except (OSError, ValueError):
        free = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limit = memory_of_limit()
    return free if limit is None else min(free, limit)


def keep_large_pieces_apart() -> None:
    """Has the C library take every piece of 1 MB and more from the system by itself.

    Such a piece is given back when it is freed. Left alone, the GNU C library puts pieces of up to
    32 MB among small ones once it has seen them freed, and keeps them until the last is free.
    Smaller ones are needed again and again: to take each from the system takes time.
    """
    if (mallopt := _gnu_function("mallopt")) is not None:
        # what threads free in heaps of their own, no other thread finds again
        mallopt(_M_ARENA_MAX, 1)
        mallopt(_M_MMAP_THRESHOLD, _LARGE_PIECE)
        # a size that is set for the one is none for the other, which would be 128 KiB
        mallopt(_M_TRIM_THRESHOLD, _KEPT_FREE)


def give_back_memory() -> None:
    """Hands what this process has freed back to the system, where the C library keeps it.

    It keeps it for as long as something above it is in use: a step that needed much once would
    hold it until the end of the run, and processes beside this one could not have it.
    """
    if (trim := _gnu_function("malloc_trim")) is not None:
        trim(0)


@cache
def _gnu_function(name: str) -> Any:
    """A function of the GNU C library; None where there is another one."""
    return getattr(ctypes.CDLL(None), name, None)
