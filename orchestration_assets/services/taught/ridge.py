"""Kernel ridge regression on hashed terms, with the outputs that it would have without each item.

A linear model of many more features than items is the same as one of as many weights as there are
items (the representer theorem); its leave-one-out outputs follow in closed form from one inverse
(Rifkin and Lippert 2007), so that every item is held out once and nothing is fitted again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from orchestration_assets.services.taught.text_features import BUCKETS

Floats = NDArray[np.float64]

_PENALTIES: Final = (0.03, 0.1, 0.3)
_BLOCKS: Final = 2


@dataclass(frozen=True)
class RarityWeights:
    """How hashed terms become a row of length sqrt(2): each block has length 1.

    ``places`` (k,) are the places of known terms, ascending, ``rarity`` (k,) their factors,
    ``unknown`` the factor of every other term.
    """

    places: NDArray[np.int64]
    rarity: Floats
    unknown: float

    def weigh(self, terms: Any) -> Any:
        """The rows of ``terms`` (n, 2 * BUCKETS) with each block weighted and of length 1."""
        from scipy.sparse import csr_matrix

        _, factors = self.find(terms)
        data = terms.data * factors
        block = _BLOCKS * _rows_of(terms) + terms.indices // BUCKETS
        length = np.sqrt(np.bincount(block, data**2, minlength=_BLOCKS * terms.shape[0]))
        return csr_matrix((data / length[block], terms.indices, terms.indptr), terms.shape)

    def find(self, terms: Any) -> tuple[NDArray[np.int64], Floats]:
        """Of each stored value of ``terms``: its position among ``places``, and its factor.

        The position is that of the end, ``k``, for an unknown term.
        """
        near = np.minimum(np.searchsorted(self.places, terms.indices), len(self.places) - 1)
        known = self.places[near] == terms.indices
        position = np.where(known, near, len(self.places))
        return position, np.where(known, self.rarity[near], self.unknown)


@dataclass(frozen=True)
class RidgeModel:
    """``coefficients`` (k, m) of the known terms for each of ``m`` outputs, ``intercept`` (m,)."""

    weights: RarityWeights
    coefficients: Floats
    intercept: Floats

    def outputs(self, terms: Any) -> Floats:
        """(n, m) outputs for rows of hashed terms (n, 2 * BUCKETS)."""
        from scipy.sparse import csr_matrix

        position, _ = self.weights.find(terms)
        known = len(self.weights.places)
        rows = csr_matrix(
            (self.weights.weigh(terms).data, position, terms.indptr), (terms.shape[0], known + 1)
        )
        found: Floats = np.asarray(rows[:, :known] @ self.coefficients)
        return found + self.intercept


@dataclass(frozen=True)
class FittedRidge:
    """``held_out`` (n, m): what the model puts out for each item when it has not seen it."""

    model: RidgeModel
    held_out: Floats


def fit_ridge(
    terms: Any, targets: Floats, weightings: Sequence[RarityWeights] | None = None
) -> FittedRidge:
    """Fits targets (n, m) to hashed terms (n, 2 * BUCKETS).

    With the weights of terms (None: even ones, or higher ones for rare terms) and the penalty whose
    held-out outputs have the least squared error. Few items tell little about how rare a term is.
    """
    best: tuple[float, RarityWeights, Any, Floats, Floats] | None = None
    for weights in weightings or (_even(terms), _inverse_frequency(terms)):
        rows = weights.weigh(terms)
        # the constant feature is penalised as all others, so that held-out outputs are exact
        kernel = _kernel(rows) + 1.0
        for penalty in _PENALTIES:
            inverse = np.linalg.inv(kernel + penalty * np.eye(len(kernel)))
            dual = inverse @ targets
            held_out = targets - dual / np.diag(inverse)[:, None]
            error = float(np.mean((targets - held_out) ** 2))
            if best is None or error < best[0]:
                best = error, weights, rows, dual, held_out
    assert best is not None
    _, weights, rows, dual, held_out = best
    coefficients = np.asarray((rows[:, weights.places].T @ dual) / _BLOCKS)
    return FittedRidge(RidgeModel(weights, coefficients, dual.sum(axis=0)), held_out)


def _kernel(rows: Any) -> Floats:
    """(n, n) products of rows of length sqrt(2), halved. Terms of one item only make no product."""
    shared = np.flatnonzero(np.bincount(rows.indices, minlength=rows.shape[1]) > 1)
    common = rows[:, shared]
    kernel: Floats = np.asarray((common @ common.T).todense()) / _BLOCKS
    np.fill_diagonal(kernel, np.bincount(_rows_of(rows), rows.data**2, len(kernel)) / _BLOCKS)
    return kernel


def _rows_of(rows: Any) -> NDArray[np.int64]:
    """The row of each stored value."""
    return np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))


def _places(terms: Any) -> NDArray[np.int64]:
    return np.unique(terms.indices).astype(np.int64)


def _even(terms: Any) -> RarityWeights:
    places = _places(terms)
    return RarityWeights(places, np.ones(len(places)), 1.0)


def _inverse_frequency(terms: Any) -> RarityWeights:
    """ln((1 + n) / (1 + items with the term)) + 1, as TF-IDF has it."""
    places, items = np.unique(terms.indices, return_counts=True)
    size = terms.shape[0]
    return RarityWeights(
        places.astype(np.int64),
        np.log((1.0 + size) / (1.0 + items)) + 1.0,
        float(np.log(1.0 + size) + 1.0),
    )
