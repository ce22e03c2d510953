"""The promoted selector of a task: whether it applies, and at which operating point."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from orchestration_assets.evidence.recorded_answers import Floats
from orchestration_assets.schemas.items import Task
from orchestration_assets.schemas.policy import Learned
from orchestration_assets.selection.budget import Offer, allocate_budget, fractional_step
from orchestration_assets.selection.expectations import (
    BatchExpectations,
    ItemExpectation,
)
from orchestration_assets.selection.forecast import Forecast, Price
from orchestration_assets.selection.learned_model import LearnedModel, unpack_model
from orchestration_assets.selection.learner import CONTENT
from orchestration_assets.selection.trained_selector import OperatingPoint, TrainedSelector
from orchestration_assets.services.contract import Service
from orchestration_assets.services.identity import changed_parts, service_identity
from resources.model_registry import ArtefactError, ModelRegistry


@dataclass(frozen=True)
class ActiveSelector:
    """A promoted model whose services are those that it was evaluated with."""

    version: str
    learned: LearnedModel

    @property
    def selector(self) -> TrainedSelector:
        """What decides the steps."""
        return self.learned.selector

    def prices(self, now: "CurrentPrices") -> tuple[Floats, Floats]:
        """(K,) USD and (K,) ms of a call to each of its services, as they are now.

        As observed in recent batches; else the larger of the training data's and the declared.
        """
        usd, ms = self.selector.usd.copy(), self.selector.ms.copy()
        for k, name in enumerate(self.selector.services):
            if (seen := now.observed.get(name)) is not None:
                usd[k], ms[k] = seen.cost_usd, seen.expected_ms
            else:
                usd[k] = max(usd[k], now.declared[name].cost_usd)
                ms[k] = max(ms[k], now.declared[name].expected_ms)
        return usd, ms

    def offers(self, now: "CurrentPrices") -> list[Offer]:
        """Its operating points at present prices; times are divided by the concurrency."""
        usd, ms = self.prices(now)
        waiting_ms = ms / np.array(
            [now.concurrency.get(name, 1.0) for name in self.selector.services]
        )
        return [
            Offer(point.accuracy, point.mean_price(usd), point.mean_price(waiting_ms))
            for point in self.selector.points
        ]


@dataclass(frozen=True)
class CurrentPrices:
    """Prices and times of calls by service: declared, and observed in recent batches if any.

    ``concurrency``: calls to a service that are under way at the same time (1 unless given).
    """

    declared: Mapping[str, Price]
    observed: Mapping[str, Price] = field(default_factory=dict)
    concurrency: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChosenPoint:
    """A promoted model at one operating point, with present prices ``usd`` and ``ms`` (K,).

    A ``better_share`` of the items, in [0, 1], gets the ``better`` point, where there is one.
    ``expectations`` are what is expected of the services on the contents of the batch, where the
    model reads content; ``first_words``: point -> content -> what is asked first, and why.
    """

    model: ActiveSelector
    point: int
    usd: Floats
    ms: Floats
    better: int | None = None
    better_share: float = 0.0
    expectations: BatchExpectations | None = None
    first_words: Mapping[int, Mapping[str, str]] = field(default_factory=dict)

    def of_share(self, *, better: bool) -> "ChosenPoint":
        """The one point of an item, which is among those that get the better one or not."""
        at = self.point if self.better is None or not better else self.better
        return replace(self, point=at, better=None, better_share=0.0)

    def expects(self, content: str) -> ItemExpectation | None:
        """What is expected on a content; None where the model reads none."""
        return None if self.expectations is None else self.expectations.of(content)

    def with_expectations(self, expectations: BatchExpectations | None) -> "ChosenPoint":
        """The same with what the model expects on the contents of a batch."""
        if expectations is None:
            return self
        points = [at for at in (self.point, self.better) if at is not None]
        words = {at: expectations.first_words(self.model.learned, at) for at in points}
        return replace(self, expectations=expectations, first_words=words)

    def is_unfamiliar(self, content: str) -> bool:
        """Whether the point's steps rest on what the item is like, and nothing is known of such."""
        expected = self.expects(content)
        reads = self.operating_point.family == CONTENT
        return reads and expected is not None and expected.is_unfamiliar

    @property
    def operating_point(self) -> OperatingPoint:
        """The operating point."""
        return self.model.selector.points[self.point]

    @property
    def accuracy(self) -> float:
        return self.operating_point.accuracy

    @property
    def mean_usd(self) -> float:
        return self.operating_point.mean_price(self.usd)

    @property
    def mean_ms(self) -> float:
        return self.operating_point.mean_price(self.ms)

    def forecast(self) -> Forecast:
        """Bounds of one item's processing: at least one call, at most all of them."""
        asked = np.array(self.operating_point.ask_shares) > 0.0
        return Forecast(1, int(asked.sum()), self.mean_ms, float(self.usd[asked].sum()))


