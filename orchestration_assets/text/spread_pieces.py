"""Takes evenly spread pieces of a text."""

from typing import Final

# a word is looked for this far from where a piece begins or ends
_MAX_WORD_CHARS: Final = 40


def spread_pieces(text: str, number: int, chars: int) -> list[str]:
    """``number`` pieces of about ``chars`` characters each, evenly spread, cut between words.

    A text of at most ``number * chars`` characters is cut into as many equal pieces as are about
    that long, without gaps.
    """
    if len(text) <= chars:
        return [text]
    count = min(number, -(-len(text) // chars))
    whole = len(text) <= number * chars
    size = -(-len(text) // count) if whole else chars
    gap = 0 if count == 1 else (len(text) - size) / (count - 1)
    starts = [size * place if whole else round(gap * place) for place in range(count)]
    pieces = []
    for start in starts:
        begin, end = _between_words(text, start), _between_words(text, start + size)
        if text[begin:end].strip():
            pieces.append(text[begin:end])
    return pieces


def _between_words(text: str, place: int) -> int:
    """The nearest place before which a white space stands, or the place itself."""
    if place <= 0 or place >= len(text):
        return min(max(place, 0), len(text))
    space = text.rfind(" ", max(0, place - _MAX_WORD_CHARS), place)
    return place if space < 0 else space + 1
