"""Which passages hold a term, and how often: the arrays that searching goes through."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from orchestration_assets.text.passages import PassageTerms

MOST_COUNTED: Final = 255
"""More occurrences of a term in one passage say no more than so many."""
_PASSAGE_BITS: Final = np.uint64(31)
_PASSAGE_MASK: Final = np.uint64((1 << 31) - 1)
_BLOCK: Final = 2_000
"""Arrays that are counted at once: they hold every occurrence of a term."""


@dataclass(frozen=True, slots=True)
class Postings:
    """The postings of n passages, by term.

    ``terms``: uint64, rising, [t]. ``offsets``: int64, [t + 1]: the postings of a term lie between
    its offset and the next. ``passages``: uint32, and ``counts``: uint8, [postings]. ``lengths``:
    uint32, [n, 2]: the words of a passage, and the parts of its words.
    """

    terms: Any
    offsets: Any
    passages: Any
    counts: Any
    lengths: Any

    @property
    def size(self) -> int:
        """How many passages there are."""
        return int(self.lengths.shape[0])

    def of(self, term: int) -> tuple[Any, Any]:
        """The passages that hold a term, and how often."""
        place = int(np.searchsorted(self.terms, np.uint64(term)))
        if place >= len(self.terms) or int(self.terms[place]) != term:
            return self.passages[:0], self.counts[:0]
        begin, end = int(self.offsets[place]), int(self.offsets[place + 1])
        return self.passages[begin:end], self.counts[begin:end]


def build_postings(passages: Iterable[PassageTerms]) -> Postings:
    """The postings of passages in their order; fewer than 2^31 of them."""
    blocks: list[tuple[Any, Any]] = []
    waiting: list[Any] = []
    lengths: list[tuple[int, int]] = []
    for number, (words, grams) in enumerate(passages):
        lengths.append((len(words), len(grams)))
        place = np.uint64(number)
        # term and passage in one number: what occurs together is counted by one sort
        waiting += [terms << _PASSAGE_BITS | place for terms in (words, grams)]
        if len(waiting) >= _BLOCK:
            blocks.append(np.unique(np.concatenate(waiting), return_counts=True))
            waiting = []
    if waiting:
        blocks.append(np.unique(np.concatenate(waiting), return_counts=True))
    return _merged(blocks, lengths)


def _merged(blocks: Sequence[tuple[Any, Any]], lengths: Sequence[tuple[int, int]]) -> Postings:
    keys = np.concatenate([key for key, _ in blocks]) if blocks else np.zeros(0, dtype=np.uint64)
    counts = (
        np.concatenate([np.minimum(count, MOST_COUNTED).astype(np.uint8) for _, count in blocks])
        if blocks
        else np.zeros(0, dtype=np.uint8)
    )
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    terms, first = np.unique(keys >> _PASSAGE_BITS, return_index=True)
    return Postings(
        terms,
        np.append(first, len(keys)).astype(np.int64),
        (keys & _PASSAGE_MASK).astype(np.uint32),
        counts[order],
        np.array(lengths, dtype=np.uint32).reshape(len(lengths), 2),
    )
