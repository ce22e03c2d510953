"""Texts differ by the words they use and by the claims that only one of them makes.

A measure without a model: it sees wording, not meaning, so a paraphrase in other words counts as
far. Function words are left out. Numbers, names and negations are claims: a changed one turns the
meaning round while the wording stays, so they weigh more than other words.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from enum import Enum, auto
from functools import cache, lru_cache
from itertools import chain, pairwise
from typing import Final
from zlib import crc32

import numpy as np

from orchestration_assets.evidence.distances.folding import fold
from orchestration_assets.text.function_words import ENGLISH, function_words

_CLAIM_WEIGHT: Final = 3.0
_CACHED_TEXTS: Final = 1_024  # contents with profiles of 8 KB; a text is compared more than once
_CACHED_WORDS: Final = 65_536
_CACHED_PAIRS: Final = 256  # a consensus asks for the same few pairs three times over

_BUCKETS: Final = 2_048
_SHIFT: Final = np.uint32(32 - 11)  # the upper 11 bits choose one of the 2,048 buckets
_MULTIPLIER: Final = np.uint32(2_654_435_761)  # Knuth's multiplicative hashing
_GRAM_BASE: Final = np.uint32(31_337)

_TOKEN = re.compile(r"(?<!\w)[-\u2212]?\d+(?:[.,]\d+)*(?!\w)|\w+(?:['\u2019]\w+)*")
# a, I, y, \u0432: function words, unless capitalised inside a sentence (the language C)
_ONE_LETTER = re.compile("[^\\W\\d_\u3040-\U0010ffff]")
_DIGIT = re.compile(r"\d")
_THOUSANDS = re.compile(r",(?=\d{3}(?:\D|$))")
_DECIMAL = re.compile(r"-?\d+\.\d+")
_UNSPACED_FROM: Final = "\u3040"
_UNSPACED_TO: Final = "\uac00"
# the end of a sentence, of a heading or of a list's mark, with what may stand before a word
_SENTENCE_BEFORE = re.compile(r"[.!?:;\n\u3002][\s\"'\u201c\u201e\u00ab(*#>-]*$")
_CHARS_BEFORE: Final = 8
# another language than English needs this many more of its function words in the text
_LANGUAGE_MARGIN: Final = 2

# negations of the languages that are met most; English n't is found by its ending
_NEGATIONS: Final = frozenset(
    "not no never none nor neither without cannot nicht kein keine keinen nie ohne pas jamais "
    "sans non mai senza nunca sin n\u00e3o sem niet geen ikke inte \u043d\u0435 \u043d\u0435\u0442 "
    "\u0431\u0435\u0437".split()
)
_NEGATED_ENDINGS: Final = ("n't", "n\u2019t")
_NOT: Final = "not"

_Profile = np.ndarray[tuple[int], np.dtype[np.float32]]


class _TokenKind(Enum):
    WORD = auto()
    LETTER = auto()
    NUMBER = auto()
    NEGATION = auto()


@dataclass(frozen=True, slots=True)
class _ContentWords:
    """The content words of a text: folded key -> as it is written, in order of appearance.

    ``keys`` are those of claims and other words together.
    ``profile`` holds the square roots of the shares of hashed words and character n-grams: a
    vector of length 1 (0 when the text has no content words).
    """

    claims: Mapping[str, str]
    words: Mapping[str, str]
    keys: frozenset[str]
    profile: _Profile


def text_distance(first: str, second: str) -> float:
    """1 - (cosine + overlap) / 2, in [0, 1], symmetric.

    ``cosine`` is that of the hashed profiles of words and character 3- and 4-grams: the
    Bhattacharyya coefficient of their shares (no idf: the measure must not depend on what else
    is in the batch). ``overlap`` is the weighted Dice coefficient of content words, in which a
    claim weighs three words. Texts without any content word are 0 apart when they are spelled
    alike, else 1.
    """
    return 0.0 if first == second else _word_distance(*sorted((first, second)))


@lru_cache(_CACHED_PAIRS)
def _word_distance(first: str, second: str) -> float:
    a, b = _content_words(first), _content_words(second)
    if not (a.keys or b.keys):
        return 0.0 if fold(first) == fold(second) else 1.0
    cosine = min(1.0, float(a.profile @ b.profile))
    return 1.0 - (cosine + _overlap(a, b)) / 2.0


def word_profile(text: str) -> _Profile:
    """The square roots of the shares of hashed content words and their character n-grams:
    (2048,), of length 1, 0 for a text without content words. The product of two is the cosine
    of :func:`text_distance`."""
    return _content_words(text).profile


def exclusive_terms(first: str, second: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The words that only one side has, as it wrote them: claims first, then other content words.

    A negation is given with the word that it negates (*not approved*).
    """
    a, b = _content_words(first), _content_words(second)
    return _missing_from(a, b), _missing_from(b, a)


