"""General words that turn, oppose, count or restrict: the small lexicon of several languages.

Closed classes (negations, number words, months, units, quantifiers) and common opposites; no word
is here for the sake of a text.
"""

import json
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final, TypeVar

T = TypeVar("T")
FILE: Final = "lexicon.json"


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Folded word -> what it stands for.

    ``units``: (dimension, factor to its base unit) of every sense. ``rates``: seconds of a period.
    ``groups``: numbers of the groups of synonyms; ``sides``: (axis, +1 or -1) of oppositions;
    ``converses``: (verb pair, +1 or -1); ``contrasts``: sets of holders that can differ in values.
    """

    cardinals: Mapping[str, float]
    scales: Mapping[str, float]
    ordinals: Mapping[str, float]
    fractions: Mapping[str, float]
    multiples: Mapping[str, float]
    frequencies: Mapping[str, float]
    months: Mapping[str, float]
    weekdays: Mapping[str, float]
    seasons: Mapping[str, float]
    clock_words: Mapping[str, float]
    zones: Mapping[str, float]
    zone_names: Mapping[tuple[str, ...], float]
    units: Mapping[str, tuple[tuple[str, float], ...]]
    rates: Mapping[str, float]
    per: frozenset[str]
    approximate: frozenset[str]
    negations: frozenset[str]
    negative_verbs: frozenset[str]
    negative_prefixes: tuple[str, ...]
    exceptions: frozenset[str]
    passives: frozenset[str]
    auxiliaries: frozenset[str]
    courtesies: frozenset[str]
    prepositions: frozenset[str]
    causes: frozenset[str]
    universal: frozenset[str]
    partial: frozenset[str]
    groups: Mapping[str, frozenset[int]]
    sides: Mapping[str, frozenset[tuple[int, int]]]
    converses: Mapping[str, frozenset[tuple[int, int]]]
    contrasts: Mapping[str, frozenset[int]]
    bases: Mapping[str, str]
    affirming: frozenset[str]
    denying: frozenset[str]


def folded(word: str) -> str:
    """The word without case and accents; marks that make another letter of one stay."""
    if word.isascii():
        return word.lower()
    plain = unicodedata.normalize("NFKD", word.casefold())
    return unicodedata.normalize("NFC", "".join(sign for sign in plain if not _is_accent(sign)))


def _is_accent(sign: str) -> bool:
    """Whether a sign only marks the letter before it. The combining classes 7 to 9 and 103 to 132
    voice kana and spell Indic, Thai and Tibetan vowels and tones."""
    combining = unicodedata.combining(sign)
    return combining >= 200 or 10 <= combining < 100


@cache
def lexicon() -> Lexicon:
    """The packaged lexicon, read once."""
    path = files("orchestration_assets.evidence.contradiction").joinpath(FILE)
    tables: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return Lexicon(
        **_read(tables),
        zones=_values(tables["zones_minutes"]),
        zone_names={tuple(name.split()): v for name, v in tables["zone_names"].items()},
        units=_units(tables["units"]),
        negative_prefixes=tuple(tables["negative_prefixes"].split()),
        groups=_members(enumerate(tables["synonyms"])),
        contrasts=_members(enumerate(tables["contrasts"])),
        sides=_members(_sides(tables["oppositions"])),
        converses=_members(_sides(tables["converses"])),
        affirming=_words(tables["answers"][0]),
        denying=_words(tables["answers"][1]),
        bases={
            folded(form): base
            for base, forms in tables["irregular"].items()
            for form in forms.split()
        },
    )


_VALUED: Final = (
    "cardinals scales ordinals fractions multiples frequencies months weekdays seasons "
    "clock_words rates"
).split()
_LISTED: Final = (
    "per approximate negations negative_verbs exceptions passives auxiliaries "
    "courtesies prepositions causes universal partial"
).split()


def _read(tables: Mapping[str, Any]) -> dict[str, Any]:
    """The tables of words with values, and those of words alone."""
    valued = {name: _values(tables[name]) for name in _VALUED}
    return valued | {name: _words(tables[name]) for name in _LISTED}


def _words(words: str) -> frozenset[str]:
    return frozenset(map(folded, words.split()))


def _values(table: Mapping[str, str]) -> dict[str, float]:
    return {folded(word): float(value) for value, words in table.items() for word in words.split()}


def _units(table: Mapping[str, Mapping[str, float]]) -> dict[str, tuple[tuple[str, float], ...]]:
    senses: defaultdict[str, list[tuple[str, float]]] = defaultdict(list)
    for dimension, units in table.items():
        for name, factor in units.items():
            senses[folded(name)].append((dimension, factor))
    return {name: tuple(dict.fromkeys(all_senses)) for name, all_senses in senses.items()}


def _sides(axes: Iterable[tuple[str, str]]) -> Iterable[tuple[tuple[int, int], str]]:
    for axis, (positive, negative) in enumerate(axes):
        yield (axis, 1), positive
        yield (axis, -1), negative


def _members(groups: Iterable[tuple[T, str]]) -> dict[str, frozenset[T]]:
    members: defaultdict[str, set[T]] = defaultdict(set)
    for number, words in groups:
        for word in words.split():
            members[folded(word)].add(number)
    return {word: frozenset(numbers) for word, numbers in members.items()}
