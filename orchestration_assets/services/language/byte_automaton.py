"""An automaton that reads bytes: over one text, and over many at once, which advance together."""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt

# texts that advance together; more only take more memory
_TOGETHER: Final = 768
FEW_TEXTS: Final = 32
"""Fewer texts than these are read sooner one by one."""

Counted = tuple[npt.NDArray[np.intp], npt.NDArray[np.float32]]
"""Different numbers, and how often each occurs."""
_NOTHING: Final[Counted] = np.zeros(0, np.intp), np.zeros(0, np.float32)

_LETTERS: Final = 256
# letters of a block: of most states all but a few blocks lead where those of other states do
_BLOCK: Final = 32
_BLOCKS: Final = _LETTERS // _BLOCK
# the block of a byte, and its place there, one byte each
_HIGH: Final = bytes(letter // _BLOCK for letter in range(_LETTERS))
_LOW: Final = bytes(letter % _BLOCK for letter in range(_LETTERS))
# rows of a table that are looked at together
_ROWS: Final = 4_096


@dataclass(frozen=True)
class ByteAutomaton:
    """From state ``s`` a byte ``b`` leads to ``following[block[row[s] + b // 32] + b % 32]``; a
    text begins in state 0. ``feature``: by state, what is seen on arriving there; below 0 for
    nothing. Blocks of 32 bytes that lead to the same states are held once.
    """

    following: "array[int]"
    block: "array[int]"
    row: "array[int]"
    feature: "array[int]"

    @staticmethod
    def of_table(table: Any, row: Any, feature: Any) -> "ByteAutomaton":
        """The automaton in which a byte ``b`` leads from state ``s`` to
        ``table[256 * row[s] + b]``."""
        blocks = np.asarray(table, np.uint32).reshape(-1, _BLOCK)
        first, of_block = _distinct(blocks)
        return ByteAutomaton(
            array("I", blocks[first].tobytes()),
            array("I", (of_block * _BLOCK).astype(np.uint32).tobytes()),
            array("I", (np.asarray(row, np.uint32) * np.uint32(_BLOCKS)).tobytes()),
            array("i", np.asarray(feature, np.int32).tobytes()),
        )

    def features_of(self, text: bytes) -> list[int]:
        """What is seen in a text, in the order of its bytes."""
        following, block, row, feature = self.following, self.block, self.row, self.feature
        state, seen = 0, []
        for high, low in zip(text.translate(_HIGH), text.translate(_LOW), strict=True):
            state = following[block[row[state] + high] + low]
            if (found := feature[state]) >= 0:
                seen.append(found)
        return seen

    def counted(self, texts: Sequence[bytes]) -> list[Counted]:
        """What is seen in each text: each number once, in the order in which the bytes of the text
        show it first, with how often it is seen."""
        counted: list[Counted] = [_NOTHING] * len(texts)
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]), reverse=True)
        for start in range(0, len(order), _TOGETHER):
            places = order[start : start + _TOGETHER]
            found = self._read([texts[place] for place in places])
            for place, one in zip(places, _counted(found.T), strict=True):
                counted[place] = one
        return counted

    def _read(self, texts: Sequence[bytes]) -> npt.NDArray[np.int32]:
        """By byte and text what is seen there; ``texts`` are sorted, the longest first."""
        following, block = np.asarray(self.following), np.asarray(self.block)
        row, feature = np.asarray(self.row), np.asarray(self.feature)
        lengths = np.array([len(text) for text in texts])
        letters = np.zeros((int(lengths[0]), len(texts)), np.uint8)
        for place, text in enumerate(texts):
            letters[: len(text), place] = np.frombuffer(text, np.uint8)
        found = np.full(letters.shape, -1, np.int32)
        high, low = letters // np.uint8(_BLOCK), letters % np.uint8(_BLOCK)
        states: npt.NDArray[Any] = np.zeros(len(texts), np.uint32)
        # how many texts have a byte at each place
        going_on = len(texts) - np.searchsorted(lengths[::-1], np.arange(len(letters)), "right")
        for at, count in enumerate(going_on.tolist()):
            blocks = block.take(row.take(states[:count]) + high[at, :count])
            states = following.take(blocks + low[at, :count])
            found[at, :count] = feature.take(states)
        return found


def _counted(found: npt.NDArray[np.int32]) -> Iterator[Counted]:
    """Of each row its numbers of at least 0, as :meth:`ByteAutomaton.counted` gives them."""
    is_seen = found >= 0
    seen = found[is_seen]
    of_row = np.repeat(np.arange(len(found)), np.count_nonzero(is_seen, axis=1))
    # one sort brings together what is equal within a row, where it stands first before the rest
    number_bits = int(seen.max(initial=0)).bit_length()
    place_bits = len(seen).bit_length()
    keys = (of_row << number_bits | seen) << place_bits | np.arange(len(seen))
    keys.sort()
    whats = keys >> place_bits
    begins = np.flatnonzero(np.append(True, whats[1:] != whats[:-1])[: len(seen)])
    times = np.zeros(len(seen), np.float32)
    times[keys[begins] & ((1 << place_bits) - 1)] = np.diff(begins, append=len(seen))
    is_first = times > 0
    numbers, times = seen[is_first].astype(np.intp), times[is_first]
    bounds = np.searchsorted(of_row[is_first], np.arange(len(found) + 1)).tolist()
    for start, end in pairwise(bounds):
        yield numbers[start:end], times[start:end]


def _distinct(blocks: npt.NDArray[np.uint32]) -> tuple[Any, Any]:
    """Where each different block stands first, and which of these each block is."""
    factors = np.random.default_rng(0).integers(1, 1 << 62, _BLOCK, np.uint64)
    sums = np.empty(len(blocks), np.uint64)
    for start in range(0, len(blocks), _ROWS):
        part = blocks[start : start + _ROWS].astype(np.uint64)
        # wraps at 2^64
        sums[start : start + _ROWS] = (part * factors).sum(axis=1, dtype=np.uint64)
    _, first, of_block = np.unique(sums, return_index=True, return_inverse=True)
    for start in range(0, len(blocks), _ROWS):
        rows = slice(start, start + _ROWS)
        if not np.array_equal(blocks[rows], blocks[first[of_block[rows]]]):
            # different blocks with one sum: then each stands for itself
            every = np.arange(len(blocks))
            return every, every
    return first, of_block
