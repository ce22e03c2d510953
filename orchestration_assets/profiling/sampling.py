"""Which sections of a long item are read."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sample:
    """What was chosen of a text, its sections in the text's order."""

    text: str


def sample(text: str, chars: int) -> Sample:
    """The first ``chars`` characters."""
    return Sample(text[:chars])


def evenly(text: str, chars: int, pieces: int = 16) -> str:
    """About ``chars`` characters of a text that is longer, in pieces at equal distances."""
    size = chars // pieces
    return "".join(
        text[start : start + size]
        for start in (number * (len(text) - size) // (pieces - 1) for number in range(pieces))
    )
