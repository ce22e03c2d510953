"""Check sums of a file, window by window: whether bytes changed while its size and time did not.

A sum is the CRC-32 of 256 KiB: it finds bytes that a disk gives back otherwise than they were
written, not somebody who forges them. One window takes some tenths of a millisecond.
"""

import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

WINDOW_BYTES: Final = 1 << 18


def window_sums(path: Path) -> list[int]:
    """The sum of each window of a file, the last of which may be shorter. Raises OSError."""
    sums = []
    with path.open("rb") as file:
        while window := file.read(WINDOW_BYTES):
            sums.append(zlib.crc32(window))
    return sums


def damaged_window(path: Path, sums: Sequence[int], windows: Iterable[int]) -> int | None:
    """The first of these windows, by number from 0, whose bytes have another sum than they had;
    None where all have theirs. Raises OSError."""
    with path.open("rb", buffering=0) as file:
        for number in windows:
            file.seek(number * WINDOW_BYTES)
            if zlib.crc32(file.read(WINDOW_BYTES)) != sums[number]:
                return number
    return None
