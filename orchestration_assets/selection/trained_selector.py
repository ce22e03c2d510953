"""A trained selector: its operating points, its next step for one item, and its stored form."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from orchestration_assets.evidence.belief import BeliefModel, Subset
from orchestration_assets.evidence.bins import ConfidenceBins
from orchestration_assets.evidence.boosting import BoostedTrees
from orchestration_assets.evidence.calibration import PlattScaling
from orchestration_assets.evidence.forest import Forest, pack_forest, unpack_forest
from orchestration_assets.evidence.likelihoods import LikelihoodTables
from orchestration_assets.evidence.recorded_answers import MISSING, Floats, RecordedAnswers
from orchestration_assets.evidence.stacking import StackingModel
from orchestration_assets.selection.backward_induction import (
    PolicySimulator,
    StepPolicy,
    remaining_services,
)
from orchestration_assets.selection.baselines import Cascade, SingleService
from orchestration_assets.selection.content_policy import ContentPolicy, NextSteps
from orchestration_assets.selection.content_simulation import ContentSimulator
from orchestration_assets.selection.frugal import AddOn
from orchestration_assets.selection.learner import (
    ADD_ON,
    CASCADE,
    CONTENT,
    SINGLE,
    STACK,
    FixedPolicy,
    Selector,
)
from orchestration_assets.selection.policy_outcomes import PolicyOutcome
from orchestration_assets.selection.stored_content_policy import (
    pack_content_policy,
    unpack_content_policy,
)

MAX_POINTS: Final = 12
USD: Final = "usd"
"""The unit of points that save money."""

FORMAT: Final = 2

GivenAnswers = Mapping[str, tuple[str | None, float | None]]
_Arrays = Mapping[str, NDArray[Any]]
# the names of an operating point's fields in a stored model, in their order
_POINT_FACTS: Final = ("saves", "family", "place", "exchange", "accuracy", "asked")


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """One policy at one exchange rate, with its results out of fold.

    ``unit`` (usd or ms) is what the exchange rate prices; ``policy_index`` is the position of the
    policy in its family; ``ask_shares`` (K,) is how often each service is asked.
    """

    unit: str
    family: str
    policy_index: int
    exchange_rate: float
    accuracy: float
    ask_shares: tuple[float, ...]

    def mean_price(self, prices: Floats) -> float:
        """Mean price an item when a call to each service takes ``prices`` (K,)."""
        return float(np.array(self.ask_shares) @ prices)


@dataclass(frozen=True, slots=True)
class NextStep:
    """The next step of one item.

    ``ask`` is a service, or None to stop. ``best_service`` has the highest net value, asked or
    not; ``expected_gain`` is its expected gain of the probability of a right answer, and ``price``
    its price times the exchange rate, in the same unit. ``answer`` and ``probability`` are the
    leading answer and its calibrated probability. ``also_ask`` are services to ask at the same time
    as ``ask``, where time has a price; ``best_service`` then names the first of all. ``accepted``
    is the service whose answer stands, where one alone does by what is expected of it. All but
    ``ask`` may be None for fixed policies.
    """

    ask: str | None
    answer: str | None = None
    probability: float | None = None
    best_service: str | None = None
    expected_gain: float | None = None
    price: float | None = None
    also_ask: tuple[str, ...] = ()
    accepted: str | None = None


@dataclass(frozen=True)
class TrainedSelector:
    """All policies of one task, by operating point.

    ``best_service`` has the highest ``solo_accuracy`` (K,), that of each service by itself;
    ``usd`` and ``ms`` (K,) are the mean price and time of a call in the training data.
    """

    services: tuple[str, ...]
    labels: tuple[str, ...]
    best_service: int
    solo_accuracy: Floats
    usd: Floats
    ms: Floats
    points: tuple[OperatingPoint, ...]
    fixed_policies: tuple[FixedPolicy, ...]
    belief: BeliefModel | None
    step_policies: Mapping[str, StepPolicy]
    content_policies: Mapping[str, ContentPolicy] = field(default_factory=dict)

    def next_step(
        self,
        point: int,
        given: GivenAnswers,
        expected: Floats | None = None,
        usd: Floats | None = None,
    ) -> NextStep:
        """The step after the services in ``given`` gave (answer or None, confidence or None).

        ``expected`` (K,) in [0, 1] are the scores expected of the services before any call; None:
        what each scores by itself. ``usd`` (K,) is what calls cost on this item, by default what
        they cost on average.
        """
        operating_point = self.points[point]
        if operating_point.family == CONTENT:
            prices = _prices_of(operating_point, usd)
            return self._content_next_step(operating_point, given, expected, prices)
        recorded = self._as_recorded(given)
        if operating_point.family == STACK:
            return self._stacked_next_step(operating_point, recorded, given)
        return _fixed_next_step(
            self.fixed_policies[operating_point.policy_index], recorded, self.services, given
        )

    def first_steps(
        self, point: int, expected: Floats, usd: Floats | None = None
    ) -> NextSteps | None:
        """The first steps of ``n`` items of which ``expected`` (n, K) is expected before any call,
        and on which calls cost ``usd`` (n, K); None where the point's policy does not look at
        that."""
        operating_point = self.points[point]
        if operating_point.family != CONTENT:
            return None
        shape = expected.shape
        nothing = RecordedAnswers(
            "items",
            self.services,
            self.labels,
            ("",) * len(expected),
            np.full(shape, MISSING),
            np.full(shape, np.nan),
            np.zeros(shape, dtype=np.bool_),
            np.full(len(expected), MISSING),
            np.zeros(shape),
            np.full(shape, np.nan),
        )
        return self.content_policies[operating_point.unit].next_steps(
            operating_point.policy_index,
            expected,
            nothing,
            nothing.asked,
            _prices_of(operating_point, usd),
        )

    def label_probabilities(
        self, point: int, given: GivenAnswers, expected: Floats | None = None
    ) -> tuple[str, float, dict[str, float]] | None:
        """The leading answer, its probability, and the probability of each label.

        A fixed policy takes one service's answer, with the accuracy of the point as its
        probability. None when that service gave no answer. ``expected`` as for :meth:`next_step`.
        """
        operating_point = self.points[point]
        recorded = self._as_recorded(given)
        if operating_point.family == STACK and self.belief is not None:
            subset: Subset = tuple(k for k, name in enumerate(self.services) if name in given)
            posterior = self.belief.posterior(recorded, subset)
            labelled = dict(zip(self.labels, posterior.probabilities[0].tolist(), strict=True))
            return self.labels[int(posterior.answer[0])], float(posterior.confidence[0]), labelled
        advice = self.next_step(point, given, expected)
        if advice.answer is None:
            return None
        if advice.probability is not None and operating_point.family == CONTENT:
            return advice.answer, advice.probability, {advice.answer: advice.probability}
        return advice.answer, operating_point.accuracy, {advice.answer: operating_point.accuracy}

    def run(
        self,
        point: int,
        recorded: RecordedAnswers,
        expected: Floats | None = None,
        usd: Floats | None = None,
    ) -> PolicyOutcome:
        """The outcome of one point on recorded answers of the same services and labels.

        ``expected`` (n, K) are the scores expected before any call, ``usd`` (n, K) what calls cost
        on each item; None: as for :meth:`next_step`.
        """
        operating_point = self.points[point]
        if operating_point.family == CONTENT:
            return ContentSimulator(
                self.content_policies[operating_point.unit],
                self._expected(expected, recorded.n_items),
                recorded,
                _prices_of(operating_point, usd),
            ).run(operating_point.policy_index)
        if operating_point.family != STACK or self.belief is None:
            return self.fixed_policies[operating_point.policy_index].run(recorded)
        return PolicySimulator(self.belief, self.step_policies[operating_point.unit], recorded).run(
            operating_point.policy_index
        )

    def _stacked_next_step(
        self,
        point: OperatingPoint,
        recorded: RecordedAnswers,
        given: GivenAnswers,
    ) -> NextStep:
        if self.belief is None:
            raise ValueError("a stack point needs a belief")
        subset: Subset = tuple(k for k, name in enumerate(self.services) if name in given)
        posterior = self.belief.posterior(recorded, subset)
        answer, probability = self.labels[int(posterior.answer[0])], float(posterior.confidence[0])
        remaining = remaining_services(subset, len(self.services))
        if not remaining:
            return NextStep(None, answer, probability)
        policy = self.step_policies[point.unit]
        values = policy.net_values(subset, posterior, point.policy_index)[0]
        best_service = remaining[int(values.argmax())]
        price = float(policy.exchange_rates[point.policy_index] * policy.prices[best_service])
        gain = float(values.max()) - probability
        name = self.services[best_service]
        return NextStep(
            name if gain > 0.0 else None, answer, probability, name, gain + price, price
        )

    def _expected(self, expected: Floats | None, n_items: int) -> Floats:
        if expected is None:
            return np.tile(self.solo_accuracy, (n_items, 1))
        return np.asarray(expected, dtype=np.float64).reshape(n_items, len(self.services))

    def _content_next_step(
        self,
        point: OperatingPoint,
        given: GivenAnswers,
        expected: Floats | None,
        prices: Floats | None,
    ) -> NextStep:
        # answers that did not occur in training can still be compared with each other
        said = dict.fromkeys(answer for answer, _ in given.values() if answer is not None)
        labels = self.labels
        if len(labels) > 1:
            labels = (*labels, *(answer for answer in said if answer not in labels))
        steps = self.content_policies[point.unit].next_steps(
            point.policy_index,
            self._expected(expected, 1),
            self._as_recorded(given, labels),
            np.array([[name in given for name in self.services]]),
            None if prices is None else prices[None, :],
        )
        return self._one_step(steps, given)

    def _one_step(self, steps: NextSteps, given: GivenAnswers) -> NextStep:
        ask = [self.services[k] for k in np.flatnonzero(steps.ask[0])]
        best = np.flatnonzero(steps.best[0])
        accepted = int(steps.accepted[0])
        return NextStep(
            ask[0] if ask else None,
            None if accepted == MISSING else given[self.services[accepted]][0],
            None if accepted == MISSING else float(steps.probability[0]),
            self.services[best[0]] if len(best) else None,
            float(steps.expected_gain[0]) if len(best) else None,
            float(steps.price[0]) if len(best) else None,
            tuple(ask[1:]),
            None if accepted == MISSING else self.services[accepted],
        )

    def _as_recorded(
        self, given: GivenAnswers, known: tuple[str, ...] | None = None
    ) -> RecordedAnswers:
        """One item as arrays; an answer that is not among the labels ``known``, by default those
        of training, counts as missing. Free text, that knows one label alone, is not compared."""
        labels = self.labels if known is None else known
        shape = (1, len(self.services))
        answers = np.full(shape, MISSING)
        confidences = np.full(shape, np.nan)
        for service, (answer, confidence) in given.items():
            k = self.services.index(service)
            if answer in labels:
                answers[0, k] = labels.index(answer)
            elif answer is not None and known is not None and len(labels) == 1:
                answers[0, k] = 0
            if confidence is not None:
                confidences[0, k] = confidence
        subset = np.array([[name in given for name in self.services]])
        return RecordedAnswers(
            "item",
            self.services,
            labels,
            ("item",),
            answers,
            confidences,
            subset,
            np.array([MISSING]),
            np.zeros(shape),
            np.full(shape, np.nan),
        )


def _prices_of(point: OperatingPoint, usd: Floats | None) -> Floats | None:
    """What calls cost on each item in the unit of a point; None where that is no money."""
    return usd if point.unit == USD else None


def _fixed_next_step(
    policy: FixedPolicy,
    recorded: RecordedAnswers,
    services: Sequence[str],
    given: GivenAnswers,
) -> NextStep:
    """The service that a fixed policy asks next, or the answer that it takes."""
    order = [services[k] for k in policy.services_asked(recorded)]
    missing = [name for name in order if name not in given]
    accepted = given.get(order[-1], (None, None))
    return NextStep(missing[0] if missing else None, *accepted)


def build_trained_selector(
    selectors: Mapping[str, Selector], solo_accuracy: Floats, usd: Floats, ms: Floats
) -> TrainedSelector:
    """The operating points of selectors that were fitted to save usd or ms, by that name.

    Only points on the Pareto frontier of accuracy and price are kept, at most ``MAX_POINTS`` a
    selector, spread over its prices.
    """
    points: list[OperatingPoint] = []
    fixed_policies: list[FixedPolicy] = []
    step_policies: dict[str, StepPolicy] = {}
    content_policies: dict[str, ContentPolicy] = {}
    first = next(iter(selectors.values()))
    belief = None
    for unit, selector in selectors.items():
        rates = _thinned_frontier(selector)
        stacked_rates = [rate for rate in rates if selector.families[rate] == STACK]
        if stacked_rates and selector.step_policy is not None:
            step_policies[unit] = selector.step_policy.select_rates(stacked_rates)
            belief = selector.belief
        content_rates = [rate for rate in rates if selector.families[rate] == CONTENT]
        if content_rates and selector.content is not None:
            content_policies[unit] = selector.content.select_rates(content_rates)
        for rate in rates:
            family = selector.families[rate]
            validation = selector.validation[family]
            if family == STACK:
                policy_index = stacked_rates.index(rate)
            elif family == CONTENT:
                policy_index = content_rates.index(rate)
            else:
                policy_index = len(fixed_policies)
                fixed_policies.append(selector.fixed[family][rate])
            points.append(
                OperatingPoint(
                    unit,
                    family,
                    policy_index,
                    float(selector.exchange_rates[rate]),
                    float(validation.accuracies[rate]),
                    tuple(float(share) for share in validation.asked[rate]),
                )
            )
    return TrainedSelector(
        first.services,
        first.labels,
        first.best_service,
        solo_accuracy,
        usd,
        ms,
        tuple(points),
        tuple(fixed_policies),
        belief,
        step_policies,
        content_policies,
    )


def _thinned_frontier(selector: Selector) -> list[int]:
    """The rates on the Pareto frontier, thinned out evenly by price, from dear to cheap."""
    points = [selector.validated(rate) for rate in range(len(selector.exchange_rates))]
    kept: list[int] = []
    for rate in sorted(range(len(points)), key=lambda rate: (points[rate][1], -points[rate][0])):
        if not kept or points[rate][0] > points[kept[-1]][0] + 1e-9:
            kept.append(rate)
    if len(kept) <= MAX_POINTS:
        return kept[::-1]
    prices = np.array([points[rate][1] for rate in kept])
    targets = np.linspace(prices[0], prices[-1], MAX_POINTS)
    nearest = {int(np.abs(prices - target).argmin()) for target in targets}
    return [kept[position] for position in sorted(nearest, reverse=True)]


def pack_selector(selector: TrainedSelector) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Arrays by name, and facts that JSON can hold; :func:`unpack_selector` turns them back."""
    arrays: dict[str, NDArray[Any]] = {
        "alone": selector.solo_accuracy,
        "usd": selector.usd,
        "ms": selector.ms,
    }
    facts: dict[str, Any] = {
        "format": FORMAT,
        "services": list(selector.services),
        "labels": list(selector.labels),
        "single": selector.best_service,
        "points": [
            dict(zip(_POINT_FACTS, astuple(point), strict=True)) for point in selector.points
        ],
        "fixed": [_pack_fixed(policy) for policy in selector.fixed_policies],
    }
    if selector.belief is not None:
        facts["belief"] = _pack_belief(selector.belief, arrays)
        facts["steps"] = [
            _pack_steps(unit, steps, arrays) for unit, steps in selector.step_policies.items()
        ]
    facts["content"] = {
        unit: pack_content_policy(f"{unit}.content", policy, arrays)
        for unit, policy in selector.content_policies.items()
    }
    return arrays, facts


