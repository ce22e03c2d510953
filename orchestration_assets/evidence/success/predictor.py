"""Expected scores of services on items before any call, and how familiar the items are."""

from dataclasses import dataclass

import numpy as np

from orchestration_assets.evidence.item_inputs import ItemInputs
from orchestration_assets.evidence.recorded_answers import Floats
from orchestration_assets.evidence.success.alike_items import AlikeItems
from orchestration_assets.evidence.success.blend import Blend
from orchestration_assets.evidence.success.familiarity import Familiarity
from orchestration_assets.evidence.success.item_space import ItemSpace
from orchestration_assets.evidence.success.linear_scores import linear_scores
from orchestration_assets.evidence.success.tree_scores import TreeScores


@dataclass(frozen=True)
class SuccessPredictor:
    """``K`` services, as learned from outcomes of earlier items; arrays and facts only.

    ``trees`` read where an item lies in ``space``; ``later_trees`` also what those expect;
    ``alike`` are the items of which the first expect the same. Their mean is blended with a
    linear estimate by ``slopes`` (F + 1, K), and both are weighed against the services' overall
    scores.
    """

    services: tuple[str, ...]
    space: ItemSpace
    trees: TreeScores
    later_trees: TreeScores
    alike: AlikeItems
    slopes: Floats
    blend: Blend
    known: Familiarity

    def expected_scores(self, items: ItemInputs) -> Floats:
        """(n, K) the score in [0, 1] that each service is expected to get, calibrated."""
        rows = np.hstack([self.space.shape(items), self.space.topics(items)])
        first = self.trees(rows)
        later = self.later_trees(np.hstack([rows, first]))
        return self.blend(
            (first + later + self.alike(first)) / 3.0, linear_scores(rows, self.slopes)
        )

    def familiarity(self, items: ItemInputs) -> Floats:
        """(n,) in [0, 1], how near the items are to those learned from: the share of those that
        are at most as near to the others. Of items of the same kind 1 in 100 is below .01."""
        return self.known(self.space.shape(items), self.space.topics(items), items.terms)
