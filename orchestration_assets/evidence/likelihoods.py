"""Likelihoods of answers and confidence bins given the true label, shrunk for few labels.

Confusion matrices (Dawid and Skene 1979) are shrunk towards simpler ones, so that a pair of truth
and answer that was never seen is not held to be impossible. The truth is gold (one-hot rows), a
posterior (a distribution a row), or unknown (rows of zeros).
"""

from dataclasses import dataclass

import numpy as np

from orchestration_assets.evidence.recorded_answers import MISSING, Floats, Ints

_WRONG, _RIGHT = 0, 1
_UNIFORM_COUNTS = 1.0


def fit_log_prior(truth: Floats, strength: float = 1.0) -> Floats:
    """(L,) log share of each label in truth (n, L), with ``strength`` pseudo-counts a label."""
    counts = truth.sum(axis=0) + strength
    prior: Floats = np.log(counts / counts.sum())
    return prior


def answer_likelihoods(answers: Ints, truth: Floats, strength: float | None = None) -> Floats:
    """(K, L, L) table of log P(service k answers a | truth c) at [k, c, a].

    From answers (n, K) and truth (n, L):
    log[(n_k(c, a) + s m_k(c, a)) / (n_k(c) + s)], shrunk towards a one-coin service m_k that is
    right with its overall accuracy, and whose wrong answers follow its marginal; ``s`` is 2 sqrt(L)
    unless ``strength`` is given. A missing answer is left out.
    """
    n_labels = truth.shape[1]
    pseudo = 2.0 * np.sqrt(n_labels) if strength is None else strength
    tables = np.empty((answers.shape[1], n_labels, n_labels))
    for service in range(answers.shape[1]):
        answered = np.flatnonzero(answers[:, service] != MISSING)
        labels = answers[answered, service]
        counts: Floats = np.zeros((n_labels, n_labels))
        for label in range(n_labels):
            counts[label] = np.bincount(labels, weights=truth[answered, label], minlength=n_labels)
        marginal = np.bincount(labels, minlength=n_labels).astype(np.float64) + _UNIFORM_COUNTS
        target = _one_coin(counts, marginal)
        tables[service] = (counts + pseudo * target) / (counts.sum(axis=1, keepdims=True) + pseudo)
    logs: Floats = np.log(tables)
    return logs


def _one_coin(counts: Floats, marginal: Floats) -> Floats:
    """(L, L) rows: right with the overall accuracy, else in proportion to the marginal."""
    n_labels = len(counts)
    if n_labels == 1:
        return np.ones((1, 1))
    # one pseudo-count a side: a service that was never wrong yet may still be
    accuracy = (np.trace(counts) + 1.0) / (counts.sum() + 2.0)
    wrong_shares = np.broadcast_to(marginal, (n_labels, n_labels)).copy()
    np.fill_diagonal(wrong_shares, 0.0)
    target: Floats = (1.0 - accuracy) * wrong_shares / wrong_shares.sum(axis=1, keepdims=True)
    np.fill_diagonal(target, accuracy)
    return target


def bin_likelihoods(
    answers: Ints, bins: Ints, truth: Floats, n_bins: int, pseudo_per_bin: float = 4.0
) -> Floats:
    """(K, L, B, 2) table of log P(confidence bin b | answer a, wrong or right).

    From answers and bins (n, K), both of labelled and unlabelled items, and truth (n, L). The
    counts are shrunk, with ``pseudo_per_bin`` pseudo-counts a bin, towards the table that needs no
    labels, P(b | a), which itself is shrunk towards P(b).
    """
    n_labels = truth.shape[1]
    known = truth.sum(axis=1)
    tables = np.empty((answers.shape[1], n_labels, n_bins, 2))
    for service in range(answers.shape[1]):
        answered = np.flatnonzero(answers[:, service] != MISSING)
        labels = answers[answered, service]
        cell = labels * n_bins + bins[answered, service]
        shape = (n_labels, n_bins)
        size = n_labels * n_bins
        cell_counts = np.bincount(cell, minlength=size).reshape(shape).astype(np.float64)
        marginal = (cell_counts.sum(axis=0) + _UNIFORM_COUNTS) / (
            cell_counts.sum() + n_bins * _UNIFORM_COUNTS
        )
        pseudo = pseudo_per_bin * n_bins
        unlabelled = (cell_counts + pseudo * marginal) / (
            cell_counts.sum(axis=1, keepdims=True) + pseudo
        )
        weight = truth[answered, labels]
        right = np.bincount(cell, weights=weight, minlength=size).reshape(shape)
        wrong = np.bincount(cell, weights=known[answered] - weight, minlength=size).reshape(shape)
        for side, counts in ((_WRONG, wrong), (_RIGHT, right)):
            total = counts.sum(axis=1, keepdims=True)
            tables[service, :, :, side] = (counts + pseudo * unlabelled) / (total + pseudo)
    logs: Floats = np.log(tables)
    return logs


def answer_scores(answers: Ints, likelihoods: Floats) -> Floats:
    """(n, K, L) log P(what service k answered | truth c); zeros where it gave no answer."""
    n_items, n_services = answers.shape
    scores = np.zeros((n_items, n_services, likelihoods.shape[1]))
    for service in range(n_services):
        answered = np.flatnonzero(answers[:, service] != MISSING)
        scores[answered, service] = likelihoods[service].T[answers[answered, service]]
    return scores


def bin_scores(answers: Ints, bins: Ints, likelihoods: Floats) -> Floats:
    """(n, K, L) log-ratio of the bin, right against wrong, at the answered label; else zero."""
    n_items, n_services = answers.shape
    scores = np.zeros((n_items, n_services, likelihoods.shape[1]))
    for service in range(n_services):
        answered = np.flatnonzero(answers[:, service] != MISSING)
        labels = answers[answered, service]
        log_likelihoods = likelihoods[service, labels, bins[answered, service]]
        scores[answered, service, labels] = log_likelihoods[:, _RIGHT] - log_likelihoods[:, _WRONG]
    return scores


@dataclass(frozen=True)
class LikelihoodTables:
    """The fitted tables of one task: ``prior`` (L,), ``answers`` (K, L, L), ``bins`` (K, L, B, 2),
    all logarithms."""

    prior: Floats
    answers: Floats
    bins: Floats

    def scores(self, answers: Ints, bins: Ints) -> tuple[Floats, Floats]:
        """(n, K, L) scores of the answers and (n, K, L) of their confidence bins."""
        return answer_scores(answers, self.answers), bin_scores(answers, bins, self.bins)


def fit_likelihoods(
    answers: Ints, bins: Ints, truth: Floats, n_bins: int, pseudo_per_bin: float = 4.0
) -> LikelihoodTables:
    """All tables of one task, from answers and bins (n, K) and truth (n, L)."""
    return LikelihoodTables(
        fit_log_prior(truth[truth.sum(axis=1) > 0.0]),
        answer_likelihoods(answers, truth),
        bin_likelihoods(answers, bins, truth, n_bins, pseudo_per_bin),
    )
