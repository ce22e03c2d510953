"""How many tokens a text has: an estimate, corrected by what a service was seen to bill."""

import re
from typing import Final

_TOKEN: Final = re.compile(r"[A-Za-z]{1,8}|\d{1,3}|[^\sA-Za-z\d]+")
_PRIOR_TOKENS: Final = 500.0
"""Weight of the estimate itself before anything was billed, in tokens."""
_MARGIN: Final = 1.25
"""A reservation exceeds the scaled estimate by this factor: single texts scatter around it."""


def token_estimate(text: str) -> int:
    """About how many tokens a language model reads in ``text``."""
    return len(_TOKEN.findall(text))


class TokenScale:
    """The ratio of billed to estimated tokens of one service, from 1 towards what is seen.

    It starts at ``ratio`` and moves with every bill, weighted by size.
    """

    def __init__(self, ratio: float = 1.0) -> None:
        self._estimated = _PRIOR_TOKENS
        self._billed = _PRIOR_TOKENS * ratio
        self._largest = ratio

    def observe(self, estimated: float, billed: float) -> None:
        """One request was billed."""
        if estimated <= 0.0:
            return
        self._estimated += estimated
        self._billed += billed
        self._largest = max(self._largest, billed / estimated)

    @property
    def ratio(self) -> float:
        """Billed tokens for each estimated one."""
        return self._billed / self._estimated

    @property
    def highest(self) -> float:
        """The same as an upper bound, for money: the largest ratio seen, and a margin."""
        return max(self._largest, self.ratio) * _MARGIN
