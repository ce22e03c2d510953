"""Natural language of the item's prose, from its script and its function words."""

import math
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping
from typing import ClassVar, Final

from orchestration_assets.schemas.items import Question, Reading
from orchestration_assets.services.contract import EmbeddedService
from orchestration_assets.services.readings import (
    MAX_ALTERNATIVES,
    abstention,
    label_reading,
    quoted,
)
from orchestration_assets.text.function_words import languages_by_word
from orchestration_assets.text.prose import prose_of
from orchestration_assets.text.spread_pieces import spread_pieces

# 2,048 characters in all
_PIECES: Final = 4
_PIECE_CHARS: Final = 512
_MIN_LETTERS: Final = 8

# First code point -> script, up to the next entry; "" is anything that no rule here reads.
_SCRIPTS: Final[tuple[tuple[int, str], ...]] = (
    (0x0000, "latin"),
    (0x0250, ""),
    (0x0370, "greek"),
    (0x0400, "cyrillic"),
    (0x0530, "armenian"),
    (0x0590, "hebrew"),
    (0x0600, "arabic"),
    (0x0700, ""),
    (0x0900, "devanagari"),
    (0x0980, "bengali"),
    (0x0A00, "gurmukhi"),
    (0x0A80, "gujarati"),
    (0x0B00, "oriya"),
    (0x0B80, "tamil"),
    (0x0C00, "telugu"),
    (0x0C80, "kannada"),
    (0x0D00, "malayalam"),
    (0x0D80, "sinhala"),
    (0x0E00, "thai"),
    (0x0E80, "lao"),
    (0x0F00, "tibetan"),
    (0x1000, "burmese"),
    (0x10A0, "georgian"),
    (0x1100, "hangul"),
    (0x1200, "ethiopic"),
    (0x13A0, ""),
    (0x1780, "khmer"),
    (0x1800, ""),
    (0x1E00, "latin"),
    (0x1F00, "greek"),
    (0x2000, ""),
    (0x3040, "kana"),
    (0x3100, ""),
    (0x3400, "han"),
    (0xA000, ""),
    (0xAC00, "hangul"),
    (0xD7B0, ""),
    (0xF900, "han"),
    (0xFB00, ""),
    (0x20000, "han"),
    (0x32000, ""),
)
_SCRIPT_STARTS: Final = [start for start, _ in _SCRIPTS]
# An ideograph says as much as about three letters.
_WEIGHTS: Final[Mapping[str, int]] = {"han": 3, "kana": 2, "hangul": 2}

# Script -> the languages that it is nearly always used for, with their shares.
_LANGUAGES_OF_SCRIPT: Final[Mapping[str, tuple[tuple[str, float], ...]]] = {
    "arabic": (("ar", 0.85), ("fa", 0.08), ("ur", 0.04)),
    "armenian": (("hy", 0.98),),
    "bengali": (("bn", 0.92), ("as", 0.07)),
    "burmese": (("my", 0.97),),
    "devanagari": (("hi", 0.75), ("mr", 0.14), ("ne", 0.09)),
    "ethiopic": (("am", 0.85), ("ti", 0.13)),
    "georgian": (("ka", 0.98),),
    "greek": (("el", 0.98),),
    "gujarati": (("gu", 0.98),),
    "gurmukhi": (("pa", 0.98),),
    "han": (("zh", 0.95), ("ja", 0.04)),
    "hangul": (("ko", 0.99),),
    "hebrew": (("he", 0.95), ("yi", 0.04)),
    "kana": (("ja", 0.99),),
    "kannada": (("kn", 0.98),),
    "khmer": (("km", 0.98),),
    "lao": (("lo", 0.98),),
    "malayalam": (("ml", 0.98),),
    "oriya": (("or", 0.98),),
    "sinhala": (("si", 0.98),),
    "tamil": (("ta", 0.98),),
    "telugu": (("te", 0.98),),
    "thai": (("th", 0.98),),
    "tibetan": (("bo", 0.85), ("dz", 0.13)),
}
# Letters that Arabic itself has not: Persian and Urdu share the first four, the last are Urdu's.
_PERSIAN_OR_URDU = re.compile("[\u067e\u0686\u0698\u06af\u06cc\u06a9]")
_URDU = re.compile("[\u0679\u0688\u0691\u06d2\u06ba\u06be]")
# Even terse Japanese has this share of kana among its characters; Chinese quotes far less.
_KANA_SHARE: Final = 0.08

