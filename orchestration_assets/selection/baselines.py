"""The simplest policies: always one service, or two in a row with one threshold between them."""

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

    def walk(self, one_item: RecordedAnswers) -> list[int]:
        """The services asked, in order, as far as what is known of the item leads; the last one
        is believed."""
        return [self.service]


def fit_single(train: RecordedAnswers, exchange: Sequence[float] | Floats) -> list[SingleService]:
    """For each exchange rate the service that is worth most."""
    accuracy, prices = train.right.mean(axis=0), train.prices
    return [SingleService(int(np.argmax(accuracy - rate * prices))) for rate in exchange]


@dataclass(frozen=True)
class Cascade:
    """Services in order; the first whose confidence reaches its threshold is believed.

    ``thresholds`` has one entry fewer than ``order``: the last service is believed anyway.
    """

    order: tuple[int, ...]
    thresholds: tuple[float, ...]

    def run(self, recorded: RecordedAnswers) -> PolicyOutcome:
        asked = np.zeros(recorded.answers.shape, dtype=np.bool_)
        believed = np.full(recorded.n_items, self.order[-1])
        open_items = np.arange(recorded.n_items)
        for position, service in enumerate(self.order):
            asked[open_items, service] = True
            if position < len(self.thresholds):
                enough = certain(recorded, service)[open_items] >= self.thresholds[position]
                believed[open_items[enough]] = service
                open_items = open_items[~enough]
        return outcome_of_service(recorded, asked, believed)

    def walk(self, one_item: RecordedAnswers) -> list[int]:
        """The services asked, in order, as far as what is known of the item leads; the last one
        is believed."""
        for position, service in enumerate(self.order):
            last = position == len(self.thresholds)
            known = one_item.asked[0, service]
            if last or not known or certain(one_item, service)[0] >= self.thresholds[position]:
                return list(self.order[: position + 1])
        raise AssertionError("the last service has no threshold")


def certain(recorded: RecordedAnswers, service: int) -> Floats:
    """(n,) stated confidence, one half when unstated; no answer lies below all of them."""
    stated = np.nan_to_num(recorded.confidences[:, service], nan=UNSTATED_CONFIDENCE)
    return np.where(recorded.answers[:, service] == MISSING, _NO_ANSWER, stated)


def fit_cascade(train: RecordedAnswers, exchange: Sequence[float] | Floats) -> list[Cascade]:
    """For each exchange rate the pair of services and threshold that is worth most.

    Every ordered pair and every threshold that parts the training items is looked at.
    """
    right, prices = train.right.astype(np.float64), train.prices
    rates = np.asarray(exchange, dtype=np.float64)
    best = np.full(len(rates), -np.inf)
    found: list[Cascade] = [Cascade((0,), ())] * len(rates)
    for service in range(train.n_services):
        worth = right[:, service].mean() - rates * prices[service]
        _keep(best, found, worth, [Cascade((service,), ())] * len(rates))
    for first in range(train.n_services):
        sure = certain(train, first)
        order = np.argsort(sure, kind="stable")
        cuts = _cuts(sure[order])
        thresholds = np.append(sure[order], np.inf)[cuts]
        for second in range(train.n_services):
            if second == first:
                continue
            gain = np.concatenate([[0.0], np.cumsum((right[:, second] - right[:, first])[order])])
            accuracy = (right[:, first].sum() + gain[cuts]) / train.n_items
            price = prices[first] + prices[second] * cuts / train.n_items
            worth_at = accuracy[None, :] - rates[:, None] * price[None, :]
            top = worth_at.argmax(axis=1)
            options = [Cascade((first, second), (float(thresholds[t]),)) for t in top]
            _keep(best, found, worth_at[np.arange(len(rates)), top], options)
    return found


def _cuts(ascending: Floats) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """How many items lie below each threshold that parts no ties, from none to all."""
    new = np.flatnonzero(np.diff(ascending) > 0.0) + 1
    return np.concatenate([[0], new, [len(ascending)]])


def _keep(best: Floats, found: list[Cascade], worth: Floats, options: list[Cascade]) -> None:
    for at in np.flatnonzero(worth > best + 1e-12):
        best[at] = worth[at]
        found[at] = options[at]
