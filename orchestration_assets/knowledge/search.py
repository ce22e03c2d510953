"""Finding the passages of a corpus that a text is about.

Every passage is scored twice by Okapi BM25 (Robertson and Zaragoza 2009, The Probabilistic
Relevance Framework: BM25 and Beyond), over words and over the parts of words; each score is divided
by the highest of the corpus, and the second counts half of the first. Words find what is named as
it is named, parts of words find other forms of it.
"""

import heapq
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np

from orchestration_assets.knowledge.postings import Postings
from orchestration_assets.text.passages import passage_terms

K1: Final = 1.2
B: Final = 0.75
WEIGHTS: Final = (1.0, 0.5)
"""Of the scores by words and by parts of words: from .3 to 1 the second matters little on
the 200 questions of `python -m benchmarks retrieval`."""
MOST_TERMS: Final = 96
"""Of a long text the terms that fewest passages hold are sought."""
_COMMON: Final = (0.3, 0.03)
"""Words, and parts of words, that a larger share of the passages hold tell none from another."""


class PassagePlace(NamedTuple):
    """A passage by its segment and its row there."""

    segment: str
    row: int


class FoundPassage(NamedTuple):
    """A passage with its score, which is above 0 and at most 1.5."""

    place: PassagePlace
    score: float


@dataclass(frozen=True, slots=True)
class SearchedSegment:
    """A segment of a corpus: its postings, and which of its passages are still in force: bool,
    [n]."""

    name: str
    postings: Postings
    live: Any


class PassageIndex:
    """What is sought in: the segments of one version of a corpus."""

    def __init__(self, segments: Sequence[SearchedSegment]) -> None:
        self._segments = tuple(segments)
        self._size = sum(int(one.live.sum()) for one in segments)
        lengths = [one.postings.lengths[one.live].sum(axis=0, dtype=np.int64) for one in segments]
        total = np.sum(lengths, axis=0) if lengths else np.zeros(2)
        self._mean_lengths = total / max(1, self._size)

    @property
    def size(self) -> int:
        """Passages that are in force."""
        return self._size

    def search(
        self, text: str, at_most: int, weights: tuple[float, float] = WEIGHTS
    ) -> list[FoundPassage]:
        """The passages that the text is most about, the best first: ``at_most``, and those that are
        as good as the last of them, among which the caller chooses.

        ``weights``: of words and of parts of words.
        """
        words, grams = passage_terms(text)
        scores = [np.zeros(one.postings.size) for one in self._segments]
        for kind, terms in enumerate((words, grams)):
            share = self._scores(kind, terms)
            best = max((float(one.max()) for one in share if len(one)), default=0.0)
            if best > 0.0:
                weight = weights[kind] / best
                scores = [one + weight * more for one, more in zip(scores, share, strict=True)]
        return self._best(scores, at_most)

    def _scores(self, kind: int, terms: Any) -> list[Any]:
        """The scores of all passages by the words, or by the parts of words, of a text."""
        scores = [np.zeros(one.postings.size) for one in self._segments]
        mean = max(1.0, float(self._mean_lengths[kind]))
        for found in self._sought(kind, terms).values():
            holders = sum(len(passages) for passages, _ in found)
            weight = math.log(1.0 + (self._size - holders + 0.5) / (holders + 0.5))
            for score, segment, (passages, counts) in zip(
                scores, self._segments, found, strict=True
            ):
                lengths = segment.postings.lengths[passages, kind]
                often = counts.astype(np.float64)
                score[passages] += (
                    weight * often * (K1 + 1.0) / (often + K1 * (1.0 - B + B * lengths / mean))
                )
        return scores

    def _sought(self, kind: int, terms: Any) -> Mapping[int, list[tuple[Any, Any]]]:
        """The terms that are gone by, with their postings segment by segment."""
        found: dict[int, list[tuple[Any, Any]]] = {}
        held: dict[int, int] = {}
        for term in np.unique(terms).tolist():
            live = [_live(segment, *segment.postings.of(term)) for segment in self._segments]
            count = sum(len(passages) for passages, _ in live)
            if count:
                found[term], held[term] = live, count
        rare = [term for term in found if held[term] <= _COMMON[kind] * self._size]
        chosen = heapq.nsmallest(MOST_TERMS, rare or found, key=lambda term: (held[term], term))
        return {term: found[term] for term in sorted(chosen)}

    def _best(self, scores: Sequence[Any], at_most: int) -> list[FoundPassage]:
        found = []
        for segment, score in zip(self._segments, scores, strict=True):
            # the score rounded: the last bits may depend on how a machine adds
            rounded = np.round(score, 9)
            most = min(at_most, int(np.count_nonzero(rounded)))
            if most:
                least = np.partition(rounded, -most)[-most]
                rows = np.nonzero(rounded >= max(least, 1e-9))[0]
                found += [
                    FoundPassage(PassagePlace(segment.name, int(row)), float(rounded[row]))
                    for row in rows
                ]
        found.sort(key=lambda one: (-one.score, one.place))
        least_score = found[at_most - 1].score if len(found) > at_most > 0 else 0.0
        return [one for one in found if one.score >= least_score]


def _live(segment: SearchedSegment, passages: Any, counts: Any) -> tuple[Any, Any]:
    if not len(passages):
        return passages, counts
    alive = segment.live[passages]
    return (passages, counts) if alive.all() else (passages[alive], counts[alive])
