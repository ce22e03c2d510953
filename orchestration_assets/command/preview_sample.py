"""The items that a preview forecasts from: of a source that is looked at, or of a whole home."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.policy.memory import memory_tasks
from orchestration_assets.policy.tasks import build_tasks
from orchestration_assets.processing.answer_cache import answer_key
from orchestration_assets.processing.part_questions import part_questions
from orchestration_assets.processing.recalled_memories import recalled_memories
from orchestration_assets.processing.thread_memories import ThreadMemories
from orchestration_assets.schemas.conversations import ConversationMemory
from orchestration_assets.schemas.items import Item, Question, Task
from orchestration_assets.schemas.knowledge import RetrievedPassage
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.tables import (
    CONTENT_PROFILES,
    PROCESSING_PLANS,
    ItemProfile,
    profiles_of,
)
from orchestration_assets.schemas.vectors import CONTENT_VECTORS
from orchestration_assets.selection.batch import is_learned, learning_inputs
from orchestration_assets.selection.expectations import BatchInputs
from orchestration_assets.selection.shown_context import ShownPieces, pieces_of
from orchestration_assets.selection.shown_conversations import messages_before, told_in_batch
from orchestration_assets.selection.shown_plans import ShownInPlan, as_asked_now, shown_in_plans
from orchestration_assets.services.contract import Service
from resources.damage import leaving_out_damage
from resources.home import Home
from resources.table_store import TableStore

AnswerKeys = dict[tuple[str, str, str], tuple[str, ...]]
"""(item, task, service) -> the keys of the answers to first questions about the whole item, or
about each of its parts."""


@dataclass(frozen=True, slots=True)
class PreviewSample:
    """Profiles of ``sampled`` items of ``whole`` accepted ones, their sizes in tokens, the keys of
    the answers that may be asked for, and what learned steps decide by, where any are learned.
    ``shown``: what prompts show beside the content by (item, task), where it is known; ``before``:
    how many messages come before one in its conversation; ``told``: the tokens that an earlier
    message takes in the mean."""

    profiles: Sequence[ItemProfile]
    tokens: Mapping[str, int]
    answer_keys: AnswerKeys
    inputs: BatchInputs | None
    whole: int
    sampled: int
    shown: Mapping[tuple[str, str], ShownPieces]
    before: Mapping[str, int]
    told: float


def answer_keys_of(
    item: Item,
    policy: Policy,
    tasks: Mapping[str, Task],
    services: Mapping[str, Service],
    passages: Mapping[str, tuple[RetrievedPassage, ...]],
    memories: ThreadMemories | None = None,
) -> AnswerKeys:
    """The keys of every answer that any choice of any of the tasks may ask about an item.

    ``passages``: those that each task would be shown; ``memories``: what is remembered before it.
    """
    remembered: dict[str, ConversationMemory | None] = {}
    with leaving_out_damage():
        if memories is not None:
            remembered = {name: memories.of(item.item_id, name) for name in tasks}
    return {
        (item.item_id, name, service): tuple(
            answer_key(asked, services[service])
            for asked in part_questions(
                Question(task, item, passages=passages.get(name, ()), memory=remembered.get(name))
            )
        )
        for name, task in tasks.items()
        for service in policy.tasks[name].askable
    }


def sample_of_home(
    home: Home,
    policy: Policy,
    services: Mapping[str, Service],
    batches: Sequence[str],
    sample: int,
    only: Mapping[str, Collection[str]] | None = None,
) -> PreviewSample:
    """At most ``sample`` profiled items at even distances over the batches, by their tables alone:
    no source is read; those that are named in ``only``, by batch, where it is given. Damaged tables
    are left out, and said."""
    counts: dict[str, int] = {}
    for batch in batches:
        with leaving_out_damage():
            counts[batch] = _profiles(home.tables, batch, only, ["item_id"]).num_rows
    whole = sum(counts.values())
    step = max(whole / max(sample, 1), 1.0)
    wanted = [int(n * step) for n in range(int(whole / step))]
    learns = is_learned(policy)
    profiled: list[pa.Table] = []
    planned: list[ShownInPlan] = []
    vectors: list[pa.Table] = []
    remembers = memory_tasks(policy)
    earlier: dict[str, int] = {}
    sizes: list[int] = []
    memories: dict[str, ThreadMemories | None] = {}
    before = 0
    for batch, count in counts.items():
        here = [place - before for place in wanted if before <= place < before + count]
        before += count
        if here:
            rows = _profiles(home.tables, batch, only).take(here)
            profiled.append(rows)
            items = set(rows["item_id"].to_pylist())
            with leaving_out_damage():
                # a run that is under way, or was killed, has profiled items without plans
                if home.tables.exists(PROCESSING_PLANS.name, batch):
                    planned += shown_in_plans(home.tables, batch, policy, items)
            if remembers:
                known = messages_before(home.tables, batch)
                earlier |= {item: known[item] for item in items if item in known}
                sizes += told_in_batch(policy, home.tables, batch)
                with leaving_out_damage():
                    memories |= dict.fromkeys(items, recalled_memories(home, batch, policy))
            vectors += _vectors(home.tables, batch) if learns else []
    if not profiled:
        return PreviewSample((), {}, {}, None, 0, 0, {}, {}, 0.0)
    together = pa.concat_tables(profiled)
    profiles = list(profiles_of(together))
    keys: AnswerKeys = {}
    tasks = build_tasks(policy)
    passages: dict[str, dict[str, tuple[RetrievedPassage, ...]]] = defaultdict(dict)
    shown = as_asked_now(planned, policy)
    for plan in shown:
        passages[plan.item_id][plan.task] = plan.passages or ()
    for one in profiles:
        item = Item(one.item_id, one.content_hash, one.path, "", one.features)
        own = passages[one.item_id], memories.get(one.item_id)
        keys |= answer_keys_of(item, policy, tasks, services, *own)
    return PreviewSample(
        profiles,
        {one.item_id: token_count(one.features) for one in profiles},
        keys,
        learning_inputs(policy, together, pa.concat_tables(vectors)) if vectors else None,
        whole,
        len(profiles),
        {(one.item_id, one.task): pieces_of(one) for one in shown},
        earlier,
        fmean(sizes) if sizes else 0.0,
    )


def _profiles(
    tables: TableStore,
    batch: str,
    only: Mapping[str, Collection[str]] | None,
    columns: Sequence[str] | None = None,
) -> pa.Table:
    rows = tables.read(CONTENT_PROFILES.name, batch, columns)
    if only is None:
        return rows
    return rows.filter(pc.is_in(rows["item_id"], pa.array(sorted(only[batch]), pa.string())))


def _vectors(tables: TableStore, batch: str) -> list[pa.Table]:
    found: list[pa.Table] = []
    with leaving_out_damage():
        found.append(tables.read(CONTENT_VECTORS.name, batch))
    return found


def token_count(features: Mapping[str, Any]) -> int:
    """The estimated tokens of an item."""
    return int(features["token_estimate"] or 0)
