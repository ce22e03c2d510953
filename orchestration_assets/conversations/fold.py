"""The memory of a conversation as a fold over its messages: pure, and the same for the same."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b

from orchestration_assets.conversations.choice import chosen_pieces
from orchestration_assets.conversations.thread_log import Taken, ThreadLog
from orchestration_assets.schemas.conversation_config import ConversationConfig
from orchestration_assets.schemas.conversations import (
    ConversationMemory,
    Fact,
    MemoryPiece,
    Message,
)


@dataclass(frozen=True, slots=True, eq=False)
class ThreadMemory:
    """What is remembered of the first messages of one thread; it never changes.

    ``messages`` counts them. Memories that were made one from the other share what they noted.
    """

    config: ConversationConfig
    messages: int = 0
    _log: ThreadLog = field(default_factory=ThreadLog, repr=False)

    def remember(
        self,
        message: Message,
        facts: tuple[Fact, ...] | None = None,
        summary: str | None = None,
    ) -> "ThreadMemory":
        """The memory with one message more.

        ``facts`` are those that the message states, and ``summary`` is that of the conversation
        until there, this message included; for None the offline rules find them. Raises ValueError
        where the number of the message is not above those before; numbers may be left out, as those
        of messages whose texts are gone.
        """
        taken = Taken(message, facts, summary)
        log = self._log
        with log.lock:
            last = log.number(self.messages)
            if message.number <= last:
                raise ValueError(
                    f"message {message.number} does not follow message {last} of its thread"
                )
            if len(log.taken) == self.messages:
                log.add(taken)
            elif log.taken[self.messages] != taken:
                log = log.beginning(self.messages)
                log.add(taken)
        return ThreadMemory(self.config, self.messages + 1, log)

    def facts(self) -> Iterator[Fact]:
        """All facts in the order that they were stated, with what superseded them so far."""
        _, size = self._log.ends(self.messages)
        return self._log.facts.facts(size, self._log.number(self.messages))

    def pieces(self, text: str) -> ConversationMemory:
        """What may be shown for a question about ``text``, the highest priority first."""
        with self._log.lock:
            found = list(chosen_pieces(self._log, self.messages, self.config, text))
        pieces = tuple(sorted(found, key=lambda one: -one.priority))
        return ConversationMemory(pieces, self.messages, _digest(pieces))


def nothing(config: ConversationConfig) -> ThreadMemory:
    """The memory before the first message."""
    return ThreadMemory(config)


def _digest(pieces: tuple[MemoryPiece, ...]) -> str:
    """Of the pieces in their order, not of how far one comes before another: what else was said may
    shift that, and what is shown remains the same."""
    hashed = blake2b(digest_size=8)
    for one in pieces:
        parts = (one.level, one.text, one.brief, one.speaker, one.number)
        hashed.update(repr(tuple(map(str, parts))).encode("utf-8", "surrogatepass"))
    return hashed.hexdigest()
