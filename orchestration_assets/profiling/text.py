"""Features of natural language: words, sentences, diversity, tone, language; and secrets.

Everything here is a pattern or a count over the characters that it is given; the caller bounds
their number. Every pattern is linear in the length of the text.
"""

import re
from collections.abc import Mapping, Sequence, Set
from functools import cache
from itertools import islice
from math import sqrt
from statistics import fmean
from struct import unpack
from typing import Final

from orchestration_assets.profiling.words import (
    WORD,
    Words,
    is_name,
    syllable_count,
    words_in,
)
from orchestration_assets.text.function_words import ENGLISH, function_words, languages_by_word

Values = dict[str, str | int | float | bool | None]
"""Feature values by name."""

_ASCII_INK = re.compile("[A-Za-z0-9]")
# Each begins with one set of characters, which lets the search skip to the next of them.
_ASCII_SENTENCE_END = re.compile(r"[.!?\n](?:(?<=\n)[ \t]*\n|(?<=[.!?])[.!?]*[\"')\]]*(?=\s|\Z))")
_SENTENCE_END = re.compile(
    "[.!?\u2026\u061f\u3002\uff01\uff1f\u0964\u0965\n](?:(?<=\n)[ \t]*\n"
    "|(?<=[.!?\u2026\u061f])[.!?\u2026\u061f]*[\"'\u201d\u2019)\\]]*(?=\\s|\\Z)"
    "|(?<=[\u3002\uff01\uff1f\u0964\u0965])[\u3002\uff01\uff1f\u0964\u0965]*)"
)
_ADDRESS_STARTS: Final = ("http://", "https://", "ftp://")
_ADDRESS_SIGN: Final = "://"
_QUOTES: Final = '"\u201c\u201d\u201e\u00ab\u00bb\u300c\u300e'
_QUESTIONS: Final = "?\uff1f\u061f"


def _words(words: str) -> frozenset[str]:
    return frozenset(words.split())


_HEDGES: Final = _words(
    "may might could would should perhaps maybe possibly probably likely unlikely seem seems "
    "appear appears apparently presumably somewhat roughly about around usually often sometimes "
    "generally typically some several various many few certain unclear unknown assume guess "
    "believe think suggest suggests etc"
)
_PRONOUNS: Final = _words(
    "it its this that these those they them their he him his she her which one ones something "
    "someone anything anyone stuff thing things"
)

_DIVERSITY_WORDS: Final = 1000
_TRIGRAM_WORDS: Final = 300
_MAX_VALENCE: Final = 4.0
_LANGUAGE_WORDS: Final = 250
_LEAST_HITS: Final = 2
_MOST_HITS: Final = 4
_LEAST_HIT_SHARE: Final = 0.08
_SHORT_TEXT_WORDS: Final = 20
_MTLD_THRESHOLD: Final = 0.72
_FLESCH_RANGE: Final = (-100.0, 121.22)


# Scripts that one language has for itself, or that it shares with none that is written more often.
# Japanese comes first: it has syllables among its Chinese characters, even where it is terse.
_SCRIPTS: Final = {
    language: re.compile(f"[{letters}]+")
    for language, letters in {
        "ja": "\u3040-\u30ff\uff66-\uff9d",
        "zh": "\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff",
        "ko": "\u1100-\u11ff\uac00-\ud7af",
        "el": "\u0370-\u03ff\u1f00-\u1fff",
        "he": "\u0590-\u05ff",
        "ar": "\u0600-\u06ff",
        "hi": "\u0900-\u097f",
        "bn": "\u0980-\u09ff",
        "ta": "\u0b80-\u0bff",
        "te": "\u0c00-\u0c7f",
        "th": "\u0e00-\u0e7f",
        "hy": "\u0530-\u058f",
        "ka": "\u10a0-\u10ff",
    }.items()
}
_SCRIPT_CHARS: Final = 4096
_SCRIPT_SHARES: Final = {"ja": 0.08}
_SCRIPT_LETTERS = re.compile(r"[^\W\d_]+")


def line_count(text: str) -> int:
    """Newlines, plus one when the text does not end with one."""
    return text.count("\n") + (bool(text) and not text.endswith("\n"))


def url_count(text: str) -> int:
    """How many http, https and ftp addresses begin in ``text``."""
    return sum(map(text.count, _ADDRESS_STARTS)) if _ADDRESS_SIGN in text else 0


