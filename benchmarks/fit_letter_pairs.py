"""Counts which letters follow each other in 50 languages, for telling encodings apart.

``python -m benchmarks fit_letter_pairs FOLDER --out FILE``: FOLDER holds message catalogues of
installed programs, ``<language>/LC_MESSAGES/<program>.mo``. Only the programs of the part for
fitting are read. The same catalogues give the same bytes.
"""

import argparse
import random
import unicodedata
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks import _catalogues
from benchmarks._output import table
from orchestration_assets.text.encodings.letter_statistics import (
    COST_STEP,
    FIRST_LETTER,
    LetterClass,
    class_of,
    lowercase,
)
from orchestration_assets.text.encodings.scripts import script_of

ALPHABETIC: Final = (
    "af ar az be bg br ca cs cy da de el en eo es et eu fa fi fr ga gl he hr hu id is it kk lt lv "
    "mk mn nb nl oc pl pt pt_BR ro sk sl sq sr sv th tr uk ru vi wa"
).split()
CHARACTERS: Final = ("ja", "ko", "zh_CN", "zh_TW")
_MOST_CHARS: Final = 600_000
_MOST_CHARACTERS: Final = 3500
# every language has names from others; for each of these, this share of its text is theirs
_BORROWED_FROM: Final = ("fr", "de", "es", "pt", "it", "sv", "da")
_BORROWED: Final = 0.0005
_BORROWED_ENGLISH: Final = 0.004
_RARE: Final = 3e-5
# how many occurrences the guess from single letters is worth
_BACKOFF: Final = 12.0
# the share of pairs that follow no pattern, as in names and foreign words
_UNSEEN: Final = 0.03
# characters that share a class share its probability
_MEMBERS: Final = {
    LetterClass.SPACE: 1,
    LetterClass.DIGIT: 10,
    LetterClass.MARK: 8,
    LetterClass.TYPOGRAPHY: 10,
    LetterClass.SYMBOL: 60,
    LetterClass.CONTROL: 200,
    LetterClass.ASCII_LETTER: 20,
    LetterClass.OTHER_LETTER: 40,
    LetterClass.FOREIGN_LETTER: 200,
}
# what a class is worth that a language's messages hardly hold
_FLOORS: Final = {
    LetterClass.TYPOGRAPHY: 3e-3,
    LetterClass.SYMBOL: 1e-3,
    LetterClass.CONTROL: 1e-5,
    LetterClass.ASCII_LETTER: 5e-3,
    LetterClass.OTHER_LETTER: 6e-4,
    LetterClass.FOREIGN_LETTER: 1e-4,
}
_TONES: Final = frozenset("\u0300\u0301\u0303\u0309\u0323")
_CEDILLAS: Final = str.maketrans("șțȘȚ", "şţŞŢ")
_ARABIC_YEH: Final = str.maketrans("یی", "يي")


def windows_vietnamese(text: str) -> str:
    """Vietnamese as its code page has it: tones stand behind their letters."""
    parts = []
    for character in unicodedata.normalize("NFC", text):
        whole = unicodedata.normalize("NFD", character)
        letter = unicodedata.normalize("NFC", "".join(c for c in whole if c not in _TONES))
        parts.append(letter + "".join(c for c in whole if c in _TONES))
    return "".join(parts)


def variants(language: str, text: str) -> dict[str, str]:
    """Name of a model -> the text that it is fitted on, in the spelling of the code pages."""
    if language == "ro":
        return {"ro": text, "ro_cedilla": text.translate(_CEDILLAS)}
    if language == "fa":
        return {"fa": text.translate(_ARABIC_YEH)}
    if language == "vi":
        return {"vi": windows_vietnamese(text)}
    return {language: text}


