"""An automaton that reads bytes, over many texts at once: all advance by a byte together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

# texts that advance together; more only take more memory
_TOGETHER: Final = 512
FEW_TEXTS: Final = 32
"""Fewer texts than these are read sooner one by one."""


@dataclass(frozen=True)
class ByteAutomaton:
    """From state ``s`` a byte ``b`` leads to ``following[256 * row[s] + b]``; a text begins in
    state 0. ``feature``: by state, what is seen on arriving there; below 0 for nothing.
    """

    following: npt.NDArray[np.uint32]
    row: npt.NDArray[np.int64]
    feature: npt.NDArray[np.int32]

    def features(self, texts: Sequence[bytes]) -> list[list[int]]:
        """What is seen in each text, in the order of its bytes."""
        seen: list[list[int]] = [[] for _ in texts]
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]), reverse=True)
        for start in range(0, len(order), _TOGETHER):
            places = order[start : start + _TOGETHER]
            found = self._read([texts[place] for place in places])
            for place, column in zip(places, found.T, strict=True):
                seen[place] = column[column >= 0].tolist()
        return seen

    def _read(self, texts: Sequence[bytes]) -> npt.NDArray[np.int32]:
        """By byte and text what is seen there; ``texts`` are sorted, the longest first."""
        lengths = np.array([len(text) for text in texts])
        letters = np.zeros((int(lengths[0]), len(texts)), np.uint8)
        for place, text in enumerate(texts):
            letters[: len(text), place] = np.frombuffer(text, np.uint8)
        found = np.full(letters.shape, -1, np.int32)
        states: npt.NDArray[Any] = np.zeros(len(texts), np.int64)
        bases = self.row << 8
        # how many texts have a byte at each place
        going_on = len(texts) - np.searchsorted(lengths[::-1], np.arange(len(letters)), "right")
        for at, count in enumerate(going_on.tolist()):
            states = self.following[bases[states[:count]] + letters[at, :count]]
            found[at, :count] = self.feature[states]
        return found
