"""Confidences as quantile bins: stated confidences have an order, but no common scale."""

from dataclasses import dataclass

import numpy as np

from orchestration_assets.evidence.recorded_answers import Floats, Ints


@dataclass(frozen=True)
class ConfidenceBins:
    """Quantile bins of each service's confidence.

    ``edges`` (K, B-1) ascending, padded with infinity where ties leave fewer bins. A confidence
    falls into bin ``b`` when ``b`` edges are at or below it; an unstated one into bin ``B``.
    """

    edges: Floats

    @property
    def n_bins(self) -> int:
        """``B`` + 1: the bins of stated confidences and the one of unstated ones."""
        return int(self.edges.shape[1]) + 2

    def codes(self, confidences: Floats) -> Ints:
        """(n, K) bin codes in [0, B] of confidences (n, K)."""
        codes = np.empty(confidences.shape, dtype=np.int64)
        for service, edges in enumerate(self.edges):
            codes[:, service] = np.searchsorted(edges, confidences[:, service], side="right")
        codes[np.isnan(confidences)] = self.edges.shape[1] + 1
        return codes


def fit_bins(confidences: Floats, n_bins: int) -> ConfidenceBins:
    """Bins of about equal size for each service, from confidences (n, K); NaN is left out.

    Equal confidences share a bin, so a service that states only few values gets few bins.
    """
    edges = np.full((confidences.shape[1], n_bins - 1), np.inf)
    shares = np.arange(1, n_bins) / n_bins
    for service in range(confidences.shape[1]):
        stated = confidences[:, service]
        stated = stated[~np.isnan(stated)]
        if stated.size:
            values = np.unique(stated)
            if len(values) > n_bins:
                values = np.unique(np.quantile(stated, shares, method="higher"))
            cuts = values[values > stated.min()]
            edges[service, : len(cuts)] = cuts
    return ConfidenceBins(edges)


def bin_count_for(n_labelled: int) -> int:
    """The number of bins that so many gold labels can fill: 2 at 100, 4 at 500, 6 at 2,000, 10
    from 4,000 on."""
    steps = ((250, 2), (1_000, 4), (4_000, 6))
    return next((bins for below, bins in steps if n_labelled < below), 10)
