"""What a home knows of its panels: figures made of stored outcomes, kept and put in force."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow.compute as pc

from orchestration_assets.policy.tasks import build_tasks
from orchestration_assets.schemas.enums import AnswerKind, ProcessingModel, Status
from orchestration_assets.schemas.outcomes import OUTCOMES, OutcomeSource
from orchestration_assets.schemas.policy import Choice, Policy
from orchestration_assets.schemas.tables import INTERPRETATIONS, PROCESSING_PLANS
from orchestration_assets.selection.forecast import Price
from orchestration_assets.selection.panel_worth import (
    PanelFigures,
    PanelOutcomes,
    Refusal,
    panel_figures,
    refusal,
)
from orchestration_assets.services.contract import Service
from orchestration_assets.services.identity import service_identity
from resources.damage import leaving_out_damage
from resources.model_registry import ModelRegistry
from resources.table_store import TableStore

if TYPE_CHECKING:
    import pandas as pd

_PLACE: Final = ["batch", "item_id", "task"]
_OUTCOMES: Final = [
    *_PLACE, "content_hash", "service", "service_version", "status", "answer", "confidence",
    "score", "why", "weight", "stood",
]  # fmt: skip

Refused = Mapping[tuple[str, str], Refusal]
"""Task and option -> why the panel of the option is not asked, and what is instead."""


def artefact_name(task: str, option: str) -> str:
    """Under which name the figures of a panel are kept."""
    return f"panel_worth.{task}.{option}"


def panels_of(policy: Policy) -> Iterator[tuple[str, str, Choice]]:
    """Every option of a task that is a panel."""
    for name, task in policy.tasks.items():
        for option, choice in task.choices.items():
            if choice.panel is not None:
                yield name, option, choice


def learn_panels(
    policy: Policy, services: Mapping[str, Service], store: TableStore, registry: ModelRegistry
) -> dict[str, str]:
    """Puts the figures of each panel in force; says of each, by name, what became of it.

    Where verdicts became too few, since services changed, none are in force any more.
    """
    said: dict[str, str] = {}
    panels = list(panels_of(policy))
    if not panels or not store.exists(OUTCOMES.name):
        return said
    with leaving_out_damage():
        outcomes = store.read(OUTCOMES.name, columns=_OUTCOMES).to_pandas()
    plans = store.read_batches(
        PROCESSING_PLANS, store.batches(PROCESSING_PLANS.name), (*_PLACE, "option")
    ).to_pandas()
    table = INTERPRETATIONS[ProcessingModel.ITERATIVE]
    readings = store.read_batches(
        table, store.batches(table.name), (*_PLACE, "service", "round", "voice")
    )
    again = readings.filter(
        pc.and_(pc.is_valid(readings["voice"]), pc.greater(readings["round"], 0))
    ).to_pandas()
    tasks = build_tasks(policy)
    for name, option, choice in panels:
        versions = {one: service_identity(services[one], tasks[name]) for one in choice.services}
        of_option = plans[(plans["task"] == name) & (plans["option"] == option)]
        known = panel_outcomes(
            outcomes.merge(of_option, on=_PLACE),
            again.merge(of_option, on=_PLACE),
            versions,
            len(of_option),
            is_voted=tasks[name].kind is AnswerKind.LABEL,
        )
        figures, artefact = panel_figures(known), artefact_name(name, option)
        if figures is not None:
            kept = registry.store(artefact, {}, {**figures.facts(), "versions": versions})
            registry.promote(artefact, kept.version)
            said[artefact] = f"{kept.version}, from {len(known.panel)} judged items"
        elif (current := registry.usable_version(artefact)) is not None:
            registry.delete(artefact, current)
            said[artefact] = f"no longer in force: {len(known.panel)} judged items are too few"
    return said


def panel_outcomes(
    outcomes: "pd.DataFrame",
    again: "pd.DataFrame",
    versions: Mapping[str, str],
    n_planned: int,
    *,
    is_voted: bool,
) -> PanelOutcomes:
    """The items of a panel that people or the content judge, and that every member as it is now
    has read. ``again`` are the readings after the first answers of ``n_planned`` items."""
    members = tuple(versions)
    rows = outcomes[
        (outcomes["why"] != OutcomeSource.JUDGE.value)
        & outcomes["weight"].notna()
        & outcomes["stood"].notna()
        & (outcomes["service_version"] == outcomes["service"].map(dict(versions)))
    ]
    first, votes, panel, weights = [], [], [], []
    for _, item in rows.groupby("content_hash", sort=True):
        read = item.drop_duplicates("service").set_index("service")
        if not set(members) <= set(read.index):
            continue
        read = read.loc[list(members)]
        first.append(read["score"].to_numpy(np.float64))
        votes.append(_vote(read))
        panel.append(float(read["stood"].iloc[0]))
        weights.append(float(read["weight"].iloc[0]))
    calls = again["service"].value_counts()
    later = np.array([calls.get(one, 0) / max(n_planned, 1) for one in members], np.float64)
    return PanelOutcomes(
        members,
        np.array(first, np.float64).reshape(len(first), len(members)),
        np.array(votes, np.float64) if is_voted else None,
        np.array(panel, np.float64),
        np.array(weights, np.float64),
        later,
    )


def _vote(read: "pd.DataFrame") -> float:
    """How right the answer of most is; of several, that of the surest, and then the first."""
    said = read[read["status"] == Status.OK.value]
    if not len(said):
        return 0.0
    sure = said["confidence"].fillna(0.0)
    ranked: Sequence[tuple[int, float, str]] = sorted(
        (-len(same), -float(sure[same.index].max()), str(answer))
        for answer, same in said.groupby("answer")
    )
    return float(said.loc[said["answer"] == ranked[0][2], "score"].iloc[0])


def refused_panels(
    policy: Policy,
    services: Mapping[str, Service],
    registry: ModelRegistry,
    prices: Mapping[str, Price],
) -> dict[tuple[str, str], Refusal]:
    """The panels that do not pay by what is in force, at present ``prices`` of calls.

    What was learned of services that were others tells nothing of these.
    """
    found: dict[tuple[str, str], Refusal] = {}
    tasks = build_tasks(policy)
    for name, option, choice in panels_of(policy):
        artefact = registry.usable(artefact_name(name, option))
        if artefact is None or choice.panel is None or not choice.panel.refuse:
            continue
        now = {one: service_identity(services[one], tasks[name]) for one in choice.services}
        if artefact.facts.get("versions") != now:
            continue
        usd = {one: prices[one].cost_usd for one in choice.services}
        figures = PanelFigures.of_facts(artefact.facts)
        if (refused := refusal(figures, usd, choice.panel.worth_usd)) is not None:
            found[name, option] = refused
    return found
