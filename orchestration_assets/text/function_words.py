"""The function words (stop words) of 33 languages, and the language that they suggest."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Final

ENGLISH: Final = "en"
_NO_WORDS: Final[frozenset[str]] = frozenset()
# Fewer function words do not identify a language.
_MIN_HITS: Final = 2
_MIN_SHARE: Final = 0.08
# A word counts this often at most: a font called "sans" does not make a text French.
_MAX_REPEATS: Final = 4


@cache
def function_words() -> Mapping[str, frozenset[str]]:
    """Language code -> its function words, lower-case."""
    path = files("orchestration_assets.text").joinpath("function_words.json")
    tables: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return {language: frozenset(words.split()) for language, words in tables.items()}


@cache
def languages_by_word() -> Mapping[str, tuple[str, ...]]:
    """Word -> the languages whose function word it is."""
    languages: dict[str, tuple[str, ...]] = {}
    for language, words in function_words().items():
        for word in words:
            languages[word] = (*languages.get(word, ()), language)
    return languages


def likely_language(words: Iterable[str] | Mapping[str, int]) -> str | None:
    """The language whose function words are most among lower-case ``words``, if any stands out.

    ``words`` may be counted already.
    """
    tables = languages_by_word()
    counted = words if isinstance(words, Mapping) else Counter(words)
    hits: dict[str, int] = {}
    for word in counted.keys() & tables.keys():
        for language in tables[word]:
            hits[language] = hits.get(language, 0) + min(counted[word], _MAX_REPEATS)
    best = min(hits, key=lambda language: (-hits[language], language), default=None)
    whole = sum([n if n < _MAX_REPEATS else _MAX_REPEATS for n in counted.values()])
    least = max(_MIN_HITS, _MIN_SHARE * whole)
    return best if best is not None and hits[best] >= least else None


def stop_words_for(words: Iterable[str] | Mapping[str, int]) -> frozenset[str]:
    """The function words of the language that ``words``, counted or not, are in; English ones when
    it is unclear.

    Those of other languages stay, as they may be nouns here: *die*, *file*, *on*.
    """
    return function_words().get(likely_language(words) or ENGLISH, _NO_WORDS)
