"""What was computed of words, since the words of a language come again in every item."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Generic, TypeVar

Computed = TypeVar("Computed")

LONGEST_WORD: Final = 128
"""Longer ones, in characters, are computed anew: they come once, and would fill the memory."""


class WordMemory(Generic[Computed]):
    """The values of at most ``most`` words. It only grows, so that threads may share it; a full one
    is begun anew."""

    def __init__(self, most: int, compute: Callable[[Sequence[str]], Sequence[Computed]]) -> None:
        """``compute`` gives one value for each word, of many distinct words at once."""
        self._most, self._compute = most, compute
        self._known: dict[str, Computed] = {}

    def of(self, words: Iterable[str]) -> Mapping[str, Computed]:
        """The value of each of the words, and of others."""
        distinct = dict.fromkeys(words)
        known = self._known
        new = [word for word in distinct if word not in known]
        if new and len(known) + len(new) > self._most:
            known = self._known = {}
            new = list(distinct)
        if new:
            values = self._compute(new)
            if max(map(len, new)) > LONGEST_WORD:
                pairs = zip(new, values, strict=True)
                known.update((word, value) for word, value in pairs if len(word) <= LONGEST_WORD)
                known = dict(known)
            known.update(zip(new, values, strict=True))
        return known
