"""Which services to ask about an item, by what is expected of each and by what has been answered.

The state of an item is what each service was expected to score before any call, which services
were asked, which answer is best accepted and how right it probably is, and who contradicts it. At
each exchange rate of accuracy and price an item stops, or asks one more service, or several at once
where time has a price, by the value of what follows, learned backwards from recorded answers:

V(S, x) = max(p(S, x), max over actions A of E[V(S + A) | x] - rate * price(A)),

p the probability that the accepted answer is right. The expectation is max(p, expected score of A)
plus a correction: a forest grown once a set of services, whose leaves are averaged for every rate
over what following the policy brought the items in them (Longstaff and Schwartz 2001).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, islice, product
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from orchestration_assets.evidence.accepted_answers import (
    Accepted,
    AcceptedAnswers,
    answers_tell,
    fit_accepted_answers,
    pack_accepted_answers,
    unpack_accepted_answers,
)
from orchestration_assets.evidence.belief import Subset
from orchestration_assets.evidence.forest import (
    Forest,
    LeafMeans,
    Nodes,
    forest_means,
    grow_forest,
    pack_forest,
    unpack_forest,
)
from orchestration_assets.evidence.recorded_answers import (
    MISSING,
    Bools,
    Floats,
    Ints,
    RecordedAnswers,
)
from orchestration_assets.selection.policy_outcomes import PolicyOutcome, outcome_of_accepted

MAX_ASKED: Final = 3
_MAX_CANDIDATES: Final = 6
_FOLDS: Final = 3
_N_TREES: Final = 24
_MIN_LEAF_ROWS: Final = 20
_LEAVES_PER_TREE: Final = 150
_PILOT_TREES, _PILOT_ITEMS, _PILOT_RATES, _PILOT_ASKED = 8, 1_000, 4, 2
_PARTS: Final = (0.0, 0.5, 1.0)
_TIE: Final = 1e-5  # of score: below, the model of the smaller differences is kept
_FEWER: Final = (4, 3, 2)  # candidates, beside all of them
_RATES_PER_ORDER: Final = 4
_OF_SCORE: Final = 0.5
"""How much of what stopping is worth to a training item is the score that it had, and not the one
that was expected: the one errs for each item, the other for all items of a kind."""

_LEAST_REACHED: Final = 0.002  # of the items


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
class ActionGains:
    """How plain gains and learned corrections make the expected gain of each action.

    ``slopes`` (actions,): the part of the plain gain that the expectation takes. What sets the
    actions apart counts with ``of_plain`` and ``of_corrections`` in [0, 1], about ``offset``
    (actions,), what sets them apart on average; an action whose offset is -inf is never taken. Of
    what they have in common, plain gains count in
    full, and corrections with ``of_level``.
    """

    slopes: Floats
    of_plain: float
    of_corrections: float
    of_level: float
    offset: Floats

    def __call__(self, plain: Floats, corrections: Floats) -> Floats:
        """(n, actions) expected gains of plain gains and corrections (n, actions)."""
        able = np.isfinite(self.offset)
        own = self.slopes[able] * plain[:, able]
        learned = corrections[:, able]
        if not able.any():
            return np.full(plain.shape, -np.inf)
        own_mean = own.mean(axis=1, keepdims=True)
        learned_mean = learned.mean(axis=1, keepdims=True)
        gains = np.full(plain.shape, -np.inf)
        gains[:, able] = (
            own_mean
            + self.of_level * learned_mean
            + self.of_plain * (own - own_mean)
            + self.of_corrections * (learned - learned_mean)
            + self.offset[able]
        )
        return gains


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
        return _actions(self.candidates, subset, self.most_asked, self.times)

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
            state = _state(
                self.accepted,
                self.candidates,
                subset,
                expected[rows],
                recorded.take(rows),
                asked[rows],
                accepted.take(rows),
            )
            leaves = self.forests[subset].leaves(state.features)
            choice = self._choice(rate_index, subset, state, leaves)
            able = np.isfinite(choice.gain)
            best[rows] = _members(self.actions(subset), n_services)[choice.action] & able[:, None]
            gains[rows], prices[rows] = np.where(able, [choice.gain, choice.price], 0.0)
            ask[rows] = best[rows] & choice.goes_on[:, None]
        return NextSteps(ask, accepted.service, accepted.probability, best, gains, prices)

    def run(self, rate_index: int, expected: Floats, recorded: RecordedAnswers) -> PolicyOutcome:
        """The outcome on recorded answers of every service."""
        return ContentSimulator(self, expected, recorded).run(rate_index)

    def _choice(self, rate_index: int, subset: Subset, state: "_State", leaves: Nodes) -> "_Choice":
        actions = self.actions(subset)
        corrections = forest_means(leaves, self.corrections[subset][rate_index])
        gains = self.gain_models[subset][rate_index](state.plain_gains(actions), corrections)
        prices = self.exchange_rates[rate_index] * _action_prices(actions, self.prices, self.times)
        return _choose(gains, prices, not subset)


class ContentSimulator:
    """Runs a policy on recorded answers; what no rate changes is computed once."""

    def __init__(self, policy: ContentPolicy, expected: Floats, recorded: RecordedAnswers) -> None:
        self._policy, self._expected, self._recorded = policy, expected, recorded
        self._states: dict[Subset, tuple[_State, Nodes | None]] = {}

    def run(self, rate_index: int) -> PolicyOutcome:
        """The outcome at one exchange rate."""
        policy = self._policy

        def decide(subset: Subset) -> tuple[Ints, Ints]:
            state, leaves = self._state(subset)
            if leaves is None:
                return state.accepted.service, np.full(self._recorded.n_items, MISSING)
            choice = policy._choice(rate_index, subset, state, leaves)
            return state.accepted.service, np.where(choice.goes_on, choice.action, MISSING)

        return _follow(self._recorded, decide, policy.actions, policy.times)

    def _state(self, subset: Subset) -> tuple["_State", Nodes | None]:
        if subset not in self._states:
            recorded, policy = self._recorded, self._policy
            asked = _asked_of(subset, recorded)
            accepted = policy.accepted(
                self._expected, recorded.answers, recorded.confidences, asked
            )
            state = _state(
                policy.accepted,
                policy.candidates,
                subset,
                self._expected,
                recorded,
                asked,
                accepted,
            )
            forest = policy.forests.get(subset)
            self._states[subset] = (
                state,
                None if forest is None else forest.leaves(state.features),
            )
        return self._states[subset]


@dataclass(frozen=True)
class _State:
    """Of ``n`` items after one set of services: ``features`` (n, F), ``accepted`` answers, and the
    scores ``expected`` (n, K) before any call."""

    features: Floats
    accepted: Accepted
    expected: Floats

    def plain_gains(self, actions: Sequence[Subset]) -> Floats:
        """(n, actions) by how much the best expected score of an action exceeds what is had."""
        best = [self.expected[:, action].max(axis=1) for action in actions]
        gains: Floats = np.stack(best, axis=1) - self.accepted.probability[:, None]
        return np.maximum(gains, 0.0)


@dataclass(frozen=True)
class _Choice:
    """(n,) each: position of the best action, its gain and price in score, whether it is taken."""

    action: Ints
    gain: Floats
    price: Floats
    goes_on: Bools


def _choose(gains: Floats, prices: Floats, nothing_asked: bool) -> _Choice:
    """The action of the highest net gain; while nothing was asked, one is taken in any case."""
    net = gains - prices
    best = net.argmax(axis=1)
    rows = np.arange(len(best))
    return _Choice(best, gains[rows, best], prices[best], (net[rows, best] > 0.0) | nothing_asked)


def _state(
    model: AcceptedAnswers,
    candidates: Subset,
    subset: Subset,
    expected: Floats,
    recorded: RecordedAnswers,
    asked: Bools,
    accepted: Accepted,
) -> _State:
    columns = list(subset)
    codes = model.agreeing(recorded.answers, asked, accepted.service)[:, columns]
    stated = np.nan_to_num(recorded.confidences[:, columns], nan=-1.0)
    features = np.column_stack(
        [
            accepted.probability,
            accepted.runner_up,
            expected.mean(axis=1),
            expected[:, candidates],
            codes,
            stated,
        ]
    )
    return _State(features, accepted, expected)


def _actions(candidates: Subset, subset: Subset, most_asked: int, times: Floats) -> list[Subset]:
    """Each candidate not asked yet; where time has a price, also several at once."""
    left = [service for service in candidates if service not in subset]
    most = min(most_asked - len(subset), len(left)) if times.any() else 1
    return [action for size in range(1, most + 1) for action in combinations(left, size)]


def _action_prices(actions: Sequence[Subset], prices: Floats, times: Floats) -> Floats:
    return np.array([prices[list(action)].sum() + times[list(action)].max() for action in actions])


def _members(actions: Sequence[Subset], n_services: int) -> Bools:
    members = np.zeros((len(actions), n_services), dtype=np.bool_)
    for number, action in enumerate(actions):
        members[number, list(action)] = True
    return members


def _asked_of(subset: Subset, recorded: RecordedAnswers) -> Bools:
    asked = np.zeros(recorded.answers.shape, dtype=np.bool_)
    asked[:, list(subset)] = True
    return asked


def _union(subset: Subset, action: Subset) -> Subset:
    return tuple(sorted((*subset, *action)))


def _follow(
    recorded: RecordedAnswers,
    decide: Callable[[Subset], tuple[Ints, Ints]],
    actions: Callable[[Subset], Sequence[Subset]],
    times: Floats,
    reached: dict[Subset, float] | None = None,
) -> PolicyOutcome:
    """Follows the decisions item by item until each one stops.

    ``decide`` gives, after a set of services, the service whose answer would stand and the position
    of the action taken (n,), ``MISSING`` to stop. ``reached`` is filled with the share of the items
    that come to each set.
    """
    n_items, n_services = recorded.answers.shape
    asked = np.zeros((n_items, n_services), dtype=np.bool_)
    accepted = np.full(n_items, MISSING)
    waits = np.zeros(n_items)
    arriving: dict[Subset, list[Ints]] = {(): [np.arange(n_items)]}
    while arriving:
        subset = min(arriving, key=lambda one: (len(one), one))
        items = np.concatenate(arriving.pop(subset))
        if reached is not None:
            reached[subset] = len(items) / n_items
        service, action = decide(subset)
        steps = action[items]
        stopping = items[steps == MISSING]
        accepted[stopping] = service[stopping]
        for number, members in enumerate(actions(subset)):
            going = items[steps == number]
            if going.size:
                asked[np.ix_(going, members)] = True
                waits[going] += times[list(members)].max()
                arriving.setdefault(_union(subset, members), []).append(going)
    return outcome_of_accepted(recorded, asked, accepted, waits)


def fit_content_policy(
    train: RecordedAnswers,
    expected: Floats,
    prices: Floats,
    exchange_rates: Floats,
    seed: int = 0,
    times: Floats | None = None,
) -> tuple[ContentPolicy, list[PolicyOutcome]]:
    """Fits a policy to items of which every service was asked.

    ``expected`` (n, K) in [0, 1] are of predictors that have not seen the items; ``prices`` (K,) of
    a call, and ``times`` (K,) what waiting for it costs in the same unit: none by default. Also
    returns the outcome on the training items for each exchange rate, when each is decided by
    models that have not seen it.
    """
    waiting = np.zeros(train.n_services) if times is None else times
    most = MAX_ASKED if answers_tell(train) else 1
    candidates = _candidates(train, expected, prices, most, exchange_rates, seed)
    induction = _Induction(train, expected, candidates, prices, waiting, most, _N_TREES, seed)
    solutions = induction.best_solutions(exchange_rates)
    reached = {
        subset
        for solution in solutions
        for subset, share in solution.reached.items()
        if share >= _LEAST_REACHED
    }
    kept = [subset for subset in induction.forests if subset in reached]
    blank = {subset: induction.never(subset) for subset in kept}
    policy = ContentPolicy(
        candidates,
        most,
        exchange_rates,
        prices,
        waiting,
        induction.accepted_answers,
        {subset: induction.forests[subset] for subset in kept},
        {
            subset: np.stack([one.corrections.get(subset, blank[subset][0]) for one in solutions])
            for subset in kept
        },
        {
            subset: [one.gain_models.get(subset, blank[subset][1]) for one in solutions]
            for subset in kept
        },
    )
    return policy, [solution.outcome for solution in solutions]


def _candidates(
    train: RecordedAnswers,
    expected: Floats,
    prices: Floats,
    most_asked: int,
    exchange_rates: Floats,
    seed: int,
) -> Subset:
    """The services worth considering: where they are many, those that a small policy over all of
    them asks most often at some exchange rate."""
    every: Subset = tuple(range(train.n_services))
    if most_asked == 1 or len(every) <= _MAX_CANDIDATES:
        return every
    sample = np.random.default_rng(seed).permutation(train.n_items)[:_PILOT_ITEMS]
    pilot = _Induction(
        train.take(sample),
        expected[sample],
        every,
        prices,
        np.zeros_like(prices),
        _PILOT_ASKED,
        _PILOT_TREES,
        seed,
    )
    some = np.linspace(0, len(exchange_rates) - 1, _PILOT_RATES).astype(int)
    shares = [pilot.solve(float(rate), every).outcome.ask_shares for rate in exchange_rates[some]]
    most = np.max(shares, axis=0)
    return tuple(sorted(np.argsort(-most, kind="stable")[:_MAX_CANDIDATES].tolist()))


@dataclass(frozen=True)
class _Solution:
    """At one rate: leaf averages and models, outcome on training items, share of items that reach
    each set."""

    corrections: Mapping[Subset, NDArray[np.float32]]
    gain_models: Mapping[Subset, ActionGains]
    outcome: PolicyOutcome
    reached: Mapping[Subset, float]
    net_score: float


class _Induction:
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
            later = [self._states[_union(subset, (j,))].accepted.probability for j in left]
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
    ) -> dict[Subset, _State]:
        train = self._train
        folds = np.random.default_rng(seed).permutation(train.n_items) % _FOLDS
        parts: dict[Subset, list[_State]] = {subset: [] for subset in self._subsets}
        for fold in range(_FOLDS):
            model, held_out = fit(np.flatnonzero(folds != fold)), np.flatnonzero(folds == fold)
            recorded, beforehand = train.take(held_out), expected[held_out]
            for subset in self._subsets:
                asked = _asked_of(subset, recorded)
                accepted = model(beforehand, recorded.answers, recorded.confidences, asked)
                parts[subset].append(
                    _state(model, self._candidates, subset, beforehand, recorded, asked, accepted)
                )
        order = np.argsort(np.concatenate([np.flatnonzero(folds == f) for f in range(_FOLDS)]))
        return {subset: _joined(some, order) for subset, some in parts.items()}

    def best_solutions(self, rates: Floats) -> list[_Solution]:
        """The best solution at each exchange rate, over all candidates or over the few that are
        asked most, where the rest are worth no more than the noise they bring.

        Who is asked most, and whether all are worth trying, is looked up at every few rates.
        """
        solutions: list[_Solution] = []
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

    def solve(self, rate: float, allowed: Subset) -> _Solution:
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
                later[:, number] = values[_union(subset, actions[number])]
            plain = self._plain_gains[subset]
            gains = np.where(able, later - had[:, None], 0.0)
            slopes = np.where(able, _slopes(plain, gains), 0.0)
            means = self._leaf_means[subset].means(gains - slopes * plain)
            unseen = self._leaf_means[subset].out_of_bag(means)
            prices = rate * _action_prices(actions, self._prices, self._times)
            best = -np.inf
            # where answers tell nothing, nothing is learned beyond what was expected
            most_models = None if self._most_asked > 1 else 1
            for model in islice(_gain_models(slopes, plain, unseen, able), most_models):
                choice = _choose(model(plain, unseen), prices, not subset)
                reached = later[rows, choice.action] - choice.price
                value = np.where(choice.goes_on, reached, worth)
                if (mean := float(self._train.weights @ value)) > best + _TIE * n_items:
                    best, values[subset], gain_models[subset] = mean, value, model
                    choices[subset] = np.where(choice.goes_on, choice.action, MISSING)
            corrections[subset] = means
        reached_by: dict[Subset, float] = {}

        def decide(subset: Subset) -> tuple[Ints, Ints]:
            return self._states[subset].accepted.service, choices[subset]

        outcome = _follow(self._train, decide, self._actions, self._times, reached_by)
        price = float(outcome.ask_shares @ self._prices)
        if outcome.waits is not None:
            price += float(np.average(outcome.waits, weights=outcome.weights))
        net_score = outcome.accuracy - rate * price
        return _Solution(corrections, gain_models, outcome, reached_by, net_score)

    def _actions(self, subset: Subset) -> list[Subset]:
        return _actions(self._candidates, subset, self._most_asked, self._times)


def _slopes(plain: Floats, gains: Floats) -> Floats:
    """(actions,) least-squares slopes in [0, 1] of the gains (n, actions) on the plain ones."""
    centred = plain - plain.mean(axis=0)
    spread = (centred**2).sum(axis=0)
    slopes = (centred * gains).sum(axis=0) / np.maximum(spread, 1e-12)
    return np.where(spread > 1e-12, np.clip(slopes, 0.0, 1.0), 0.0)


def _gain_models(
    slopes: Floats, plain: Floats, corrections: Floats, able: Bools
) -> Iterator[ActionGains]:
    """What was expected before any call; then what was learned, from no difference between items
    in what sets the actions apart to all of it.

    The largest of several noisy estimates is too large: where what is known of an item does not
    tell which action is better for it, differences only mislead.
    """
    never = np.where(able, 0.0, -np.inf)
    if not able.any():
        yield ActionGains(slopes, 0.0, 0.0, 0.0, never)
        return
    yield ActionGains(np.ones_like(slopes), 1.0, 0.0, 0.0, never)
    of_plain, of_corrections = _apart(slopes * plain, able), _apart(corrections, able)
    for part, other in product(_PARTS, _PARTS):
        left_out = (1.0 - part) * of_plain + (1.0 - other) * of_corrections
        yield ActionGains(slopes, part, other, 1.0, left_out.mean(axis=0) + never)


def _apart(gains: Floats, able: Bools) -> Floats:
    """(n, actions) by how much each action exceeds the mean of those that are able to be taken."""
    apart: Floats = gains - gains[:, able].mean(axis=1, keepdims=True)
    return apart


def _joined(parts: Sequence[_State], order: Ints) -> _State:
    """The states of all items, from those of the folds, brought into order."""
    return _State(
        np.concatenate([part.features for part in parts])[order],
        Accepted(
            np.concatenate([part.accepted.service for part in parts])[order],
            np.concatenate([part.accepted.probability for part in parts])[order],
            np.concatenate([part.accepted.runner_up for part in parts])[order],
        ),
        np.concatenate([part.expected for part in parts])[order],
    )


def pack_content_policy(
    name: str, policy: ContentPolicy, arrays: dict[str, NDArray[Any]]
) -> dict[str, Any]:
    """Puts the policy's arrays under names that begin with ``name``; gives the facts beside."""
    arrays[f"{name}.exchange"] = policy.exchange_rates
    arrays[f"{name}.prices"], arrays[f"{name}.times"] = policy.prices, policy.times
    for subset, forest in policy.forests.items():
        key = f"{name}.{'_'.join(map(str, subset))}"
        pack_forest(key, forest, arrays)
        # only leaves have averages
        leaf = forest.children[:, 0] == np.arange(forest.n_nodes)
        arrays[f"{key}.corrections"] = policy.corrections[subset][:, leaf]
        models = policy.gain_models[subset]
        arrays[f"{key}.slopes"] = np.stack([model.slopes for model in models])
        arrays[f"{key}.offsets"] = np.stack([model.offset for model in models])
        arrays[f"{key}.parts"] = np.array(
            [(model.of_plain, model.of_corrections, model.of_level) for model in models]
        )
    return {
        "candidates": list(policy.candidates),
        "most_asked": policy.most_asked,
        "accepted": pack_accepted_answers(f"{name}.accepted", policy.accepted, arrays),
        "subsets": [list(subset) for subset in policy.forests],
    }


