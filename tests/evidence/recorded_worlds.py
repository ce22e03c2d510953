"""Worlds in which it is known who is right: services with known accuracies, one seed each."""

import numpy as np

from orchestration_assets.evidence.recorded_answers import Floats, Ints


def world(
    accuracies: tuple[float, ...], n_items: int = 3000, n_labels: int = 4, seed: int = 0
) -> tuple[Ints, Floats, Ints]:
    """answers (n, K), confidences (n, K) that are higher where right, and gold (n,)."""
    rng = np.random.default_rng(seed)
    gold = rng.integers(0, n_labels, n_items)
    answers = np.empty((n_items, len(accuracies)), dtype=np.int64)
    confidences = np.empty(answers.shape)
    for k, accuracy in enumerate(accuracies):
        right = rng.random(n_items) < accuracy
        other = (gold + rng.integers(1, n_labels, n_items)) % n_labels
        answers[:, k] = np.where(right, gold, other)
        confidences[:, k] = np.clip(rng.normal(np.where(right, 0.75, 0.55), 0.15), 0.0, 1.0)
    return answers, confidences, gold
