"""The plans of one batch, and what decided them."""

import math
from collections import Counter
from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.content.batch_completion import spending_pass
from orchestration_assets.policy.load import LoadedPolicy
from orchestration_assets.policy.pinned_policy import pin_policy
from orchestration_assets.policy.registry import PolicyRegistry
from orchestration_assets.policy.rollout_state import running_trial
from orchestration_assets.schemas.enums import ProcessingModel
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.records import TableResult, count_members, rows_to_arrow
from orchestration_assets.schemas.tables import (
    PROCESSING_PLANS,
    ItemProfile,
    PlanRow,
    ProfiledItems,
)
from orchestration_assets.schemas.vectors import CONTENT_VECTORS
from orchestration_assets.selection.active_selector import ChosenPoint
from orchestration_assets.selection.content_drift import content_drifts
from orchestration_assets.selection.expectations import BatchInputs, batch_inputs
from orchestration_assets.selection.forecast import Price
from orchestration_assets.selection.panel_outcomes import refused_panels
from orchestration_assets.selection.plan import (
    choose_models,
    plan_items,
    promoted_threshold_versions,
)
from orchestration_assets.selection.plan_passages import usual_passages, with_passages
from orchestration_assets.selection.rollout_plans import items_on_trial, with_cohorts
from orchestration_assets.selection.shown_context import ShownPieces
from orchestration_assets.selection.shown_conversations import usual_memory
from orchestration_assets.selection.strategies import describe_point
from orchestration_assets.selection.training_corpus import recent_prices
from orchestration_assets.services.pool import build_services
from resources.home import Home


def plan_batch(
    home: Home,
    batch: str,
    profiled: pa.Table,
    related: pa.Table,
    loaded: LoadedPolicy,
    left_usd: float = math.inf,
) -> TableResult:
    """Plans every profiled item of a batch; pins the policy and the models that decide.

    ``related``: the representative of each item, by the columns of ``content_vectors``.
    ``left_usd``: what is left of the budget of the whole run.
    """
    profiles = ProfiledItems(profiled)
    trial = running_trial(home, loaded)
    rows, known = _planned(home, batch, loaded, profiles, profiled, left_usd)
    point_or_reason, threshold_versions = known
    cohorts: dict[str, int | str] = {}
    if trial is not None:
        share = items_on_trial(trial, profiles, related)
        tried = [profile for profile in profiles if profile.item_id in share]
        usd = left_usd * trial.share
        on_trial, _ = _planned(home, batch, trial.trial, tried, profiled, usd)
        rows = list(with_cohorts(rows, on_trial, trial))
        counts = Counter(row.cohort for row in rows)
        cohorts = {f"rollout/{cohort}": count for cohort, count in counts.items()}
        cohorts |= {"rollout": trial.state.rollout, "rollout/policy": trial.trial.hash}
    pinned_rows, corpora = with_passages(rows, loaded.policy, home, batch)
    plans = rows_to_arrow(PROCESSING_PLANS, pinned_rows)
    policy = {"policy": loaded.source, "policy_hash": loaded.hash, **_version_of(home, loaded)}
    learned = {
        f"learned/{task}": chosen
        if isinstance(chosen, str)
        else f"{chosen.model.version}, {describe_point(chosen)}"
        for task, chosen in point_or_reason.items()
    }
    pinned = {f"thresholds/{task}": version for task, version in threshold_versions.items()}
    pinned |= {f"knowledge/{corpus}": version for corpus, version in corpora.items()}
    models = count_members(plans["model"], ProcessingModel)
    drifts = content_drifts(plans)
    unfamiliar = {f"unfamiliar/{one.task}": one.unfamiliar for one in drifts}
    figures = {
        **{**models, **_forecast(plans), **policy, **cohorts},
        **{**learned, **pinned, **unfamiliar},
    }
    return TableResult(plans, figures, [one.words for one in drifts if one.is_drift])


def _planned(
    home: Home,
    batch: str,
    loaded: LoadedPolicy,
    profiles: Iterable[ItemProfile],
    profiled: pa.Table,
    left_usd: float,
) -> tuple[list[PlanRow], tuple[dict[str, ChosenPoint | str], dict[str, str]]]:
    """The plans of items under one policy, which is pinned, and by task what decided them: the
    learned models, and the versions of thresholds. ``profiles`` are gone through again."""
    pin_policy(home.policies, loaded, home.files)
    services = build_services(loaded.policy.services)
    prices = {name: Price(s.expected_ms, s.cost_usd) for name, s in services.items()}
    observed = recent_prices(home, batch, services)
    inputs = None
    if is_learned(loaded.policy):
        vectors = home.tables.read(CONTENT_VECTORS.name, batch)
        inputs = learning_inputs(loaded.policy, profiled, vectors)
    point_or_reason = choose_models(
        loaded.policy,
        services,
        home.models,
        profiles,
        prices,
        observed,
        min(left_usd, left_for_batch(home, batch, loaded.policy)),
        inputs,
        _usually_shown(home, batch, loaded.policy) if is_learned(loaded.policy) else None,
    )
    versions = promoted_threshold_versions(loaded.policy, home.models)
    refused = refused_panels(loaded.policy, services, home.models, {**prices, **observed})
    rows = plan_items(
        batch, profiles, loaded.policy, loaded.hash, prices, point_or_reason, versions, refused
    )
    return list(rows), (point_or_reason, versions)


def _usually_shown(home: Home, batch: str, policy: Policy) -> dict[str, ShownPieces]:
    """Task -> what its prompts usually show beside the content of an item of the batch."""
    passages = usual_passages(policy, home.knowledge)
    memory = usual_memory(policy, home.tables, batch)
    return {
        task: {**passages.get(task, {}), **memory.get(task, {})}
        for task in passages.keys() | memory.keys()
    }


def _version_of(home: Home, loaded: LoadedPolicy) -> dict[str, int]:
    """The number of the activation that stands, where it is this policy's."""
    active = PolicyRegistry(home).active()
    return {"policy_version": active.version} if active and active.is_of(loaded) else {}


def learning_inputs(policy: Policy, profiled: pa.Table, vectors: pa.Table) -> BatchInputs | None:
    """What is known of the contents of a batch; None where no task of the policy learns."""
    if not is_learned(policy):
        return None
    contents = profiled["content_hash"].to_pylist()
    return batch_inputs(contents, profiled, vectors, semantic=policy.features.semantic)


def is_learned(policy: Policy) -> bool:
    """Whether the steps of any task of the policy are learned."""
    return any(task.learned is not None for task in policy.tasks.values())


def left_for_batch(home: Home, batch: str, policy: Policy) -> float:
    """What is left of the policy's budget for a batch, in US dollars; infinite without one.

    What was spent in the same pass of the batch before, by a run that was stopped, counts.
    """
    cap = policy.execution.budget_usd
    if cap is None:
        return math.inf
    now = spending_pass(home, batch)
    return max(cap - home.spending.spent_usd(batch=batch, batch_pass=now), 0.0)


def _forecast(plans: pa.Table) -> dict[str, int | float]:
    expected = pc.coalesce(plans["expected_usd"], plans["cost_usd_max"])
    calls = pc.multiply(plans["calls_max"], pc.coalesce(plans["parts"], pa.scalar(1, pa.int64())))
    return {
        "forecast_calls_max": pc.sum(calls).as_py() or 0,
        "forecast_cost_usd_max": pc.sum(plans["cost_usd_max"]).as_py() or 0.0,
        "forecast_cost_usd": pc.sum(expected).as_py() or 0.0,
    }
