"""Carrying out the plans of one batch: what every service says about its items."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.content.content_reader import ContentReader
from orchestration_assets.conversations.stale import stale_items
from orchestration_assets.evidence.verdict_history import gold_rows
from orchestration_assets.policy.pinned_policy import read_pinned_policy
from orchestration_assets.policy.task_graph import task_inputs
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
    with_toolbox,
)
from orchestration_assets.processing.embedded_chunks import EmbeddedBatch
from orchestration_assets.processing.embedded_plans import embedded_items
from orchestration_assets.processing.event_loop import (
    BatchResult,
    BatchWork,
    LoadItem,
    process_plans,
)
from orchestration_assets.processing.judged_inputs import judged_answers
from orchestration_assets.processing.known_inputs import KnownInputs
from orchestration_assets.processing.near_copy_sharing import (
    LEADER_COLUMNS,
    answered_each,
    in_order,
    near_copy_leaders,
    process_sharing,
)
from orchestration_assets.processing.near_items import NearItems
from orchestration_assets.processing.remembered_answers import (
    note_stored,
    remembered_inputs,
    with_later_messages,
)
from orchestration_assets.processing.rollout_batch import (
    RolloutBatch,
    RolloutRows,
    TrialRun,
    TrialTools,
    rollout_batch,
)
from orchestration_assets.processing.take_up import kept, plans_to_take_up, stored_result
from orchestration_assets.processing.taught_batch import TaughtBatch
from orchestration_assets.processing.thread_memories import ThreadMemories, memories_of
from orchestration_assets.processing.trial_companion import TrialCompanion
from orchestration_assets.profiling.placement import Workers
from orchestration_assets.progress import Progress
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.services import TaughtConfig
from orchestration_assets.schemas.tables import (
    CALL_LOG,
    PROCESSING_PLANS,
    RESOLUTIONS,
    PlanRow,
)
from orchestration_assets.schemas.task_inputs import Inputs
from orchestration_assets.schemas.vectors import CONTENT_VECTORS
from resources.ai_services.resilience.spend_budget import SpendBudget
from resources.home import Home


@dataclass(frozen=True, slots=True)
class PlannedTables:
    """The tables that stand when the plans of a batch are carried out."""

    manifest: pa.Table
    profiles: pa.Table
    plans: pa.Table


@dataclass(frozen=True, slots=True)
class Interpreted:
    """The rows of a batch, what a roll-out adds to them, and warnings for people."""

    result: BatchResult
    rollout: RolloutRows | None
    warnings: list[str]


def interpret_batch(
    home: Home,
    batch: str,
    tables: PlannedTables,
    budget: SpendBudget,
    progress: Progress,
    workers: Workers,
    *,
    only_deferred: bool = False,
) -> Interpreted:
    """Carries out every plan.

    What calls cost comes out of ``budget``. ``workers`` carry out chunks where that is worth it.
    With ``only_deferred`` plans without a deferred reading keep their stored rows.
    """
    policy = read_pinned_policy(home.policies, tables.plans)
    plans = tables.plans.sort_by([("item_id", "ascending"), ("task", "ascending")])
    rows = list(PROCESSING_PLANS.rows(plans))
    stored = stored_result(home.tables, batch) if only_deferred else BatchResult()
    inputs = task_inputs(policy)
    memories = memories_of(policy, home, batch)
    stale = stale_items(home, batch) if only_deferred and memories else frozenset[str]()
    due = _to_take_up(rows, stored, inputs, memories, stale) if only_deferred else rows
    progress.stage("asking services", len({plan.item_id for plan in due}))
    rollout = rollout_batch(home, batch, due, tables.profiles, watches=not only_deferred)
    sharing = policy is not None and policy.features.share_answers
    seconds = policy.features.neighbour_s if policy else 0.0
    heavy, source = heavy_items(tables.manifest), home.batches.source(batch)
    with (
        ContentReader(home, source) as reader,
        ContentReader(home, source) as beside,
        NearItems(batch, home, seconds) as near,
    ):
        work = replace(_work(home, batch, policy, plans, near, rollout), memories=memories)
        budget, writer = batch_budget(policy, home, batch, budget)
        cache = AnswerCache(home.answers, writer.write_settled)
        load = _loader(tables, heavy, reader, beside)
        standing = KnownInputs(inputs, work.tasks)
        standing.add(stored)
        waited_for = {**inputs, **(remembered_inputs(memories) if memories else {})}
        judged = judged_answers(gold_rows(home.tables), rows, waited_for) if waited_for else {}
        if memories is not None:
            note_stored(stored, rows, memories, work.tasks, judged, inputs)
        work = replace(work, given=standing, judged=judged)
        limits = batch_limits(policy, budget, home, batch, work)
        leader_of = _leaders(home, batch, tables.manifest) if sharing else {}
        in_turns = memories.in_turns({plan.item_id for plan in due}) if memories else frozenset()
        tools = TrialTools(cache, limits, near, work, leader_of)
        trial = TrialRun(rollout, tools) if rollout else None

        def in_event_loop(plans: Sequence[PlanRow], work: BatchWork) -> BatchResult:
            companions = trial.companions() if trial else ()
            return standing.add(carry_out_plans(plans, work, beside=companions))

        carry_out_plans = partial(
            process_plans,
            cache=cache,
            load_item=load,
            limits=limits,
            advance=progress.advance,
            near=near,
            is_heavy=heavy.__contains__,
            over=rollout.over if rollout else None,
        )

        taught = TaughtBatch(home, batch, load, teaches=not only_deferred)

        def process(plans: Sequence[PlanRow]) -> BatchResult:
            # first what never waits: beside calls over HTTP it would hold up their clocks
            here = embedded_items(plans, work) - in_turns
            embedded = [plan for plan in plans if plan.item_id in here]
            others = [plan for plan in plans if plan.item_id not in here]
            if policy is None or not embedded:
                return taught.process(others, work, in_event_loop)
            # all at once: whole tables are gone through, which parts of a batch would each do again
            whole = tables.manifest, tables.profiles, tables.plans
            away = EmbeddedBatch(
                home, batch, policy, *whole, cache, load, workers, progress.advance
            )
            done = standing.add(away.process(embedded, work))
            if rollout:
                rollout.controls_over(done, embedded)
            if not others:
                return done
            return in_order(plans, done, taught.process(others, work, in_event_loop))

        with writer:
            result, added = _carried_out(
                due,
                trial,
                lambda plans, leaders: process_sharing(
                    plans, leaders, process, inputs, answered_each(work.tasks, memories), judged
                ),
                lambda companions: carry_out_plans([], work, beside=companions),
                leader_of,
            )
    if only_deferred:
        result = _with_stored(rows, due, stored, result)
    return Interpreted(result, added, [*_warnings(near, cache, result), *taught.warnings])


def _to_take_up(
    rows: Sequence[PlanRow],
    stored: BatchResult,
    inputs: Inputs,
    memories: ThreadMemories | None,
    stale: Collection[str],
) -> list[PlanRow]:
    if memories is None:
        return plans_to_take_up(rows, stored, inputs)
    pairs = {(item, task) for item in stale for task in memories.shown}
    due = plans_to_take_up(rows, stored, inputs, pairs)
    return with_later_messages(due, rows, memories, inputs)


def _work(
    home: Home,
    batch: str,
    policy: Policy | None,
    plans: pa.Table,
    near: NearItems,
    rollout: RolloutBatch | None,
) -> BatchWork:
    """What the plans are carried out with, once the batches before have stored what it reads."""
    if policy and any(isinstance(one, TaughtConfig) for one in policy.services.values()):
        # what they learn in one batch, they know in the next
        home.series.await_earlier(batch, CALL_LOG.name)
    work = build_work(policy, learned_models(plans, home.models), home.models)
    work = with_toolbox(work, policy, home)
    tried = rollout.work.services.values() if rollout else ()
    if any("neighbours" in one.reads for one in (*work.services.values(), *tried)):
        home.series.await_earlier(batch, RESOLUTIONS.name)
        near.prepare()
    return work


def _carried_out(
    due: Sequence[PlanRow],
    trial: TrialRun | None,
    process: Callable[[Sequence[PlanRow], Mapping[str, str]], BatchResult],
    alone: Callable[[Sequence[TrialCompanion]], object],
    leader_of: Mapping[str, str],
) -> tuple[BatchResult, RolloutRows | None]:
    """What all plans that are due yield, those of a policy on trial among them."""
    if trial is None:
        return process(due, leader_of), None
    control = process(trial.control, leader_of)
    parts, added = trial.finish(control, alone, lambda back: process(back, leader_of))
    return in_order(added.plans or due, control, *parts), added


def _loader(
    tables: PlannedTables, heavy: Collection[str], reader: ContentReader, beside: ContentReader
) -> LoadItem:
    """Loads items by ``reader``, heavy ones by the reader ``beside`` it."""
    about = rows_about(tables.manifest, heavy), rows_about(tables.profiles, heavy)
    usual = item_loader(tables.manifest, tables.profiles, reader)
    return separate_loader(heavy, usual, item_loader(*about, beside))


def _with_stored(
    rows: Sequence[PlanRow], due: Sequence[PlanRow], stored: BatchResult, result: BatchResult
) -> BatchResult:
    """The result of the plans that were due, with the stored rows of all others."""
    carried_out = {(plan.item_id, plan.task) for plan in due}
    others = [plan for plan in rows if (plan.item_id, plan.task) not in carried_out]
    return in_order(rows, kept(stored, others), result)


def _leaders(home: Home, batch: str, manifest: pa.Table) -> dict[str, str]:
    """Who is asked for whom; of messages each is asked about itself, whatever others say."""
    vectors = home.tables.read(CONTENT_VECTORS.name, batch, LEADER_COLUMNS)
    own = pc.is_valid(manifest["message"])
    messages = set(manifest.filter(own)["item_id"].to_pylist()) if pc.any(own).as_py() else set()
    return {
        item: leader
        for item, leader in near_copy_leaders(vectors).items()
        if not {item, leader} & messages
    }


def _warnings(near: NearItems, cache: AnswerCache, result: BatchResult) -> Iterator[str]:
    for earlier, why in near.unreadable.items():
        yield f"services are shown less of batch {earlier}: {why}"
    if cache.ignored:
        yield f"{cache.ignored} kept answers could not be used; their questions were asked again"
    for name, times in result.circuits_opened.items():
        if times:
            yield f"the circuit of {name} opened {times} times: it failed too often"
