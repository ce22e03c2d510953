"""Seconds that learning selection takes, on generated outcomes of services with texts.

Short questions of several topics are generated, whose words tell the topic and the difficulty;
each service is good at some topics and has a price, half of the wrong answers to a question are the
same. What is measured is what the asset ``selection_model`` fits for one task: the predictor of
scores, and the policy of steps for money and for time; each by CPU time, in one thread where
OMP_NUM_THREADS is 1.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks._output import table, write_json
from benchmarks._recorded_texts import item_inputs
from orchestration_assets.evidence.recorded_answers import Floats, RecordedAnswers
from orchestration_assets.selection.item_prices import fit_item_prices, item_tokens
from orchestration_assets.selection.known_items import KnownItems, fit_expectations
from orchestration_assets.selection.training import fit_trained_selector

_LABELS: Final = tuple("ABCDEFGHIJ")
_TOPICS, _WORDS_A_TOPIC, _COMMON_WORDS = 14, 120, 600


def main(arguments: Sequence[str]) -> int:
    """``[--items N] [--services K] [--seed S] [--json FILE]``"""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks selection_training", description=__doc__
    )
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--services", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(arguments)
    if given.items < 100 or given.services < 2:
        parser.error("--items must be at least 100 and --services at least 2")
    recorded, texts = generated(given.items, given.services, given.seed)
    figures = measure(recorded, texts)
    header = ("items", "services", "predictor s", "step policy s", "together s", "families")
    rows = [(recorded.n_items, recorded.n_services, *figures.values())]
    print(table("CPU time of learning selection", header, rows))
    write_json(given.json, figures)
    return 0


def measure(recorded: RecordedAnswers, texts: Sequence[str]) -> dict[str, float | str]:
    """CPU seconds of the predictor, of the step policy, and of both."""
    inputs = item_inputs(texts)
    items = KnownItems(inputs, np.ones(len(texts), np.bool_))
    tokens = item_tokens(inputs)
    item_usd = fit_item_prices(recorded.costs, tokens, recorded.weights)(tokens)
    began = time.process_time()
    fitted = fit_expectations(recorded, items)
    predicted = time.process_time()
    assert fitted is not None
    selector, _ = fit_trained_selector(recorded, expected=fitted.out_of_fold, item_usd=item_usd)
    ended = time.process_time()
    return {
        "predictor_s": predicted - began,
        "steps_s": ended - predicted,
        "together_s": ended - began,
        "families": " ".join(sorted({point.family for point in selector.points})),
    }


def generated(n_items: int, n_services: int, seed: int) -> tuple[RecordedAnswers, list[str]]:
    """Outcomes of generated questions, and their texts."""
    rng = np.random.default_rng(seed)
    topics = rng.integers(0, _TOPICS, n_items)
    difficulty = rng.normal(0.0, 1.0, n_items)
    lengths = np.clip(20 + 12 * difficulty + rng.normal(0, 6, n_items), 6, 80).astype(int)
    texts = [
        _question(rng, int(topic), int(length))
        for topic, length in zip(topics, lengths, strict=True)
    ]
    strength = np.linspace(-0.4, 1.4, n_services)
    skill = strength[None, :] + rng.normal(0.0, 0.8, (_TOPICS, n_services))
    chance = 1.0 / (1.0 + np.exp(-(skill[topics] - difficulty[:, None])))
    right = rng.random(chance.shape) < chance
    gold = rng.integers(0, len(_LABELS), n_items)
    lure = (gold + rng.integers(1, len(_LABELS), n_items)) % len(_LABELS)
    other = (gold[:, None] + rng.integers(1, len(_LABELS), chance.shape)) % len(_LABELS)
    wrong = np.where(rng.random(chance.shape) < 0.5, lure[:, None], other)
    prices = np.geomspace(1e-5, 1e-3, n_services)
    milliseconds = np.geomspace(200.0, 2_000.0, n_services)
    return RecordedAnswers(
        "generated",
        tuple(f"service {k + 1}" for k in range(n_services)),
        _LABELS,
        tuple(f"item {number}" for number in range(n_items)),
        np.where(right, gold[:, None], wrong),
        np.full(chance.shape, np.nan),
        np.ones(chance.shape, dtype=np.bool_),
        gold,
        _costs(prices, lengths),
        np.tile(milliseconds, (n_items, 1)),
    ), texts


def _costs(prices: Floats, lengths: Floats) -> Floats:
    costs: Floats = prices[None, :] * (0.5 + lengths[:, None] / 40.0)
    return costs


def _question(rng: np.random.Generator, topic: int, length: int) -> str:
    """Words of a topic among common ones."""
    own = rng.random(length) < 0.3
    words = [
        f"t{topic}w{number % _WORDS_A_TOPIC}x" if special else f"common{number}"
        for special, number in zip(own, rng.zipf(1.4, length) % _COMMON_WORDS, strict=True)
    ]
    return f"{' '.join(words).capitalize()}?"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
