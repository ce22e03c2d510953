"""Outcomes of selection policies on recorded answers, and curves over exchange rates."""

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

_LOWEST, _HIGHEST = 0.002, 4.0


@dataclass(frozen=True)
class PolicyOutcome:
    """One policy on ``n`` recorded items.

    ``asked`` (n, K) services that the policy asks, ``scores`` (n,) how right its final answer is,
    from 0 to 1, ``cost`` (n,) the USD of the calls, ``weights`` (n,) how much each item counts.
    ``waits`` (n,) is what waiting costs where services may be asked at once; None: nothing.
    """

    asked: Bools
    scores: Floats
    cost: Floats
    weights: Floats
    waits: Floats | None = None

    @property
    def accuracy(self) -> float:
        return float(np.average(self.scores, weights=self.weights))

    @property
    def price(self) -> float:
        """Mean USD an item."""
        return float(np.average(self.cost, weights=self.weights))

    @property
    def ask_shares(self) -> Floats:
        """(K,) how often each service is asked."""
        shares: Floats = np.average(self.asked, axis=0, weights=self.weights)
        return shares


def outcome_of_answers(recorded: RecordedAnswers, asked: Bools, answers: Ints) -> PolicyOutcome:
    """The outcome of asking ``asked`` (n, K) and answering ``answers`` (n,) label codes."""
    scores = (answers == recorded.gold).astype(np.float64)
    return PolicyOutcome(asked, scores, call_costs(recorded, asked), recorded.weights)


def outcome_of_service(recorded: RecordedAnswers, asked: Bools, service: Ints) -> PolicyOutcome:
    """The outcome of asking ``asked`` (n, K) and taking the answer of ``service`` (n,)."""
    scores = recorded.scores[np.arange(recorded.n_items), service]
    return PolicyOutcome(asked, scores, call_costs(recorded, asked), recorded.weights)


def outcome_of_accepted(
    recorded: RecordedAnswers, asked: Bools, service: Ints, waits: Floats
) -> PolicyOutcome:
    """The outcome of asking ``asked`` (n, K) and taking the answer of ``service`` (n,), of none
    where that is ``MISSING``; ``waits`` (n,) is what waiting costs."""
    taken = outcome_of_service(recorded, asked, np.maximum(service, 0))
    scores = np.where(service == MISSING, 0.0, taken.scores)
    return PolicyOutcome(asked, scores, taken.cost, taken.weights, waits)


def call_costs(recorded: RecordedAnswers, asked: Bools) -> Floats:
    """(n,) USD of the calls asked, at the recorded cost of each."""
    cost: Floats = np.where(asked, recorded.costs, 0.0).sum(axis=1)
    return cost


def exchange_rates(prices: Floats, steps: int) -> Floats:
    """(steps,) exchange rates, accuracy a unit of price, ascending on a logarithmic scale.

    From where the dearest call is worth .2 points of accuracy to where no call is worth making.
    """
    dearest = max(float(prices.max()), 1e-12)
    rates: Floats = np.geomspace(_LOWEST, _HIGHEST, steps) / dearest
    return rates


@dataclass(frozen=True)
class Curve:
    """A policy family swept over exchange rates: mean USD ``prices`` and ``accuracies`` (P,).

    Points are kept in the order of the sweep from cheap to dear; between two neighbours any
    price can be had by choosing one of both by chance.
    """

    prices: Floats
    accuracies: Floats

    def cost_to_match(self, accuracy: float) -> float | None:
        """The least mean price at which the accuracy is reached; None where it never is."""
        for at in range(len(self.prices)):
            if self.accuracies[at] >= accuracy:
                if at == 0:
                    return float(self.prices[0])
                rise = self.accuracies[at] - self.accuracies[at - 1]
                share = (accuracy - self.accuracies[at - 1]) / rise
                low, high = self.prices[at - 1], self.prices[at]
                return float(low + share * (high - low))
        return None

    def accuracy_at(self, price: float) -> float:
        """The accuracy for a mean price: the dearest that can be paid."""
        if price < self.prices[0]:
            return 0.0
        return float(np.interp(price, self.prices, self.accuracies))


def curve(outcomes: Sequence[PolicyOutcome]) -> Curve:
    """The curve through outcomes of one family, cheapest first."""
    points = sorted((one.price, one.accuracy) for one in outcomes)
    return Curve(np.array([p for p, _ in points]), np.array([a for _, a in points]))


def best_single(recorded: RecordedAnswers) -> int:
    """The service that is most often right; of equals the cheapest."""
    order = np.lexsort((recorded.prices, -recorded.mean(recorded.scores)))
    return int(order[0])


def majority_vote(recorded: RecordedAnswers) -> Ints:
    """(n,) the label that most services gave; ties go to confidence, then to the first label."""
    n_items, n_services = recorded.answers.shape
    votes = np.zeros((n_items, recorded.n_labels))
    for service in range(n_services):
        given = np.flatnonzero(recorded.answers[:, service] >= 0)
        stated = np.nan_to_num(recorded.confidences[given, service], nan=0.5)
        votes[given, recorded.answers[given, service]] += 1.0 + 1e-3 * stated
    found: Ints = votes.argmax(axis=1)
    return found
