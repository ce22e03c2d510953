"""Features of natural language: words, sentences, diversity, tone, language; and secrets.

Everything here is a pattern or a count over the characters that it is given; the caller bounds
their number. Every pattern is linear in the length of the text.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from itertools import islice
from math import sqrt
from operator import mul
from statistics import fmean
from typing import Final

from orchestration_assets.text.function_words import ENGLISH, function_words, languages_by_word

Values = dict[str, str | int | float | bool | None]
"""Feature values by name."""

_ASCII_WORD = re.compile(r"[A-Za-z0-9]+(?:'[A-Za-z0-9]+)*")
# Chinese characters and Japanese syllables, one word each: the scripts put no space between words.
_CJK_RANGES: Final = (
    "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9d"
    "\U00020000-\U0003ffff"
)
# Combining marks belong to the word around them, though \w leaves them out: accents, the points
# of Hebrew and Arabic, the vowels of Indic scripts, Thai and its neighbours.
_MARK_RANGES: Final = (
    "\u0300-\u036f\u0591-\u05bd\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u0900-\u0963"
    "\u0971-\u0d7f\u0e31-\u0e3a\u0e47-\u0e4e\u0eb1-\u0ebc\u0f71-\u0f84\u102b-\u103e\u17b4-\u17d3"
    "\u1dc0-\u1dff\u20d0-\u20ff"
)
_WORD = re.compile(
    rf"[{_CJK_RANGES}]|(?:[^\W_{_CJK_RANGES}]|[{_MARK_RANGES}])+(?:['\u2019](?:[^\W_{_CJK_RANGES}]|[{_MARK_RANGES}])+)*"
)
_ASCII_INK = re.compile("[A-Za-z0-9]")
CJK: Final = re.compile(f"[{_CJK_RANGES}]")
"""A Chinese character or a Japanese syllable: a word by itself."""
MARKS: Final = re.compile(f"[{_MARK_RANGES}]")
"""A combining mark: part of the word around it."""
# Each begins with one set of characters, which lets the search skip to the next of them.
_ASCII_SENTENCE_END = re.compile(r"[.!?\n](?:(?<=\n)[ \t]*\n|(?<=[.!?])[.!?]*[\"')\]]*(?=\s|\Z))")
_SENTENCE_END = re.compile(
    "[.!?\u2026\u061f\u3002\uff01\uff1f\u0964\u0965\n](?:(?<=\n)[ \t]*\n"
    "|(?<=[.!?\u2026\u061f])[.!?\u2026\u061f]*[\"'\u201d\u2019)\\]]*(?=\\s|\\Z)"
    "|(?<=[\u3002\uff01\uff1f\u0964\u0965])[\u3002\uff01\uff1f\u0964\u0965]*)"
)
_ADDRESS_STARTS: Final = ("http://", "https://", "ftp://")
_QUOTES: Final = '"\u201c\u201d\u201e\u00ab\u00bb\u300c\u300e'
_QUESTIONS: Final = "?\uff1f\u061f"
_LATIN = re.compile("[\\sa-z0-9'\u2019\u00c0-\u024f]+")
_VOWEL_GROUP = re.compile("[aeiouy\u00e0-\u00e6\u00e8-\u00ef\u00f2-\u00f6\u00f8-\u00fd]+")
_SILENT_E = re.compile(r"[aeiouy][^aeiouy\W\d]+e\b")


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
_LONG_WORD: Final = 7
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


def word_pattern() -> re.Pattern[str]:
    """What a word is, in any script."""
    return _WORD


def split_words(text: str) -> list[str]:
    """The words: runs of letters, digits and combining marks with inner apostrophes; each Chinese
    or Japanese character is a word."""
    return (_ASCII_WORD if text.isascii() else _WORD).findall(text)


def line_count(text: str) -> int:
    """Newlines, plus one when the text does not end with one."""
    return text.count("\n") + (bool(text) and not text.endswith("\n"))


def url_count(text: str) -> int:
    """How many http, https and ftp addresses begin in ``text``."""
    return sum(map(text.count, _ADDRESS_STARTS))


def prose_features(prose: str, words: Sequence[str]) -> Values:
    """Features of natural language; ``words`` are the words of ``prose``."""
    # No word has white space, so they can be lowered as one string.
    lower = " ".join(words).lower().split(" ") if words else []
    counts = Counter(lower)
    total, lengths = len(words), list(map(len, words))
    sentences = _sentences(prose)
    language = prose_language(counts, prose)
    rated, valence = _sentiment(counts)
    of_language = function_words().get(language or "", frozenset())
    return {
        "prose_word_count": total,
        "sentence_count": len(sentences),
        "mean_sentence_words": total / len(sentences) if sentences else None,
        "sentence_variation": _variation([len(sentence) for sentence in sentences]),
        "mean_word_length": sum(lengths) / total if words else None,
        "long_word_share": sum(map(_LONG_WORD.__le__, lengths)) / total if words else None,
        "lexical_diversity": lexical_diversity(lower),
        "repeated_trigram_share": repeated_trigram_share(lower),
        "readability": readability(counts, len(sentences)),
        "prose_language": language,
        "function_word_share": _count_in(counts, of_language) / total if of_language else None,
        "sentiment": valence / rated / _MAX_VALENCE if rated else None,
        "sentiment_density": per_100(rated, total),
        "entity_density": _entity_density(prose, sentences, words, lower),
        "hedge_density": per_100(_count_in(counts, _HEDGES), total),
        "pronoun_density": per_100(_count_in(counts, _PRONOUNS), total),
        "quote_density": per_100(sum(map(prose.count, _QUOTES)), total),
        "question_density": per_100(sum(map(prose.count, _QUESTIONS)), total),
    }


def _count_in(counts: Mapping[str, int], vocabulary: frozenset[str]) -> int:
    """How many words of a text are in ``vocabulary``."""
    return sum([counts[word] for word in counts.keys() & vocabulary])


@cache
def _valences() -> Mapping[str, float]:
    """Word -> its tone as people rated it, from -4 to 4: the lexicon of VADER, words only."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    lexicon: Mapping[str, float] = SentimentIntensityAnalyzer().lexicon
    return {word: float(tone) for word, tone in lexicon.items() if word.isalpha()}


