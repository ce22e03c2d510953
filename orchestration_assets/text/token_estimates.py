"""Estimates the tokens of a text, and corrects the estimate by what a service bills."""

from typing import Final

_PRIOR_TOKENS: Final = 500.0
"""Weight of the first ratio, in tokens."""
_PRIOR_OUTPUT: Final = 36.0
"""Tokens of an answer before a service has given any: a label under a JSON schema, or a line."""
_PRIOR_ANSWERS: Final = 1.0
_LEAST_ANSWERS: Final = 5
"""The largest of fewer answers says nothing of how long one may be."""
_MARGIN: Final = 1.25
"""Factor of a reservation over the scaled estimate, as single texts vary."""


def _byte_class(byte: int) -> int:
    character = chr(byte)
    if byte > 127:
        return ord("u")
    if character.isalpha():
        return ord("a")
    if character.isdigit():
        return ord("0")
    return ord(" ") if character.isspace() else ord(".")


_CLASSES: Final = bytes(map(_byte_class, range(256)))


def _only(kind: str) -> bytes:
    """A table for ``bytes.translate`` that leaves one class of bytes, and blanks of all others."""
    return bytes(one if one == ord(kind) else ord(" ") for one in _CLASSES)


_FEW: Final = 64
_LETTERS, _FIGURES, _SIGNS, _BEYOND = map(_only, "a0.u")


def token_estimate(text: str) -> int:
    """About how many tokens a language model reads in ``text``.

    A run of ASCII letters is one token and one more for every 9 letters, a run of figures one and
    one more for every 4, every two signs of a run are one; beyond ASCII, three bytes of UTF-8 are
    one: an ideograph, or one and a half letters of other scripts. Runs are counted by where they
    begin, in a copy that holds one class of bytes alone: each count is one pass through memory.
    """
    if not text:
        return 0
    data = b" " + text.encode("utf-8", "surrogatepass")
    letters, signs = data.translate(_LETTERS), data.translate(_SIGNS)
    tokens = letters.count(b" a") + letters.count(b"a" * 9)
    tokens += signs.count(b".") - signs.count(b"..")
    figures = data.translate(_FIGURES)
    if found := figures.count(b"0"):
        # where blanks are many, looking for what follows one of them takes longest
        runs = len(figures.split()) if found <= _FEW else figures.count(b" 0")
        tokens += runs + figures.count(b"0000")
    if not text.isascii():
        tokens += (data.translate(_BEYOND).count(b"u") + 2) // 3
    return tokens


class TokenScale:
    """The ratio of billed to estimated tokens of one service.

    It starts at ``ratio`` and moves with every request, weighted by its tokens.
    """

    def __init__(self, ratio: float = 1.0) -> None:
        self._estimated = _PRIOR_TOKENS
        self._billed = _PRIOR_TOKENS * ratio
        self._largest = ratio

    def observe(self, estimated: float, billed: float) -> None:
        """Updates the ratio by one request."""
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
        """An upper bound of the ratio, for reservations: the largest one observed, and a margin."""
        return max(self._largest, self.ratio) * _MARGIN


class OutputScale:
    """How many tokens one service writes in an answer."""

    def __init__(self) -> None:
        self._answers = 0
        self._tokens = 0
        self._largest = 0

    def observe(self, tokens: int) -> None:
        """Updates the figures by one answer."""
        self._answers += 1
        self._tokens += tokens
        self._largest = max(self._largest, tokens)

    def expected(self, most: float) -> float:
        """The mean of the answers so far, at most ``most``."""
        prior = _PRIOR_ANSWERS * min(_PRIOR_OUTPUT, most)
        return min(most, (prior + self._tokens) / (_PRIOR_ANSWERS + self._answers))

    def highest(self, most: float) -> float:
        """An upper bound for reservations: the largest answer so far, and a margin."""
        return self.bounds(most)[1]

    def bounds(self, most: float) -> tuple[float, float]:
        """:meth:`expected` and :meth:`highest`."""
        expected = self.expected(most)
        if self._answers < _LEAST_ANSWERS:
            return expected, most
        return expected, min(most, max(self._largest, expected) * _MARGIN)