def prose_features(prose: str) -> Values:
    """Features of natural language."""
    words = words_in(prose)
    counts, total = words.counts, len(words.lower)
    sentences = _sentences(prose)
    # the other words are looked up once, and not in each of the lists
    listed = _listed_words().intersection(counts)
    language = _language(counts, listed, prose)
    rated, valence = _sentiment(counts, listed)
    of_language = function_words().get(language or "", frozenset())
    return {
        "prose_word_count": total,
        "sentence_count": len(sentences),
        "mean_sentence_words": total / len(sentences) if sentences else None,
        "sentence_variation": _variation(list(map(len, sentences))),
        "mean_word_length": words.chars / total if total else None,
        "long_word_share": words.long / total if total else None,
        "lexical_diversity": lexical_diversity(words.lower),
        "repeated_trigram_share": repeated_trigram_share(words.lower),
        "readability": readability(words, len(sentences)),
        "prose_language": language,
        "function_word_share": _count_in(counts, listed & of_language) / total
        if of_language
        else None,
        "sentiment": valence / rated / _MAX_VALENCE if rated else None,
        "sentiment_density": per_100(rated, total),
        "entity_density": _entity_density(prose, sentences, words),
        "hedge_density": per_100(_count_in(counts, listed & _HEDGES), total),
        "pronoun_density": per_100(_count_in(counts, listed & _PRONOUNS), total),
        "quote_density": per_100(_signs(prose, _QUOTES), total),
        "question_density": per_100(_signs(prose, _QUESTIONS), total),
    }


def _signs(prose: str, signs: str) -> int:
    """How often the ``signs`` occur, of which the first alone is ASCII."""
    return prose.count(signs[0]) if prose.isascii() else sum(map(prose.count, signs))


def _count_in(counts: Mapping[str, int], words: Set[str]) -> int:
    """How often ``words``, which all occur, occur in a text."""
    return sum([counts[word] for word in words])


@cache
def _listed_words() -> frozenset[str]:
    """The words of all lists."""
    return frozenset().union(_valences(), _votes(), _HEDGES, _PRONOUNS)


@cache
def _valences() -> Mapping[str, int]:
    """Word -> its tone as people rated it, in tenths, from -40 to 40: the lexicon of VADER, words
    only."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    lexicon: Mapping[str, float] = SentimentIntensityAnalyzer().lexicon
    return {word: round(10 * tone) for word, tone in lexicon.items() if word.isalpha()}


def _sentiment(counts: Mapping[str, int], listed: Set[str]) -> tuple[int, float]:
    """How many words have a tone, and the sum of their tones; ``listed`` are those of the text that
    are in any list."""
    valences = _valences()
    rated = [word for word in listed if word in valences]
    return (
        sum([counts[word] for word in rated]),
        sum([counts[word] * valences[word] for word in rated]) / 10,
    )


@cache
def _voters() -> tuple[str, ...]:
    """The languages that have function words, English first: the first wins a tie."""
    return (ENGLISH, *sorted(function_words().keys() - {ENGLISH}))


@cache
def _votes() -> Mapping[str, int]:
    """Function word -> its languages in one number, which sums up for all of them at once: 16 bits
    a language, far more than :data:`_LANGUAGE_WORDS` words with their repetitions take."""
    places = {language: 1 << 16 * place for place, language in enumerate(_voters())}
    return {
        word: sum(places[language] for language in languages)
        for word, languages in languages_by_word().items()
    }


def load_vocabularies() -> None:
    """Reads the word lists, once a process, so that no item's clock pays for all that follow."""
    _listed_words()


def prose_language(counts: Mapping[str, int], prose: str) -> str | None:
    """ISO 639-1 code of the language of ``prose``, whose lower-case words ``counts`` counts.

    By the function words among its first 250 different words where there are enough, else by the
    script of its first 4,096 characters where that is one language's own; None when neither tells.
    """
    return _language(counts, _listed_words().intersection(counts), prose)


