"""Carrying out the plans of one batch: what every service says about its items."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import pyarrow as pa

from orchestration_assets.content.content_reader import ContentReader
from orchestration_assets.policy.pinned_policy import read_pinned_policy
from orchestration_assets.processing.answer_cache import AnswerCache
from orchestration_assets.processing.batch import (
    batch_budget,
    batch_limits,
    build_work,
    heavy_items,
    item_loader,
    learned_models,
    rows_about,
    separate_loader,
)
from orchestration_assets.processing.event_loop import BatchResult, process_plans
from orchestration_assets.processing.near_copy_sharing import near_copy_leaders, process_sharing
from orchestration_assets.processing.near_items import NearItems
from orchestration_assets.progress import Progress
from orchestration_assets.schemas.tables import PROCESSING_PLANS
from resources.ai_services.resilience.spend_budget import SpendBudget
from resources.home import Home


@dataclass(frozen=True, slots=True)
class PlannedTables:
    """The tables that stand when the plans of a batch are carried out."""

    manifest: pa.Table
    profiles: pa.Table
    vectors: pa.Table
    plans: pa.Table


def interpret_batch(
    home: Home, batch: str, tables: PlannedTables, budget: SpendBudget, progress: Progress
) -> tuple[BatchResult, list[str]]:
    """Carries out every plan in one event loop; the rows, and warnings for people.

    What calls cost comes out of ``budget``.
    """
    policy = read_pinned_policy(home.policies, tables.plans)
    plans = tables.plans.sort_by([("item_id", "ascending"), ("task", "ascending")])
    progress.stage("asking services", len(set(plans["item_id"].to_pylist())))
    sharing = policy is not None and policy.features.share_answers
    seconds = policy.features.neighbour_seconds if policy else 0.0
    manifest, profiles = tables.manifest, tables.profiles
    heavy, source = heavy_items(manifest), home.batches.source(batch)
    with (
        ContentReader(home, source) as reader,
        ContentReader(home, source) as beside,
        NearItems(tables.vectors, home, seconds) as near,
    ):
        work = build_work(policy, learned_models(plans, home.models))
        if any("neighbours" in one.reads for one in work.services.values()):
            near.prepare()
        cache = AnswerCache(home.answers)
        budget, writer = batch_budget(policy, home, batch, budget)
        process = partial(
            process_plans,
            work=work,
            cache=cache,
            load_item=separate_loader(
                heavy,
                item_loader(manifest, profiles, reader),
                item_loader(rows_about(manifest, heavy), rows_about(profiles, heavy), beside),
            ),
            limits=batch_limits(policy, budget, home.tables),
            advance=progress.advance,
            near=near,
            is_heavy=heavy.__contains__,
        )
        leader_of = near_copy_leaders(tables.vectors) if sharing else {}
        with writer:
            result = process_sharing(list(PROCESSING_PLANS.rows(plans)), leader_of, process)
    return result, list(_warnings(near, cache, result))


def _warnings(near: NearItems, cache: AnswerCache, result: BatchResult) -> Iterator[str]:
    for earlier, why in near.unreadable.items():
        yield f"services are shown less of batch {earlier}: {why}"
    if cache.ignored:
        yield f"{cache.ignored} kept answers could not be used; their questions were asked again"
    for name, times in result.circuits_opened.items():
        if times:
            yield f"the circuit of {name} opened {times} times: it failed too often"
