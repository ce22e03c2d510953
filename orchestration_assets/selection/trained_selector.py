"""A learned selector as it is put to work: a few operating points, and arrays to store them in."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from orchestration_assets.evidence.belief import BeliefModel, Subset
from orchestration_assets.evidence.bins import ConfidenceBins
from orchestration_assets.evidence.boosting import BoostedTrees
from orchestration_assets.evidence.calibration import PlattScaling
from orchestration_assets.evidence.forest import Forest
from orchestration_assets.evidence.likelihoods import LikelihoodTables
from orchestration_assets.evidence.recorded_answers import MISSING, Floats, RecordedAnswers
from orchestration_assets.evidence.stacking import StackingModel
from orchestration_assets.selection.backward_induction import PolicySimulator, StepPolicy, rest_of
from orchestration_assets.selection.baselines import Cascade, SingleService
from orchestration_assets.selection.frugal import AddOn
from orchestration_assets.selection.learner import ADD_ON, CASCADE, SINGLE, STACK, Selector
from orchestration_assets.selection.policy_outcomes import PolicyOutcome

MOST_POINTS: Final = 12
FORMAT: Final = 1

Said = Mapping[str, tuple[str | None, float | None]]
_Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """One way to work: what it showed on items that it had not seen, an item.

    ``saves`` says which unit the exchange rate prices (usd or ms); ``place`` finds the fitted
    policy of its family; ``asked`` (K,) is how often each service is asked.
    """

    saves: str
    family: str
    place: int
    exchange: float
    accuracy: float
    asked: tuple[float, ...]

    def price(self, prices: Floats) -> float:
        """Mean price an item when a call to each service takes ``prices`` (K,)."""
        return float(np.array(self.asked) @ prices)


@dataclass(frozen=True, slots=True)
class NextStep:
    """What to do next with one item.

    ``ask`` is a service, or None to stop. ``best`` is the service that is worth most, asked or
    not; ``gain`` what it is expected to add to the probability of a right answer, and ``price``
    what it costs, in the same unit. ``answer`` and ``sure`` are the leading answer and its
    calibrated probability. All of these are None where the policy does not weigh.
    """

    ask: str | None
    answer: str | None = None
    sure: float | None = None
    best: str | None = None
    gain: float | None = None
    price: float | None = None


@dataclass(frozen=True)
class TrainedSelector:
    """Everything that decides about one task, by operating point.

    ``single`` is the service that is best alone, ``alone`` (K,) how often each is right by
    itself; ``usd`` and ``ms`` (K,) what a call to each took when it was learned.
    """

    services: tuple[str, ...]
    labels: tuple[str, ...]
    single: int
    alone: Floats
    usd: Floats
    ms: Floats
    points: tuple[OperatingPoint, ...]
    fixed: tuple[SingleService | Cascade | AddOn, ...]
    belief: BeliefModel | None
    steps: Mapping[str, StepPolicy]

    def advise(self, point: int, said: Said) -> NextStep:
        """What to do after the services in ``said`` gave (answer or None, confidence or None)."""
        one = self.points[point]
        recorded = self._recorded(said)
        if one.family == STACK:
            return self._stacked(one, recorded, said)
        return _followed(self.fixed[one.place], recorded, self.services, said)

    def believe(self, point: int, said: Said) -> tuple[str, float, dict[str, float]] | None:
        """The answer that stands after what was said, its probability, and that of each label.

        Where the point does not weigh answers, the answer that it believes stands, as probable as
        the point is right on the whole. None when that service gave no answer.
        """
        one = self.points[point]
        recorded = self._recorded(said)
        if one.family == STACK and self.belief is not None:
            asked: Subset = tuple(k for k, name in enumerate(self.services) if name in said)
            posterior = self.belief.posterior(recorded, asked)
            labelled = dict(zip(self.labels, posterior.probabilities[0].tolist(), strict=True))
            return self.labels[int(posterior.answer[0])], float(posterior.confidence[0]), labelled
        advice = self.advise(point, said)
        if advice.answer is None:
            return None
        return advice.answer, one.accuracy, {advice.answer: one.accuracy}

    def run(self, point: int, recorded: RecordedAnswers) -> PolicyOutcome:
        """The outcome of one point on recorded answers of the same services and labels."""
        one = self.points[point]
        if one.family != STACK or self.belief is None:
            return self.fixed[one.place].run(recorded)
        return PolicySimulator(self.belief, self.steps[one.saves], recorded).run(one.place)

    def _stacked(
        self,
        point: OperatingPoint,
        recorded: RecordedAnswers,
        said: Said,
    ) -> NextStep:
        if self.belief is None:
            raise ValueError("a stack point needs a belief")
        asked: Subset = tuple(k for k, name in enumerate(self.services) if name in said)
        posterior = self.belief.posterior(recorded, asked)
        answer, sure = self.labels[int(posterior.answer[0])], float(posterior.confidence[0])
        rest = rest_of(asked, len(self.services))
        if not rest:
            return NextStep(None, answer, sure)
        steps = self.steps[point.saves]
        worth = steps.worth_of_asking(asked, posterior, point.place)[0]
        best = rest[int(worth.argmax())]
        price = float(steps.exchange[point.place] * steps.prices[best])
        net = float(worth.max()) - sure
        name = self.services[best]
        return NextStep(name if net > 0.0 else None, answer, sure, name, net + price, price)

    def _recorded(self, said: Said) -> RecordedAnswers:
        """One item as arrays; an answer that was never seen in training says nothing."""
        shape = (1, len(self.services))
        answers = np.full(shape, MISSING)
        confidences = np.full(shape, np.nan)
        for service, (answer, confidence) in said.items():
            k = self.services.index(service)
            if answer in self.labels:
                answers[0, k] = self.labels.index(answer)
            if confidence is not None:
                confidences[0, k] = confidence
        asked = np.array([[name in said for name in self.services]])
        return RecordedAnswers(
            "item",
            self.services,
            self.labels,
            ("item",),
            answers,
            confidences,
            asked,
            np.array([MISSING]),
            np.zeros(shape),
            np.full(shape, np.nan),
        )


def _followed(
    policy: SingleService | Cascade | AddOn,
    recorded: RecordedAnswers,
    services: Sequence[str],
    said: Said,
) -> NextStep:
    """Which service a fixed policy asks next; one that it would not reach is never asked."""
    wanted = [services[k] for k in policy.walk(recorded)]
    missing = [name for name in wanted if name not in said]
    believed = said.get(wanted[-1], (None, None))
    return NextStep(missing[0] if missing else None, *believed)


def deploy(
    selectors: Mapping[str, Selector], alone: Floats, usd: Floats, ms: Floats
) -> TrainedSelector:
    """The operating points of selectors that were fitted to save usd or ms, by that name.

    Only points that no other beats in accuracy and both prices are kept, at most
    ``MOST_POINTS`` a selector, spread over its prices.
    """
    points: list[OperatingPoint] = []
    fixed: list[SingleService | Cascade | AddOn] = []
    steps: dict[str, StepPolicy] = {}
    first = next(iter(selectors.values()))
    belief = None
    for saves, selector in selectors.items():
        rates = _spread(selector)
        stacked = [at for at in rates if selector.families[at] == STACK]
        if stacked and selector.steps is not None:
            steps[saves], belief = selector.steps.only(stacked), selector.belief
        for at in rates:
            family = selector.families[at]
            shown = selector.shown[family]
            if family == STACK:
                place = stacked.index(at)
            else:
                place = len(fixed)
                fixed.append(selector.fixed[family][at])
            points.append(
                OperatingPoint(
                    saves,
                    family,
                    place,
                    float(selector.exchange[at]),
                    float(shown.accuracies[at]),
                    tuple(float(share) for share in shown.asked[at]),
                )
            )
    return TrainedSelector(
        first.services,
        first.labels,
        first.single,
        alone,
        usd,
        ms,
        tuple(points),
        tuple(fixed),
        belief,
        steps,
    )


def _spread(selector: Selector) -> list[int]:
    """Rates whose points nobody beats, thinned out evenly by price, from dear to cheap."""
    expected = [selector.expected(at) for at in range(len(selector.exchange))]
    kept: list[int] = []
    for at in sorted(range(len(expected)), key=lambda at: (expected[at][1], -expected[at][0])):
        if not kept or expected[at][0] > expected[kept[-1]][0] + 1e-9:
            kept.append(at)
    if len(kept) <= MOST_POINTS:
        return kept[::-1]
    prices = np.array([expected[at][1] for at in kept])
    aims = np.linspace(prices[0], prices[-1], MOST_POINTS)
    nearest = {int(np.abs(prices - aim).argmin()) for aim in aims}
    return [kept[position] for position in sorted(nearest, reverse=True)]


def packed(deployed: TrainedSelector) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """The arrays and the plain description that :func:`unpacked` makes it from again."""
    arrays: dict[str, NDArray[Any]] = {
        "alone": deployed.alone,
        "usd": deployed.usd,
        "ms": deployed.ms,
    }
    described: dict[str, Any] = {
        "format": FORMAT,
        "services": list(deployed.services),
        "labels": list(deployed.labels),
        "single": deployed.single,
        "points": [asdict(point) for point in deployed.points],
        "fixed": [_fixed_packed(one) for one in deployed.fixed],
    }
    if deployed.belief is not None:
        described["belief"] = _pack_belief(deployed.belief, arrays)
        described["steps"] = [
            _pack_steps(saves, steps, arrays) for saves, steps in deployed.steps.items()
        ]
    return arrays, described


def unpacked(arrays: _Arrays, described: Mapping[str, Any]) -> TrainedSelector:
    """What :func:`packed` stored. Raises ValueError for another format."""
    if described.get("format") != FORMAT:
        raise ValueError(f"format {described.get('format')!r} of a selector, {FORMAT} is known")
    belief = _unpack_belief(arrays, described["belief"]) if "belief" in described else None
    steps = {one["saves"]: _unpack_steps(arrays, one) for one in described.get("steps", [])}
    return TrainedSelector(
        tuple(described["services"]),
        tuple(described["labels"]),
        described["single"],
        arrays["alone"],
        arrays["usd"],
        arrays["ms"],
        tuple(
            OperatingPoint(**{**one, "asked": tuple(one["asked"])}) for one in described["points"]
        ),
        tuple(_fixed_unpacked(one) for one in described["fixed"]),
        belief,
        steps,
    )


def _fixed_packed(one: SingleService | Cascade | AddOn) -> dict[str, Any]:
    if isinstance(one, SingleService):
        return {"family": SINGLE, "service": one.service}
    if isinstance(one, Cascade):
        return {"family": CASCADE, "order": one.order, "thresholds": _plain(one.thresholds)}
    return {
        "family": ADD_ON,
        "base": one.base,
        "thresholds": _plain(one.thresholds),
        "add_ons": one.add_ons.tolist(),
    }


def _fixed_unpacked(one: Mapping[str, Any]) -> SingleService | Cascade | AddOn:
    if one["family"] == SINGLE:
        return SingleService(one["service"])
    thresholds = [float(value) for value in one["thresholds"]]
    if one["family"] == CASCADE:
        return Cascade(tuple(one["order"]), tuple(thresholds))
    return AddOn(one["base"], np.array(thresholds), np.array(one["add_ons"], dtype=np.int64))


def _plain(thresholds: Sequence[float] | Floats) -> list[str]:
    """Numbers as text that gives them back exactly; JSON has no infinity."""
    return [repr(float(value)) for value in thresholds]


def _key(asked: Subset) -> str:
    return "_".join(str(service) for service in asked) or "none"


def _pack_forest(name: str, forest: Forest, arrays: dict[str, NDArray[Any]]) -> None:
    arrays[f"{name}.feature"] = forest.feature.astype(np.int16)
    arrays[f"{name}.threshold"] = forest.threshold
    arrays[f"{name}.children"] = forest.children
    arrays[f"{name}.roots"] = forest.roots
    arrays[f"{name}.depth"] = np.array(forest.depth)


def _unpack_forest(name: str, arrays: _Arrays) -> Forest:
    return Forest(
        arrays[f"{name}.feature"].astype(np.int32),
        arrays[f"{name}.threshold"],
        arrays[f"{name}.children"],
        arrays[f"{name}.roots"],
        int(arrays[f"{name}.depth"]),
    )


def _pack_belief(belief: BeliefModel, arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    arrays["bins"] = belief.bins.edges
    arrays["prior"], arrays["can_be"] = belief.likelihoods.prior, belief.label_occurs
    arrays["answers"], arrays["confidences"] = belief.likelihoods.answers, belief.likelihoods.bins
    subsets = []
    for asked, stack in belief.stacks.items():
        arrays[f"stack.{_key(asked)}"] = stack.weights
        models = belief.boosted.get(asked, ())
        for number, model in enumerate(models):
            name = f"boosted.{_key(asked)}.{number}"
            _pack_forest(name, model.forest, arrays)
            arrays[f"{name}.values"] = model.values
            arrays[f"{name}.start"] = np.array(model.start)
        calibration = belief.calibrations[asked]
        subsets.append(
            {
                "asked": list(asked),
                "models": len(models),
                "blend": belief.pool_weights.get(asked, 0.0),
                "slope": calibration.slope,
                "offset": calibration.offset,
            }
        )
    return {"subsets": subsets}


def _unpack_belief(arrays: _Arrays, described: Mapping[str, Any]) -> BeliefModel:
    stacks: dict[Subset, StackingModel] = {}
    boosted: dict[Subset, tuple[BoostedTrees, ...]] = {}
    blends: dict[Subset, float] = {}
    calibrations: dict[Subset, PlattScaling] = {}
    for one in described["subsets"]:
        asked: Subset = tuple(one["asked"])
        stacks[asked] = StackingModel(asked, arrays[f"stack.{_key(asked)}"])
        calibrations[asked] = PlattScaling(one["slope"], one["offset"])
        blends[asked] = one["blend"]
        names = [f"boosted.{_key(asked)}.{number}" for number in range(one["models"])]
        if names:
            boosted[asked] = tuple(
                BoostedTrees(
                    _unpack_forest(name, arrays),
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
        blends,
        calibrations,
    )


def _pack_steps(saves: str, steps: StepPolicy, arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    arrays[f"{saves}.prices"], arrays[f"{saves}.exchange"] = steps.prices, steps.exchange
    arrays[f"{saves}.first"] = steps.first
    for asked, forest in steps.forests.items():
        _pack_forest(f"{saves}.{_key(asked)}", forest, arrays)
        # inner nodes hold nothing: only the leaves' averages are kept
        leaf = forest.children[:, 0] == np.arange(forest.n_nodes)
        arrays[f"{saves}.{_key(asked)}.values"] = steps.values[asked][:, leaf]
    return {"saves": saves, "subsets": [list(asked) for asked in steps.forests]}


def _unpack_steps(arrays: _Arrays, described: Mapping[str, Any]) -> StepPolicy:
    saves = described["saves"]
    forests: dict[Subset, Forest] = {}
    values: dict[Subset, NDArray[np.float32]] = {}
    for one in described["subsets"]:
        asked: Subset = tuple(one)
        name = f"{saves}.{_key(asked)}"
        forest = _unpack_forest(name, arrays)
        at_leaves = arrays[f"{name}.values"]
        whole = np.zeros((at_leaves.shape[0], forest.n_nodes, at_leaves.shape[2]), np.float32)
        whole[:, forest.children[:, 0] == np.arange(forest.n_nodes)] = at_leaves
        forests[asked], values[asked] = forest, whole
    return StepPolicy(
        arrays[f"{saves}.prices"],
        arrays[f"{saves}.exchange"],
        arrays[f"{saves}.first"],
        forests,
        values,
    )
