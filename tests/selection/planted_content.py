"""Texts of several kinds, languages and lengths, and services that are right on some of them."""

from collections.abc import Sequence
from functools import cache

import numpy as np
import pyarrow as pa

from orchestration_assets.evidence.recorded_answers import MISSING, Bools, Floats, RecordedAnswers
from orchestration_assets.profiling.profiler import profile
from orchestration_assets.schemas.features import FEATURES
from orchestration_assets.schemas.tables import CONTENT_PROFILES

SENTENCES = {
    "en": (
        "The committee will meet again in the autumn, and nobody knows what it is going to decide.",
        "She had walked to the station before the rain began.",
        "It is not clear whether the new bridge can carry so much traffic.",
        "Most of the houses in this street were built by the same family.",
        "Why would anyone leave such a good job for a farm in the hills?",
    ),
    "de": (
        "Der Ausschuss wird im Herbst wieder tagen, und niemand weiß, was er beschließen wird.",
        "Sie war zum Bahnhof gegangen, bevor der Regen begann.",
        "Es ist nicht klar, ob die neue Brücke so viel Verkehr tragen kann.",
        "Die meisten Häuser in dieser Straße wurden von derselben Familie gebaut.",
        "Warum sollte jemand eine so gute Stelle für einen Hof in den Bergen aufgeben?",
    ),
    "zh": (
        "委员会将在秋天再次开会,没有人知道它会作出什么决定。",
        "下雨之前她已经走到了车站。",
        "新桥能否承受这么多的交通还不清楚。",
        "这条街上的大部分房子都是同一个家庭建造的。",
        "为什么有人会为了山里的农场放弃这么好的工作?",
    ),
    "code": (
        "def total(rows):\n    return sum(row.amount for row in rows if row.paid)\n",
        "import json\n\nwith open(path) as file:\n    settings = json.load(file)\n",
        "class Queue:\n    def __init__(self):\n        self.items = []\n",
        "for name, value in sorted(counts.items()):\n    print(name, value)\n",
        "try:\n    connect(host, port=8080)\nexcept OSError as error:\n    log(error)\n",
    ),
}


@cache
def planted_profiles(kinds: tuple[str, ...], n: int, seed: int) -> tuple[pa.Table, Bools, Floats]:
    """Profiles of ``n`` texts; their kinds (n, kinds) one-hot; how many pieces each has (n,), from
    1 to 40."""
    rng = np.random.default_rng(seed)
    of = rng.integers(0, len(kinds), n)
    pieces = np.round(np.exp(rng.uniform(0.0, np.log(40.0), n)))
    texts = [_text(kinds[kind], int(count), rng) for kind, count in zip(of, pieces, strict=True)]
    fields = [CONTENT_PROFILES.schema.field(feature.name) for feature in FEATURES]
    rows = [profile("item", text, size_bytes=len(text.encode())).features for text in texts]
    table = pa.Table.from_pylist(rows, schema=pa.schema(fields))
    return table, np.eye(len(kinds), dtype=np.bool_)[of], pieces


def _text(kind: str, count: int, rng: np.random.Generator) -> str:
    chosen = [SENTENCES[kind][place] for place in rng.integers(0, 5, count)]
    return ("\n" if kind == "code" or rng.random() < 0.5 else " ").join(chosen)


def planted_answers(
    chances: Floats, seed: int, prices: Sequence[float] | None = None
) -> RecordedAnswers:
    """Answers of services that are right about each item by chances (n, K)."""
    rng = np.random.default_rng(seed)
    scores = (rng.random(chances.shape) < chances).astype(np.float64)
    return scored(scores, prices)


def scored(scores: Floats, prices: Sequence[float] | None = None) -> RecordedAnswers:
    """Recorded answers in free text of which only scores (n, K) are known."""
    n, k = scores.shape
    return RecordedAnswers(
        name="planted",
        services=tuple(f"s{number}" for number in range(k)),
        labels=("free text",),
        items=tuple(f"i{number}" for number in range(n)),
        answers=np.full((n, k), MISSING),
        confidences=np.full((n, k), np.nan),
        asked=np.ones((n, k), dtype=np.bool_),
        gold=np.full(n, MISSING),
        costs=np.tile(prices if prices is not None else np.ones(k), (n, 1)),
        milliseconds=np.full((n, k), np.nan),
        correct=scores,
    )
