"""Items whose content decides which service is right."""

from functools import lru_cache

import numpy as np

from benchmarks._recorded_texts import item_inputs
from orchestration_assets.evidence.item_inputs import ItemInputs
from orchestration_assets.evidence.recorded_answers import Floats

_WORDS = {
    "en": "the of and with house river because people water evening letter often small garden was",
    "de": "der die und mit haus fluss weil leute wasser abend brief oft klein garten war nicht ein",
    "fr": "le la et avec maison parce que gens eau soir lettre souvent petit jardin les dans une",
}
_NAMES = "total index buffer width reader offset token matrix queue signal parser branch".split()


def prose(language: str, length: int, rng: np.random.Generator) -> str:
    """So many words of a language, in sentences."""
    drawn = rng.choice(_WORDS[language].split(), size=length)
    sentences = [" ".join(drawn[at : at + 9]).capitalize() for at in range(0, length, 9)]
    return ". ".join(sentences) + "."


def code(length: int, rng: np.random.Generator) -> str:
    """About so many words of Python."""
    lines = []
    for _ in range(max(length // 8, 1)):
        first, second, third = rng.choice(_NAMES, size=3)
        lines += [f"def {first}_{second}({third}):", f"    return {third} + {rng.integers(99)}"]
    return "\n".join(lines)


@lru_cache(maxsize=16)
def planted(kind: str, n: int, seed: int) -> tuple[ItemInputs, Floats]:
    """``n`` items and scores (n, 3): by ``kind`` the language, the length or being code decides
    which of three services is right nine times in ten; the others are right one time in three."""
    rng = np.random.default_rng(seed)
    right = rng.integers(3, size=n)
    texts = []
    for service in right:
        length = int(rng.integers(20, 120))
        if kind == "language":
            texts.append(prose(("en", "de", "fr")[service], length, rng))
        elif kind == "length":
            size = (rng.integers(8, 20), rng.integers(50, 120), rng.integers(300, 700))[service]
            texts.append(prose(str(rng.choice(["en", "de", "fr"])), int(size), rng))
        else:
            prosaic = prose("en", length, rng)
            coded = code(length, rng)
            texts.append(
                (prosaic, coded, f"# Notes\n\n- {prosaic}\n\n## More\n\n{prosaic}")[service]
            )
    chance = np.where(np.arange(3) == right[:, None], 0.9, 0.33)
    scores = (rng.random((n, 3)) < chance).astype(np.float64)
    # others are given the same ones
    scores.flags.writeable = False
    return item_inputs(texts), scores
