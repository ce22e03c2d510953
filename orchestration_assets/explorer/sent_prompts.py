"""The prompts that services over HTTP were sent, built again from the content and redacted as then.

Only where the same prompt comes of it: the service asks as it did, and is shown nothing that other
answers or items decide but the conversation before a message, where the answer's key tells that it
was the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import pyarrow.compute as pc

from orchestration_assets.content.content_reader import ContentReader, SupersededError
from orchestration_assets.policy.hidden_content import hidden_in, hides_content
from orchestration_assets.policy.load import LoadedPolicy
from orchestration_assets.policy.tasks import build_tasks
from orchestration_assets.processing.answer_cache import answer_key
from orchestration_assets.processing.recalled_memories import recalled_memories
from orchestration_assets.processing.thread_memories import ThreadMemories
from orchestration_assets.schemas.enums import EntryOutcome
from orchestration_assets.schemas.errors import DamagedFileError, SourceError
from orchestration_assets.schemas.items import Item, Question
from orchestration_assets.schemas.knowledge import RetrievedPassage
from orchestration_assets.schemas.listings import ContentError
from orchestration_assets.schemas.services import ChatConfig
from orchestration_assets.schemas.tables import PROCESSING_PLANS, AcceptedItem
from orchestration_assets.services.identity import service_identity
from orchestration_assets.services.pool import build_services
from orchestration_assets.text.prompts.chat_messages import chat_messages
from orchestration_assets.text.prompts.templates import PromptError, variables_in
from resources.home import Home
from resources.table_store import TableMissingError

_OF_OTHERS: Final = frozenset({"earlier", "neighbours", "answers"})
Messages = Sequence[tuple[str, str]]
"""Role and text of each message."""


def sent_prompts(home: Home, found: Any, loaded: LoadedPolicy) -> Mapping[str, Messages]:
    """The key of a reading's answer -> the messages that were sent about an explained item.

    Empty where the policy in force, that of the batch or, of a conversation that was shown, that of
    an earlier message hides content, where the content cannot be
    read as it was, and for services that the policy in force no longer asks in the same way, that
    were shown a part or an excerpt, or whose place another one took.
    """
    services = loaded.policy.services
    chats = {name: one for name, one in services.items() if isinstance(one, ChatConfig)}
    asked = [
        (task.plan, reading)
        for task in found.tasks
        if not _of_pieces(task)
        for reading, call in task.readings
        if reading.service in chats
        and call is not None
        and call.called in (None, "", reading.service)
    ]
    row = next((row for row in found.seen if row.computed_as), None)
    if not asked or row is None or hides_content([loaded.policy]):
        return {}
    if hidden_in(home, found.computed_in):
        return {}
    passages = _passages(home, found)
    tasks, built = build_tasks(loaded.policy), build_services(services)
    text = _content(home, row, loaded)
    if text is None:
        return {}
    item = Item(row.item_id, row.content_hash, row.path, text, found.features)
    memories = _memories(home, found, loaded)
    messages: dict[str, Messages] = {}
    for plan, reading in asked:
        config, task = chats[reading.service], tasks.get(plan.task)
        prompt = config.prompts.get(plan.task, config.prompt)
        same = task is not None and reading.service_version == service_identity(
            built[reading.service], task
        )
        if task is None or not same or variables_in(prompt) & _OF_OTHERS or reading.round:
            continue
        question = Question(task, item, passages=passages.get(plan.task, ()))
        if memories is not None and "memory" in built[reading.service].reads:
            if memories.holds_hidden(found.computed_as):
                continue
            question = replace(question, memory=memories.of(found.computed_as, plan.task))
            if answer_key(question, built[reading.service]) != reading.answer_key:
                continue
        try:
            sent, _ = chat_messages(
                question,
                config,
                reading.service,
                with_path="path" in variables_in(prompt),
            )
        except PromptError:
            continue  # it did not fit then either, and the reading says so
        messages[reading.answer_key] = [(one["role"], one["content"]) for one in sent]
    return messages


def _memories(home: Home, found: Any, loaded: LoadedPolicy) -> ThreadMemories | None:
    try:
        # what is told of one item has nothing of the messages before it
        whole = Home(home.folder, home.claim, home.series)
        return recalled_memories(whole, found.computed_in, loaded.policy)
    except DamagedFileError:
        return None


def _passages(home: Home, found: Any) -> Mapping[str, tuple[RetrievedPassage, ...]]:
    """Task -> the passages as they stand in its plan: the explanation has them redacted further."""
    plans = home.tables.read(PROCESSING_PLANS.name, found.computed_in)
    own = plans.filter(pc.equal(plans["item_id"], found.computed_as))
    return {row.task: row.passages or () for row in PROCESSING_PLANS.rows(own)}


def _of_pieces(task: Any) -> bool:
    """Whether services were asked of parts one by one, or shown less than the whole content."""
    read = (decision.coverage for decision in task.decisions)
    return bool(task.parts) or any(share is not None and share < 1.0 for share in read)


def _content(home: Home, row: Any, loaded: LoadedPolicy) -> str | None:
    place = AcceptedItem(
        row.item_id,
        row.address,
        row.path,
        row.content_hash,
        row.size_bytes,
        row.encoding,
        row.kept,
        row.record,
    )
    if row.outcome is not EntryOutcome.ACCEPTED and row.encoding is None:
        return None
    try:
        source = home.batches.source(row.batch)
        with ContentReader(home, source, loaded.policy.content.read_s) as reader:
            return reader.text(place)
    except (SourceError, DamagedFileError, TableMissingError, ContentError, SupersededError):
        return None
