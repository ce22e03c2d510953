"""An item's terms: hashed words, pairs of words, parts of words and signs, with their counts."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Final
from zlib import crc32

from orchestration_assets.features.vectors import MAX_CHARS

MAX_TERMS: Final = 512
COUNT_BITS: Final = 8
_MAX_COUNT: Final = (1 << COUNT_BITS) - 1
_ID_MASK: Final = (1 << (32 - COUNT_BITS)) - 1

_TOKEN: Final = re.compile(r"[^\W\d_]+|\d+|[^\w\s]|_")
# marks that writers and converters of texts set, change and leave out at will
_LIGHT_MARKS: Final = frozenset(".,;:!?¡¿'\"`´()«»‹›·、。〈〉《》「」『』【】‐‑‒–—―‘’‚‛“”„‟•…′″-")  # noqa: RUF001 -- look-alike signs are what is folded
_SCRIPT_WITHOUT_SPACES: Final = re.compile(
    "[\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
_SHORT_DIGITS: Final = 4
_LONG_WORD: Final = 6
_PART: Final = 4


def packed_terms(text: str) -> list[int]:
    """At most 512 terms of a text's first 16,384 characters, ascending; each is 32 bits: a hash of
    24 bits, then how often the term occurs, up to 255.

    Case, forms of compatibility (Unicode NFKC), white space and light punctuation do not matter.
    Terms are words, pairs of words that follow each other, the first and the last four letters of
    words of six and more, other signs, the text's first word and first pair; in scripts without
    spaces each character is a word; a number counts by how many digits it has. Where there are
    more terms, the most frequent stay; of equally frequent ones those of the lowest hash, so that
    items which share terms keep the same ones.
    """
    tokens = list(_tokens(unicodedata.normalize("NFKC", text[:MAX_CHARS]).casefold()))
    counts: Counter[str] = Counter()
    for word, times in Counter(tokens).items():
        counts[word] += times
        if len(word) >= _LONG_WORD:
            counts[f"{word[:_PART]}-"] += times
            counts[f"-{word[-_PART:]}"] += times
    counts.update(f"{first} {second}" for first, second in pairwise(tokens))
    if tokens:
        counts[f"^{tokens[0]}"] += 1
        counts[f"^{' '.join(tokens[:2])}"] += 1
    hashed: Counter[int] = Counter()
    for term, times in counts.items():
        hashed[crc32(term.encode("utf-8", "surrogatepass")) & _ID_MASK] += times
    kept = sorted(hashed.items(), key=lambda pair: (-pair[1], pair[0]))[:MAX_TERMS]
    return sorted(term << COUNT_BITS | min(times, _MAX_COUNT) for term, times in kept)


def _tokens(text: str) -> Iterator[str]:
    for token in _TOKEN.findall(text):
        if token in _LIGHT_MARKS:
            continue
        if token[0].isdigit():
            yield f"#{min(len(token), _SHORT_DIGITS)}"
        elif _SCRIPT_WITHOUT_SPACES.search(token):
            yield from token
        else:
            yield token
