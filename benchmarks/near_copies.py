"""Near-copies and neighbours: what is found beside comparing everything, and what it takes."""

import argparse
import random
import sysconfig
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._output import table, write_json
from orchestration_assets.features.near_copies import near_copies
from orchestration_assets.features.neighbours import nearest_earlier
from orchestration_assets.features.sketches import minhash, sketch_matrix, word_runs
from orchestration_assets.features.vectors import hashed_words
from orchestration_assets.policy.load import load_policy
from orchestration_assets.schemas.policy import Features
from resources.content_source import open_source

SHARES = (0.0, 0.01, 0.03, 0.1, 0.3, 0.6)
WINDOW = 10_000


def main(arguments: Sequence[str]) -> int:
    """``[SOURCE] [--items N] [--json FILE]``; SOURCE is the standard library unless given."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks near_copies", description=__doc__)
    parser.add_argument("source", nargs="?", default=sysconfig.get_path("stdlib"))
    parser.add_argument("--items", type=int, default=600)
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(arguments)
    figures = measure(texts_of(given.source, given.items))
    print(_show(figures))
    write_json(given.json, figures)
    return 0


def texts_of(source: str, most: int) -> list[str]:
    """Texts of the source from 500 to 50,000 bytes, evenly spread over its paths."""
    content = load_policy().policy.content
    opened = open_source(source, content.include, content.exclude)
    entries = [
        entry
        for entry in opened.list(datetime.now(UTC)).rows()
        if entry.problem is None and 500 <= entry.size_bytes <= 50_000
    ]
    texts = []
    for entry in entries[:: max(len(entries) // most, 1)][:most]:
        try:
            texts.append(opened.read(entry.address, content.max_bytes).data.decode())
        except UnicodeDecodeError:
            continue
    return texts


def _edited(text: str, share: float, rng: random.Random) -> str:
    lines = text.splitlines()
    for n in rng.sample(range(len(lines)), round(share * len(lines))):
        lines[n] = f"another line {rng.randrange(10**9)} stands here now"
    return "\n".join(lines)


def measure(texts: Sequence[str]) -> dict[str, Any]:
    """Each text with edited copies of itself; what is linked, by the true share in common."""
    rng = random.Random(1)
    copies = [_edited(text, share, rng) for text in texts for share in SHARES]
    hashed_words(copies[:1])  # loads what both need
    minhash(copies[0])
    vectors, vector_s = _timed(lambda: hashed_words(copies))
    sketches, sketch_s = _timed(lambda: [minhash(text) for text in copies])
    known = [n for n, one in enumerate(sketches) if one is not None]
    names = [f"{n:06d}" for n in known]
    matrix = sketch_matrix([one for one in sketches if one is not None])
    at = Features().near_duplicate_at
    nothing = sketch_matrix([])
    linked, group_s = _timed(lambda: near_copies(names, names, matrix, [], nothing, at))
    window = np.concatenate([vectors] * (WINDOW // len(vectors) + 1))[:WINDOW]
    earlier = [f"e{n}" for n in range(WINDOW)]
    ids = [str(n) for n in range(len(vectors))]
    _, near_s = _timed(
        lambda: nearest_earlier(vectors, ids, window, earlier, Features().neighbours)
    )
    runs = [frozenset(word_runs(copies[n])) for n in known]
    bins: dict[str, list[int]] = {}
    wrong = 0
    for n, copy in enumerate(linked):
        first = known[n] // len(SHARES) * len(SHARES)
        if known[n] != first and first in known:
            original = known.index(first)
            true = len(runs[n] & runs[original]) / len(runs[n] | runs[original])
            label = next(words for least, words in _BINS if true >= least)
            bins.setdefault(label, []).append(int(copy.row != n))
        if copy.row != n:
            wrong += len(runs[n] & runs[copy.row]) / len(runs[n] | runs[copy.row]) < at - 0.15
    items = len(copies)
    return {
        "items": items,
        "linked_by_true_share": {
            words: {"pairs": len(bins[words]), "linked": sum(bins[words]) / len(bins[words])}
            for _, words in _BINS
            if words in bins
        },
        "links_far_below_the_threshold": wrong,
        "threshold": at,
        "ms_per_item": {
            "vector": vector_s / items * 1000,
            "sketch": sketch_s / items * 1000,
            "near-copies": group_s / items * 1000,
            f"neighbours among {WINDOW:,}": near_s / items * 1000,
        },
    }


_BINS = ((0.9, "0.9 to 1"), (0.8, "0.8 to 0.9"), (0.7, "0.7 to 0.8"), (0.0, "below 0.7"))


def _timed(function: Callable[[], Any]) -> tuple[Any, float]:
    began = time.perf_counter()
    result = function()
    return result, time.perf_counter() - began


def _show(figures: dict[str, Any]) -> str:
    shares = [
        (words, one["pairs"], one["linked"])
        for words, one in figures["linked_by_true_share"].items()
    ]
    title = (
        f"{figures['items']:,} texts; copies linked (threshold {figures['threshold']}) by the true "
        f"share of word runs in common with the original; "
        f"{figures['links_far_below_the_threshold']} links more than .15 below the threshold"
    )
    clocks = list(figures["ms_per_item"].items())
    return "\n".join(
        [
            table(title, ("true share", "copies", "linked"), shares),
            table("What it takes", ("step", "ms an item"), clocks),
        ]
    )