def unpack_selector(arrays: _Arrays, facts: Mapping[str, Any]) -> TrainedSelector:
    """What :func:`pack_selector` stored. Raises ValueError for another format."""
    if facts.get("format") != FORMAT:
        raise ValueError(
            f"it is of format {facts.get('format')!r}, where {FORMAT} is known: train again with "
            "the job learn_selection"
        )
    belief = _unpack_belief(arrays, facts["belief"]) if "belief" in facts else None
    steps = {fact["saves"]: _unpack_steps(arrays, fact) for fact in facts.get("steps", [])}
    return TrainedSelector(
        tuple(facts["services"]),
        tuple(facts["labels"]),
        facts["single"],
        arrays["alone"],
        arrays["usd"],
        arrays["ms"],
        tuple(
            OperatingPoint(
                fact["saves"],
                fact["family"],
                fact["place"],
                fact["exchange"],
                fact["accuracy"],
                tuple(fact["asked"]),
            )
            for fact in facts["points"]
        ),
        tuple(_unpack_fixed(fact) for fact in facts["fixed"]),
        belief,
        steps,
        {
            unit: unpack_content_policy(f"{unit}.content", arrays, fact)
            for unit, fact in facts["content"].items()
        },
    )


def _pack_fixed(policy: FixedPolicy) -> dict[str, Any]:
    if isinstance(policy, SingleService):
        return {"family": SINGLE, "service": policy.service}
    if isinstance(policy, Cascade):
        return {
            "family": CASCADE,
            "order": policy.order,
            "thresholds": _exact_text(policy.thresholds),
        }
    return {
        "family": ADD_ON,
        "base": policy.base,
        "thresholds": _exact_text(policy.thresholds),
        "add_ons": policy.add_ons.tolist(),
    }