def _language(counts: Mapping[str, int], listed: Set[str], prose: str) -> str | None:
    votes = _votes()
    if len(counts) > _LANGUAGE_WORDS:
        listed = listed & set(islice(counts, _LANGUAGE_WORDS))
    # One word repeated is one piece of evidence, or a little more.
    hits = sum([votes[word] * min(counts[word], _MOST_HITS) for word in listed if word in votes])
    if hits:
        voters = _voters()
        by_language = unpack(f"<{len(voters)}H", hits.to_bytes(2 * len(voters), "little"))
        most = max(by_language)
        seen = sum(islice(counts.values(), _LANGUAGE_WORDS))
        if most >= max(_LEAST_HITS, _LEAST_HIT_SHARE * seen):
            return voters[by_language.index(most)]
    if prose.isascii():
        return None
    part = prose[:_SCRIPT_CHARS]
    letters = sum(map(len, _SCRIPT_LETTERS.findall(part)))
    for language, script in _SCRIPTS.items():
        chars = sum(map(len, script.findall(part)))
        if chars >= _LEAST_HITS and chars >= _SCRIPT_SHARES.get(language, 0.5) * letters:
            return language
    return None


def _sentences(prose: str) -> list[str]:
    """The stretches between sentence marks or blank lines, each from its first word on."""
    end, word = (_ASCII_SENTENCE_END, _ASCII_INK) if prose.isascii() else (_SENTENCE_END, WORD)
    pieces = end.split(prose)
    firsts = map(word.search, pieces)
    return [
        piece[first.start() :].rstrip()
        for piece, first in zip(pieces, firsts, strict=True)
        if first
    ]


def per_100(count: int, words: int) -> float | None:
    """``count`` per 100 words; None without a word."""
    return 100 * count / words if words else None


def _variation(lengths: Sequence[int]) -> float | None:
    if len(lengths) < 2:
        return None
    mean = fmean(lengths)
    # not statistics.pstdev: it is exact, which takes a microsecond and more a number
    return sqrt(fmean([(length - mean) ** 2 for length in lengths])) / mean


def _entity_density(prose: str, sentences: Sequence[str], words: Words) -> float | None:
    if prose.lower() == prose.upper():
        return None
    starts = sum([one[0].isupper() and is_name(one) for one in sentences])
    return per_100(max(words.names - starts, 0), len(words.lower))


def lexical_diversity(words: Sequence[str]) -> float | None:
    """MTLD of the first 1,000 words, forwards and backwards averaged; None under 20 words.

    The length of a run over which types/words stays above 0.72: about 5 for a list that repeats
    itself, 40-120 for ordinary prose. Words that differ in case differ. McCarthy and Jarvis 2010.
    """
    if len(words) < _SHORT_TEXT_WORDS:
        return None
    sample = words[:_DIVERSITY_WORDS]
    return (_mtld(sample) + _mtld(sample[::-1])) / 2


def _mtld(words: Sequence[str]) -> float:
    factors = 0.0
    length = 0
    seen: set[str] = set()
    for word in words:
        length += 1
        if word not in seen:
            seen.add(word)
        # only a word that was there before lets the ratio fall
        elif len(seen) < _MTLD_THRESHOLD * length:
            factors += 1
            seen.clear()
            length = 0
    if length:
        # What is left counts as the part of a factor that its ratio has covered.
        factors += (1 - len(seen) / length) / (1 - _MTLD_THRESHOLD)
    # A text without one repeated word has no factor: its own length is all that is known.
    return min(len(words) / factors, len(words)) if factors else len(words)


def repeated_trigram_share(words: Sequence[str]) -> float | None:
    """The share of the first 300 words' trigrams that stood there before; None under 20 words.

    The sample has a fixed size, so a long text is not repetitive merely because it is long.
    """
    if len(words) < _SHORT_TEXT_WORDS:
        return None
    sample = words[:_TRIGRAM_WORDS]
    trigrams = set(zip(sample, sample[1:], sample[2:], strict=False))
    return 1 - len(trigrams) / (len(sample) - 2)


def readability(words: Words, sentences: int) -> float | None:
    """Flesch reading ease (1948) of the ``words`` of so many sentences, clipped to
    [-100, 121.22].

    Higher is easier. None under 20 words, and unless 95 % of the characters are Latin letters or
    digits: the formula counts the syllables of English.
    """
    total = len(words.lower)
    if total < _SHORT_TEXT_WORDS or not sentences:
        return None
    syllables = syllable_count(words)
    if syllables is None:
        return None
    score: float = 206.835 - 1.015 * total / sentences - 84.6 * syllables / total
    return min(max(score, _FLESCH_RANGE[0]), _FLESCH_RANGE[1])
