"""FrugalML's policy class, solved exactly (Chen, Zaharia and Zou 2020, "FrugalML: How to use ML
prediction APIs more accurately and cheaply").

A base service is asked first. For each label that it may answer there is a threshold on its
confidence and an add-on service: below the threshold the add-on is asked, and its answer stands.
The published problem is a linear programme over a budget; its Lagrangian falls apart into one
choice of threshold and add-on a base and label, each found here by looking at all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from orchestration_assets.evidence.recorded_answers import (
    MISSING,
    Bools,
    Floats,
    Ints,
    RecordedAnswers,
)
from orchestration_assets.selection.baselines import certain
from orchestration_assets.selection.policy_outcomes import PolicyOutcome, outcome_of_service

_NOBODY = -1


@dataclass(frozen=True)
class AddOn:
    """``base`` is asked first; on its label l, with a confidence below ``thresholds[l]``,
    ``add_ons[l]`` is asked and believed. The last entry stands for no answer from the base."""

    base: int
    thresholds: Floats
    add_ons: Ints

    def run(self, recorded: RecordedAnswers) -> PolicyOutcome:
        added = self._added(recorded)
        asked = added.copy()
        asked[:, self.base] = True
        believed = np.where(added.any(axis=1), added.argmax(axis=1), self.base)
        return outcome_of_service(recorded, asked, believed)

    def _added(self, recorded: RecordedAnswers) -> Bools:
        """(n, K) the add-on asked of each item, if any."""
        label = recorded.answers[:, self.base]  # MISSING is -1, which is the last entry
        second = self.add_ons[label]
        goes_on = certain(recorded, self.base) < self.thresholds[label]
        goes_on &= second != _NOBODY
        added = np.zeros(recorded.answers.shape, dtype=np.bool_)
        added[np.flatnonzero(goes_on), second[goes_on]] = True
        return added

    def walk(self, one_item: RecordedAnswers) -> list[int]:
        """The services asked, in order, as far as what is known of the item leads; the last one
        is believed."""
        if not one_item.asked[0, self.base]:
            return [self.base]
        return [self.base, *np.flatnonzero(self._added(one_item)[0]).tolist()]


def fit_frugal(train: RecordedAnswers, exchange: Sequence[float] | Floats) -> list[AddOn]:
    """For each exchange rate the member of the class that is worth most on the training items."""
    rates = np.asarray(exchange, dtype=np.float64)
    best = np.full(len(rates), -np.inf)
    found: list[AddOn | None] = [None] * len(rates)
    for base in range(train.n_services):
        worth, policies = _fit_base(train, base, rates)
        for at in np.flatnonzero(worth > best + 1e-12):
            best[at] = worth[at]
            found[at] = policies[at]
    return [one for one in found if one is not None]


def _fit_base(train: RecordedAnswers, base: int, rates: Floats) -> tuple[Floats, list[AddOn]]:
    right, prices = train.right.astype(np.float64), train.prices
    sure = certain(train, base)
    n_entries = train.n_labels + 1
    thresholds = np.full((len(rates), n_entries), -np.inf)
    add_ons = np.full((len(rates), n_entries), _NOBODY)
    gained = np.zeros(len(rates))
    for label in [*range(train.n_labels), MISSING]:
        items = np.flatnonzero(train.answers[:, base] == label)
        items = items[np.argsort(sure[items], kind="stable")]
        if not items.size:
            continue
        below = sure[items]
        cuts = np.concatenate([[0], np.flatnonzero(np.diff(below) > 0.0) + 1, [len(items)]])
        at_cut = np.append(below, np.inf)[cuts]
        top = np.zeros(len(rates))
        for second in range(train.n_services):
            if second == base:
                continue
            change = np.cumsum(right[items, second] - right[items, base])
            gain = np.concatenate([[0.0], change])[cuts]
            gains, costs, at = _hull(gain, cuts * prices[second], at_cut)
            worth = gains[None, :] - rates[:, None] * costs[None, :]
            chosen = worth.argmax(axis=1)
            better = worth[np.arange(len(rates)), chosen] > top + 1e-12
            top[better] = worth[better, chosen[better]]
            thresholds[better, label] = at[chosen[better]]
            add_ons[better, label] = second
        gained += top
    worth = (right[:, base].sum() + gained) / train.n_items - rates * prices[base]
    policies = [AddOn(base, thresholds[at], add_ons[at]) for at in range(len(rates))]
    return worth, policies


def _hull(gain: Floats, cost: Floats, at: Floats) -> tuple[Floats, Floats, Floats]:
    """The upper concave hull of gain over ascending cost: no other point is ever worth most."""
    kept: list[int] = []
    for point in range(len(gain)):
        while len(kept) > 1:
            one, two = kept[-2], kept[-1]
            turn = (gain[two] - gain[one]) * (cost[point] - cost[one])
            if turn > (gain[point] - gain[one]) * (cost[two] - cost[one]):
                break
            kept.pop()
        kept.append(point)
    chosen = np.array(kept)
    return gain[chosen], cost[chosen], at[chosen]