def _sentiment(counts: Mapping[str, int]) -> tuple[int, float]:
    """How many words have a tone, and the sum of their tones."""
    valences = _valences()
    rated = [word for word in counts if word in valences]
    return (
        sum(counts[word] for word in rated),
        sum(counts[word] * valences[word] for word in rated),
    )


def load_vocabularies() -> None:
    """Reads the word lists, once a process, so that no item's clock pays for all that follow."""
    _valences()
    languages_by_word()


def prose_language(counts: Mapping[str, int], prose: str) -> str | None:
    """ISO 639-1 code of the language of ``prose``, whose lower-case words ``counts`` counts.

    By the function words among its first 250 different words where there are enough, else by the
    script of its first 4,096 characters where that is one language's own; None when neither tells.
    """
    hits: Counter[str] = Counter()
    languages = languages_by_word()
    for word in islice(counts, _LANGUAGE_WORDS):
        for language in languages.get(word, ()):
            # One word repeated is one piece of evidence, or a little more.
            hits[language] += min(counts[word], _MOST_HITS)
    if hits:
        best = min(hits, key=lambda language: (-hits[language], language != ENGLISH, language))
        seen = sum(islice(counts.values(), _LANGUAGE_WORDS))
        if hits[best] >= max(_LEAST_HITS, _LEAST_HIT_SHARE * seen):
            return best
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
    end, word = (_ASCII_SENTENCE_END, _ASCII_INK) if prose.isascii() else (_SENTENCE_END, _WORD)
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


def _entity_density(
    prose: str, sentences: Sequence[str], words: Sequence[str], lower: Sequence[str]
) -> float | None:
    if prose.lower() == prose.upper():
        return None
    cased = [word for word, plain in zip(words, lower, strict=True) if word != plain]
    capitalised = sum(1 for word in cased if word[0].isupper() and _is_name(word))
    starts = sum(1 for sentence in sentences if sentence[0].isupper() and _is_name(sentence))
    return per_100(max(capitalised - starts, 0), len(words))


def _is_name(capitalised: str) -> bool:
    """Whether what begins with a capital is more than a lone letter: not "I", "I'm", "A"."""
    return capitalised[1:2].isalnum()


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


def readability(counts: Mapping[str, int], sentences: int) -> float | None:
    """Flesch reading ease (1948) of lower-case words and how often each occurs, clipped to
    [-100, 121.22].

    Higher is easier. None under 20 words, and unless 95 % of the characters are Latin letters or
    digits: the formula counts the syllables of English.
    """
    words = sum(counts.values())
    if words < _SHORT_TEXT_WORDS or not sentences:
        return None
    joined = " ".join(counts)
    if not joined.isascii():
        few = 0.05 * sum(map(mul, map(len, counts), counts.values()))
        foreign = 0
        for word, count in counts.items():
            foreign += len(_LATIN.sub("", word)) * count
            if foreign > few:
                return None
    syllables = sum(map(mul, map(_syllables, counts), counts.values()))
    score: float = 206.835 - 1.015 * words / sentences - 84.6 * syllables / words
    return min(max(score, _FLESCH_RANGE[0]), _FLESCH_RANGE[1])


# The words of a language come again in every item.
@lru_cache(maxsize=1 << 15)
def _syllables(word: str) -> int:
    return max(len(_VOWEL_GROUP.findall(word)) - len(_SILENT_E.findall(word)), 1)
