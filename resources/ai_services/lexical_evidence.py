"""Which content type the words and marks at the start of a text speak for: a linear model.

Its features are words, marks, what lines start and end with, and pairs of neighbours; its
weights are data, fitted by ``python -m benchmarks fit_lexical_evidence``.
"""

import re
from typing import Final

LEXED_CHARS: Final = 8192
_TOKEN = re.compile(r"[A-Za-z_]\w*|\d+|[^\w\s]{1,3}|\n\s*")
_MAX_WORD: Final = 24


def features_of(text: str) -> dict[str, int]:
    """Feature -> how often it occurs in the first 8,192 characters of ``text``.

    A word or mark is itself; after "^" it starts a line, before "$" it ends one; two with a
    space between are neighbours on one line. Numbers are "0".
    """
    counts: dict[str, int] = {}
    get = counts.get
    previous = ""
    for token in _TOKEN.findall("\n" + text[:LEXED_CHARS]):
        if token[0] == "\n":
            if previous:
                key = previous + "$"
                counts[key] = get(key, 0) + 1
            previous = ""
            continue
        word = "0" if token[0].isdigit() else token[:_MAX_WORD]
        counts[word] = get(word, 0) + 1
        key = f"{previous} {word}" if previous else "^" + word
        counts[key] = get(key, 0) + 1
        previous = word
    return counts
