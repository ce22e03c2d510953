"""The values of asking on, learned backwards from recorded answers.

V(S, x) = max(p(S, x), max over actions A of E[V(S + A) | x] - rate * price(A)),

p the probability that the accepted answer is right. The expectation is max(p, expected score of A)
plus a correction: a forest grown once a set of services, whose leaves are averaged for every rate
over what following the policy brought the items in them (Longstaff and Schwartz 2001).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations, islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from orchestration_assets.evidence.accepted_answers import AcceptedAnswers, fit_accepted_answers
from orchestration_assets.evidence.belief import Subset
from orchestration_assets.evidence.forest import Forest, LeafMeans, grow_forest
from orchestration_assets.evidence.recorded_answers import MISSING, Floats, Ints, RecordedAnswers
from orchestration_assets.selection.action_gains import (
    ActionGains,
    gain_models_of,
    never_taken,
    slopes_on,
)
from orchestration_assets.selection.content_actions import (
    action_prices,
    asked_of,
    best_of,
    possible_actions,
    union,
)
from orchestration_assets.selection.content_simulation import follow
from orchestration_assets.selection.content_states import ItemStates, joined_states, states_after
from orchestration_assets.selection.policy_outcomes import PolicyOutcome

_FOLDS: Final = 3
_MIN_LEAF_ROWS: Final = 20
_LEAVES_PER_TREE: Final = 150
_TIE: Final = 1e-5  # of score: below, the model of the smaller differences is kept
_FEWER: Final = (4, 3, 2)  # candidates, beside all of them
_RATES_PER_ORDER: Final = 4
_OF_SCORE: Final = 0.5
"""How much of what stopping is worth to a training item is the score that it had, and not the one
that was expected: the one errs for each item, the other for all items of a kind."""


@dataclass(frozen=True)
class Solution:
    """At one rate: leaf averages and models, outcome on training items, share of items that reach
    each set."""

    corrections: Mapping[Subset, NDArray[np.float32]]
    gain_models: Mapping[Subset, ActionGains]
    outcome: PolicyOutcome
    reached: Mapping[Subset, float]
    net_score: float


class InductionStates:
    """The states of training items after every set of services, with one forest a set: shared by
    all prices and exchange rates.

    All that decides about a training item comes from models that have not seen it.
    """

    def __init__(
        self,
        train: RecordedAnswers,
        expected: Floats,
        candidates: Subset,
        most_asked: int,
        n_trees: int,
        seed: int,
    ) -> None:
        """``expected`` (n, K) are the scores expected before any call."""
        self.train, self.candidates, self.most_asked = train, candidates, most_asked
        positions = np.array(candidates)

        def fit(rows: Ints) -> AcceptedAnswers:
            return fit_accepted_answers(
                train.take(rows), expected[rows], positions, most_asked, seed
            )

        self.subsets = [
            subset
            for size in range(min(most_asked, len(candidates)) + 1)
            for subset in combinations(candidates, size)
        ]
        self.accepted_answers = fit(np.arange(train.n_items))
        self.states = self._out_of_fold_states(expected, fit, seed)
        rows = np.arange(train.n_items)
        self.worth: dict[Subset, Floats] = {}
        for subset, state in self.states.items():
            service = state.accepted.service
            scores = np.where(service == MISSING, 0.0, train.scores[rows, service])
            had = state.accepted.probability
            self.worth[subset] = had + _OF_SCORE * (scores - had)
        self.forests: dict[Subset, Forest] = {}
        self.leaf_means: dict[Subset, LeafMeans] = {}
        min_leaf = max(_MIN_LEAF_ROWS, train.n_items // _LEAVES_PER_TREE)
        for subset in self.subsets:
            left = [service for service in candidates if service not in subset]
            if len(subset) == most_asked or not left:
                continue
            state = self.states[subset]
            later = [self.states[union(subset, (j,))].accepted.probability for j in left]
            gains = np.stack(later, axis=1) - state.accepted.probability[:, None]
            targets = np.column_stack([gains, train.scores[:, left]])
            forest, in_bag = grow_forest(state.features, targets, n_trees, min_leaf, seed)
            self.forests[subset] = forest
            self.leaf_means[subset] = LeafMeans(
                forest.leaves(state.features), in_bag, forest.n_nodes
            )

    def _out_of_fold_states(
        self, expected: Floats, fit: Callable[[Ints], AcceptedAnswers], seed: int
    ) -> dict[Subset, ItemStates]:
        train = self.train
        folds = np.random.default_rng(seed).permutation(train.n_items) % _FOLDS
        parts: dict[Subset, list[ItemStates]] = {subset: [] for subset in self.subsets}
        for fold in range(_FOLDS):
            model, held_out = fit(np.flatnonzero(folds != fold)), np.flatnonzero(folds == fold)
            recorded, beforehand = train.take(held_out), expected[held_out]
            for subset in self.subsets:
                asked = asked_of(subset, recorded)
                accepted = model(beforehand, recorded.answers, recorded.confidences, asked)
                parts[subset].append(
                    states_after(
                        model, self.candidates, subset, beforehand, recorded, asked, accepted
                    )
                )
        order = np.argsort(np.concatenate([np.flatnonzero(folds == f) for f in range(_FOLDS)]))
        return {subset: joined_states(some, order) for subset, some in parts.items()}


class Induction:
    """Solutions at the ``prices`` (n, K) of calls on each item; ``times`` (K,) are what waiting for
    them costs."""

    def __init__(self, states: InductionStates, prices: Floats, times: Floats) -> None:
        self._shared, self._prices, self._times = states, prices, times
        # one row an action: what is done again and again goes over all items at once
        self._plain_gains: dict[Subset, Floats] = {}
        self._action_prices: dict[Subset, Floats] = {}
        for subset in states.forests:
            actions = self._actions(subset)
            plain = states.states[subset].plain_gains(actions)
            self._plain_gains[subset] = np.ascontiguousarray(plain.T)
            self._action_prices[subset] = np.ascontiguousarray(
                action_prices(actions, prices, times).T
            )

    def best_solutions(self, rates: Floats) -> list[Solution]:
        """The best solution at each exchange rate, over all candidates or over the few that are
        asked most, where the rest are worth no more than the noise they bring.

        Who is asked most, and whether all are worth trying, is looked up at every few rates.
        """
        solutions: list[Solution] = []
        order: list[int] = []
        every_one_wins = False
        for position, rate in enumerate(rates.tolist()):
            tried = []
            if position % _RATES_PER_ORDER == 0:
                tried = [self.solve(rate, self._shared.candidates)]
                order = np.argsort(-tried[0].outcome.ask_shares, kind="stable").tolist()
                order = [service for service in order if service in self._shared.candidates]
            elif every_one_wins:
                tried = [self.solve(rate, self._shared.candidates)]
            tried += [
                self.solve(rate, tuple(sorted(order[:count])))
                for count in _FEWER
                if count < len(order) and self._shared.most_asked > 1
            ]
            solutions.append(max(tried, key=lambda solution: solution.net_score))
            if position % _RATES_PER_ORDER == 0:
                every_one_wins = solutions[-1] is tried[0]
        return solutions

    def never(self, subset: Subset) -> tuple[NDArray[np.float32], ActionGains]:
        """Corrections and gains where nothing is asked after a set of services."""
        n_actions = len(self._actions(subset))
        nothing = np.zeros((self._shared.forests[subset].n_nodes, n_actions), dtype=np.float32)
        return nothing, never_taken(n_actions)

    def solve(self, rate: float, allowed: Subset) -> Solution:
        """Values at one exchange rate, backwards from the largest sets to the empty one, where
        only candidates that are ``allowed`` may be asked."""
        shared = self._shared
        n_items = shared.train.n_items
        rows = np.arange(n_items)
        values: dict[Subset, Floats] = {}
        choices: dict[Subset, Ints] = {}
        corrections: dict[Subset, NDArray[np.float32]] = {}
        gain_models: dict[Subset, ActionGains] = {}
        for subset in reversed(shared.subsets):
            if not set(subset) <= set(allowed):
                continue
            had = shared.states[subset].accepted.probability
            worth = shared.worth[subset]
            values[subset], choices[subset] = worth, np.full(n_items, MISSING)
            if subset not in shared.forests:
                continue
            actions = self._actions(subset)
            able = np.flatnonzero([set(action) <= set(allowed) for action in actions])
            corrections[subset], gain_models[subset] = self.never(subset)
            if not len(able):
                continue
            later = np.stack([values[union(subset, actions[number])] for number in able])
            plain = self._plain_gains[subset][able]
            gains = later - had
            slopes = slopes_on(plain, gains)
            of_leaves = shared.leaf_means[subset]
            means = of_leaves.means((gains - slopes[:, None] * plain).T)
            corrections[subset][:, able] = means
            unseen = np.ascontiguousarray(of_leaves.out_of_bag(means).T)
            prices = rate * self._action_prices[subset][able]
            best = -np.inf
            # where answers tell nothing, nothing is learned beyond what was expected
            most_models = None if shared.most_asked > 1 else 1
            for model, expected in islice(gain_models_of(slopes, plain, unseen), most_models):
                action, net = best_of(expected - prices)
                at = action * n_items + rows
                value = later.take(at) - prices.take(at)
                goes_on = net > 0.0
                # while nothing was asked, something is in any case
                if subset:
                    value = np.where(goes_on, value, worth)
                    action = np.where(goes_on, able[action], MISSING)
                else:
                    action = able[action]
                if (mean := float(shared.train.weights @ value)) > best + _TIE * n_items:
                    best, values[subset], choices[subset] = mean, value, action
                    gain_models[subset] = model.spread(able, len(actions))
        reached_by: dict[Subset, float] = {}

        def decide(subset: Subset) -> tuple[Ints, Ints]:
            return shared.states[subset].accepted.service, choices[subset]

        outcome = follow(shared.train, decide, self._actions, self._times, reached_by)
        net_score = outcome.accuracy - rate * outcome.mean_price(self._prices)
        return Solution(corrections, gain_models, outcome, reached_by, net_score)

    def _actions(self, subset: Subset) -> list[Subset]:
        shared = self._shared
        return possible_actions(shared.candidates, subset, shared.most_asked, self._times)
