"""A linear model of content types over the words and marks at the start of a text.

Its features are words, marks, what lines start and end with, and pairs of neighbours. Its
weights are data, fitted by ``python -m benchmarks fit_content_type_evidence``: see there for
what they were fitted on.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Final

from orchestration_assets.text.document_frequencies import term_weights

LEXED_CHARS: Final = 6144
WEIGHT_SCALE: Final = 10
"""Weights are stored as integers, this many to one."""

_TOKEN = re.compile(r"[A-Za-z_]\w*|\d+|[^\w\s]{1,3}|\n\s*")
_MAX_WORD: Final = 24
# letters and marks stand everywhere, and what is shown must stay short
_TOLD: Final = re.compile(r"\^?[A-Za-z_]\w{2,11}\$?")


@dataclass(frozen=True, slots=True)
class LexicalEvidence:
    """The output of the model for one text.

    ``logits`` has one value for each label of the model; ``known`` is the number of different
    features that the model has weights for, ``features`` are these with their values.
    """

    logits: Mapping[str, float]
    known: int
    features: Mapping[str, float] = field(default_factory=dict)

    def telling_words(self, label: str, rival: str) -> list[str]:
        """Words of the text that speak most for a label against another, the strongest first.

        What any document may have, such as *the* or *License*, counts as far as it is rare. None
        where the model has no such labels.
        """
        labels = fitted_model()["labels"]
        if label not in labels or rival not in labels or not self.features:
            return []
        rows, weights, _ = _weights()
        own = [rows[feature] for feature in self.features]
        margin = weights[own, labels.index(label)] - weights[own, labels.index(rival)]
        strength = zip(self.features.items(), margin.tolist(), strict=True)
        told: dict[str, float] = {}
        for (feature, value), lead in strength:
            if lead > 0.0 and _TOLD.fullmatch(feature):
                word = feature.strip("^$")
                (rarity,) = term_weights({word.lower(): 1}).values()
                told[word] = max(told.get(word, 0.0), value * lead * rarity)
        return sorted(told, key=lambda word: (-told[word], word))


def features_of(text: str) -> dict[str, int]:
    """Feature -> how often it occurs in the first characters of ``text``.

    A word or mark is itself; after "^" it starts a line, before "$" it ends one; two with a
    space between are neighbours on one line. Numbers are "0".
    """
    counts: dict[str, int] = {}
    get = counts.get
    previous = ""
    for token in _TOKEN.findall("\n" + text[:LEXED_CHARS]):
        if token[0] == "\n":
            if previous:
                key = previous + "$"
                counts[key] = get(key, 0) + 1
            previous = ""
            continue
        word = "0" if token[0].isdigit() else token[:_MAX_WORD]
        counts[word] = get(word, 0) + 1
        key = f"{previous} {word}" if previous else "^" + word
        counts[key] = get(key, 0) + 1
        previous = word
    return counts


@cache
def fitted_model() -> Mapping[str, Any]:
    """The packaged data, as the fit wrote it."""
    path = files("orchestration_assets.services.content_type").joinpath(
        "content_type_evidence.json"
    )
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return data


@cache
def _weights() -> tuple[dict[str, int], Any, Any]:
    import numpy as np

    data = fitted_model()
    rows: dict[str, int] = {}
    weights = np.zeros((len(data["weights"]), len(data["labels"])), dtype=np.float32)
    for row, (feature, pairs) in enumerate(data["weights"].items()):
        rows[feature] = row
        weights[row, pairs[::2]] = pairs[1::2]
    return rows, weights / WEIGHT_SCALE, np.asarray(data["intercepts"], dtype=np.float32)


def lexical_evidence(text: str) -> LexicalEvidence:
    """The model's logits for the start of ``text``."""
    import numpy as np

    rows, weights, intercepts = _weights()
    known = {key: n for key, n in features_of(text).items() if key in rows}
    logits, values = intercepts, np.empty(0, dtype=np.float32)
    if known:
        # Repetition counts, but less and less; length does not.
        values = np.array([1.0 + math.log(n) for n in known.values()], dtype=np.float32)
        values /= np.sqrt(values @ values)
        logits = intercepts + values @ weights[[rows[key] for key in known]]
    return LexicalEvidence(
        dict(zip(fitted_model()["labels"], logits.tolist(), strict=True)),
        len(known),
        dict(zip(known, values.tolist(), strict=True)),
    )
