"""Baseline policies: always one service, or a cascade of two with a confidence threshold."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from orchestration_assets.evidence.confidence import UNSTATED_CONFIDENCE
from orchestration_assets.evidence.recorded_answers import MISSING, Floats, RecordedAnswers
from orchestration_assets.selection.policy_outcomes import PolicyOutcome, outcome_of_service

_NO_ANSWER = -1.0


@dataclass(frozen=True, slots=True)
class SingleService:
    """Always the same service."""

    service: int

    def run(self, recorded: RecordedAnswers) -> PolicyOutcome:
        asked = np.zeros(recorded.answers.shape, dtype=np.bool_)
        asked[:, self.service] = True
        chosen = np.full(recorded.n_items, self.service)
        return outcome_of_service(recorded, asked, chosen)

    def services_asked(self, item: RecordedAnswers) -> list[int]:
        """The services to ask, in order, as far as the item's answers decide it; the last one's
        answer is taken."""
        return [self.service]


def fit_single(
    train: RecordedAnswers, exchange_rates: Sequence[float] | Floats
) -> list[SingleService]:
    """For each exchange rate the service of the highest accuracy less rate * price."""
    accuracy, prices = train.mean(train.scores), train.prices
    return [SingleService(int(np.argmax(accuracy - rate * prices))) for rate in exchange_rates]


@dataclass(frozen=True)
class Cascade:
    """Services in order; the first whose confidence reaches its threshold gives the answer.

    ``thresholds`` has one entry fewer than ``order``: the last service has none.
    """

    order: tuple[int, ...]
    thresholds: tuple[float, ...]

    def run(self, recorded: RecordedAnswers) -> PolicyOutcome:
        asked = np.zeros(recorded.answers.shape, dtype=np.bool_)
        accepted = np.full(recorded.n_items, self.order[-1])
        open_items = np.arange(recorded.n_items)
        for position, service in enumerate(self.order):
            asked[open_items, service] = True
            if position < len(self.thresholds):
                enough = (
                    effective_confidence(recorded, service)[open_items] >= self.thresholds[position]
                )
                accepted[open_items[enough]] = service
                open_items = open_items[~enough]
        return outcome_of_service(recorded, asked, accepted)

    def services_asked(self, item: RecordedAnswers) -> list[int]:
        """The services to ask, in order, as far as the item's answers decide it; the last one's
        answer is taken."""
        for position, service in enumerate(self.order):
            last = position == len(self.thresholds)
            known = item.asked[0, service]
            if (
                last
                or not known
                or effective_confidence(item, service)[0] >= self.thresholds[position]
            ):
                return list(self.order[: position + 1])
        raise AssertionError("the last service has no threshold")


def effective_confidence(recorded: RecordedAnswers, service: int) -> Floats:
    """(n,) stated confidence, one half when unstated; -1 without an answer."""
    stated = np.nan_to_num(recorded.confidences[:, service], nan=UNSTATED_CONFIDENCE)
    return np.where(recorded.answers[:, service] == MISSING, _NO_ANSWER, stated)


def fit_cascade(train: RecordedAnswers, exchange_rates: Sequence[float] | Floats) -> list[Cascade]:
    """For each exchange rate the best pair of services and threshold.

    Exhaustive over ordered pairs and thresholds that divide the training items.
    """
    weights, prices = train.weights, train.prices
    correct = train.scores * weights[:, None]
    rates = np.asarray(exchange_rates, dtype=np.float64)
    best = np.full(len(rates), -np.inf)
    policies: list[Cascade] = [Cascade((0,), ())] * len(rates)
    for service in range(train.n_services):
        value = correct[:, service].sum() / train.n_items - rates * prices[service]
        _keep_better(best, policies, value, [Cascade((service,), ())] * len(rates))
    for first in range(train.n_services):
        confidence = effective_confidence(train, first)
        order = np.argsort(confidence, kind="stable")
        cuts = _cuts(confidence[order])
        thresholds = np.append(confidence[order], np.inf)[cuts]
        weight_below = np.concatenate([[0.0], np.cumsum(weights[order])])
        for second in range(train.n_services):
            if second == first:
                continue
            gain = np.concatenate(
                [[0.0], np.cumsum((correct[:, second] - correct[:, first])[order])]
            )
            accuracy = (correct[:, first].sum() + gain[cuts]) / train.n_items
            price = prices[first] + prices[second] * weight_below[cuts] / train.n_items
            values = accuracy[None, :] - rates[:, None] * price[None, :]
            best_cut = values.argmax(axis=1)
            options = [Cascade((first, second), (float(thresholds[t]),)) for t in best_cut]
            _keep_better(best, policies, values[np.arange(len(rates)), best_cut], options)
    return policies


def _cuts(ascending: Floats) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """How many items lie below each threshold that divides no ties, from none to all."""
    new = np.flatnonzero(np.diff(ascending) > 0.0) + 1
    return np.concatenate([[0], new, [len(ascending)]])


def _keep_better(
    best: Floats, policies: list[Cascade], values: Floats, options: list[Cascade]
) -> None:
    for rate in np.flatnonzero(values > best + 1e-12):
        best[rate] = values[rate]
        policies[rate] = options[rate]
