"""Which services to ask about an item, by what is expected of each and by what has been answered.

The state of an item is what each service was expected to score before any call, which services
were asked, which answer is best accepted and how right it probably is, and who contradicts it. At
each exchange rate of accuracy and price an item stops, or asks one more service, or several at once
where time has a price, by the value of what follows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orchestration_assets.evidence.accepted_answers import AcceptedAnswers
from orchestration_assets.evidence.belief import Subset
from orchestration_assets.evidence.forest import Forest, Nodes, forest_means
from orchestration_assets.evidence.recorded_answers import Bools, Floats, Ints, RecordedAnswers
from orchestration_assets.selection.action_gains import ActionGains
from orchestration_assets.selection.content_actions import (
    StepChoice,
    action_members,
    action_prices,
    choose,
    possible_actions,
)
from orchestration_assets.selection.content_states import ItemStates, states_after


@dataclass(frozen=True)
class NextSteps:
    """The steps of ``n`` items.

    ``ask`` (n, K) are the services to ask next, none where the item stops; ``accepted`` (n,) the
    service whose answer stands, ``MISSING`` where none answered, and ``probability`` (n,) its
    expected score. ``best`` (n, K) are the services of the best next step, taken or not, with its
    ``expected_gain`` (n,) of score and its ``price`` (n,) in score; none where nothing is left.
    """

    ask: Bools
    accepted: Ints
    probability: Floats
    best: Bools
    expected_gain: Floats
    price: Floats


@dataclass(frozen=True)
class ContentPolicy:
    """A fitted policy over ``K`` services at ``P`` exchange rates.

    ``candidates`` are the services that it may ask, up to ``most_asked`` of them about an item;
    ``exchange_rates`` (P,) are the score that a unit of price is worth, ``prices`` (K,) those of a
    call and ``times`` (K,) what waiting for it costs, in the same unit: services that are asked at
    once cost the sum of their prices and the longest of their times. By the set of candidates
    asked before: ``forests``, their leaf averages ``corrections`` (P, N, actions), and
    ``gain_models``, P each, that join these with what was expected before any call.
    """

    candidates: Subset
    most_asked: int
    exchange_rates: Floats
    prices: Floats
    times: Floats
    accepted: AcceptedAnswers
    forests: Mapping[Subset, Forest]
    corrections: Mapping[Subset, NDArray[np.float32]]
    gain_models: Mapping[Subset, Sequence[ActionGains]]

    def actions(self, subset: Subset) -> list[Subset]:
        """What can be asked after these candidates, as the corrections have it."""
        return possible_actions(self.candidates, subset, self.most_asked, self.times)

    def select_rates(self, rates: Sequence[int]) -> "ContentPolicy":
        """The same policy for the exchange rates at these positions."""
        at = list(rates)
        return ContentPolicy(
            self.candidates,
            self.most_asked,
            self.exchange_rates[at],
            self.prices,
            self.times,
            self.accepted,
            self.forests,
            {subset: values[at] for subset, values in self.corrections.items()},
            {subset: [some[rate] for rate in at] for subset, some in self.gain_models.items()},
        )

    def next_steps(
        self, rate_index: int, expected: Floats, recorded: RecordedAnswers, asked: Bools
    ) -> NextSteps:
        """The steps of items after ``asked`` (n, K) gave the answers and confidences ``recorded``.

        ``expected`` (n, K) are the scores in [0, 1] expected of each service before any call.
        """
        n_items, n_services = asked.shape
        accepted = self.accepted(expected, recorded.answers, recorded.confidences, asked)
        ask, best = np.zeros((2, n_items, n_services), dtype=np.bool_)
        gains, prices = np.zeros((2, n_items))
        patterns, places = np.unique(asked[:, self.candidates], axis=0, return_inverse=True)
        for number, pattern in enumerate(patterns):
            subset: Subset = tuple(np.array(self.candidates)[pattern].tolist())
            if subset not in self.forests:
                continue
            rows = np.flatnonzero(places.ravel() == number)
            state = states_after(
                self.accepted,
                self.candidates,
                subset,
                expected[rows],
                recorded.take(rows),
                asked[rows],
                accepted.take(rows),
            )
            leaves = self.forests[subset].leaves(state.features)
            choice = self.choice(rate_index, subset, state, leaves)
            able = np.isfinite(choice.gain)
            best[rows] = (
                action_members(self.actions(subset), n_services)[choice.action] & able[:, None]
            )
            gains[rows], prices[rows] = np.where(able, [choice.gain, choice.price], 0.0)
            ask[rows] = best[rows] & choice.goes_on[:, None]
        return NextSteps(ask, accepted.service, accepted.probability, best, gains, prices)

    def choice(
        self, rate_index: int, subset: Subset, state: ItemStates, leaves: Nodes
    ) -> StepChoice:
        """The best action of items in a state after ``subset``, at their ``leaves`` there."""
        actions = self.actions(subset)
        corrections = forest_means(leaves, self.corrections[subset][rate_index])
        gains = self.gain_models[subset][rate_index](state.plain_gains(actions), corrections)
        prices = self.exchange_rates[rate_index] * action_prices(actions, self.prices, self.times)
        return choose(gains, prices, not subset)
