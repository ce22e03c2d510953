"""Which passages hold a term, and how often: the arrays that searching goes through."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from orchestration_assets.text.passages import PassageTerms

MOST_COUNTED: Final = 255
"""More occurrences of a term in one passage say no more than so many."""
# a term has 33 bits, so that it, the passage and the count fill 64
_PASSAGE_BITS: Final = np.uint64(23)
_PASSAGE_MASK: Final = np.uint64((1 << 23) - 1)
_COUNT_BITS: Final = np.uint64(8)
_COUNT_MASK: Final = np.uint64(MOST_COUNTED)
MOST_PASSAGES: Final = 1 << 23
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

    def ranges(self, terms: Any) -> tuple[Any, Any]:
        """Where the postings of each term begin and end: int64, [terms] each; of a term that no
        passage holds both are 0."""
        places = np.searchsorted(self.terms, terms)
        inside = np.minimum(places, max(0, len(self.terms) - 1))
        held = self.terms[inside] == terms if len(self.terms) else np.zeros(len(terms), dtype=bool)
        return np.where(held, self.offsets[inside], 0), np.where(
            held, self.offsets[inside + held], 0
        )


def build_postings(passages: Iterable[PassageTerms]) -> Postings:
    """The postings of passages in their order; at most :data:`MOST_PASSAGES` of them.

    Raises ValueError for more.
    """
    blocks: list[Any] = []
    waiting: list[Any] = []
    lengths: list[tuple[int, int]] = []
    for number, (words, grams) in enumerate(passages):
        if number >= MOST_PASSAGES:
            raise ValueError(f"a segment holds at most {MOST_PASSAGES:,} passages")
        lengths.append((len(words), len(grams)))
        place = np.uint64(number)
        # term and passage in one number: what occurs together is counted by one sort
        waiting += [terms << _PASSAGE_BITS | place for terms in (words, grams)]
        if len(waiting) >= _BLOCK:
            blocks.append(_counted(waiting))
            waiting = []
    if waiting:
        blocks.append(_counted(waiting))
    return _merged(blocks, np.array(lengths, dtype=np.uint32).reshape(len(lengths), 2))


def _counted(occurrences: Sequence[Any]) -> Any:
    """Term, passage and count in one number each: uint64."""
    keys, counts = np.unique(np.concatenate(occurrences), return_counts=True)
    return keys << _COUNT_BITS | np.minimum(counts, MOST_COUNTED).astype(np.uint64)


def _merged(blocks: list[Any], lengths: Any) -> Postings:
    keys = np.concatenate([np.zeros(0, dtype=np.uint64), *blocks])
    # of many passages this is most of the memory: nothing is held twice that need not be
    blocks.clear()
    keys.sort()
    counts = (keys & _COUNT_MASK).astype(np.uint8)
    keys >>= _COUNT_BITS
    passages = (keys & _PASSAGE_MASK).astype(np.uint32)
    keys >>= _PASSAGE_BITS
    first = np.flatnonzero(np.diff(keys, prepend=keys[:1] + np.uint64(1)))
    offsets = np.append(first, len(keys)).astype(np.int64)
    return Postings(keys[first], offsets, passages, counts, lengths)
