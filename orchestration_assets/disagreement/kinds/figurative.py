"""Figurative: words of praise beside words of mishap, so that one of them may mean its opposite.

No expressions are memorised: the affect of the words, as people rated it, is held against that of
their context. Dead idioms and metaphors carry no such sign, so most are missed and the kind is off
unless a policy asks for it.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Final

from orchestration_assets.disagreement.kinds.finding import Finding

_LONGEST: Final = 2_000
_QUOTED: Final = re.compile(
    r"\"[^\"]{1,300}\"|\u201c[^\u201d]{1,300}\u201d|(?<!\w)'[^']{3,300}'(?!\w)"
)
_WORD: Final = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)?")
# who weighs good against bad says so, and means both
_WEIGHED: Final = re.compile(
    r"\b(?:but|although|though|however|yet|despite|whereas|while|still|nevertheless|aber|obwohl"
    r"|jedoch|mais|pourtant|pero|aunque)\b",
    re.I,
)
# of words, on the scale of the ratings from -4 to 4
_PRAISE: Final = 1.2
_MISHAP: Final = -0.5
_WIDEST: Final = 8.0


def figurative(text: str) -> Finding | None:
    """The best and the worst word of a text that has both and does not weigh them.

    What stands in quotation marks is somebody else's. None for a text beyond 2,000 characters,
    where both are to be expected.
    """
    if len(text) > _LONGEST:
        return None
    own = _QUOTED.sub(" ", text)
    if _WEIGHED.search(own):
        return None
    ratings = _ratings()
    rated = [(ratings.get(word.lower(), 0.0), word) for word in _WORD.findall(own)]
    (praise, good), (mishap, bad) = (
        max(rated, default=(0.0, "")),
        min(rated, default=(0.0, "")),
    )
    if praise < _PRAISE or mishap > _MISHAP:
        return None
    return Finding(
        (praise - mishap) / _WIDEST, f"{good!r} stands beside {bad!r}: one may mean its opposite"
    )


@cache
def _ratings() -> Mapping[str, float]:
    """Word -> affect from -4 to 4 (vaderSentiment; Hutto and Gilbert 2014)."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    table: Mapping[str, float] = SentimentIntensityAnalyzer().lexicon
    return table
