"""What a home knows of one conversation: its messages, what stands of them, and its memory."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import partial
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.conversations.batch_index import indexed_batches
from orchestration_assets.conversations.earlier import EarlierMessages
from orchestration_assets.conversations.stale import unsettled_items
from orchestration_assets.conversations.thread_state import current_thread
from orchestration_assets.conversations.threads import MessageReference, Thread
from orchestration_assets.policy.hidden_content import NOT_SHOWN, hidden_in, hides_content
from orchestration_assets.policy.memory import memory_tasks, shows_memory
from orchestration_assets.policy.pinned_policy import PinnedPolicyError, read_pinned_policy
from orchestration_assets.processing.judged_messages import JudgedMessages
from orchestration_assets.processing.thread_memories import ThreadMemories
from orchestration_assets.schemas.answers import answer_of
from orchestration_assets.schemas.conversations import THREAD_MESSAGES, Fact
from orchestration_assets.schemas.decoding import column_names, decode
from orchestration_assets.schemas.errors import DamagedFileError, OrchestrationError
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.records import Table
from orchestration_assets.schemas.services import ChatConfig, Context, SensitiveKind
from orchestration_assets.schemas.tables import PROCESSING_PLANS, RESOLUTIONS
from orchestration_assets.text.content_excerpts import redacted
from orchestration_assets.text.prompts.shown_memory import shown_memory
from orchestration_assets.text.sentences import one_line
from orchestration_assets.text.visible_text import visible_text
from resources.damage import leaving_out_damage
from resources.home import Home
from resources.table_store import TableMissingError

_NEAR: Final = 5
_HIDDEN: Final = f"({NOT_SHOWN})"
_NO_TASK: Final = ""
_ANY: Final = "(no service is shown it yet)"


class UnknownThreadError(OrchestrationError):
    """No batch of the home has such a conversation, or no such message in it."""


@dataclass(frozen=True, slots=True)
class ThreadLine:
    """One message. ``answers``: task -> the answer that stands, as text. ``text`` is None where it
    is gone from the tables."""

    number: int
    item_id: str
    batch: str
    position: float | None
    speaker: str | None
    path: str
    record: int
    text: str | None
    answers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ShownMemoryOf:
    """What the prompt of a service holds of the conversation before a message: ``text``, of at most
    ``tokens`` tokens, and in words what was ``left_out``."""

    service: str
    tokens: int
    text: str
    left_out: str | None


@dataclass(frozen=True, slots=True)
class ThreadView:
    """A conversation as it stands. ``at`` is the message whose memory is shown, ``is_stale`` where
    it will be asked about again, since the conversation has changed before it, and
    ``stale_because`` how. Its memory is ``withheld`` where people may not see it, or a message
    before it."""

    thread: str
    version: int
    messages: Sequence[ThreadLine]
    at: int | None = None
    is_stale: bool = False
    withheld: bool = False
    shown: Sequence[ShownMemoryOf] = ()
    facts: Sequence[Fact] = ()
    stale_because: str | None = None


@dataclass(frozen=True, slots=True)
class _Said:
    """The columns of ``thread_messages`` that are shown."""

    item_id: str
    speaker: str | None
    text: str


@dataclass(frozen=True, slots=True)
class _Stands:
    """The columns of ``resolutions`` that are shown."""

    item_id: str
    task: str
    answer: str | None
    answer_set: tuple[str, ...] | None
    answer_score: float | None
    answer_vector: tuple[float, ...] | None
    answer_record: str | None


def known_threads(home: Home) -> dict[str, list[str]]:
    """Thread -> the batches that brought messages of it, the oldest first."""
    found: dict[str, list[str]] = {}
    for one in indexed_batches(home):
        for name in one.threads:
            found.setdefault(name, []).append(one.batch)
    return found


def unknown_thread(home: Home, name: str) -> UnknownThreadError:
    """The error for a conversation that is in no batch: it names near ones."""
    known = sorted(known_threads(home))
    near = get_close_matches(name, known, _NEAR, 0.4) or known[:_NEAR]
    told = ", ".join(map(repr, near))
    remedy = (
        f"it has {len(known)}, such as {told}: orchestrate thread lists them"
        if known
        else "records name theirs by `thread` under content.records in the policy"
    )
    return UnknownThreadError(f"no conversation {name!r} in {home.folder}; {remedy}")


def thread_view(home: Home, policy: Policy, name: str, at: str | None) -> ThreadView:
    """The conversation as it stands, and what services are shown for the message ``at``: its item,
    its number, or None for the last one. Raises UnknownThreadError, DamagedFileError."""
    thread, version = current_thread(home, name)
    if not version:
        raise unknown_thread(home, name)
    hidden = _hidden_batches(home, policy, thread)
    lines = list(_lines(home, thread, hidden))
    if not lines:
        return ThreadView(name, version, ())
    place = _place(lines, at)
    one = thread.messages[place]
    stale = unsettled_items(home, one.batch).get(one.item_id)
    # the message itself decides what of its memory is chosen
    withheld = one.batch in hidden or any(
        before.batch in hidden for before in thread.messages[:place]
    )
    withheld = withheld or EarlierMessages(home, one.batch).hides_before(one.item_id)
    shown, facts = ([], []) if withheld else _memory(home, policy, one)
    return ThreadView(name, version, lines, place + 1, bool(stale), withheld, shown, facts, stale)


def _place(lines: Sequence[ThreadLine], at: str | None) -> int:
    if at is None:
        return len(lines) - 1
    for place, line in enumerate(lines):
        if at in (line.item_id, str(line.number), f"{line.path}#{line.record}"):
            return place
    raise UnknownThreadError(
        f"no message {at!r} in the conversation: give its number, 1 to {len(lines)}, or its item"
    )


def _hidden_batches(home: Home, policy: Policy, thread: Thread) -> frozenset[str]:
    """The batches whose messages nobody may see: all where the policy in force says so, else those
    that were asked under one that did, or whose policy cannot be read."""
    batches = frozenset(one.batch for one in thread.messages)
    return (
        batches if hides_content([policy]) else frozenset(filter(partial(hidden_in, home), batches))
    )


def _lines(home: Home, thread: Thread, hidden: Collection[str]) -> Iterator[ThreadLine]:
    items: dict[str, set[str]] = {}
    for one in thread.messages:
        items.setdefault(one.batch, set()).add(one.item_id)
    said: dict[str, _Said] = {}
    answers: dict[str, dict[str, str]] = {}
    for batch, wanted in items.items():
        for row in decode(_Said, _rows(home, THREAD_MESSAGES, batch, wanted, _Said)):
            said[row.item_id] = row
        for answer in decode(_Stands, _rows(home, RESOLUTIONS, batch, wanted, _Stands)):
            if answer.answer is not None and batch not in hidden:
                answers.setdefault(answer.item_id, {})[answer.task] = redacted(answer.answer)
    for number, one in enumerate(thread.messages, 1):
        held = said.get(one.item_id)
        hides = one.batch in hidden
        text = None if held is None else (_HIDDEN if hides else redacted(held.text))
        # names are content, too
        speaker = None if held is None or hides else held.speaker
        yield ThreadLine(
            number,
            one.item_id,
            one.batch,
            one.position,
            redacted(one_line(speaker)) if speaker else None,
            one.path,
            one.record,
            text,
            dict(sorted(answers.get(one.item_id, {}).items())),
        )


def _rows(home: Home, table: Table[Any], batch: str, items: set[str], record: type) -> pa.Table:
    """The columns of a record, of the rows of a batch that are about these items."""
    names = list(column_names(record))
    with leaving_out_damage():
        if home.tables.exists(table.name, batch):
            data = home.tables.read(table.name, batch, names)
            return data.filter(pc.is_in(data["item_id"], pa.array(sorted(items), pa.string())))
    return pa.schema([table.schema.field(name) for name in names]).empty_table()


def _memory(
    home: Home, policy: Policy, one: MessageReference
) -> tuple[list[ShownMemoryOf], list[Fact]]:
    """What services are shown of the conversation before a message, and the facts until there; as
    its batch was asked."""
    asked_by = _policy_of(home, one.batch) or policy
    tasks = memory_tasks(asked_by) or {_NO_TASK}
    earlier, judged = EarlierMessages(home, one.batch), JudgedMessages(home, asked_by)
    memories = ThreadMemories(earlier, asked_by.conversation, tasks, judged)
    for row in decode(_Stands, _all_rows(home, one.batch)):
        if row.task in memories.remembered:
            memories.note_stored(row.item_id, row.task, answer_of(row))
    memory = memories.of(one.item_id, min(tasks))
    if memory is None:
        return [], []
    shown = []
    for name, limits, kinds in _readers(asked_by, tasks):
        fits = shown_memory(memory, kinds, limits.memory_tokens)
        text = visible_text(fits.values["text"])
        shown.append(ShownMemoryOf(name, limits.memory_tokens, text, fits.left_out))
    return shown, [_for_people(fact) for fact in memories.facts(one.item_id)]


def _for_people(fact: Fact) -> Fact:
    return replace(
        fact,
        subject=redacted(fact.subject),
        attribute=redacted(fact.attribute),
        value=redacted(fact.value),
    )


def _readers(
    policy: Policy, tasks: Collection[str]
) -> Iterator[tuple[str, Context, Collection[SensitiveKind]]]:
    """The services that are shown it, each with its limits and what is redacted for it; where there
    is none, what one would be shown."""
    found = False
    for name, config in policy.services.items():
        if isinstance(config, ChatConfig) and any(
            shows_memory(policy, name, task)
            for task in tasks
            if task in policy.tasks and name in policy.tasks[task].askable
        ):
            found = True
            yield name, config.context, config.guard.redact
    if not found:
        yield _ANY, Context(), tuple(SensitiveKind)


def _all_rows(home: Home, batch: str) -> pa.Table:
    return home.tables.read_batches(RESOLUTIONS, [batch], column_names(_Stands))


def _policy_of(home: Home, batch: str) -> Policy | None:
    """The policy that the batch was asked under; None where nothing says so any more."""
    try:
        return read_pinned_policy(home.policies, home.tables.read(PROCESSING_PLANS.name, batch))
    except (PinnedPolicyError, TableMissingError, DamagedFileError):
        return None