def unpack_content_policy(
    name: str, arrays: Mapping[str, NDArray[Any]], facts: Mapping[str, Any]
) -> ContentPolicy:
    """What :func:`pack_content_policy` stored."""
    forests: dict[Subset, Forest] = {}
    corrections: dict[Subset, NDArray[np.float32]] = {}
    gain_models: dict[Subset, list[ActionGains]] = {}
    for services in facts["subsets"]:
        subset: Subset = tuple(services)
        key = f"{name}.{'_'.join(map(str, subset))}"
        forest, at_leaves = unpack_forest(key, arrays), arrays[f"{key}.corrections"]
        all_nodes = np.zeros((at_leaves.shape[0], forest.n_nodes, at_leaves.shape[2]), np.float32)
        all_nodes[:, forest.children[:, 0] == np.arange(forest.n_nodes)] = at_leaves
        forests[subset], corrections[subset] = forest, all_nodes
        gain_models[subset] = [
            ActionGains(slopes, float(parts[0]), float(parts[1]), float(parts[2]), offset)
            for slopes, parts, offset in zip(
                arrays[f"{key}.slopes"],
                arrays[f"{key}.parts"],
                arrays[f"{key}.offsets"],
                strict=True,
            )
        ]
    return ContentPolicy(
        tuple(facts["candidates"]),
        facts["most_asked"],
        arrays[f"{name}.exchange"],
        arrays[f"{name}.prices"],
        arrays[f"{name}.times"],
        unpack_accepted_answers(f"{name}.accepted", arrays, facts["accepted"]),
        forests,
        corrections,
        gain_models,
    )