_WORD = re.compile(r"[^\W\d_]+")
# One occurrence of a word from a language's table, in units of log-odds. Naive Bayes would say
# about 3; words of one text are not independent, and 1.1 makes the confidence honest.
_HIT_LOG_ODDS: Final = 1.1
# What a language without a table would do: a few hits by accident, more in a longer text.
_ACCIDENTAL_HITS: Final = 1.5
_ACCIDENTAL_SHARE: Final = 0.09
# A word counts this often at most, so that one repeated name decides nothing.
_MAX_REPEATS: Final = 4
_MIN_CONFIDENCE: Final = 0.4
# A second language is there when so many of its function words are none of the first, and so many
# for each one of the first and for each word.
_MIXED_HITS: Final = 4
# Another script is another language from this share of the letters on.
_MIXED_SCRIPT: Final = 0.1
_MIXED_SHARE: Final = 0.25
_MIXED_WORDS: Final = 0.04
# No table tells all: related languages and loan words leave at least this much doubt.
_MAX_CONFIDENCE: Final = 0.985


class StopwordService(EmbeddedService):
    """Counts scripts and function words: independent of any trained model."""

    name: ClassVar[str] = "stopwords"
    reads: ClassVar[frozenset[str]] = frozenset({"family"})
    expected_ms: ClassVar[float] = 0.3

    def answer(self, question: Question) -> Reading:
        item = question.item
        whole = prose_of(item.text, item.family)
        prose = " ".join(spread_pieces(whole, _PIECES, _PIECE_CHARS))
        scripts = _script_weights(prose)
        weight = sum(scripts.values())
        if weight < _MIN_LETTERS:
            return abstention("hardly any letters")
        if len(shares := _shares_by_script(prose, scripts)) > 1:
            parts = ", ".join(f"{language} {share:.0%}" for language, share in shares)
            ranked = [(language, _MAX_CONFIDENCE * share) for language, share in shares]
            return label_reading(question, ranked, f"a mixture: {parts} of the letters")
        script, share = max(scripts.items(), key=lambda entry: (entry[1], entry[0]))
        if script in {"han", "kana"}:
            kana = scripts["kana"] / (scripts["kana"] + scripts["han"])
            script = "kana" if kana >= _KANA_SHARE else "han"
            share = scripts["kana"] + scripts["han"]
        if script in {"latin", "cyrillic"}:
            return _by_function_words(question, prose)
        if script not in _LANGUAGES_OF_SCRIPT:
            return abstention("a script that no rule here reads")
        languages = _LANGUAGES_OF_SCRIPT[script]
        if script == "arabic":
            languages = _arabic_script(prose)
        confidence = (share / weight) * share / (share + 1)
        ranked = [(language, part * confidence) for language, part in languages]
        letters = "kana and han" if script == "kana" else script
        return label_reading(question, ranked, f"{share / weight:.0%} of the letters are {letters}")


def _script_weights(text: str) -> Counter[str]:
    weights: Counter[str] = Counter()
    for letter, count in Counter(text).items():
        if letter.isalpha():
            script = _SCRIPTS[bisect_right(_SCRIPT_STARTS, ord(letter)) - 1][1]
            weights[script] += count * _WEIGHTS.get(script, 1)
    return weights


def _arabic_script(text: str) -> tuple[tuple[str, float], ...]:
    if len(_URDU.findall(text)) >= 3:
        return (("ur", 0.9), ("fa", 0.05))
    if len(_PERSIAN_OR_URDU.findall(text)) >= 3:
        return (("fa", 0.85), ("ur", 0.08), ("ar", 0.04))
    return _LANGUAGES_OF_SCRIPT["arabic"]