def artefact_name(task: str) -> str:
    """The name under which the model of a task is stored."""
    return f"selection_model.{task}"


def load_active_selector(
    registry: ModelRegistry, task: Task, learned: Learned, services: Mapping[str, Service]
) -> ActiveSelector | str:
    """The promoted selector of a task, or the reason why there is none."""
    name = artefact_name(task.name)
    try:
        version = registry.current(name)
        if version is None:
            return "no learned model is promoted yet"
        artefact = registry.load(name, version)
        learned_model = unpack_model(artefact.arrays, artefact.facts)
    except (ArtefactError, KeyError, ValueError) as error:
        return f"the learned model cannot be used: {error}"
    selector = learned_model.selector
    if differing := sorted(set(selector.services) ^ set(learned.services)):
        return f"the learned model is about other services ({', '.join(differing)})"
    evaluated: Mapping[str, str] = artefact.facts["services"]
    for service in selector.services:
        current = service_identity(services[service], task)
        if current != (before := evaluated.get(service, "")):
            return (
                f"{service} {changed_parts(before, current)} since the learned model was evaluated"
            )
    return ActiveSelector(artefact.version, learned_model)


@dataclass(frozen=True, slots=True)
class LearnedItems:
    """How many items of a task the learned model would decide.

    ``unfamiliar`` of them are unlike what was learned from: where the steps rest on what an item is
    like, these follow the default, which is expected to take ``default_usd`` and ``default_ms`` for
    all of them together.
    """

    count: int = 0
    unfamiliar: int = 0
    default_usd: float = 0.0
    default_ms: float = 0.0

    def offer(self, own: Offer, *, reads_content: bool) -> Offer:
        """What an item takes on average where a point that offers ``own`` decides. How right the
        default is on unfamiliar items is not known: it counts as right as the point."""
        if not reads_content or not self.unfamiliar:
            return own
        familiar = self.count - self.unfamiliar
        return Offer(
            own.accuracy,
            (familiar * own.usd + self.default_usd) / self.count,
            (familiar * own.ms + self.default_ms) / self.count,
        )


def choose_points(
    models: Mapping[str, tuple[ActiveSelector, Learned]],
    items: Mapping[str, LearnedItems],
    now: CurrentPrices,
    usd: float | None,
    ms: float | None,
) -> dict[str, ChosenPoint]:
    """One operating point a task, admitted by its aim, within the limits of the whole batch.

    What one point a task leaves of the limits buys a better point for a share of the items.

    Where even the cheapest points break a limit, every task takes its cheapest; execution then
    stops at the hard cap.
    """
    counts = {task: items[task].count for task in models}
    offers: dict[str, list[Offer]] = {}
    positions: dict[str, list[int]] = {}
    for task, (model, learned) in models.items():
        own = model.offers(now)
        # what a point takes by itself says whether the aim admits it
        positions[task] = _admissible_points(own, model, learned)
        offers[task] = [
            items[task].offer(offer, reads_content=point.family == CONTENT)
            for offer, point in zip(own, model.selector.points, strict=True)
        ]
    admissible_offers = {
        task: [offers[task][at] for at in task_positions]
        for task, task_positions in positions.items()
    }
    allocation = allocate_budget(admissible_offers, counts, usd, ms)
    chosen = {}
    for task, (model, _) in models.items():
        if allocation is None:
            prices = [(offer.usd, offer.ms) for offer in offers[task]]
            point = prices.index(min(prices))
        else:
            point = positions[task][allocation[task]]
        chosen[task] = ChosenPoint(model, point, *model.prices(now))
    if allocation is not None:
        step = fractional_step(admissible_offers, counts, allocation, usd, ms)
        if step is not None:
            better = positions[step.task][step.position]
            chosen[step.task] = replace(chosen[step.task], better=better, better_share=step.share)
    return chosen


def _admissible_points(offers: list[Offer], model: ActiveSelector, learned: Learned) -> list[int]:
    """The points that the aim admits: all; or the cheapest as accurate as the best service."""
    if learned.aim == "accuracy":
        return list(range(len(offers)))
    required = float(model.selector.solo_accuracy[model.selector.best_service])
    sufficient = [at for at, offer in enumerate(offers) if offer.accuracy >= required]
    cheapest = min(sufficient, key=lambda at: (offers[at].usd, offers[at].ms), default=None)
    most_accurate = max(range(len(offers)), key=lambda at: offers[at].accuracy)
    cap = offers[most_accurate if cheapest is None else cheapest]
    return [at for at, offer in enumerate(offers) if offer.usd <= cap.usd and offer.ms <= cap.ms]
