"""Conversations: messages of a thread in their order, and what is remembered of them."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final

from orchestration_assets.schemas.records import Column, table_of


class MemoryLevel(StrEnum):
    """What a piece of a conversation's memory is."""

    CORE = "core"
    RECENT = "recent"
    FACT = "fact"
    EVENT = "event"
    SUMMARY = "summary"


@dataclass(frozen=True, slots=True)
class MessagePlace:
    """Where a record stands in a conversation, as its file says.

    Messages of a ``thread`` come in the order of their ``position``: a number, or a time in seconds
    since 1970, UTC. Where there is none, and among equal ones, in that of their files and records.
    """

    thread: str
    position: float | None
    speaker: str | None


@dataclass(frozen=True, slots=True)
class ThreadMessageRow:
    """One row a message of the batch: an accepted record that names its thread."""

    batch: Annotated[str, Column("batch that the message came in")]
    item_id: Annotated[str, Column("blake2b-64 of the item's address, hex")]
    thread: Annotated[str, Column("conversation that the message belongs to")]
    position: Annotated[float | None, Column("its place or time in its thread; null: none")]
    speaker: Annotated[str | None, Column("who speaks; null: not declared")]
    path: Annotated[str, Column("file of the record, relative to the source")]
    record: Annotated[int, Column("number of the record in its file, from 1")]
    content_hash: Annotated[str, Column("blake2b-128 of the message as UTF-8, hex")]
    text: Annotated[str, Column("the message, its first 8,000 characters")]
    before: Annotated[int, Column("messages of the thread before it, over all batches", "messages")]
    memory_version: Annotated[
        str,
        Column(
            "blake2b-64 of the identities and contents of the messages before it, in order, hex"
        ),
    ]
    thread_version: Annotated[int, Column("version of the thread's state that it was read from")]
    entry_id: Annotated[
        str | None, Column("listed entry of the batch that the message is a record of")
    ] = None


THREAD_MESSAGES: Final = table_of("thread_messages", ThreadMessageRow, ("item_id",))


@dataclass(frozen=True, slots=True)
class Message:
    """A message as memory takes it up. ``number`` is its place in the thread, from 1; ``batch`` has
    the results about it."""

    item_id: str
    number: int
    text: str
    speaker: str | None = None
    position: float | None = None
    batch: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """What a message states of something: ``attribute`` of ``subject`` is ``value``.

    ``number`` and ``item_id`` are those of the message. ``superseded_by`` is the number of the
    later message that states another value of the same; None while it is in force. ``source`` says
    who found it: a task, or the offline rules. ``sentence`` tells what the value is of where that
    has no name: then subject and attribute are empty; "" where they say it.
    """

    subject: str
    attribute: str
    value: str
    number: int
    item_id: str
    source: str
    superseded_by: int | None = None
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class MemoryPiece:
    """One thing that a prompt may show of a conversation.

    ``priority`` orders what is shown first where not all fits: the highest first; ties in the order
    given. ``brief`` is shown in place of ``text`` where only that fits; empty: nothing shorter
    tells it. ``number`` is the message that it comes from, ``speaker`` who said it.
    """

    level: MemoryLevel
    text: str
    priority: float
    brief: str = ""
    number: int | None = None
    speaker: str | None = None


@dataclass(frozen=True, slots=True)
class ConversationMemory:
    """What is remembered of the messages before one. ``digest`` names it: blake2b-64 of all pieces,
    hex; ``messages`` counts those before, ``beyond`` the oldest of them, of which nothing is
    remembered. ``speaker`` is who says the message itself."""

    pieces: tuple[MemoryPiece, ...]
    messages: int
    digest: str
    speaker: str | None = None
    beyond: int = 0
