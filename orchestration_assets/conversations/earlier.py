"""The messages before one in its conversation, over all batches, for what is remembered of them."""

from bisect import bisect_left
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.conversations.thread_state import thread_at
from orchestration_assets.conversations.threads import MessageReference, PlaceKey, content_of
from orchestration_assets.policy.hidden_content import hidden_in
from orchestration_assets.schemas.answers import Answer, answer_of, is_answer
from orchestration_assets.schemas.conversations import THREAD_MESSAGES, Message
from orchestration_assets.schemas.decoding import column_names, decode
from orchestration_assets.schemas.resolved_answers import ResolvedAnswer
from orchestration_assets.schemas.tables import RESOLUTIONS
from resources.damage import leaving_out_damage
from resources.home import Home
from resources.table_store import TableMissingError


@dataclass(frozen=True, slots=True)
class _Row:
    """What is read of the messages of a batch."""

    item_id: str
    thread: str
    position: float | None
    speaker: str | None
    path: str
    record: int
    content_hash: str
    text: str
    thread_version: int


class EarlierMessages:
    """The conversations that messages of ``batch`` belong to, as its ``thread_messages`` saw them.

    What other batches merge meanwhile is not seen: a thread is read in the version that the table
    names. Texts of messages of other batches are read once a batch; of a batch whose table is gone
    or damaged nothing is remembered. Methods raise DamagedFileError for a state that cannot be
    read.
    """

    def __init__(self, home: Home, batch: str) -> None:
        self._home = home
        self._batch = batch
        self._of_batch: dict[str, Mapping[str, _Row]] = {}
        self._answers: dict[str, Mapping[str, Answer]] = {}
        # of all threads: their messages come in turns, and the texts are held anyway
        self._messages = lru_cache(maxsize=None)(self._read_messages)
        self._is_hidden = lru_cache(maxsize=None)(partial(hidden_in, home))

    def thread_of(self, item_id: str) -> str | None:
        """The conversation of an item of the batch; None for one that belongs to none."""
        row = self._own.get(item_id)
        return row.thread if row else None

    def place_of(self, item_id: str) -> int:
        """How many of :meth:`messages` come before an item of the batch; 0 for no message."""
        row = self._own.get(item_id)
        if row is None:
            return 0
        keys, _ = self._messages(row.thread, row.thread_version)
        return bisect_left(keys, _reference(self._batch, row).key)

    def messages(self, thread: str) -> tuple[Message, ...]:
        """All messages of a conversation of the batch, in their order: without those whose texts
        are gone, which numbers count, too."""
        version = self._versions.get(thread)
        return () if version is None else self._messages(thread, version)[1]

    def is_hidden(self, message: Message) -> bool:
        """Whether people may not see a message, as the policy says that its own batch was asked
        under."""
        return self._is_hidden(message.batch)

    def hides_before(self, item_id: str) -> bool:
        """Whether people may not see one of the messages before an item of the batch, so that
        nothing is shown that all of them are in."""
        thread = self.thread_of(item_id)
        before = self.messages(thread)[: self.place_of(item_id)] if thread is not None else ()
        return any(self._is_hidden(batch) for batch in {one.batch for one in before})

    def content_of(self, item_id: str, batch: str | None = None) -> str | None:
        """The hash of a message's content, as its batch tells it: another one, or this one."""
        row = self._rows(batch or self._batch).get(item_id)
        return row.content_hash if row else None

    def text_of(self, item_id: str) -> str:
        """The beginning of an item of the batch; nothing for no message."""
        row = self._own.get(item_id)
        return row.text if row else ""

    def speaker_of(self, item_id: str) -> str | None:
        """Who says an item of the batch; None where it is not declared."""
        row = self._own.get(item_id)
        return row.speaker if row else None

    def answers(self, task: str) -> Mapping[str, Answer]:
        """Item -> the answer to a task that stands of it in another batch, for all messages of the
        conversations of this one. Waits for those batches of the run that come before."""
        if task not in self._answers:
            self._answers[task] = self._read_answers(task)
        return self._answers[task]

    @cached_property
    def _versions(self) -> Mapping[str, int]:
        return {row.thread: row.thread_version for row in self._own.values()}

    @cached_property
    def _own(self) -> Mapping[str, _Row]:
        return self._rows(self._batch)

    def _rows(self, batch: str) -> Mapping[str, _Row]:
        """Item -> what the table of a batch holds of it; nothing where that is gone."""
        if batch not in self._of_batch:
            self._of_batch[batch] = {}
            with leaving_out_damage(), suppress(TableMissingError):
                data = self._home.tables.read(THREAD_MESSAGES.name, batch, column_names(_Row))
                self._of_batch[batch] = {row.item_id: row for row in decode(_Row, data)}
        return self._of_batch[batch]

    def _read_messages(
        self, name: str, version: int
    ) -> tuple[tuple[PlaceKey, ...], tuple[Message, ...]]:
        """The places and messages of a thread whose texts are there, in their order."""
        thread = thread_at(self._home, name, version)
        keys, messages = [], []
        for number, one in enumerate(thread.messages, 1):
            row = self._rows(one.batch).get(one.item_id)
            if row is not None:
                keys.append(one.key)
                messages.append(
                    Message(
                        one.item_id, number, row.text, row.speaker, one.position, batch=one.batch
                    )
                )
        return tuple(keys), tuple(messages)

    def _read_answers(self, task: str) -> Mapping[str, Answer]:
        home, found = self._home, dict[str, Answer]()
        if not self._own:
            return found
        home.series.await_earlier(self._batch, RESOLUTIONS.name)
        wanted: dict[str, set[str]] = {}
        for name, version in sorted(
            {(row.thread, row.thread_version) for row in self._own.values()}
        ):
            for one in thread_at(home, name, version).messages:
                wanted.setdefault(one.batch, set()).add(one.item_id)
        for batch in home.series.not_later(self._batch, sorted(wanted.keys() - {self._batch})):
            with leaving_out_damage(), suppress(TableMissingError):
                data = home.tables.read(
                    RESOLUTIONS.name, batch, ("task", *column_names(ResolvedAnswer))
                )
                about = pc.is_in(data["item_id"], pa.array(sorted(wanted[batch]), pa.string()))
                rows = data.filter(pc.and_(pc.equal(data["task"], task), about))
                for row in decode(ResolvedAnswer, rows):
                    answer = answer_of(row)
                    if is_answer(answer) and answer is not None:
                        found[row.item_id] = answer
        return found


def _reference(batch: str, row: _Row) -> MessageReference:
    content = content_of(row.content_hash, row.speaker)
    return MessageReference(row.item_id, batch, batch, row.position, row.path, row.record, content)
