"""Texts that are values: names, codes, addresses, numbers, words of a fixed vocabulary.

Where services answer a question with one value each, two values exclude each other unless they are
two forms of one. Sentences and titles do not: two of them can both be true.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from itertools import product
from typing import Final

from orchestration_assets.evidence.contradiction.lexicon import folded
from orchestration_assets.evidence.contradiction.quantities import (
    Quantity,
    same_figure,
    same_value,
)
from orchestration_assets.evidence.contradiction.readings import read_text, stem
from orchestration_assets.text.document_frequencies import document_frequencies

_MOST_WORDS: Final = 3
_MOST_CHARS: Final = 40
_SHARE_OF_VALUES: Final = 0.8
# signs that mean nothing at the edge of a word; a minus, a currency or the ++ of C++ do
_EDGES: Final = re.compile(
    r"^(?:[^\w+\-#%$\u20ac\u00a3\u00a5\u00b0.]|\.(?!\d))+|[^\w+\-#%$\u20ac\u00a3\u00a5\u00b0]+$"
)
_SEPARATORS: Final = re.compile(r"[-_/\s]")
_LETTERS: Final = re.compile(r"[^\W\d_]+(?:[-'\u2019][^\W\d_]+)*")


def answers_in_values(answers: Iterable[str]) -> bool:
    """Whether a question is answered with values: four of five answers have at most three words
    and 40 characters, and most are no titles (one word, or with a digit or a sign inside)."""
    texts = [answer.strip() for answer in answers]
    short = [text for text in texts if is_short_value(text)]
    if not texts or len(short) < _SHARE_OF_VALUES * len(texts):
        return False
    single = sum(len(text.split()) == 1 or any(map(str.isdigit, text)) for text in short)
    return 2 * single > len(short)


def exclude_each_other(first: str, second: str) -> bool:
    """Whether two values cannot both be the answer: they are no two forms of one, share no word,
    and are no two spellings of one number, amount or date. Two numbers or amounts, with what signs
    and units they have, need no more than to differ."""
    if not (is_short_value(first) and is_short_value(second)) or are_forms_of_one(first, second):
        return False
    a, b = _words(first), _words(second)
    numbers_a, numbers_b = read_text(first).quantities, read_text(second).quantities
    if any(
        same_value(one, other) or same_figure(one, other)
        for one, other in product(numbers_a, numbers_b)
    ):
        return False
    if _is_one_number(first, numbers_a) and _is_one_number(second, numbers_b):
        return True
    return bool(a and b) and not any(_same_word(one, other) for one, other in product(a, b))


def are_forms_of_one(first: str, second: str) -> bool:
    """Whether every word of the shorter value is one of the longer, or abbreviates it: *R. Okafor*
    and *Okafor, Ruth*; or it consists of the longer's initials, or they are one code with and
    without separators. Of two long texts neither is a value; the same words with
    another number, or denied, are another one."""
    if not (is_short_value(first) or is_short_value(second)):
        return False
    if _code(first) == _code(second) and any(map(str.isalpha, first)):
        return True
    one, other = read_text(first), read_text(second)
    if len(one.negations) != len(other.negations) or one.reply is not other.reply:
        return False
    if one.quantities and other.quantities and not _same_numbers(one.quantities, other.quantities):
        return False
    shorter, longer = sorted((_words(first), _words(second)), key=len)
    if len(shorter) == 1 < len(longer) and shorter[0] == "".join(word[0] for word in longer):
        return True
    return bool(shorter) and all(any(_same_word(a, b) for b in longer) for a in shorter)


def is_short_value(text: str) -> bool:
    """Whether a text is no longer than values are: three words, and 40 characters."""
    return len(text) <= _MOST_CHARS and len(text.split()) <= _MOST_WORDS


def _code(text: str) -> str:
    return _SEPARATORS.sub("", folded(text))


def _is_one_number(text: str, numbers: Sequence[Quantity]) -> bool:
    """Whether the text is a number or an amount, and nothing else."""
    return len(numbers) == 1 and not _EDGES.sub(
        "", text[: numbers[0].start] + text[numbers[0].end :]
    )


def _same_numbers(first: Sequence[Quantity], second: Sequence[Quantity]) -> bool:
    return all(any(same_value(a, b) or same_figure(a, b) for b in second) for a in first)


def _words(text: str) -> list[str]:
    bare = (_EDGES.sub("", word) for word in folded(text).split())
    return [word for word in bare if any(map(str.isalnum, word))]


def _same_word(one: str, other: str) -> bool:
    """Whether one word is the other, inflects or abbreviates it: an initial, or the beginning of a
    word that is no compound (*info* and *information*, but not *Java* and *JavaScript*)."""
    if one == other:
        return True
    short, long = sorted((one, other), key=len)
    if not (long.startswith(short) and _LETTERS.fullmatch(long)):
        return False
    return len(short) == 1 or stem(one) == stem(other) or long[len(short) :] not in _common_words()


def _common_words() -> Collection[str]:
    return document_frequencies()[0]