def pair_model(text: str) -> tuple[str, str, NDArray[np.uint8], NDArray[np.float32]]:
    """Script, letters, costs of pairs in steps, and shares of the letters of a text."""
    lower = "".join(map(lowercase, text))
    counts = Counter(lower)
    scripts: Counter[str] = Counter()
    for character, count in counts.items():
        if unicodedata.category(character)[0] in "LM" and not character.isascii():
            scripts[script_of(character)] += count
    total = sum(n for c, n in counts.items() if unicodedata.category(c)[0] in "LM")
    beyond = sum(scripts.values())
    script = scripts.most_common(1)[0][0] if beyond > total * 0.3 else "latin"
    letters = "".join(
        sorted(
            c
            for c, n in counts.items()
            if unicodedata.category(c)[0] in "LM"
            and script_of(c) == script
            and n > _RARE * total
            and class_of(c, script) in (LetterClass.OTHER_LETTER, LetterClass.ASCII_LETTER)
        )
    )
    places = {letter: FIRST_LETTER + place for place, letter in enumerate(letters)}
    size = FIRST_LETTER + len(letters)
    members = np.ones(size)
    unigram = np.ones(size)
    for kind, number in _MEMBERS.items():
        members[kind] = number
    pairs = np.zeros((size, size))
    row = [places.get(c, -1) for c in lower]
    row = [class_of(c, script) if p < 0 else p for c, p in zip(lower, row, strict=True)]
    for (first, second), count in Counter(pairwise(row)).items():
        pairs[first, second] += count
    unigram += pairs.sum(0)
    shares = unigram / unigram.sum()
    for kind, floor in _FLOORS.items():
        shares[kind] = max(shares[kind], floor)
    shares /= shares.sum()
    seen = pairs.sum(1, keepdims=True)
    follows = (pairs + _BACKOFF * shares) / (seen + _BACKOFF)
    follows = (1 - _UNSEEN) * follows + _UNSEEN * shares
    follows /= members
    costs = _in_steps(follows)
    in_letters = np.array([counts[letter] / total for letter in letters], dtype=np.float32)
    return script, letters, costs, in_letters


def character_model(text: str) -> tuple[str, NDArray[np.uint8]]:
    """The commonest characters beyond ASCII, and the cost of each in steps."""
    counts = Counter(c for c in text if not c.isascii())
    total = sum(counts.values()) + len(counts)
    common = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))[:_MOST_CHARACTERS]
    letters = "".join(sorted(c for c, _ in common))
    shares = np.array([(counts[c] + 0.5) / total for c in letters])
    return letters, _in_steps(shares)


def _in_steps(shares: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Costs of probabilities, in the unit in which they are kept."""
    costs: NDArray[np.uint8] = np.clip(np.round(-np.log(shares) / COST_STEP), 0, 255).astype(
        np.uint8
    )
    return costs


def _mixed(messages: list[str]) -> str:
    """Messages of all programs, however many one has."""
    random.Random(1).shuffle(messages)
    return " ".join(messages)[:_MOST_CHARS]


def text_of(folder: Path, language: str, borrowed: Sequence[str]) -> str:
    """At most 600,000 characters of a language, and a few words of others that names are in."""
    own = _mixed(
        _catalogues.originals(folder, "fr", _catalogues.FITTED)
        if language == "en"
        else _catalogues.messages(folder, language, _catalogues.FITTED)
    )
    share = _BORROWED_ENGLISH if language == "en" else _BORROWED
    return " ".join([own, *(words[: int(share * len(own))] for words in borrowed)])


def borrowed_words(folder: Path) -> list[str]:
    """Western words with letters beyond ASCII, language by language."""
    found = []
    for language in _BORROWED_FROM:
        text = _mixed(_catalogues.messages(folder, language, _catalogues.FITTED))
        found.append(" ".join(word for word in text.split() if not word.isascii()))
    return found


def main(arguments: Sequence[str]) -> int:
    """Fits every language and writes the file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks fit_letter_pairs")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args(arguments)
    borrowed = borrowed_words(chosen.folder)
    held: dict[str, Any] = {}
    names, rows = [], []
    for language in ALPHABETIC:
        for name, text in variants(language, text_of(chosen.folder, language, borrowed)).items():
            if not text:
                print(f"{language}: no catalogue")
                continue
            script, letters, costs, shares = pair_model(text)
            held |= {
                f"{name} script": np.array(script),
                f"{name} letters": np.array(letters),
                f"{name} costs": costs,
                f"{name} shares": shares,
            }
            names.append(name)
            rows.append((name, script, len(text), len(letters)))
    for language in CHARACTERS:
        text = text_of(chosen.folder, language, ())
        letters, costs = character_model(text)
        held |= {f"{language} letters": np.array(letters), f"{language} costs": costs}
        rows.append((language, "many", len(text), len(letters)))
    held |= {"pairs": np.array(" ".join(names)), "characters": np.array(" ".join(CHARACTERS))}
    with chosen.out.open("wb") as stream:
        np.savez_compressed(stream, **held)
    print(table("letter pairs", ["language", "script", "characters", "letters"], rows))
    print(f"{chosen.out.stat().st_size:,} bytes")
    return 0
