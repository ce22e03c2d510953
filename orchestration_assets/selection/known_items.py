"""Items of training with what was known of them before any call, and what that lets expect."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from orchestration_assets.evidence.item_inputs import ItemInputs
from orchestration_assets.evidence.recorded_answers import Bools, Floats, Ints, RecordedAnswers
from orchestration_assets.evidence.success.fitting import fit_success
from orchestration_assets.evidence.success.predictor import SuccessPredictor

_LEAST_DESCRIBED: Final = 50  # items with profiles and vectors, to learn what these tell


@dataclass(frozen=True)
class KnownItems:
    """``inputs`` (n items) before any call; ``described`` (n,): of which of them there are any."""

    inputs: ItemInputs
    described: Bools

    def take(self, rows: Ints | Bools | slice) -> "KnownItems":
        """The items at ``rows`` (positions, a mask or a slice), in that order."""
        return KnownItems(self.inputs.take(rows), self.described[rows])


@dataclass(frozen=True)
class FittedExpectations:
    """A ``predictor``, and what it expects (n, K) of each item as one that it has not seen; of
    items of which nothing is known, the ``overall`` (K,) scores."""

    predictor: SuccessPredictor
    out_of_fold: Floats
    overall: Floats

    def of(self, items: KnownItems) -> Floats:
        """(n, K) what is expected of other items."""
        return expected_on(items, self.predictor, self.overall)


def expected_on(items: KnownItems, predictor: SuccessPredictor, overall: Floats) -> Floats:
    """(n, K) expected scores in [0, 1]; the ``overall`` ones (K,) where nothing is known."""
    expected = np.tile(overall, (len(items.described), 1))
    if items.described.any():
        known = items.inputs.take(items.described)
        expected[items.described] = predictor.expected_scores(known)
    return expected


def fit_expectations(train: RecordedAnswers, items: KnownItems | None) -> FittedExpectations | None:
    """What the items of ``train`` let expect; None where too little is known of them."""
    if items is None or items.described.sum() < _LEAST_DESCRIBED:
        return None
    known = items.described
    part = train.take(known)
    predictor, out_of_fold = fit_success(
        items.inputs.take(known), part.scores, part.weights, train.services
    )
    overall: Floats = train.mean(train.scores)
    expected = np.tile(overall, (train.n_items, 1))
    expected[known] = out_of_fold
    return FittedExpectations(predictor, expected, overall)
