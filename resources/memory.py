"""Memory that was freed, given back to the system.

Arrow's pool and the C library keep what was freed for whoever asks next. A run goes through steps
of which one needs much and the next little: kept, the peaks of all of them would add up.
"""

import ctypes
from functools import cache
from typing import Any

import pyarrow as pa


def give_back_memory() -> None:
    """Gives back what nobody uses; milliseconds, and no more where the C library cannot."""
    pa.default_memory_pool().release_unused()
    trim = _malloc_trim()
    if trim is not None:
        trim(0)


@cache
def _malloc_trim() -> Any:
    # glibc alone has it
    return getattr(ctypes.CDLL(None), "malloc_trim", None)
