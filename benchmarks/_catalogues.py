"""Translated messages of installed programs: text in many languages, read from GNU catalogues.

A folder holds ``<language>/LC_MESSAGES/<program>.mo``. Programs are split by name, related ones
together, so that no sentence that a model was fitted on is measured.
"""

import gettext
import hashlib
import random
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final

FITTED: Final = "fitted"
TUNED: Final = "tuned"
HELD_OUT: Final = "held out"
# of 100 programs: for fitting, then for choosing thresholds; the rest is for measuring
_FITTED_UNTIL: Final = 60
_TUNED_UNTIL: Final = 78
_MIN_CHARS: Final = 20
# lists of names, in every language alike
_NAMES_ONLY: Final = ("iso_", "iso-")
# programs that share messages
_RELATED: Final = (
    ("gas", "binutils", "bfd", "ld", "gprof", "opcodes", "gold"),
    (
        "postgres",
        "psql",
        "pg_",
        "plpgsql",
        "initdb",
        "libpq",
        "ecpg",
        "pltcl",
        "plperl",
        "plpython",
    ),
    ("gtk",),
    ("gettext",),
    ("gnupg", "libgpg"),
)
_NOISE: Final = re.compile(
    r"<[^>]{0,80}>|%[-+ #0-9.*$]*(?:\([^)]*\))?[a-zA-Z]|\{[^}]*\}|\\[nt]|https?://\S+"
)
_ACCELERATOR: Final = re.compile(r"[_&](?=\w)")


def part_of(program: str) -> str | None:
    """Which part a program's messages belong to; None when it is left out."""
    name = program.rstrip("0123456789.-")
    if name.startswith(_NAMES_ONLY):
        return None
    for group in _RELATED:
        if name.startswith(group):
            name = group[0]
    place = int(hashlib.md5(name.encode(), usedforsecurity=False).hexdigest(), 16) % 100
    return FITTED if place < _FITTED_UNTIL else TUNED if place < _TUNED_UNTIL else HELD_OUT


def messages(folder: Path, language: str, part: str) -> list[str]:
    """The translations into a language in one part, each once, in a fixed order."""
    found: dict[str, None] = {}
    for _, translated in _pairs(folder / language, part):
        if len(translated) > _MIN_CHARS:
            found[translated] = None
    return list(found)


def originals(folder: Path, language: str, part: str) -> list[str]:
    """The English messages that were translated."""
    found = {original: None for original, _ in _pairs(folder / language, part)}
    return [original for original in found if len(original) > _MIN_CHARS]


def _pairs(folder: Path, part: str) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.glob("LC_MESSAGES/*.mo")):
        if part_of(path.stem) != part:
            continue
        try:
            with path.open("rb") as stream:
                catalogue = gettext.GNUTranslations(stream)
        except (OSError, ValueError, IndexError, struct.error):
            continue
        for key, translated in vars(catalogue).get("_catalog", {}).items():
            original = key[0] if isinstance(key, tuple) else key
            if original and translated != original and isinstance(translated, str):
                yield _plain(original), _plain(translated)


def _plain(message: str) -> str:
    return " ".join(_ACCELERATOR.sub("", _NOISE.sub(" ", message)).split())


def passages(texts: list[str], length: int, number: int, chance: random.Random) -> Iterator[str]:
    """Passages of about ``length`` characters with some beyond ASCII, made of whole messages."""
    for _ in range(number if texts else 0):
        passage = ""
        for _ in range(60):
            passage = f"{passage} {chance.choice(texts)}".strip()
            if len(passage) >= length and not passage.isascii():
                break
        cut = passage[: length * 3 // 2]
        cut = cut[: max(cut.rfind(" "), length // 2)]
        yield passage if cut.isascii() else cut
