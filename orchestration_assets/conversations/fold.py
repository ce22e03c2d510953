"""The memory of a conversation as a fold over its messages: pure, and the same for the same."""

from dataclasses import dataclass, field
from hashlib import blake2b

from orchestration_assets.schemas.conversation_config import ConversationConfig
from orchestration_assets.schemas.conversations import (
    ConversationMemory,
    Fact,
    MemoryLevel,
    MemoryPiece,
    Message,
)


@dataclass(frozen=True, slots=True)
class ThreadMemory:
    """What is remembered of the messages of one thread so far."""

    config: ConversationConfig
    messages: tuple[Message, ...] = field(default=())

    def remember(
        self,
        message: Message,
        facts: tuple[Fact, ...] | None = None,
        summary: str | None = None,
    ) -> "ThreadMemory":
        """The memory with one message more.

        ``facts`` are those that the message states, and ``summary`` is that of the conversation
        until there, this message included; for None the offline rules find them.
        """
        return ThreadMemory(self.config, (*self.messages, message))

    def pieces(self, text: str) -> ConversationMemory:
        """What may be shown for a question about ``text``, with priorities."""
        core = [
            MemoryPiece(MemoryLevel.CORE, words, 10.0 + 1.0 / (1 + place))
            for place, words in enumerate(self.config.core)
        ]
        count = len(self.messages)
        recent = [
            MemoryPiece(
                MemoryLevel.RECENT,
                one.text,
                1.0 / (1 + count - one.number),
                number=one.number,
                speaker=one.speaker,
            )
            for one in self.messages[max(0, count - self.config.recent) :]
        ]
        pieces = (*core, *recent)
        digest = blake2b(repr(pieces).encode("utf-8", "surrogatepass"), digest_size=8)
        return ConversationMemory(pieces, count, digest.hexdigest())


def nothing(config: ConversationConfig) -> ThreadMemory:
    """The memory before the first message."""
    return ThreadMemory(config)
