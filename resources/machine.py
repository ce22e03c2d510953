"""What this process may use of its machine."""

import os
from pathlib import Path
from typing import Final

_MEMORY: Final = Path("/proc/meminfo")
_CONTAINER: Final = Path("/sys/fs/cgroup/memory.max")


def usable_cores() -> int:
    """The cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def usable_memory() -> int:
    """Bytes that are free now, or that the container may hold where that is less.

    All of the machine's where the system does not say what is free.
    """
    try:
        lines = _MEMORY.read_text("ascii").splitlines()
        (available,) = (line.split()[1] for line in lines if line.startswith("MemAvailable:"))
        free = int(available) * 1024
    except (OSError, ValueError):
        free = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        return min(free, int(_CONTAINER.read_text("ascii")))
    except (OSError, ValueError):
        return free
