"""Hashes of many words at once, in numpy."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

_BLOCK: Final = 4
# words of one matrix have about the same length, so that long ones do not widen all
_WIDTHS: Final = (16, 64, 256, 1_024, 4_096, 16_384)


def murmur_hashes(words: Sequence[str]) -> Any:
    """MurmurHash3, the variant of 32 bits with seed 0, of each word as UTF-8; int32.

    After Austin Appleby's MurmurHash3_x86_32, which is in the public domain; the same numbers as
    scikit-learn's ``murmurhash3_32``, whose import takes longer than hashing some 100,000 words.
    """
    data = [word.encode("utf-8", "surrogatepass") for word in words]
    sizes = np.fromiter(map(len, data), np.int64, len(data))
    hashes = np.zeros(len(data), np.uint32)
    narrower = -1
    for width in (*_WIDTHS, int(sizes.max(initial=0))):
        places = np.flatnonzero((sizes > narrower) & (sizes <= width))
        narrower = max(narrower, width)
        if len(places):
            hashes[places] = _hashes([data[n] for n in places.tolist()], sizes[places])
    return hashes.view(np.int32)


def _hashes(data: Sequence[bytes], sizes: Any) -> Any:
    """Block by block, for all words that are still so long; uint32, which wraps around."""
    blocks = int(sizes.max()) // _BLOCK + 1
    padded = b"".join(word.ljust(blocks * _BLOCK, b"\0") for word in data)
    parts = np.frombuffer(padded, "<u4").reshape(len(data), blocks)
    whole = sizes // _BLOCK
    hashes = np.zeros(len(data), np.uint32)
    for block in range(blocks):
        mixed = _turned(parts[:, block] * np.uint32(0xCC9E2D51), 15) * np.uint32(0x1B873593)
        # the bytes behind the last whole block are mixed in alone, none of them as 0
        hashes ^= np.where(block <= whole, mixed, np.uint32(0))
        stirred = _turned(hashes, 13) * np.uint32(5) + np.uint32(0xE6546B64)
        hashes = np.where(block < whole, stirred, hashes)
    hashes ^= sizes.astype(np.uint32)
    hashes ^= hashes >> np.uint32(16)
    hashes *= np.uint32(0x85EBCA6B)
    hashes ^= hashes >> np.uint32(13)
    hashes *= np.uint32(0xC2B2AE35)
    return hashes ^ (hashes >> np.uint32(16))


def _turned(numbers: Any, bits: int) -> Any:
    return (numbers << np.uint32(bits)) | (numbers >> np.uint32(32 - bits))
