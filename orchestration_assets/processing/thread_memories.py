"""What is remembered before each message of a batch, for services that are shown it."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Final

from orchestration_assets.conversations.earlier import EarlierMessages
from orchestration_assets.conversations.fold import ThreadMemory, beyond_memory, nothing
from orchestration_assets.conversations.stated_facts import facts_stated
from orchestration_assets.policy.memory import memory_tasks
from orchestration_assets.processing.judged_messages import JudgedMessages
from orchestration_assets.schemas.answers import Answer
from orchestration_assets.schemas.conversation_config import ConversationConfig
from orchestration_assets.schemas.conversations import ConversationMemory, Fact, Message
from orchestration_assets.schemas.policy import Policy
from resources.home import Home

_HELD: Final = 64
"""Folds of a thread that are held: messages are asked about in about their order."""
_ANSWERS_HELD: Final = 2_048


@dataclass
class _Thread:
    """How far the memory of a thread is folded: by the number of messages, and by item."""

    folds: dict[int, ThreadMemory] = field(default_factory=dict)
    memories: dict[str, tuple[int, ConversationMemory]] = field(default_factory=dict)

    def forget_after(self, place: int) -> None:
        """Nothing stands of what rests on the message at this place, from 0."""
        self.folds = {count: one for count, one in self.folds.items() if count <= place}
        self.memories = {item: held for item, held in self.memories.items() if held[0] <= place}


class ThreadMemories:
    """The memory before the messages of a batch, folded along their threads when it is asked for.

    Shown to the tasks ``shown``. What ``config`` takes from answers of tasks is told by
    :meth:`note` for messages of this batch, and read from the tables for those of others, with what
    people ``judged`` of them.
    Belongs to one thread of execution.
    """

    def __init__(
        self,
        history: EarlierMessages,
        config: ConversationConfig,
        shown: Collection[str],
        judged: JudgedMessages | None = None,
    ) -> None:
        self._judged = judged
        self.shown = frozenset(shown)
        self._history = history
        self._messages = lru_cache(maxsize=None)(history.messages)
        self._config = config
        self._threads: dict[str, _Thread] = {}
        self._noted: dict[tuple[str, str], Answer | None] = {}

    @cached_property
    def remembered(self) -> frozenset[str]:
        """The tasks whose answers about earlier messages the memory holds."""
        named = (self._config.facts_from, self._config.summary_from)
        return frozenset(one for one in named if one is not None)

    def places(self, items: Collection[str]) -> dict[str, tuple[str, int]]:
        """Those of the items that are messages -> their thread, and their number in it from 0."""
        found = {}
        for item in items:
            thread = self._history.thread_of(item)
            if thread is not None:
                found[item] = thread, self._history.place_of(item)
        return found

    def note(self, item_id: str, task: str, answer: Answer | None) -> None:
        """What stands of a task about a message of this batch; later messages remember it."""
        if task not in self.remembered or self._noted.get((item_id, task)) == answer:
            return
        self._noted[item_id, task] = answer
        thread = self._history.thread_of(item_id)
        if thread in self._threads:
            self._threads[thread].forget_after(self._history.place_of(item_id))

    def note_stored(self, item_id: str, task: str, answer: Answer | None) -> None:
        """As :meth:`note`, with what people judged in the place of a stored answer."""
        if self._judged is not None and task in self.remembered:
            content = self._history.content_of(item_id)
            answer = self._judged.standing(item_id, content, task, answer)
        self.note(item_id, task, answer)

    def in_turns(self, items: Collection[str]) -> frozenset[str]:
        """Those of the items that wait for answers about earlier messages, or whose answers later
        ones wait for."""
        return frozenset(self.places(items)) if self.remembered else frozenset()

    def of(self, item_id: str, task: str) -> ConversationMemory | None:
        """What is remembered before an item; None where it is no message, or is not shown.

        Raises DamagedFileError where a conversation cannot be read.
        """
        thread = self._history.thread_of(item_id) if task in self.shown else None
        if thread is None:
            return None
        own = self._threads.setdefault(thread, _Thread())
        if item_id not in own.memories:
            place = self._history.place_of(item_id)
            memory = self._fold(thread, own, place).pieces(self._history.text_of(item_id))
            memory = replace(memory, speaker=self._history.speaker_of(item_id))
            while len(own.memories) >= _ANSWERS_HELD:
                del own.memories[next(iter(own.memories))]
            own.memories[item_id] = place, memory
        return own.memories[item_id][1]

    def holds_hidden(self, item_id: str) -> bool:
        """Whether what is remembered before an item holds what people may not see."""
        return self._history.hides_before(item_id)

    def facts(self, item_id: str) -> tuple[Fact, ...]:
        """What the messages before an item state, with what superseded it by then."""
        thread = self._history.thread_of(item_id)
        if thread is None:
            return ()
        own = self._threads.setdefault(thread, _Thread())
        return tuple(self._fold(thread, own, self._history.place_of(item_id)).facts())

    def _fold(self, thread: str, own: _Thread, place: int) -> ThreadMemory:
        """The memory of the first so many messages, from the nearest one before that is held."""
        first = beyond_memory(place, self._config.messages)
        fitting = (
            at for at, one in own.folds.items() if first < at <= place and one.beyond == first
        )
        begin = max(fitting, default=first)
        folded = own.folds[begin] if begin > first else nothing(self._config, first)
        for message in self._messages(thread)[begin:place]:
            folded = self._with(folded, message)
        if begin != place:
            own.folds[place] = folded
        while len(own.folds) > _HELD:
            del own.folds[min(own.folds)]
        return folded

    def _with(self, folded: ThreadMemory, message: Message) -> ThreadMemory:
        facts, summary = self._config.facts_from, self._config.summary_from
        stated = None
        if facts is not None:
            stated = facts_stated(self._answer(message, facts), message, facts)
        told = None if summary is None else self._answer(message, summary)
        return folded.remember(message, stated, told if isinstance(told, str) else None)

    def _answer(self, message: Message, task: str) -> Answer | None:
        key = message.item_id, task
        if key in self._noted:
            return self._noted[key]
        stands = self._history.answers(task).get(message.item_id)
        if self._judged is None:
            return stands
        content = self._history.content_of(message.item_id, message.batch)
        return self._judged.standing(message.item_id, content, task, stands)


def memories_of(policy: Policy | None, home: Home, batch: str) -> ThreadMemories | None:
    """What services are shown of the conversations of a batch; None where they are shown nothing.

    Where answers are remembered it waits for batches of the run that come before, once these are
    looked up.
    """
    shown = memory_tasks(policy) if policy is not None else frozenset[str]()
    if policy is None or not shown or not any(one.thread for one in policy.content.records):
        return None
    judged = JudgedMessages(home, policy)
    return ThreadMemories(EarlierMessages(home, batch), policy.conversation, shown, judged)
