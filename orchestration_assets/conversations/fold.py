"""The memory of a conversation as a fold over its messages: pure, and the same for the same."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

from orchestration_assets.conversations.choice import chosen_pieces
from orchestration_assets.conversations.thread_log import Taken, ThreadLog
from orchestration_assets.schemas.conversation_config import ConversationConfig
from orchestration_assets.schemas.conversations import (
    ConversationMemory,
    Fact,
    MemoryPiece,
    Message,
)

_PORTIONS: Final = 4


@dataclass(frozen=True, slots=True, eq=False)
class ThreadMemory:
    """What is remembered of the first messages of one thread; it never changes.

    ``messages`` counts them, ``beyond`` those before them, of which nothing is remembered. Memories
    that were made one from the other share what they noted.
    """

    config: ConversationConfig
    messages: int = 0
    beyond: int = 0
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
        return ThreadMemory(self.config, self.messages + 1, self.beyond, log)

    def facts(self) -> Iterator[Fact]:
        """All facts in the order that they were stated, with what superseded them so far."""
        _, size = self._log.ends(self.messages)
        return self._log.facts.facts(size, self._log.number(self.messages))

    def pieces(self, text: str) -> ConversationMemory:
        """What may be shown for a question about ``text``, the highest priority first."""
        with self._log.lock:
            found = list(chosen_pieces(self._log, self.messages, self.config, text))
        pieces = tuple(sorted(found, key=lambda one: -one.priority))
        count = self.beyond + self.messages
        return ConversationMemory(pieces, count, _digest(pieces), beyond=self.beyond)


def nothing(config: ConversationConfig, beyond: int = 0) -> ThreadMemory:
    """The memory before the first message that is remembered, the first of all or the one after so
    many."""
    return ThreadMemory(config, beyond=beyond)


def beyond_memory(before: int, at_most: int) -> int:
    """How many of the messages ``before`` one are too old to be remembered, where ``at_most`` are.

    More than three quarters of these are remembered: the oldest give way a quarter at a time, so
    that the memories of as many messages in a row rest on one fold. The whole of a conversation
    costs at most four times its length.
    """
    step = max(1, at_most // _PORTIONS)
    return max(0, -(-(before - at_most) // step) * step)


def _digest(pieces: tuple[MemoryPiece, ...]) -> str:
    """Of the pieces in their order, not of how far one comes before another: what else was said may
    shift that, and what is shown remains the same."""
    hashed = blake2b(digest_size=8)
    for one in pieces:
        parts = (one.level, one.text, one.brief, one.speaker, one.number)
        hashed.update(repr(tuple(map(str, parts))).encode("utf-8", "surrogatepass"))
    return hashed.hexdigest()
