"""General document frequencies of words, and TF-IDF weights by them.

``document_frequencies.json`` is written by ``python -m benchmarks fit_keyword_background``; it says
in how many of 10,000 documents a word occurs, in the kind of document where it is commonest: a
word that is common anywhere (*der*, *self*, *option*) characterises nothing there.
"""

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Final

from orchestration_assets.text.words import is_term, singulars

BACKGROUND_FILE: Final = "document_frequencies.json"
OUT_OF: Final = 10_000
"""Documents that the frequencies are stated for."""

_DAMPENED: Final = 0.75


@cache
def document_frequencies() -> tuple[Mapping[str, int], int]:
    """Word -> documents of 10,000 that it occurs in; and the lowest frequency that is listed."""
    path = files("orchestration_assets.text").joinpath(BACKGROUND_FILE)
    by_frequency: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))["words"]
    table = {word: int(count) for count, words in by_frequency.items() for word in words.split()}
    return table, min(table.values())


def term_counts(words: Iterable[str] | Mapping[str, int]) -> Counter[str]:
    """How often each word occurs that can be a key word, plurals counted with their singular.

    ``words`` may be counted already.
    """
    counted = words if isinstance(words, Mapping) else Counter(words)
    terms = Counter({word: count for word, count in counted.items() if is_term(word)})
    # a singular that is itself a plural of another keeps what is counted with it
    merged = [(singular, terms.pop(plural)) for plural, singular in singulars(terms).items()]
    for singular, count in merged:
        terms[singular] += count
    return terms


def term_weights(counts: Mapping[str, int]) -> dict[str, float]:
    """Term -> TF-IDF: occurrences^0.75 times ln(10,000 / document frequency).

    Salton and Buckley 1988; the power keeps down what code repeats hundreds of times (*self*)
    without losing what prose repeats three times. A word that the table does not list is taken
    to be half as frequent as the rarest that it does.
    """
    rarity, unlisted = _rarities()
    return {word: count**_DAMPENED * rarity.get(word, unlisted) for word, count in counts.items()}


@cache
def _rarities() -> tuple[Mapping[str, float], float]:
    """Word -> ln(10,000 / document frequency), and that of a word that is not listed."""
    table, rarest = document_frequencies()
    of_frequency = {count: math.log(OUT_OF / count) for count in set(table.values())}
    rarity = {word: of_frequency[count] for word, count in table.items()}
    return rarity, math.log(OUT_OF / (rarest / 2))
