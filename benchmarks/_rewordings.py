"""The same text in other writing: case, white space, punctuation, encoding, synonyms."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Final

_PAIRS: Final = (
    ("big", "large"),
    ("show", "demonstrate"),
    ("begin", "start"),
    ("help", "assist"),
    ("buy", "purchase"),
    ("use", "utilize"),
    ("need", "require"),
    ("many", "numerous"),
    ("because", "since"),
    ("however", "nevertheless"),
    ("often", "frequently"),
    ("fast", "quick"),
    ("find", "determine"),
    ("make", "create"),
    ("while", "whereas"),
    ("until", "till"),
    ("among", "amongst"),
    ("small", "little"),
)
_SYNONYMS: Final[Mapping[str, str]] = {
    word: other for pair in _PAIRS for word, other in (pair, pair[::-1])
}
_WORD: Final = re.compile(r"[A-Za-z]+")
_TYPOGRAPHIC: Final = str.maketrans({"'": "\u2019", '"': "\u201d", "-": "\u2010"})


def _synonyms(text: str) -> str:
    return _WORD.sub(lambda word: _SYNONYMS.get(word[0].lower(), word[0]), text)


REWORDINGS: Final[Mapping[str, Callable[[str], str]]] = {
    "lower case": str.lower,
    "upper case": str.upper,
    "capitals": lambda text: text[:1].upper() + text[1:].lower(),
    "one space": lambda text: " ".join(text.split()),
    "two spaces": lambda text: text.replace(" ", "  "),
    "wide lines": lambda text: text.replace("\n", "\n\n"),
    "no end mark": lambda text: text.rstrip(" .?!\n"),
    "no commas": lambda text: text.replace(",", "").replace(";", ""),
    "typographic": lambda text: text.translate(_TYPOGRAPHIC),
    "decomposed": lambda text: unicodedata.normalize("NFD", text),
    "synonyms": _synonyms,
}
"""By name: how a text is written anew."""
