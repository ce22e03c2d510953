"""The last messages before one in its conversation, as people are shown content."""

from dataclasses import dataclass
from typing import Final

from orchestration_assets.conversations.earlier import EarlierMessages
from orchestration_assets.policy.hidden_content import NOT_SHOWN
from orchestration_assets.schemas.conversations import Message
from orchestration_assets.text.content_excerpts import redacted
from orchestration_assets.text.sentences import one_line

MOST_SHOWN: Final = 3
_LONGEST: Final = 300


@dataclass(frozen=True, slots=True)
class MessagesBefore:
    """Where an item stands in its conversation: its ``number``, from 1, and ``lines`` that tell the
    last messages before it, oldest first; none where content is hidden. Of a message that its own
    batch hides a line says so."""

    thread: str
    number: int
    speaker: str | None
    lines: tuple[str, ...]

    @property
    def place(self) -> str:
        """In words, for people."""
        by = f", by {self.speaker}" if self.speaker else ""
        return f"message {self.number} of {self.thread}{by}"

    @property
    def told(self) -> tuple[str, ...]:
        """The place, and the messages before it."""
        return (self.place, *self.lines)


def messages_before(
    earlier: EarlierMessages, item_id: str, *, hidden: bool
) -> MessagesBefore | None:
    """None for an item that is no message. Names are content, too: where it is ``hidden`` there is
    no more than the place.

    Raises DamagedFileError where the conversation cannot be read.
    """
    thread = earlier.thread_of(item_id)
    if thread is None:
        return None
    place = earlier.place_of(item_id)
    if hidden:
        return MessagesBefore("its conversation", place + 1, None, ())
    last = earlier.messages(thread)[max(0, place - MOST_SHOWN) : place]
    lines = tuple(_hidden(one) if earlier.is_hidden(one) else _line(one) for one in last)
    speaker = earlier.speaker_of(item_id)
    told = redacted(one_line(speaker)) if speaker else None
    return MessagesBefore(redacted(one_line(thread)), place + 1, told, lines)


def _hidden(message: Message) -> str:
    return f"[{message.number}] ({NOT_SHOWN})"


def _line(message: Message) -> str:
    who = f"{one_line(message.speaker)}: " if message.speaker else ""
    text = redacted(f"{who}{one_line(message.text)}")
    text = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    return f"[{message.number}] {text}"
