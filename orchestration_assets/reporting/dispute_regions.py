"""Content on which services are in dispute more often than elsewhere."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from orchestration_assets.evidence.intervals import wilson
from orchestration_assets.reporting.dispute_causes import Features
from orchestration_assets.reporting.formatting import ENOUGH

_LEVEL: Final = 0.05


@dataclass(frozen=True, slots=True)
class Region:
    """Items of one task where a feature has one value: how many of them are disputed there, and
    elsewhere.

    ``low`` and ``high``: the 95 % interval (Wilson) of the share. ``p_value``: of one-sided
    Fisher's exact test against elsewhere, corrected for all regions that were tested (Holm 1979).
    """

    task: str
    feature: str
    value: str
    compared: int
    disputed: int
    compared_elsewhere: int
    disputed_elsewhere: int
    low: float
    high: float
    p_value: float

    @property
    def stands_out(self) -> bool:
        """Whether its interval lies above the share elsewhere, corrected for many comparisons."""
        return self.low > self.share_elsewhere and self.p_value < _LEVEL

    @property
    def share(self) -> float:
        """Disputed items as a share of those compared."""
        return self.disputed / self.compared

    @property
    def share_elsewhere(self) -> float:
        """The same over the items of the task where the feature has another value."""
        return self.disputed_elsewhere / self.compared_elsewhere


def regions(
    compared: Mapping[str, Sequence[str]],
    disputed: Collection[tuple[str, str]],
    features: Features,
) -> tuple[Region, ...]:
    """Every region that at least :data:`ENOUGH` items were compared in, and as many elsewhere;
    those that stand out first, then by their share.

    ``compared``: by task, the items that at least two services answered; ``disputed``: (item,
    task). A task is one question an item, so that the items of a region are independent.
    """
    found = [
        region
        for task, items in sorted(compared.items())
        for region in _of_task(task, items, disputed, features)
    ]
    corrected = holm([region.p_value for region in found])
    adjusted = (replace(one, p_value=p) for one, p in zip(found, corrected, strict=True))
    return tuple(
        sorted(
            adjusted,
            key=lambda one: (not one.stands_out, -one.share, one.task, one.feature, one.value),
        )
    )


def _of_task(
    task: str, items: Sequence[str], disputed: Collection[tuple[str, str]], features: Features
) -> list[Region]:
    counted: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    of_feature: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    for item in items:
        at_odds = (item, task) in disputed
        for name, value in features.get(item, {}).items():
            for count in (counted[name, value], of_feature[name]):
                count[0] += at_odds
                count[1] += 1
    found = []
    for (name, value), (part, whole) in sorted(counted.items()):
        rest, elsewhere = of_feature[name][0] - part, of_feature[name][1] - whole
        if min(whole, elsewhere) >= ENOUGH and part + rest:
            chance = exceedance(part, whole, rest, elsewhere)
            low, high = wilson(part, whole)
            found.append(Region(task, name, value, whole, part, elsewhere, rest, low, high, chance))
    return found


def exceedance(part: int, whole: int, rest: int, elsewhere: int) -> float:
    """The chance of at least ``part`` of ``whole`` when the share is that of both together
    (Fisher's exact test, one-sided)."""
    # the hypergeometric distribution, each value by its ratio to the one before;
    # scipy.stats, which has it too, takes a second and much memory to import
    marked, least = part + rest, max(0, part + rest - elsewhere)
    if part <= least:
        return 1.0
    count = np.arange(least, min(whole, marked))
    ratios = (whole - count) * (marked - count) / ((count + 1) * (elsewhere - marked + count + 1))
    logarithms = np.concatenate([[0.0], np.cumsum(np.log(ratios))])
    chances = np.exp(logarithms - logarithms.max())
    at_least = np.cumsum(chances[::-1])[::-1]
    return float(at_least[part - least] / at_least[0])


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values corrected for their number, in the same order (Holm 1979)."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    corrected, highest = [1.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, p_values[place] * (len(p_values) - rank)))
        corrected[place] = highest
    return corrected
