"""Finding the passages of a corpus that a text is about.

Every passage is scored twice by Okapi BM25 (Robertson and Zaragoza 2009, The Probabilistic
Relevance Framework: BM25 and Beyond), over words and over the parts of words; each score is divided
by the highest of the corpus, and the second counts half of the first. Words find what is named as
it is named, parts of words find other forms of it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
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

_DIGITS: Final = 9
_ROUNDED: Final = 1e-9
_BLOCK: Final = 256


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
    whole: bool = field(init=False)
    """Whether all of its passages are in force."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "whole", bool(self.live.all()))


class PassageIndex:
    """What is sought in: the segments of one version of a corpus.

    Every posting of what is sought is gone through, in a few array operations a segment: at 100,000
    passages they take less than the bookkeeping that would leave some of them out.
    """

    def __init__(self, segments: Sequence[SearchedSegment]) -> None:
        self._segments = tuple(segments)
        passages = sum(one.postings.size for one in segments)
        self._size = sum(int(np.count_nonzero(one.live)) for one in segments)
        self._gone = passages - self._size
        lengths = [one.postings.lengths[one.live].sum(axis=0, dtype=np.int64) for one in segments]
        total = np.sum(lengths, axis=0) if lengths else np.zeros(2)
        means = np.maximum(1.0, total / max(1, self._size))
        # what a length adds to the denominator of BM25: float64, [kind][segment][n]
        self._norms = [
            [
                K1 * (1.0 - B + B * one.postings.lengths[:, kind] / float(means[kind]))
                for one in segments
            ]
            for kind in (0, 1)
        ]

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
        scores: list[Any] = [None] * len(self._segments)
        for kind, terms in enumerate(passage_terms(text)):
            share = self._scores(kind, terms) if weights[kind] else []
            best = max((float(one.max()) for one in share if one is not None), default=0.0)
            if best > 0.0:
                weight = weights[kind] / best
                scores = [
                    _added(one, more, weight) for one, more in zip(scores, share, strict=True)
                ]
        return self._best(scores, at_most)

    def _scores(self, kind: int, terms: Any) -> list[Any]:
        """The scores of the passages by the words, or by the parts of words, of a text: float64,
        [n], for each segment, or None where it holds nothing of it."""
        sought = self._sought(kind, np.unique(terms))
        weights = np.array(
            [
                (K1 + 1.0) * math.log(1.0 + (self._size - held + 0.5) / (held + 0.5))
                for held in sought.holders
            ]
        )
        return [
            _segment_scores(segment, norms, begins, ends, weights)
            for segment, norms, begins, ends in zip(
                self._segments, self._norms[kind], sought.begins, sought.ends, strict=True
            )
        ]

    def _sought(self, kind: int, terms: Any) -> "_Sought":
        """The terms that are gone by: those that few passages hold, or, where there are none of
        them, the others."""
        ranges = [segment.postings.ranges(terms) for segment in self._segments]
        begins = [begin for begin, _ in ranges]
        ends = [end for _, end in ranges]
        stored = sum((end - begin for begin, end in ranges), np.zeros(len(terms), dtype=np.int64))
        common = _COMMON[kind] * self._size
        # what is common even without the passages that are gone need not be counted
        maybe = np.nonzero((stored > 0) & (stored - self._gone <= common))[0]
        holders = self._holders(ranges, maybe)
        places = maybe[(holders > 0) & (holders <= common)]
        if not len(places):
            maybe = np.nonzero(stored)[0]
            holders = self._holders(ranges, maybe)
            places = maybe[holders > 0]
        held = dict(zip(maybe.tolist(), holders.tolist(), strict=True))
        chosen = sorted(places.tolist(), key=lambda place: (held[place], place))[:MOST_TERMS]
        # the sums are the same in any order of segments, and go through terms as they rise
        kept = np.array(sorted(chosen), dtype=np.int64)
        return _Sought(
            [held[place] for place in kept.tolist()],
            [begin[kept] for begin in begins],
            [end[kept] for end in ends],
        )

    def _holders(self, ranges: Sequence[tuple[Any, Any]], places: Any) -> Any:
        """How many passages in force hold each of these terms: int64, [places]."""
        total = np.zeros(len(places), dtype=np.int64)
        for segment, (begin, end) in zip(self._segments, ranges, strict=True):
            if segment.whole:
                total += end[places] - begin[places]
                continue
            for number, place in enumerate(places.tolist()):
                if begin[place] < end[place]:
                    passages = segment.postings.passages[begin[place] : end[place]]
                    total[number] += np.count_nonzero(segment.live[passages])
        return total

    def _best(self, scores: Sequence[Any], at_most: int) -> list[FoundPassage]:
        found = []
        for segment, score in zip(self._segments, scores, strict=True):
            if score is None or at_most < 1:
                continue
            rows = _candidates(score, at_most)
            # the score rounded: the last bits may depend on how a machine adds
            rounded = np.round(score[rows], _DIGITS)
            found += [
                FoundPassage(PassagePlace(segment.name, row), own)
                for row, own in zip(rows.tolist(), rounded.tolist(), strict=True)
                if own > 0.0
            ]
        found.sort(key=lambda one: (-one.score, one.place))
        least_score = found[at_most - 1].score if len(found) > at_most > 0 else 0.0
        return [one for one in found if one.score >= least_score]


class _Sought(NamedTuple):
    """t terms as they rise: how many passages in force hold each, and where each segment has their
    postings: int64, [t] a segment."""

    holders: Sequence[int]
    begins: Sequence[Any]
    ends: Sequence[Any]


def _segment_scores(
    segment: SearchedSegment, norms: Any, begins: Any, ends: Any, weights: Any
) -> Any:
    """BM25 of the passages of a segment: float64, [n]; None where it holds none of the terms."""
    held = np.nonzero(begins < ends)[0]
    if not len(held):
        return None
    slices = [slice(*pair) for pair in zip(begins[held].tolist(), ends[held].tolist(), strict=True)]
    passages = np.concatenate([segment.postings.passages[own] for own in slices])
    often = np.concatenate([segment.postings.counts[own] for own in slices])
    gains = np.repeat(weights[held], (ends - begins)[held])
    gains *= often
    gains /= often + norms[passages]
    # terms are added as they come, so that sums do not depend on the segments
    scores = np.bincount(passages, gains, segment.postings.size)
    return scores if segment.whole else np.where(segment.live, scores, 0.0)


def _candidates(scores: Any, at_most: int) -> Any:
    """The rows that may be among the best so many when scores are rounded, and a few more."""
    blocks = np.maximum.reduceat(scores, np.arange(0, len(scores), _BLOCK))
    # that many blocks have one as good: selecting among all rows, most of them 0, is slow
    least = float(np.partition(blocks, -at_most)[-at_most]) if len(blocks) >= at_most else 0.0
    rows = np.nonzero(scores > max(0.0, least - _ROUNDED))[0]
    if len(rows) > at_most:
        least = float(np.partition(scores[rows], -at_most)[-at_most])
        rows = rows[scores[rows] >= least - _ROUNDED]
    return rows


def _added(scores: Any, more: Any, weight: float) -> Any:
    if more is None:
        return scores
    return weight * more if scores is None else scores + weight * more
