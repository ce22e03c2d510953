"""Texts that are values: names, codes, addresses, numbers, words of a fixed vocabulary.

Where services answer a question with one value each, two values exclude each other unless they are
two forms of one. Sentences and titles do not: two of them can both be true.
"""

import re
from collections.abc import Iterable
from itertools import product
from typing import Final

from orchestration_assets.evidence.contradiction.quantities import same_value
from orchestration_assets.evidence.contradiction.readings import read_text

_MOST_WORDS: Final = 3
_MOST_CHARS: Final = 40
_SHARE_OF_VALUES: Final = 0.8
_EDGES: Final = re.compile(r"^\W+|\W+$")


def answers_in_values(answers: Iterable[str]) -> bool:
    """Whether a question is answered with values: four of five answers have at most three words
    and 40 characters, and most are no titles (one word, or with a digit or a sign inside)."""
    texts = [answer.strip() for answer in answers]
    short = [text for text in texts if _is_short(text)]
    if not texts or len(short) < _SHARE_OF_VALUES * len(texts):
        return False
    single = sum(len(text.split()) == 1 or any(map(str.isdigit, text)) for text in short)
    return 2 * single > len(short)


def exclude_each_other(first: str, second: str) -> bool:
    """Whether two values cannot both be the answer: they share no word, neither abbreviates or
    contains the other, and they are no two spellings of one number, amount or date."""
    if not (_is_short(first) and _is_short(second)):
        return False
    a, b = _words(first), _words(second)
    if not a or not b or any(_same_word(one, other) for one, other in product(a, b)):
        return False
    numbers_a, numbers_b = read_text(first).quantities, read_text(second).quantities
    return not any(same_value(one, other) for one, other in product(numbers_a, numbers_b))


def are_forms_of_one(first: str, second: str) -> bool:
    """Whether every word of the shorter value is one of the longer, or abbreviates it: *R. Okafor*
    and *Okafor, Ruth*."""
    shorter, longer = sorted((_words(first), _words(second)), key=len)
    return bool(shorter) and all(any(_same_word(a, b) for b in longer) for a in shorter)


def _is_short(text: str) -> bool:
    return len(text) <= _MOST_CHARS and len(text.split()) <= _MOST_WORDS


def _words(text: str) -> list[str]:
    bare = (_EDGES.sub("", word) for word in text.casefold().split())
    return [word for word in bare if word]


def _same_word(one: str, other: str) -> bool:
    """Whether one word is the other, or begins with it: an abbreviation, an inflected form."""
    return one == other or (
        not any(map(str.isdigit, one + other)) and (one.startswith(other) or other.startswith(one))
    )
