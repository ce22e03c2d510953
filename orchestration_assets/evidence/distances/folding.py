"""Spellings that count as the same word."""

from typing import Final

_MIN_STEM_CHARS: Final = 3
# bus, class, basis: not a plural
_NOT_PLURAL: Final = ("ss", "us", "is")
# taxes, classes, hashes; not -ches, which may be caches or watches
_PLURALS_IN_ES: Final = ("xes", "sses", "shes")
# movies and movie both become movy: only equality counts
_PLURALS_IN_IES: Final = ("ies", "ie")


def fold(word: str) -> str:
    """The word without case and without a regular English plural; others stay as they are."""
    folded = " ".join(word.casefold().split())
    if len(folded) <= _MIN_STEM_CHARS or folded.endswith(_NOT_PLURAL):
        return folded
    if folded.endswith(_PLURALS_IN_ES):
        return folded[:-2]
    if len(folded) > _MIN_STEM_CHARS + 1 and folded.endswith(_PLURALS_IN_IES):
        return folded[: folded.rindex("ie")] + "y"
    return folded[:-1] if folded.endswith("s") else folded
