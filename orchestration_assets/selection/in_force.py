"""Whether what was learned may decide, and at which operating point."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from orchestration_assets.evidence.recorded import Floats
from orchestration_assets.schemas.policy import Learned
from orchestration_assets.selection.budget import Offer, solve_batch
from orchestration_assets.selection.deployed import Deployed, unpacked
from orchestration_assets.selection.forecast import Forecast, Price
from resources.ai_services.contract import Service
from resources.artefact_store import ArtefactError, ArtefactStore


@dataclass(frozen=True)
class InForce:
    """A promoted model whose services are those that it was evaluated with."""

    version: str
    deployed: Deployed
    words: str

    def prices(self, prices: Mapping[str, Price]) -> tuple[Floats, Floats]:
        """(K,) USD and (K,) ms of a call to each of its services, as they are now.

        What was observed when it was learned holds, unless the service says it costs more.
        """
        names = self.deployed.services
        usd = np.array([prices[name].cost_usd for name in names])
        ms = np.array([prices[name].expected_ms for name in names])
        return np.maximum(usd, self.deployed.usd), np.maximum(ms, self.deployed.ms)

    def offers(self, prices: Mapping[str, Price]) -> list[Offer]:
        """Its operating points at present prices."""
        usd, ms = self.prices(prices)
        return [Offer(one.accuracy, one.price(usd), one.price(ms)) for one in self.deployed.points]


@dataclass(frozen=True, slots=True)
class Chosen:
    """A model in force at one operating point, and what that is expected to take an item."""

    model: InForce
    point: int
    offer: Offer
    usd: Floats
    ms: Floats

    @property
    def accuracy(self) -> float:
        return self.offer.accuracy

    def ahead(self) -> Forecast:
        """Bounds of one item's processing: at least one call, at most all of them."""
        asked = np.array(self.model.deployed.points[self.point].asked) > 0.0
        return Forecast(1, int(asked.sum()), self.offer.ms, float(self.usd[asked].sum()))


def artefact_name(task: str) -> str:
    """Under which name the model of a task is stored."""
    return f"selection_model.{task}"


def identity(service: Service) -> str:
    """What makes a service the one that was evaluated: its code and model, and its parameters."""
    return f"{service.version} {service.fingerprint}".strip()


def look_up(
    store: ArtefactStore, task: str, learned: Learned, services: Mapping[str, Service]
) -> InForce | str:
    """The model in force for a task, or in words why there is none."""
    name = artefact_name(task)
    if store.current(name) is None:
        return "no learned model is promoted yet"
    try:
        artefact = store.read(name)
        deployed = unpacked(artefact.arrays, artefact.manifest["selector"])
    except (ArtefactError, KeyError, ValueError) as error:
        return f"the learned model cannot be used: {error}"
    if strangers := sorted(set(deployed.services) ^ set(learned.services)):
        return f"the learned model is about other services ({', '.join(strangers)})"
    evaluated: Mapping[str, str] = artefact.manifest["services"]
    for service in deployed.services:
        now = identity(services[service])
        if now != evaluated.get(service):
            return (
                f"{service} changed ({evaluated.get(service)} -> {now}) since the learned model "
                "was evaluated"
            )
    return InForce(artefact.version, deployed, str(artefact.manifest["words"]))


def choose_points(
    models: Mapping[str, tuple[InForce, Learned]],
    counts: Mapping[str, int],
    prices: Mapping[str, Price],
    usd: float | None,
    ms: float | None,
) -> dict[str, Chosen]:
    """One operating point a task: as its aim says, within the limits of the whole batch.

    Where even the cheapest points break a limit, every task takes its cheapest: what is over the
    hard cap is then stopped while it runs.
    """
    offers = {task: model.offers(prices) for task, (model, _) in models.items()}
    admissible = {task: _aimed(offers[task], *models[task]) for task in models}
    aimed = {task: [offers[task][at] for at in positions] for task, positions in admissible.items()}
    solved = solve_batch(aimed, counts, usd, ms)
    found = {}
    for task, (model, _) in models.items():
        if solved is not None:
            point = admissible[task][solved[task]]
        else:
            point = min(
                range(len(offers[task])),
                key=lambda at, t=task: (  # type: ignore[misc]
                    offers[t][at].usd,
                    offers[t][at].ms,
                ),
            )
        found[task] = Chosen(model, point, offers[task][point], *model.prices(prices))
    return found


def _aimed(offers: list[Offer], model: InForce, learned: Learned) -> list[int]:
    """The points that the aim admits: all; or the cheapest as accurate as the best service."""
    if learned.aim == "accuracy":
        return list(range(len(offers)))
    enough = float(model.deployed.alone[model.deployed.single])
    reached = [at for at, one in enumerate(offers) if one.accuracy >= enough]
    cheapest = min(reached, key=lambda at: (offers[at].usd, offers[at].ms), default=None)
    dearest = max(range(len(offers)), key=lambda at: offers[at].accuracy)
    cap = offers[dearest if cheapest is None else cheapest]
    return [at for at, one in enumerate(offers) if one.usd <= cap.usd and one.ms <= cap.ms]
