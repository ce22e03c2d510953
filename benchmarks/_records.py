"""Records of real words, as many as are asked for, always the same."""

import json
import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from benchmarks._corpora import standard_library, texts_of

CHARS: Final = 300
_MODULES: Final = 400
_SEED: Final = 5
_SENTENCE_ENDS: Final = 0.08


@cache
def _words() -> tuple[str, ...]:
    """The words of the standard library's modules, names and prose, in their order."""
    files = texts_of(standard_library(), ".py", _MODULES)
    return tuple(word for file in files for word in file.text.split() if word.isalpha())


def texts(count: int) -> Iterator[str]:
    """``count`` runs of words of about 300 characters; no two begin at one place by design."""
    words, draw = _words(), random.Random(_SEED)
    for _ in range(count):
        place, record, size = draw.randrange(len(words)), [], 0
        while size < CHARS:
            word = words[place % len(words)]
            place, size = place + 1, size + len(word) + 1
            record.append(word + "." if draw.random() < _SENTENCE_ENDS else word)
        yield " ".join(record)


def write_records(file: Path, count: int) -> None:
    """A JSON Lines file of ``count`` records with ``id`` and ``text``."""
    with file.open("w", encoding="utf-8") as lines:
        for number, text in enumerate(texts(count)):
            lines.write(json.dumps({"id": number, "text": text}) + "\n")
