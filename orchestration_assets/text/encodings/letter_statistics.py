"""Letter statistics of languages: how likely one character follows another.

A model knows a language's letters and, for every two of them, the logarithm of the probability
that the second follows the first. Upper and lower case count alike here. Characters that are no
letters of the language fall into classes. Chinese, Japanese and Korean have too many characters
for pairs: their models know how frequent each one is.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from importlib.resources import files
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from orchestration_assets.text.encodings.scripts import script_of

DATA_FILE: Final = "letter_pairs.npz"
COST_STEP: Final = 1 / 14
"""Unit in which costs are kept, in nats: 255 of them are 18 nats."""


class LetterClass(IntEnum):
    """What a character is when it is no letter of the language."""

    SPACE = 0
    DIGIT = 1
    MARK = 2
    """Punctuation of ASCII."""
    TYPOGRAPHY = 3
    """Quotation marks, dashes and signs that prose uses."""
    SYMBOL = 4
    CONTROL = 5
    """Controls, private use, nothing assigned, or a replacement character."""
    ASCII_LETTER = 6
    OTHER_LETTER = 7
    """Of the language's script, but not of the language."""
    FOREIGN_LETTER = 8


FIRST_LETTER: Final = len(LetterClass)
_TYPOGRAPHY: Final = frozenset("\xa0\xad«»‹›‘’‚“”„–—…•·°§©®™€£±×²³ºª¿¡№‰†‡´¨¸")  # noqa: RUF001


def lowercase(character: str) -> str:
    """A character in lower case, as one character."""
    return character.lower()[:1] or character


def class_of(character: str, script: str) -> LetterClass:
    """The class of a character that is no letter of a language in ``script``."""
    kind = unicodedata.category(character)
    if (kind[0] == "Z" and character != "\xa0") or character in "\t\n\r\f\v":
        return LetterClass.SPACE
    if (kind[0] == "C" and character != "\xad") or character == "\ufffd":
        return LetterClass.CONTROL
    if character in _TYPOGRAPHY:
        return LetterClass.TYPOGRAPHY
    if kind == "Nd":
        return LetterClass.DIGIT
    if character.isascii():
        return LetterClass.ASCII_LETTER if character.isalpha() else LetterClass.MARK
    if kind[0] in "LM":
        same = script_of(character) == script
        return LetterClass.OTHER_LETTER if same else LetterClass.FOREIGN_LETTER
    return LetterClass.SYMBOL


@dataclass(frozen=True, slots=True)
class PairModel:
    """A language with an alphabet: its letters, and the costs of pairs in nats."""

    language: str
    script: str
    classes: Mapping[str, int]
    """Letter in lower case -> its row and column."""
    costs: NDArray[np.float32]
    """[first, second] -> minus the logarithm of the probability that second follows first."""
    shares: Mapping[str, float]
    """Letter -> its share of all letters."""

    def class_of(self, character: str) -> int:
        """The row and column of any character."""
        found = self.classes.get(lowercase(character))
        return class_of(character, self.script) if found is None else found


# Language of many characters -> the encoding whose first part holds what everybody learns, and the
# first and last lead byte of that part.
_COMMON: Final = {
    "ja": ("euc_jp", 0xA1, 0xCF),
    "ko": ("euc_kr", 0xA1, 0xC8),
    "zh_CN": ("gb2312", 0xA1, 0xD7),
    "zh_TW": ("big5", 0xA1, 0xC6),
}
_COMMON_COST: Final = 10.5
_UNCOMMON_COST: Final = 13.5
_IMPOSSIBLE_COST: Final = 18.0


@dataclass(frozen=True, slots=True)
class CharacterModel:
    """A language of many characters: the cost of each in nats."""

    language: str
    costs: Mapping[str, float]

    def cost_of(self, character: str) -> float:
        """The cost of any character beyond ASCII."""
        found = self.costs.get(character)
        if found is not None:
            return min(found, _COMMON_COST)
        encoding, first, last = _COMMON[self.language]
        try:
            lead = character.encode(encoding)[0]
        except UnicodeEncodeError:
            return _IMPOSSIBLE_COST
        return _COMMON_COST if first <= lead <= last else _UNCOMMON_COST


@cache
def models() -> tuple[tuple[PairModel, ...], tuple[CharacterModel, ...]]:
    """Every language, in a fixed order."""
    with (
        files("orchestration_assets.text.encodings").joinpath(DATA_FILE).open("rb") as stream,
        np.load(stream, allow_pickle=False) as kept,
    ):
        held = {name: kept[name] for name in kept.files}
    pairs = tuple(_pair_model(name, held) for name in str(held["pairs"]).split())
    characters = tuple(_character_model(name, held) for name in str(held["characters"]).split())
    return pairs, characters


def _pair_model(name: str, held: Mapping[str, NDArray[Any]]) -> PairModel:
    letters = str(held[f"{name} letters"])
    shares = held[f"{name} shares"].tolist()
    return PairModel(
        name,
        str(held[f"{name} script"]),
        {letter: FIRST_LETTER + place for place, letter in enumerate(letters)},
        held[f"{name} costs"].astype(np.float32) * np.float32(COST_STEP),
        dict(zip(letters, shares, strict=True)),
    )


def _character_model(name: str, held: Mapping[str, NDArray[Any]]) -> CharacterModel:
    costs = (held[f"{name} costs"] * COST_STEP).tolist()
    return CharacterModel(name, dict(zip(str(held[f"{name} letters"]), costs, strict=True)))
