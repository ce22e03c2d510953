"""The terms of many items, as the table of vectors holds them, in one array."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orchestration_assets.evidence.recorded_answers import Bools, Ints
from orchestration_assets.features.terms import COUNT_BITS

Packed = NDArray[np.uint32]


@dataclass(frozen=True)
class ItemTerms:
    """``n`` items: those of item ``i`` are ``packed[starts[i]:starts[i + 1]]``.

    Each is a hash of 24 bits, then 8 bits of how often the term occurs in the item; ``starts``
    (n + 1,).
    """

    packed: Packed
    starts: Ints

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def ids(self) -> Packed:
        """The hash of each term."""
        ids: Packed = self.packed >> np.uint32(COUNT_BITS)
        return ids

    @property
    def counts(self) -> Packed:
        """How often each term occurs in its item."""
        counts: Packed = self.packed & np.uint32((1 << COUNT_BITS) - 1)
        return counts

    @property
    def items(self) -> Ints:
        """The position of the item that each term is of."""
        return np.repeat(np.arange(len(self)), np.diff(self.starts))

    def take(self, rows: Ints | Bools | slice) -> "ItemTerms":
        """The items at ``rows`` (positions, a mask or a slice), in that order."""
        positions = np.arange(len(self))[rows]
        lengths = np.diff(self.starts)[positions]
        starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        inside = np.arange(starts[-1]) - np.repeat(starts[:-1], lengths)
        return ItemTerms(self.packed[np.repeat(self.starts[positions], lengths) + inside], starts)


def item_terms(lists: Iterable[Sequence[int] | None]) -> ItemTerms:
    """The terms of items, each a list of packed terms; None: none."""
    parts = [np.array(terms or (), dtype=np.uint32) for terms in lists]
    starts = np.concatenate([[0], np.cumsum([len(part) for part in parts])]).astype(np.int64)
    packed = np.concatenate(parts) if parts else np.zeros(0, np.uint32)
    return ItemTerms(packed, starts)
