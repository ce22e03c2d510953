"""Checksums (CRC-32) of many texts that go on, in numpy."""

from functools import cache
from typing import Any, Final
from zlib import crc32

import numpy as np

MOST_BYTES: Final = 32
"""Of what follows; the tables grow with it."""


def continued_checksums(sums: Any, following: Any, sizes: Any) -> Any:
    """The checksum of each text that is a first one with a second behind it; int64.

    ``sums`` are the checksums of the first ones, ``following`` those of the second ones and
    ``sizes`` their bytes, at most 32; int64, of equal length. A CRC is linear over GF(2): it is the
    first one's, moved on by as many bytes of 0, xor the second one's (zlib's ``crc32_combine``).
    """
    moved = _moved_on()
    for place in range(4):
        following = following ^ moved[sizes, place, sums >> 8 * place & 0xFF]
    return following


@cache
def _moved_on() -> Any:
    """[n, k, b]: a checksum of the byte b in place k and else zeros, moved on by n bytes of 0;
    int64, shape (33, 4, 256)."""
    # of one byte, without what crc32 adds at the begin and at the end
    table = np.array([crc32(bytes([byte])) ^ crc32(b"\0") for byte in range(256)], np.int64)
    steps = [np.arange(256)[None, :] << 8 * np.arange(4)[:, None]]
    for _ in range(MOST_BYTES):
        steps.append(steps[-1] >> 8 ^ table[steps[-1] & 0xFF])
    return np.stack(steps)
