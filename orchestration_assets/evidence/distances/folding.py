"""Spellings that count as the same word."""

from typing import Final

_MIN_STEM: Final = 3
# bus, class, basis: not a plural
_NO_PLURAL: Final = ("ss", "us", "is")


def fold(word: str) -> str:
    """The word without case and without a plural -s; irregular plurals stay as they are."""
    folded = " ".join(word.casefold().split())
    plural = folded.endswith("s") and not folded.endswith(_NO_PLURAL) and len(folded) > _MIN_STEM
    return folded[:-1] if plural else folded
