"""Builds the readings of keyword services, with their confidence."""

import math
from collections.abc import Mapping, Sequence
from typing import Final

from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Reading
from orchestration_assets.services.readings import abstention

MAX_KEYWORDS: Final = 8
MIN_KEYWORDS: Final = 3


def keywords_reading(ranked: Sequence[str], counts: Mapping[str, int], method: str) -> Reading:
    """The first eight of ``ranked`` (best first) as the answer; fewer than three are none.

    ``counts`` says how often each word occurs that was to choose from.
    """
    chosen = tuple(ranked[:MAX_KEYWORDS])
    if len(chosen) < MIN_KEYWORDS:
        return abstention(f"only {len(chosen)} words that could be key words")
    return Reading(
        Status.OK,
        answer=chosen,
        confidence=round(_confidence([counts[word] for word in chosen], len(counts)), 4),
        evidence=f"{method} of {len(counts)} distinct words; '{chosen[0]}' occurs "
        f"{counts[chosen[0]]} times",
    )


# Fitted on how often a key word of one keyword service is one of the other's too, by occurrences
# and by distinct words of the content; benchmarks service_independence prints the check.
_BEST: Final = 0.85
_WORST: Final = 0.5
_LOST_A_DOUBLING: Final = 0.05
_FEW_WORDS: Final = 16
# Distinct words a square of occurrences: among 64, a word that occurs twice is at half its best.
_WORDS_A_SQUARE: Final = 16


def _confidence(occurrences: Sequence[int], distinct: int) -> float:
    """The mean, over the key words, of best(n) * c^2 / (c^2 + n / 16).

    ``c`` is how often a key word occurs, ``n`` how many words there were to choose from; best(n)
    falls from 0.85 at 16 words by 0.05 with each doubling, to 0.5 at the least.
    """
    doublings = math.log2(max(distinct, _FEW_WORDS) / _FEW_WORDS)
    best = max(_BEST - _LOST_A_DOUBLING * doublings, _WORST)
    rivals = distinct / _WORDS_A_SQUARE
    return best * sum(c * c / (c * c + rivals) for c in occurrences) / len(occurrences)
