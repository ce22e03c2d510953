"""Whether what was learned may decide, and at which operating point."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from orchestration_assets.evidence.recorded_answers import Floats
from orchestration_assets.schemas.policy import Learned
from orchestration_assets.selection.budget import Offer, solve_batch
from orchestration_assets.selection.forecast import Forecast, Price
from orchestration_assets.selection.trained_selector import (
    OperatingPoint,
    TrainedSelector,
    unpacked,
)
from orchestration_assets.services.contract import Service
from resources.model_registry import ArtefactError, ModelRegistry


@dataclass(frozen=True)
class ActiveSelector:
    """A promoted model whose services are those that it was evaluated with."""

    version: str
    deployed: TrainedSelector
    words: str

    def prices(self, now: "CurrentPrices") -> tuple[Floats, Floats]:
        """(K,) USD and (K,) ms of a call to each of its services, as they are now.

        What was observed lately holds; else what was observed when it was learned, unless the
        service says that it takes more.
        """
        usd, ms = self.deployed.usd.copy(), self.deployed.ms.copy()
        for k, name in enumerate(self.deployed.services):
            if (seen := now.observed.get(name)) is not None:
                usd[k], ms[k] = seen.cost_usd, seen.expected_ms
            else:
                usd[k] = max(usd[k], now.declared[name].cost_usd)
                ms[k] = max(ms[k], now.declared[name].expected_ms)
        return usd, ms

    def offers(self, now: "CurrentPrices") -> list[Offer]:
        """Its operating points at present prices; times are those that the batch waits."""
        usd, ms = self.prices(now)
        waited = ms / np.array([now.at_once.get(name, 1.0) for name in self.deployed.services])
        return [
            Offer(one.accuracy, one.price(usd), one.price(waited)) for one in self.deployed.points
        ]


@dataclass(frozen=True)
class CurrentPrices:
    """What calls take: as services declare it, and as it was observed lately, where it was.

    ``at_once`` is how many calls to a service are under way at the same time (1 unless given).
    """

    declared: Mapping[str, Price]
    observed: Mapping[str, Price] = field(default_factory=dict)
    at_once: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChosenPoints:
    """A model in force at one operating point; (K,) what a call to each service takes now."""

    model: ActiveSelector
    point: int
    usd: Floats
    ms: Floats

    @property
    def taken(self) -> OperatingPoint:
        """The operating point."""
        return self.model.deployed.points[self.point]

    @property
    def accuracy(self) -> float:
        return self.taken.accuracy

    @property
    def mean_usd(self) -> float:
        return self.taken.price(self.usd)

    @property
    def mean_ms(self) -> float:
        return self.taken.price(self.ms)

    def ahead(self) -> Forecast:
        """Bounds of one item's processing: at least one call, at most all of them."""
        asked = np.array(self.taken.asked) > 0.0
        return Forecast(1, int(asked.sum()), self.mean_ms, float(self.usd[asked].sum()))


def artefact_name(task: str) -> str:
    """Under which name the model of a task is stored."""
    return f"selection_model.{task}"


def identity(service: Service, version: str | None = None) -> str:
    """What makes a service the one that was evaluated: its code and model, and its parameters.

    ``version`` is the one that answered, by default the one that would answer now.
    """
    return f"{version or service.version} {service.fingerprint}".strip()


def look_up(
    registry: ModelRegistry, task: str, learned: Learned, services: Mapping[str, Service]
) -> ActiveSelector | str:
    """The model in force for a task, or in words why there is none."""
    name = artefact_name(task)
    try:
        version = registry.current(name)
        if version is None:
            return "no learned model is promoted yet"
        artefact = registry.load(name, version)
        deployed = unpacked(artefact.arrays, artefact.facts["selector"])
    except (ArtefactError, KeyError, ValueError) as error:
        return f"the learned model cannot be used: {error}"
    if strangers := sorted(set(deployed.services) ^ set(learned.services)):
        return f"the learned model is about other services ({', '.join(strangers)})"
    evaluated: Mapping[str, str] = artefact.facts["services"]
    for service in deployed.services:
        now = identity(services[service])
        if now != evaluated.get(service):
            return (
                f"{service} changed ({evaluated.get(service)} -> {now}) since the learned model "
                "was evaluated"
            )
    return ActiveSelector(artefact.version, deployed, str(artefact.facts["words"]))


def choose_points(
    models: Mapping[str, tuple[ActiveSelector, Learned]],
    counts: Mapping[str, int],
    now: CurrentPrices,
    usd: float | None,
    ms: float | None,
) -> dict[str, ChosenPoints]:
    """One operating point a task: as its aim says, within the limits of the whole batch.

    Where even the cheapest points break a limit, every task takes its cheapest: what is over the
    hard cap is then stopped while it runs.
    """
    offers = {task: model.offers(now) for task, (model, _) in models.items()}
    admissible = {task: _aimed(offers[task], *models[task]) for task in models}
    aimed = {task: [offers[task][at] for at in positions] for task, positions in admissible.items()}
    solved = solve_batch(aimed, counts, usd, ms)
    found = {}
    for task, (model, _) in models.items():
        if solved is None:
            prices = [(one.usd, one.ms) for one in offers[task]]
            point = prices.index(min(prices))
        else:
            point = admissible[task][solved[task]]
        found[task] = ChosenPoints(model, point, *model.prices(now))
    return found


def _aimed(offers: list[Offer], model: ActiveSelector, learned: Learned) -> list[int]:
    """The points that the aim admits: all; or the cheapest as accurate as the best service."""
    if learned.aim == "accuracy":
        return list(range(len(offers)))
    enough = float(model.deployed.alone[model.deployed.single])
    reached = [at for at, one in enumerate(offers) if one.accuracy >= enough]
    cheapest = min(reached, key=lambda at: (offers[at].usd, offers[at].ms), default=None)
    dearest = max(range(len(offers)), key=lambda at: offers[at].accuracy)
    cap = offers[dearest if cheapest is None else cheapest]
    return [at for at, one in enumerate(offers) if one.usd <= cap.usd and one.ms <= cap.ms]
