"""Which texts of a growing list are about what is asked, among those up to any one of them.

Okapi BM25 over words and parts of words, as knowledge is searched; texts are only ever added, so
that one index answers for every earlier length of the list too.
"""

import math
from array import array
from bisect import bisect_left
from typing import Any, Final

import numpy as np

from orchestration_assets.knowledge.search import K1, MOST_TERMS, WEIGHTS, B
from orchestration_assets.text.passages import passage_terms

_COMMON: Final = (0.3, 0.05)
"""Words, and parts of words, that a larger share of the texts hold tell none from another."""
_FEW: Final = 20
"""Among fewer texts no word is common."""


class GrowingIndex:
    """An inverted index to which texts are added."""

    def __init__(self) -> None:
        self._holders: dict[int, array[int]] = {}
        self._counts: dict[int, array[int]] = {}
        self._lengths = (array("I"), array("I"))
        self._summed = (array("Q"), array("Q"))

    def add(self, text: str) -> None:
        """Takes up the next text."""
        place = len(self._lengths[0])
        for kind, terms in enumerate(passage_terms(text)):
            unique, counts = np.unique(terms, return_counts=True)
            for term, count in zip(unique.tolist(), counts.tolist(), strict=True):
                if term not in self._holders:
                    self._holders[term] = array("I")
                    self._counts[term] = array("I")
                self._holders[term].append(place)
                self._counts[term].append(count)
            before = self._summed[kind][-1] if place else 0
            self._lengths[kind].append(len(terms))
            self._summed[kind].append(before + len(terms))

    def scores(self, text: str, size: int) -> Any:
        """How much each of the first ``size`` texts is about ``text``: float64 in [0, 1], [size].

        The highest is 1, unless no text shares a telling word with it.
        """
        total = np.zeros(size)
        for kind, terms in enumerate(passage_terms(text)):
            own = self._scores(kind, terms, size)
            best = float(own.max(initial=0.0))
            if best > 0.0:
                total += WEIGHTS[kind] / best * own
        best = float(total.max(initial=0.0))
        # rounded: the last bits may depend on how a machine adds
        return np.round(total / best, 9) if best > 0.0 else total

    def _scores(self, kind: int, terms: Any, size: int) -> Any:
        scores = np.zeros(size)
        if not size:
            return scores
        mean = max(1.0, self._summed[kind][size - 1] / size)
        lengths = np.array(self._lengths[kind][:size])
        sought = []
        for term in np.unique(terms).tolist():
            if held := bisect_left(self._holders.get(term, ()), size):
                sought.append((held, term))
        rare = [one for one in sought if size < _FEW or one[0] <= _COMMON[kind] * size]
        for held, term in sorted(rare or sought)[:MOST_TERMS]:
            holders = np.array(self._holders[term][:held])
            often = np.array(self._counts[term][:held], dtype=np.float64)
            weight = math.log(1.0 + (size - held + 0.5) / (held + 0.5))
            scores[holders] += (
                weight * often * (K1 + 1.0) / (often + K1 * (1.0 - B + B * lengths[holders] / mean))
            )
        return scores
