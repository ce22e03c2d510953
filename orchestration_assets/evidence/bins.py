"""Confidences as bins: what services say of themselves has an order, but no common scale."""

from dataclasses import dataclass

import numpy as np

from orchestration_assets.evidence.recorded_answers import Floats, Ints


@dataclass(frozen=True)
class Bins:
    """Quantile bins of each service's confidence.

    ``edges`` (K, B-1) ascending, padded with infinity where ties leave fewer bins. A confidence
    falls into bin ``b`` when ``b`` edges are at or below it; an unstated one into bin ``B``.
    """

    edges: Floats

    @property
    def n_bins(self) -> int:
        """``B`` + 1: the bins of stated confidences and the one of unstated ones."""
        return int(self.edges.shape[1]) + 2

    def of(self, confidences: Floats) -> Ints:
        """(n, K) bin codes in [0, B] of confidences (n, K)."""
        found = np.empty(confidences.shape, dtype=np.int64)
        for service, edges in enumerate(self.edges):
            found[:, service] = np.searchsorted(edges, confidences[:, service], side="right")
        found[np.isnan(confidences)] = self.edges.shape[1] + 1
        return found


def fit_bins(confidences: Floats, n_bins: int) -> Bins:
    """Bins of about equal size for each service, from confidences (n, K); NaN is left out.

    Equal confidences are never parted, so a service that says only few values gets few bins.
    """
    edges = np.full((confidences.shape[1], n_bins - 1), np.inf)
    shares = np.arange(1, n_bins) / n_bins
    for service in range(confidences.shape[1]):
        stated = confidences[:, service]
        stated = stated[~np.isnan(stated)]
        if stated.size:
            cuts = np.unique(np.quantile(stated, shares, method="higher"))
            cuts = cuts[cuts > stated.min()]
            edges[service, : len(cuts)] = cuts
    return Bins(edges)


def bins_for(n_gold: int) -> int:
    """How many bins that many gold labels can fill: 2 at 100, 4 at 500, 6 at 2,000, then 10."""
    steps = ((250, 2), (1_000, 4), (4_000, 6))
    return next((bins for below, bins in steps if n_gold < below), 10)