def _by_function_words(question: Question, prose: str) -> Reading:
    tables = languages_by_word()
    words = _WORD.findall(prose.lower())
    hits: Counter[str] = Counter()
    occurrences = Counter(words)
    for word, count in occurrences.items():
        for language in tables.get(word, ()):
            hits[language] += min(count, _MAX_REPEATS)
    other_languages = _ACCIDENTAL_HITS + _ACCIDENTAL_SHARE * len(words)
    peak = max([other_languages, *hits.values()])
    odds = {language: math.exp(_HIT_LOG_ODDS * (count - peak)) for language, count in hits.items()}
    total = sum(odds.values()) + math.exp(_HIT_LOG_ODDS * (other_languages - peak))
    ranked = sorted(
        ((name, _MAX_CONFIDENCE * part / total) for name, part in odds.items()), key=_by_share
    )
    if not ranked or ranked[0][1] < _MIN_CONFIDENCE:
        return abstention(f"too few function words of one language in {len(words)} words")
    best = ranked[0][0]
    if others := _other_languages(best, occurrences):
        counted = [(best, hits[best]), *others]
        whole = sum(count for _, count in counted)
        shares = sorted(((name, count / whole) for name, count in counted), key=_by_share)
        parts = ", ".join(f"{name} {share:.0%}" for name, share in shares)
        return label_reading(
            question,
            [(name, _MAX_CONFIDENCE * share) for name, share in shares],
            f"a mixture: {parts} of {whole} function words in {len(words)} words",
        )
    own = [word for word in occurrences if best in tables.get(word, ())]
    told = quoted(sorted(own, key=lambda word: (-occurrences[word], word)))
    evidence = f"{hits[best]} function words of {best} in {len(words)} words, such as {told}"
    if len(ranked) > 1:
        evidence += f"; {hits[ranked[1][0]]} of {ranked[1][0]}"
    return label_reading(question, ranked, evidence)


def _other_languages(best: str, occurrences: Counter[str]) -> list[tuple[str, int]]:
    """Other languages that a good part of the words is in, with how many of their function words
    there are that none of those before has; not those that may be accidents."""
    tables = languages_by_word()
    counts = {word: min(count, _MAX_REPEATS) for word, count in occurrences.items()}
    left = {word: count for word, count in counts.items() if best not in tables.get(word, ())}
    common = sum(count for word, count in counts.items() if word not in left and word in tables)
    least = max(_MIXED_HITS, _MIXED_SHARE * common, _MIXED_WORDS * occurrences.total())
    others: list[tuple[str, int]] = []
    while len(others) < MAX_ALTERNATIVES:
        own: Counter[str] = Counter()
        for word, count in left.items():
            for language in tables.get(word, ()):
                own[language] += count
        name = min(own, key=lambda language: (-own[language], language), default="")
        if not name or own[name] < least:
            break
        others.append((name, own[name]))
        left = {word: count for word, count in left.items() if name not in tables.get(word, ())}
    return others


def _shares_by_script(prose: str, scripts: Mapping[str, int]) -> list[tuple[str, float]]:
    """The languages of the scripts that hold a good part of the letters, with their shares;
    empty where there is one script.

    Foreign names and terms are no second language: letters that several languages share count only
    with function words of one of them.
    """
    weights = Counter(scripts)
    if weights["kana"] >= _KANA_SHARE * (weights["kana"] + weights["han"]):
        weights["kana"] += weights.pop("han", 0)
    least = max(_MIN_LETTERS, _MIXED_SCRIPT * weights.total())
    large = [(script, weight) for script, weight in weights.items() if weight >= least]
    if len(large) < 2:
        return []
    found = []
    for script, weight in large:
        if script in _LANGUAGES_OF_SCRIPT:
            found.append((_LANGUAGES_OF_SCRIPT[script][0][0], weight))
        elif language := _language_of_words(prose, script):
            found.append((language, weight))
    total = sum(weight for _, weight in found)
    return sorted(((language, weight / total) for language, weight in found), key=_by_share)


def _language_of_words(prose: str, script: str) -> str | None:
    """The language that most function words in the script are of; None when there are few."""
    hits: Counter[str] = Counter()
    tables = languages_by_word()
    for word, count in Counter(_WORD.findall(prose.lower())).items():
        if _SCRIPTS[bisect_right(_SCRIPT_STARTS, ord(word[0])) - 1][1] == script:
            for language in tables.get(word, ()):
                hits[language] += min(count, _MAX_REPEATS)
    best = min(hits, key=lambda language: (-hits[language], language), default=None)
    return best if best is not None and hits[best] >= _MIXED_HITS else None


def _by_share(entry: tuple[str, float]) -> tuple[float, str]:
    return (-entry[1], entry[0])
