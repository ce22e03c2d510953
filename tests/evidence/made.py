"""Recorded services made for tests: known accuracies, confidences that mean something."""

import numpy as np

from orchestration_assets.evidence.logistic import sigmoid
from orchestration_assets.evidence.recorded_answers import RecordedAnswers


def made(
    n_items: int = 2_000,
    accuracies: tuple[float, ...] = (0.75, 0.85, 0.9),
    prices: tuple[float, ...] = (0.0001, 0.001, 0.01),
    n_labels: int = 3,
    seed: int = 0,
) -> RecordedAnswers:
    """Independent services; each is surer where it is right, and some items are hard for all."""
    # a stream of its own: folds drawn from the same seed must know nothing of the gold
    rng = np.random.default_rng([77, seed])
    n_services = len(accuracies)
    gold = rng.integers(0, n_labels, n_items)
    hard = rng.normal(0.0, 1.0, n_items)
    odds = np.log(np.array(accuracies) / (1 - np.array(accuracies))) * 1.3 - hard[:, None]
    right = rng.random((n_items, n_services)) < sigmoid(odds)
    wrong = (gold[:, None] + rng.integers(1, n_labels, right.shape)) % n_labels
    confidences = sigmoid(np.where(right, 1.5, 0.0) + rng.normal(0.0, 1.0, right.shape))
    shape = right.shape
    return RecordedAnswers(
        name="made",
        services=tuple(f"s{k}" for k in range(n_services)),
        labels=tuple("abcdefgh"[:n_labels]),
        items=tuple(f"{number:05d}" for number in range(n_items)),
        answers=np.where(right, gold[:, None], wrong),
        confidences=confidences,
        asked=np.ones(shape, dtype=np.bool_),
        gold=gold,
        costs=np.tile(prices, (n_items, 1)),
        milliseconds=np.tile([1.0, 5.0, 50.0, 100.0][:n_services], (n_items, 1)),
    )
