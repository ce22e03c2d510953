"""Expected scores of services on items before any call, and how familiar the items are."""

from dataclasses import dataclass

import numpy as np

from orchestration_assets.evidence.forest import Forest, forest_means
from orchestration_assets.evidence.item_inputs import Floats32, ItemInputs
from orchestration_assets.evidence.recorded_answers import Floats
from orchestration_assets.evidence.success.blend import Blend
from orchestration_assets.evidence.success.familiarity import Familiarity
from orchestration_assets.evidence.success.item_space import ItemSpace


@dataclass(frozen=True)
class SuccessPredictor:
    """``K`` services, as learned from outcomes of earlier items; arrays and facts only.

    ``leaf_means`` (N, K) are the mean scores at the leaves of ``forest``; ``slopes`` (F + 1, K)
    are those of a linear model, its constant last; ``blend`` weighs both against the services'
    overall scores.
    """

    services: tuple[str, ...]
    space: ItemSpace
    forest: Forest
    leaf_means: Floats32
    slopes: Floats
    blend: Blend
    known: Familiarity

    def expected_scores(self, items: ItemInputs) -> Floats:
        """(n, K) the score in [0, 1] that each service is expected to get, calibrated."""
        shape, topics = self.space.shape(items), self.space.topics(items)
        rows = np.hstack([shape, topics])
        return self.blend(
            [
                forest_means(self.forest.leaves(rows), self.leaf_means),
                rows @ self.slopes[:-1] + self.slopes[-1],
            ]
        )

    def familiarity(self, items: ItemInputs) -> Floats:
        """(n,) in [0, 1], how near the items are to those learned from: the share of those that
        are at most as near to the others. Of items of the same kind 1 in 100 is below .01."""
        return self.known(self.space.shape(items), self.space.topics(items), items.terms)
