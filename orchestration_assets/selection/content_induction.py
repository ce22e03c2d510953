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
from orchestration_assets.selection.action_gains import ActionGains, gain_models_of, slopes_on
from orchestration_assets.selection.content_actions import (
    action_prices,
    asked_of,
    choose,
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


class Induction:
    """One forest per set of services, shared by all exchange rates.

    All that decides about a training item comes from models that have not seen it.
    """

    def __init__(
        self,
        train: RecordedAnswers,
        expected: Floats,
        candidates: Subset,
        prices: Floats,
        times: Floats,
        most_asked: int,
        n_trees: int,
        seed: int,
    ) -> None:
        self._train, self._candidates = train, candidates
        self._prices, self._times, self._most_asked = prices, times, most_asked
        positions = np.array(candidates)

        def fit(rows: Ints) -> AcceptedAnswers:
            return fit_accepted_answers(
                train.take(rows), expected[rows], positions, most_asked, seed
            )

        self._subsets = [
            subset
            for size in range(min(most_asked, len(candidates)) + 1)
            for subset in combinations(candidates, size)
        ]
        self.accepted_answers = fit(np.arange(train.n_items))
        self._states = self._out_of_fold_states(expected, fit, seed)
        rows = np.arange(train.n_items)
        self._worth: dict[Subset, Floats] = {}
        for subset, state in self._states.items():
            service = state.accepted.service
            scores = np.where(service == MISSING, 0.0, train.scores[rows, service])
            had = state.accepted.probability
            self._worth[subset] = had + _OF_SCORE * (scores - had)
        self.forests: dict[Subset, Forest] = {}
        self._leaf_means: dict[Subset, LeafMeans] = {}
        self._plain_gains: dict[Subset, Floats] = {}
        min_leaf = max(_MIN_LEAF_ROWS, train.n_items // _LEAVES_PER_TREE)
        for subset in self._subsets:
            left = [service for service in candidates if service not in subset]
            if len(subset) == most_asked or not left:
                continue
            state = self._states[subset]
            later = [self._states[union(subset, (j,))].accepted.probability for j in left]
            gains = np.stack(later, axis=1) - state.accepted.probability[:, None]
            targets = np.column_stack([gains, train.scores[:, left]])
            forest, in_bag = grow_forest(state.features, targets, n_trees, min_leaf, seed)
            self.forests[subset] = forest
            self._plain_gains[subset] = state.plain_gains(self._actions(subset))
            self._leaf_means[subset] = LeafMeans(
                forest.leaves(state.features), in_bag, forest.n_nodes
            )

    def _out_of_fold_states(
        self, expected: Floats, fit: Callable[[Ints], AcceptedAnswers], seed: int
    ) -> dict[Subset, ItemStates]:
        train = self._train
        folds = np.random.default_rng(seed).permutation(train.n_items) % _FOLDS
        parts: dict[Subset, list[ItemStates]] = {subset: [] for subset in self._subsets}
        for fold in range(_FOLDS):
            model, held_out = fit(np.flatnonzero(folds != fold)), np.flatnonzero(folds == fold)
            recorded, beforehand = train.take(held_out), expected[held_out]
            for subset in self._subsets:
                asked = asked_of(subset, recorded)
                accepted = model(beforehand, recorded.answers, recorded.confidences, asked)
                parts[subset].append(
                    states_after(
                        model, self._candidates, subset, beforehand, recorded, asked, accepted
                    )
                )
        order = np.argsort(np.concatenate([np.flatnonzero(folds == f) for f in range(_FOLDS)]))
        return {subset: joined_states(some, order) for subset, some in parts.items()}

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
                tried = [self.solve(rate, self._candidates)]
                order = np.argsort(-tried[0].outcome.ask_shares, kind="stable").tolist()
                order = [service for service in order if service in self._candidates]
            elif every_one_wins:
                tried = [self.solve(rate, self._candidates)]
            tried += [
                self.solve(rate, tuple(sorted(order[:count])))
                for count in _FEWER
                if count < len(order) and self._most_asked > 1
            ]
            solutions.append(max(tried, key=lambda solution: solution.net_score))
            if position % _RATES_PER_ORDER == 0:
                every_one_wins = solutions[-1] is tried[0]
        return solutions

    def never(self, subset: Subset) -> tuple[NDArray[np.float32], ActionGains]:
        """Corrections and gains where nothing is asked after a set of services."""
        n_actions = len(self._actions(subset))
        nothing = np.zeros((self.forests[subset].n_nodes, n_actions), dtype=np.float32)
        return nothing, ActionGains(np.zeros(n_actions), 0.0, 0.0, 0.0, np.full(n_actions, -np.inf))

    def solve(self, rate: float, allowed: Subset) -> Solution:
        """Values at one exchange rate, backwards from the largest sets to the empty one, where
        only candidates that are ``allowed`` may be asked."""
        n_items = self._train.n_items
        rows = np.arange(n_items)
        values: dict[Subset, Floats] = {}
        choices: dict[Subset, Ints] = {}
        corrections: dict[Subset, NDArray[np.float32]] = {}
        gain_models: dict[Subset, ActionGains] = {}
        for subset in reversed(self._subsets):
            if not set(subset) <= set(allowed):
                continue
            state = self._states[subset]
            had = state.accepted.probability
            worth = self._worth[subset]
            values[subset], choices[subset] = worth, np.full(n_items, MISSING)
            if subset not in self.forests:
                continue
            actions = self._actions(subset)
            able = np.array([set(action) <= set(allowed) for action in actions])
            later = np.zeros((n_items, len(actions)))
            for number in np.flatnonzero(able):
                later[:, number] = values[union(subset, actions[number])]
            plain = self._plain_gains[subset]
            gains = np.where(able, later - had[:, None], 0.0)
            slopes = np.where(able, slopes_on(plain, gains), 0.0)
            means = self._leaf_means[subset].means(gains - slopes * plain)
            unseen = self._leaf_means[subset].out_of_bag(means)
            prices = rate * action_prices(actions, self._prices, self._times)
            best = -np.inf
            # where answers tell nothing, nothing is learned beyond what was expected
            most_models = None if self._most_asked > 1 else 1
            for model in islice(gain_models_of(slopes, plain, unseen, able), most_models):
                choice = choose(model(plain, unseen), prices, not subset)
                reached = later[rows, choice.action] - choice.price
                value = np.where(choice.goes_on, reached, worth)
                if (mean := float(self._train.weights @ value)) > best + _TIE * n_items:
                    best, values[subset], gain_models[subset] = mean, value, model
                    choices[subset] = np.where(choice.goes_on, choice.action, MISSING)
            corrections[subset] = means
        reached_by: dict[Subset, float] = {}

        def decide(subset: Subset) -> tuple[Ints, Ints]:
            return self._states[subset].accepted.service, choices[subset]

        outcome = follow(self._train, decide, self._actions, self._times, reached_by)
        price = float(outcome.ask_shares @ self._prices)
        if outcome.waits is not None:
            price += float(np.average(outcome.waits, weights=outcome.weights))
        net_score = outcome.accuracy - rate * price
        return Solution(corrections, gain_models, outcome, reached_by, net_score)

    def _actions(self, subset: Subset) -> list[Subset]:
        return possible_actions(self._candidates, subset, self._most_asked, self._times)