def _unpack_fixed(fact: Mapping[str, Any]) -> FixedPolicy:
    if fact["family"] == SINGLE:
        return SingleService(fact["service"])
    thresholds = [float(value) for value in fact["thresholds"]]
    if fact["family"] == CASCADE:
        return Cascade(tuple(fact["order"]), tuple(thresholds))
    return AddOn(fact["base"], np.array(thresholds), np.array(fact["add_ons"], dtype=np.int64))


def _exact_text(thresholds: Sequence[float] | Floats) -> list[str]:
    """Numbers as text that gives them back exactly; JSON has no infinity."""
    return [repr(float(value)) for value in thresholds]


def _key(subset: Subset) -> str:
    return "_".join(str(service) for service in subset) or "none"


def _pack_belief(belief: BeliefModel, arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    arrays["bins"] = belief.bins.edges
    arrays["prior"], arrays["can_be"] = belief.likelihoods.prior, belief.label_occurs
    arrays["answers"], arrays["confidences"] = belief.likelihoods.answers, belief.likelihoods.bins
    subsets = []
    for subset, stack in belief.stacks.items():
        arrays[f"stack.{_key(subset)}"] = stack.weights
        models = belief.boosted.get(subset, ())
        for number, model in enumerate(models):
            name = f"boosted.{_key(subset)}.{number}"
            pack_forest(name, model.forest, arrays)
            arrays[f"{name}.values"] = model.values
            arrays[f"{name}.start"] = np.array(model.start)
        calibration = belief.calibrations[subset]
        subsets.append(
            {
                "asked": list(subset),
                "models": len(models),
                "blend": belief.pool_weights.get(subset, 0.0),
                "slope": calibration.slope,
                "offset": calibration.offset,
            }
        )
    return {"subsets": subsets}


def _unpack_belief(arrays: _Arrays, facts: Mapping[str, Any]) -> BeliefModel:
    stacks: dict[Subset, StackingModel] = {}
    boosted: dict[Subset, tuple[BoostedTrees, ...]] = {}
    pool_weights: dict[Subset, float] = {}
    calibrations: dict[Subset, PlattScaling] = {}
    for fact in facts["subsets"]:
        subset: Subset = tuple(fact["asked"])
        stacks[subset] = StackingModel(subset, arrays[f"stack.{_key(subset)}"])
        calibrations[subset] = PlattScaling(fact["slope"], fact["offset"])
        pool_weights[subset] = fact["blend"]
        names = [f"boosted.{_key(subset)}.{number}" for number in range(fact["models"])]
        if names:
            boosted[subset] = tuple(
                BoostedTrees(
                    unpack_forest(name, arrays),
                    arrays[f"{name}.values"],
                    float(arrays[f"{name}.start"]),
                )
                for name in names
            )
    tables = LikelihoodTables(arrays["prior"], arrays["answers"], arrays["confidences"])
    return BeliefModel(
        ConfidenceBins(arrays["bins"]),
        tables,
        arrays["can_be"],
        stacks,
        boosted,
        pool_weights,
        calibrations,
    )


def _pack_steps(unit: str, steps: StepPolicy, arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    arrays[f"{unit}.prices"], arrays[f"{unit}.exchange"] = steps.prices, steps.exchange_rates
    arrays[f"{unit}.first"] = steps.first_values
    for subset, forest in steps.forests.items():
        pack_forest(f"{unit}.{_key(subset)}", forest, arrays)
        # only leaves have averages
        leaf = forest.children[:, 0] == np.arange(forest.n_nodes)
        arrays[f"{unit}.{_key(subset)}.values"] = steps.leaf_values[subset][:, leaf]
    return {"saves": unit, "subsets": [list(subset) for subset in steps.forests]}


def _unpack_steps(arrays: _Arrays, facts: Mapping[str, Any]) -> StepPolicy:
    unit = facts["saves"]
    forests: dict[Subset, Forest] = {}
    leaf_values: dict[Subset, NDArray[np.float32]] = {}
    for services in facts["subsets"]:
        subset: Subset = tuple(services)
        name = f"{unit}.{_key(subset)}"
        forest = unpack_forest(name, arrays)
        at_leaves = arrays[f"{name}.values"]
        all_nodes = np.zeros((at_leaves.shape[0], forest.n_nodes, at_leaves.shape[2]), np.float32)
        all_nodes[:, forest.children[:, 0] == np.arange(forest.n_nodes)] = at_leaves
        forests[subset], leaf_values[subset] = forest, all_nodes
    return StepPolicy(
        arrays[f"{unit}.prices"],
        arrays[f"{unit}.exchange"],
        arrays[f"{unit}.first"],
        forests,
        leaf_values,
    )