def _missing_from(text: _ContentWords, other: _ContentWords) -> tuple[str, ...]:
    terms = {**text.claims, **text.words}
    return tuple(written for key, written in terms.items() if key not in other.keys)


def _overlap(a: _ContentWords, b: _ContentWords) -> float:
    claims = a.claims.keys() | b.claims.keys()
    shared = a.keys & b.keys
    extra = _CLAIM_WEIGHT - 1.0
    both = len(shared) + extra * len(shared & claims)
    total = len(a.keys | b.keys) + extra * len(claims)
    return 2.0 * both / (both + total)


@lru_cache(_CACHED_TEXTS)
def _content_words(text: str) -> _ContentWords:
    claims: dict[str, str] = {}
    words: dict[str, str] = {}
    keys: list[str] = []
    negation = ""
    tokens = [(token, *_word(token), named) for token, named in _tokens(text)]
    leave_out = _function_words({lower for _, lower, *_ in tokens})
    for token, lower, kind, key, named in tokens:
        if kind is _TokenKind.NEGATION:
            negation = token
            continue
        if lower in leave_out or (kind is _TokenKind.LETTER and not named):
            continue
        keys.append(key)
        (claims if named or kind is _TokenKind.NUMBER else words).setdefault(key, token)
        if negation:
            claims.setdefault(f"{_NOT} {key}", f"{negation} {token}")
            keys.append(_NOT)
            negation = ""
    if negation:
        claims.setdefault(_NOT, negation)
        keys.append(_NOT)
    only_words = {key: word for key, word in words.items() if key not in claims}
    return _ContentWords(claims, only_words, frozenset(claims).union(only_words), _profile(keys))


@lru_cache(_CACHED_WORDS)
def _word(token: str) -> tuple[str, _TokenKind, str]:
    """The token in lower case, its sort, and the key under which it is compared."""
    lower = token.casefold()
    if lower in _NEGATIONS or lower.endswith(_NEGATED_ENDINGS):
        return lower, _TokenKind.NEGATION, _NOT
    if _DIGIT.search(lower):
        return lower, _TokenKind.NUMBER, _number(lower)
    return (
        lower,
        _TokenKind.LETTER if _ONE_LETTER.fullmatch(lower) else _TokenKind.WORD,
        fold(lower),
    )


def _tokens(text: str) -> Iterator[tuple[str, bool]]:
    """Each token, and whether it is a name: capitalised where no sentence begins."""
    for match in _TOKEN.finditer(text):
        token = match.group()
        if _UNSPACED_FROM <= token[0] < _UNSPACED_TO:
            # Chinese and Japanese write no spaces: pairs are the most common length of a word
            pairs = [left + right for left, right in pairwise(token)] or [token]
            yield from ((pair, False) for pair in pairs)
        else:
            yield token, token[0].isupper() and not _opens_sentence(text, match.start())


def _opens_sentence(text: str, position: int) -> bool:
    before = text[max(0, position - _CHARS_BEFORE) : position]
    return _SENTENCE_BEFORE.search(before) is not None or not text[:position].strip()


def _function_words(words: Set[str]) -> frozenset[str]:
    """Those of the language that the text is most likely in; English ones when it is unclear.

    Those of other languages stay, as they may be nouns here.
    """
    languages = _languages()
    hits = Counter(chain.from_iterable(languages[word] for word in words if word in languages))
    best = min(hits, key=lambda language: (-hits[language], language), default=ENGLISH)
    return function_words()[best if hits[best] >= hits[ENGLISH] + _LANGUAGE_MARGIN else ENGLISH]


@cache
def _languages() -> Mapping[str, Sequence[str]]:
    """Function word -> the languages that have it."""
    languages: defaultdict[str, list[str]] = defaultdict(list)
    for language, words in function_words().items():
        for word in words:
            languages[word].append(language)
    return dict(languages)


def _number(token: str) -> str:
    """The number spelled one way: 1,000 as 1000, 5.0 as 5."""
    plain = _THOUSANDS.sub("", token).replace("\u2212", "-")
    return plain.rstrip("0").rstrip(".") if _DECIMAL.fullmatch(plain) else plain


def _profile(keys: Sequence[str]) -> _Profile:
    """Shares of hashed words and of character n-grams that also span neighbouring words."""
    if not keys:
        return np.zeros(_BUCKETS, dtype=np.float32)
    spelled = f" {' '.join(keys)} ".encode("utf-32-le", "surrogatepass")
    letters = np.frombuffer(spelled, dtype=np.uint32)
    words = np.array([crc32(key.encode("utf-8", "surrogatepass")) for key in keys], dtype=np.uint32)
    triples = (letters[:-2] * _GRAM_BASE + letters[1:-1]) * _GRAM_BASE + letters[2:]
    fours = triples[:-1] * _GRAM_BASE + letters[3:]
    buckets = (np.concatenate((words, triples, fours)) * _MULTIPLIER) >> _SHIFT
    return np.sqrt(np.bincount(buckets, minlength=_BUCKETS) / len(buckets), dtype=np.float32)
