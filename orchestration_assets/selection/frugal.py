"""FrugalML's policy class, solved exactly (Chen, Zaharia and Zou 2020, "FrugalML: How to use ML
prediction APIs more accurately and cheaply").

A base service is asked first. For each label that it may answer there is a threshold on its
confidence and an add-on service: below the threshold the add-on is asked, and its answer stands.
The published problem is a linear programme over a budget; its Lagrangian falls apart into one
choice of threshold and add-on a base and label, each found here by exhaustive search.
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
from orchestration_assets.selection.baselines import effective_confidence
from orchestration_assets.selection.policy_outcomes import PolicyOutcome, outcome_of_service

_NO_ADD_ON = -1


@dataclass(frozen=True)
class AddOn:
    """``base`` is asked first; on its label l, with a confidence below ``thresholds[l]``,
    ``add_ons[l]`` is asked and its answer taken. The last entry is for no answer from the base."""

    base: int
    thresholds: Floats
    add_ons: Ints

    def run(self, recorded: RecordedAnswers) -> PolicyOutcome:
        added = self._added(recorded)
        asked = added.copy()
        asked[:, self.base] = True
        accepted = np.where(added.any(axis=1), added.argmax(axis=1), self.base)
        return outcome_of_service(recorded, asked, accepted)

    def _added(self, recorded: RecordedAnswers) -> Bools:
        """(n, K) the add-on asked of each item, if any."""
        label = recorded.answers[:, self.base]  # MISSING is -1, which is the last entry
        add_on = self.add_ons[label]
        asks_add_on = effective_confidence(recorded, self.base) < self.thresholds[label]
        asks_add_on &= add_on != _NO_ADD_ON
        added = np.zeros(recorded.answers.shape, dtype=np.bool_)
        added[np.flatnonzero(asks_add_on), add_on[asks_add_on]] = True
        return added

    def services_asked(self, item: RecordedAnswers) -> list[int]:
        """The services to ask, in order, as far as the item's answers decide it; the last one's
        answer is taken."""
        if not item.asked[0, self.base]:
            return [self.base]
        return [self.base, *np.flatnonzero(self._added(item)[0]).tolist()]


def fit_frugal(train: RecordedAnswers, exchange_rates: Sequence[float] | Floats) -> list[AddOn]:
    """For each exchange rate the policy of the highest Lagrangian value on the training items."""
    rates = np.asarray(exchange_rates, dtype=np.float64)
    best = np.full(len(rates), -np.inf)
    policies: list[AddOn | None] = [None] * len(rates)
    for base in range(train.n_services):
        values, candidates = _fit_base(train, base, rates)
        for rate in np.flatnonzero(values > best + 1e-12):
            best[rate] = values[rate]
            policies[rate] = candidates[rate]
    return [policy for policy in policies if policy is not None]


def _fit_base(train: RecordedAnswers, base: int, rates: Floats) -> tuple[Floats, list[AddOn]]:
    weights, prices = train.weights, train.prices
    correct = train.scores * weights[:, None]
    confidence = effective_confidence(train, base)
    n_entries = train.n_labels + 1
    thresholds = np.full((len(rates), n_entries), -np.inf)
    add_ons = np.full((len(rates), n_entries), _NO_ADD_ON)
    total_gain = np.zeros(len(rates))
    for label in [*range(train.n_labels), MISSING]:
        items = np.flatnonzero(train.answers[:, base] == label)
        items = items[np.argsort(confidence[items], kind="stable")]
        if not items.size:
            continue
        ascending = confidence[items]
        cuts = np.concatenate([[0], np.flatnonzero(np.diff(ascending) > 0.0) + 1, [len(items)]])
        at_cut = np.append(ascending, np.inf)[cuts]
        weight_below = np.concatenate([[0.0], np.cumsum(weights[items])])[cuts]
        best_gain = np.zeros(len(rates))
        for add_on in range(train.n_services):
            if add_on == base:
                continue
            change = np.cumsum(correct[items, add_on] - correct[items, base])
            gain = np.concatenate([[0.0], change])[cuts]
            gains, costs, cut_thresholds = _hull(gain, weight_below * prices[add_on], at_cut)
            values = gains[None, :] - rates[:, None] * costs[None, :]
            chosen = values.argmax(axis=1)
            better = values[np.arange(len(rates)), chosen] > best_gain + 1e-12
            best_gain[better] = values[better, chosen[better]]
            thresholds[better, label] = cut_thresholds[chosen[better]]
            add_ons[better, label] = add_on
        total_gain += best_gain
    values = (correct[:, base].sum() + total_gain) / train.n_items - rates * prices[base]
    policies = [
        AddOn(base, thresholds[cut_thresholds], add_ons[cut_thresholds])
        for cut_thresholds in range(len(rates))
    ]
    return values, policies


def _hull(gain: Floats, cost: Floats, thresholds: Floats) -> tuple[Floats, Floats, Floats]:
    """The upper concave hull of gain over ascending cost: the only points that can be optimal."""
    kept: list[int] = []
    for point in range(len(gain)):
        while len(kept) > 1:
            before, last = kept[-2], kept[-1]
            turn = (gain[last] - gain[before]) * (cost[point] - cost[before])
            if turn > (gain[point] - gain[before]) * (cost[last] - cost[before]):
                break
            kept.pop()
        kept.append(point)
    chosen = np.array(kept)
    return gain[chosen], cost[chosen], thresholds[chosen]
