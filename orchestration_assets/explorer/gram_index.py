"""Which items of a batch may hold a word: an inverted index over four bytes in a row.

A bitmap says which of them stand anywhere in the batch, and postings which items hold each, so
that a search looks at the texts of few items. Both are approximate in one direction: hashes of 19
bits collide, so what they find is looked at again; what they do not find is not there.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

_GRAM: Final = 4
_BITS: Final = 19
_SALT: Final = np.uint32(2654435761)
_COMMON: Final = 8
"""A gram in more than one of so many items has no posting: it would narrow nothing."""
_MOST_LISTS: Final = 3
"""Postings of a word that are intersected, the shortest first."""
_PIECE_BYTES: Final = 1 << 22

Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.uint32]
Text = tuple[pa.Array, npt.NDArray[np.integer]]
"""Texts, and of each the item that it is of."""


@dataclass(frozen=True, slots=True, eq=False)
class GramIndex:
    """``bits`` has a bit for each gram of a batch; the items that hold gram ``grams[n]`` are
    ``items[ends[n - 1]:ends[n]]``. Grams are sorted; common ones are left out."""

    bits: Bytes
    grams: Places
    ends: Places
    items: Places

    def candidates(self, word: str) -> Places | None:
        """The items that may hold the word, each once; None where any may."""
        data = np.frombuffer(word.encode(), np.uint8)
        if len(data) < _GRAM:
            return None
        wanted = np.unique(_hashes(data))
        set_bits = self.bits[wanted >> 3] & (np.uint8(128) >> (wanted & 7).astype(np.uint8))
        if not np.all(set_bits):
            return np.zeros(0, np.uint32)
        found = sorted(map(self._posting, self._listed(wanted)), key=len)[:_MOST_LISTS]
        if not found:
            return None
        few = found[0]
        for other in found[1:]:
            few = np.intersect1d(few, other, assume_unique=True)
        return few

    def _listed(self, wanted: Places) -> list[int]:
        """The places of those grams that have a posting."""
        if not len(self.grams):
            return []
        at = np.minimum(np.searchsorted(self.grams, wanted), len(self.grams) - 1)
        found: list[int] = at[self.grams[at] == wanted].tolist()
        return found

    def _posting(self, place: int) -> Places:
        return self.items[int(self.ends[place - 1]) if place else 0 : int(self.ends[place])]


def gram_index(texts: Iterable[Text], items: int) -> GramIndex:
    """The index of the texts of so many items."""
    keys = _distinct(np.concatenate([np.zeros(0, np.uint64), *_keys(texts)]))
    of_gram = (keys >> np.uint64(32)).astype(np.uint32)
    starts = np.flatnonzero(np.diff(of_gram, prepend=np.uint32(1 << _BITS)))
    grams, counts = of_gram[starts], np.diff(starts, append=len(keys))
    bits = np.zeros(1 << _BITS, np.bool_)
    bits[grams] = True
    rare = counts * _COMMON <= items
    kept = np.repeat(rare, counts)
    return GramIndex(
        np.packbits(bits),
        grams[rare],
        np.cumsum(counts[rare]).astype(np.uint32),
        (keys[kept] & np.uint64(0xFFFFFFFF)).astype(np.uint32),
    )


def _keys(texts: Iterable[Text]) -> Iterator[npt.NDArray[np.uint64]]:
    """Gram and item as one number, those of each piece of the texts once."""
    for column, items in texts:
        if not len(column):
            continue
        offsets = np.frombuffer(column.buffers()[1], np.int32)
        offsets = offsets[column.offset : column.offset + len(column) + 1]
        data = np.frombuffer(column.buffers()[2] or b"", np.uint8)
        start = 0
        while start < len(column):
            limit = int(offsets[start]) + _PIECE_BYTES
            end = max(start + 1, int(np.searchsorted(offsets, limit, side="right")) - 1)
            end = min(end, len(column))
            lengths = np.diff(offsets[start : end + 1])
            row = np.repeat(np.arange(start, end, dtype=np.int32), lengths)
            hashes = _hashes(data[int(offsets[start]) : int(offsets[end])])
            # no gram reaches from one text into the next
            within = row[: len(hashes)] == row[_GRAM - 1 :] if len(hashes) else np.zeros(0, bool)
            of = items[row[: len(hashes)][within]].astype(np.uint64)
            yield _distinct(hashes[within].astype(np.uint64) << np.uint64(32) | of)
            start = end


def _distinct(keys: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Each number once, in order: several times as quick as ``np.unique``, which hashes."""
    keys.sort()
    first = np.ones(len(keys), np.bool_)
    np.not_equal(keys[1:], keys[:-1], out=first[1:])
    return keys[first]


def _hashes(data: Bytes) -> Places:
    wide = data.astype(np.uint32)
    if len(wide) < _GRAM:
        return np.zeros(0, np.uint32)
    grams = wide[:-3] | (wide[1:-2] << np.uint32(8)) | (wide[2:-1] << np.uint32(16))
    grams |= wide[3:] << np.uint32(24)
    places: Places = (grams * _SALT) >> np.uint32(32 - _BITS)
    return places
