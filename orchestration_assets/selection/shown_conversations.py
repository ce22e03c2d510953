"""What prompts will show of conversations, in tokens, before anything is remembered.

An estimate: as many messages as come before one, as far as they fit; each takes what is remembered
of a message in the mean, the facts that it states among it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from statistics import fmean
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.conversations.fold import nothing
from orchestration_assets.conversations.thread_table import SHOWN_CHARACTERS
from orchestration_assets.policy.memory import memory_tasks, shows_memory
from orchestration_assets.schemas.conversations import THREAD_MESSAGES, Message
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.enums import EntryOutcome
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.services import ChatConfig
from orchestration_assets.schemas.tables import CONTENT_MANIFEST
from orchestration_assets.selection.shown_context import MEMORY_LINE, ShownPieces, in_pieces
from orchestration_assets.text.token_estimates import token_estimate
from resources.damage import leaving_out_damage
from resources.table_store import TableStore

_LONGEST: Final = 512
"""Tokens that are shown of a message, about: a longer one is mostly told in brief."""
_LOOKED_AT: Final = 100
"""Messages of a batch that tell how much is remembered of one."""


def memory_by_question(
    policy: Policy, before: Mapping[str, int], told: float
) -> dict[tuple[str, str], ShownPieces]:
    """(item, task) -> what its prompt shows of the conversation, for tasks that show it and items
    that belong to one. ``before``: messages before an item; ``told``: tokens that one of them takes
    in the mean."""
    config = policy.conversation
    core = sum(token_estimate(words) + 1 for words in config.core)
    most_messages = config.recent + config.events + config.facts
    found: dict[tuple[str, str], ShownPieces] = {}
    for task in memory_tasks(policy):
        most = _most(policy, task)
        for item, count in before.items():
            shown = core + round(told * min(count, most_messages))
            found[item, task] = {"memory": in_pieces(min(most, shown))}
    return found


def usual_memory(policy: Policy, tables: TableStore, batch: str) -> dict[str, ShownPieces]:
    """Task -> what its prompts show of conversations, in the mean over the messages of a batch of
    the home; of a batch without any, nothing."""
    before = messages_before(tables, batch) if memory_tasks(policy) else {}
    if not before:
        return {}
    sizes = told_in_batch(policy, tables, batch)
    shown: dict[str, list[int]] = {}
    told = fmean(sizes) if sizes else 0.0
    for (_, task), pieces in memory_by_question(policy, before, told).items():
        shown.setdefault(task, []).append(sum(pieces["memory"]))
    return {task: {"memory": in_pieces(round(fmean(counts)))} for task, counts in shown.items()}


def told_of_message(policy: Policy, text: str) -> int:
    """The tokens that what is remembered of one message takes, as far as rules tell."""
    facts = None if policy.conversation.facts_from is None else ()
    config = policy.conversation.model_copy(update={"core": ()})
    alone = nothing(config).remember(Message("", 1, text[:SHOWN_CHARACTERS]), facts)
    pieces = alone.pieces("").pieces
    return sum(min(_LONGEST, token_estimate(one.text)) + MEMORY_LINE for one in pieces)


def told_in_batch(policy: Policy, tables: TableStore, batch: str) -> list[int]:
    """What some messages of a batch of the home take, evenly spread."""
    with leaving_out_damage():
        if memory_tasks(policy) and tables.exists(THREAD_MESSAGES.name, batch):
            texts = tables.read(THREAD_MESSAGES.name, batch, ["text"])["text"]
            step = max(1, len(texts) // _LOOKED_AT)
            return [told_of_message(policy, texts[n].as_py()) for n in range(0, len(texts), step)]
    return []


def messages_before(tables: TableStore, batch: str) -> dict[str, int]:
    """Item -> the messages before it, as a batch of the home knows them."""
    with leaving_out_damage():
        if tables.exists(THREAD_MESSAGES.name, batch):
            data = tables.read(THREAD_MESSAGES.name, batch, ["item_id", "before"])
            return dict(values(data, "item_id", "before"))
    return {}


def messages_known(tables: TableStore) -> Counter[str]:
    """Thread -> the messages of it that batches of the home brought."""
    known: Counter[str] = Counter()
    for batch in tables.batches(THREAD_MESSAGES.name):
        with leaving_out_damage():
            counts = pc.value_counts(
                tables.read(THREAD_MESSAGES.name, batch, ["thread"])["thread"].combine_chunks()
            )
            known.update({one["values"]: one["counts"] for one in counts.to_pylist()})
    return known


def messages_before_new(
    tables: TableStore, batches: Iterable[str], known: Mapping[str, int]
) -> dict[str, int]:
    """Item -> the messages before it, of what manifests of new batches accept: in the order of
    their positions, after those that are known."""
    columns = ["item_id", "outcome", "message"]
    manifests = [tables.read(CONTENT_MANIFEST.name, batch, columns) for batch in batches]
    if not manifests:
        return {}
    rows = pa.concat_tables(manifests)
    there = pc.and_(
        pc.equal(rows["outcome"], str(EntryOutcome.ACCEPTED)), pc.is_valid(rows["message"])
    )
    rows = rows.filter(there)
    table = pa.table(
        {
            "item_id": rows["item_id"],
            "thread": pc.struct_field(rows["message"], "thread"),
            "position": pc.struct_field(rows["message"], "position"),
        }
    ).sort_by([("thread", "ascending"), ("position", "ascending")])
    counted = Counter(known)
    before = {}
    for item, thread in values(table, "item_id", "thread"):
        before[item] = counted[thread]
        counted[thread] += 1
    return before


def _most(policy: Policy, task: str) -> int:
    """The most that a service is shown of a conversation when it is asked this task."""
    asked = ((name, policy.services.get(name)) for name in policy.tasks[task].askable)
    return max(
        (
            config.context.memory_tokens
            for name, config in asked
            if isinstance(config, ChatConfig) and shows_memory(policy, name, task)
        ),
        default=0,
    )
