"""Answers kept by everything that they depend on, so that no question is asked twice."""

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from functools import lru_cache
from hashlib import blake2b
from json.encoder import encode_basestring_ascii
from time import monotonic
from typing import Any, Final, Protocol

from orchestration_assets.schemas.answers import Answer
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import OBJECTION, Alternative, Question, Reading, Task
from orchestration_assets.schemas.parts import PART_FACTS, PartsBy
from orchestration_assets.schemas.record_answers import RecordAnswer, record_json, record_of
from orchestration_assets.schemas.storable_readings import is_kept
from orchestration_assets.services.contract import Service
from orchestration_assets.services.identity import OncePerTask, asked_fields, asked_parts
from orchestration_assets.services.taught.taught_service import TaughtService
from orchestration_assets.text.json_bytes import json_bytes

CACHED = frozenset({Status.OK, Status.ABSTAINED})
_RECORD: Final = "record"
_SHOWN: Final = ":shown"
_OF_TASKS: Final = frozenset({"question", OBJECTION})
_BETWEEN_SAVES_S: Final = 0.02
"""A disk that confirms every answer alone would cost more than the calls themselves."""

# json.dumps would make an encoder anew for every answer
_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


def answer_key(question: Question, service: Service) -> str:
    """128 bits of blake2b over content (or its excerpt), task, service and context, hex.

    The context is what the service reads beside the content, the answers to tasks before this one
    among it, the earlier answers of a chain, and what was wrong with its own.
    """
    item, task = question.item, question.task
    whole = question.coverage >= 1.0
    content = item.content_hash if whole else blake2b(item.data, digest_size=16).hexdigest()
    asked_of = [service.name, service.version, service.fingerprint, *_known(service)]
    parts = (
        encode_basestring_ascii(content),
        _task_part(task),
        _asked_part(*asked_of),
        _beside_part(question, service),
    )
    return blake2b(f"[{','.join(parts)}]".encode(), digest_size=16).hexdigest()


def _beside_part(question: Question, service: Service) -> str:
    """What the service reads beside the content, and what else the answer depends on."""
    item, task = question.item, question.task
    is_whole = task.parts is None and question.part is None
    is_first = not question.earlier and question.objection is None and task.tools is None
    if is_whole and is_first and service.reads <= _OF_TASKS:
        return _plain_part(task.question, is_read="question" in service.reads)
    known: dict[str, Any] = {"path": item.path, "question": task.question}
    if "neighbours" in service.reads:
        known["neighbours"] = [[o.path, o.content_hash, o.answer] for o in question.near]
    if "passages" in service.reads:
        known["passages"] = [[o.document, o.heading, o.digest] for o in question.passages]
    if "memory" in service.reads:
        before = question.memory
        known["memory"] = None if before is None else [before.digest, before.speaker]
    reads = service.reads | {"answers"} if _asks_of_entries(task) else service.reads
    if "answers" in reads:
        known["answers"] = [[name, _plain(answer)] for name, answer in question.answers]
    if question.part is not None:
        known |= {f"part.{fact}": getattr(question.part, fact) for fact in PART_FACTS}
    context = {
        fact: known[fact] if fact in known else item.profile.get(fact)
        for fact in sorted(reads - {OBJECTION})
    }
    earlier = [
        [name, _plain(reading.answer), reading.confidence] for name, reading in question.earlier
    ]
    return _canonical([context, earlier, *_objected(question), *_tool_data(question)])


@lru_cache(maxsize=64)
def _plain_part(question: str, *, is_read: bool) -> str:
    """Where the service reads nothing but the content, and at most the words of the task."""
    return _canonical([{"question": question} if is_read else {}, []])


def _asks_of_entries(task: Task) -> bool:
    """Whether the parts that it is asked of are in an answer to another task."""
    return task.parts is not None and task.parts.by is PartsBy.ENTRIES


def _written_task(task: Task) -> str:
    """The same for every item: a closed vocabulary may have hundreds of labels."""
    asked = [task.name, task.version, task.kind, task.labels, task.scale, *asked_fields(task)]
    asked += asked_parts(task)
    # another kind, or another version of it, may refuse what was an answer
    asked += [task.own_kind, task.own_kind_version] if task.own_kind else []
    # what was taken out of an answer is not there any more
    asked += [] if task.redact_answers is None else [{"redacted": sorted(task.redact_answers)}]
    if task.tools is not None:
        asked.append(sorted({**asdict(task.tools), "seconds": None}.items()))
    return _canonical(asked)


_task_part: Final = OncePerTask(_written_task)


@lru_cache(maxsize=256)
def _asked_part(*asked_of: str) -> str:
    """The same for every question to one service."""
    return _canonical(asked_of)


def _objected(question: Question) -> list[Any]:
    objection = question.objection
    return [] if objection is None else [[_plain(objection.answer), objection.words]]


def _tool_data(question: Question) -> list[str]:
    return [question.tool_data] if question.task.tools is not None else []


def _known(service: Service) -> list[str]:
    """The version of what a taught service knows: with another it may answer otherwise."""
    return [service.state.version] if isinstance(service, TaughtService) else []


def encode(reading: Reading) -> bytes:
    """A reading as JSON: floats survive exactly, and nothing is executed when it is read."""
    fields = {
        # of an enumeration's value the compiled code would ask
        "status": str(reading.status),
        "answer": _plain(reading.answer),
        "confidence": reading.confidence,
        "alternatives": [[other.answer, other.confidence] for other in reading.alternatives],
        "evidence": reading.evidence,
        "reason": reading.reason,
    }
    return json_bytes(fields)


def _plain(answer: Answer | None) -> Any:
    """The answer as JSON holds it; a record as an object with the text that tables keep."""
    if isinstance(answer, RecordAnswer):
        return {_RECORD: record_json(answer)}
    return list(answer) if isinstance(answer, tuple) else answer


def _answer_in(held: Any) -> Any:
    if isinstance(held, dict):
        return record_of(held[_RECORD])
    return tuple(held) if isinstance(held, list) else held


def decode(data: bytes) -> Reading:
    """The reading that :func:`encode` wrote. Raises ValueError or KeyError for anything else."""
    fields = json.loads(data)
    return Reading(
        Status(fields["status"]),
        _answer_in(fields["answer"]),
        fields["confidence"],
        tuple(Alternative(answer, confidence) for answer, confidence in fields["alternatives"]),
        fields["evidence"],
        fields["reason"],
    )


def _encoded(held: Reading | bytes) -> bytes:
    return held if isinstance(held, bytes) else encode(held)


def _all_encoded(held: Mapping[str, Reading | bytes]) -> dict[str, bytes]:
    return {key: _encoded(one) for key, one in held.items()}


class AnswerStore(Protocol):
    """Encoded answers by key, as :class:`LmdbStore` keeps them."""

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]: ...
    def put_many(self, values: Mapping[str, bytes]) -> None: ...
    def put_group(self, values: Mapping[str, bytes]) -> None: ...


class CarriedAnswers:
    """A store in memory: the ``kept`` answers that came with some work, those ``given`` for it."""

    def __init__(self, kept: Mapping[str, bytes]) -> None:
        self._kept = kept
        self.given: dict[str, bytes] = {}

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        pairs = ((key, self.given.get(key) or self._kept.get(key)) for key in keys)
        return {key: value for key, value in pairs if value is not None}

    def put_many(self, values: Mapping[str, bytes]) -> None:
        self.given |= values

    put_group = put_many


class AnswerCache:
    """Finished answers in a store. Failures are never kept, nor what no table can hold.

    ``ignored`` counts entries that were found and cannot be used: their questions are asked again.
    ``write_costs`` is called before answers are kept: what they cost must be recorded by then.
    """

    def __init__(self, store: AnswerStore, write_costs: Callable[[], None] = lambda: None) -> None:
        self._store = store
        self._write_costs = write_costs
        self.ignored = 0
        # readings are encoded together, when they are written
        self._unsaved: dict[str, Reading | bytes] = {}
        self._being_saved: Mapping[str, bytes] = {}
        self._next_save: asyncio.Task[None] | None = None
        self._saving: asyncio.Task[None] | None = None
        self._not_before = 0.0
        self._saved_since = False
        self._looked_for: list[tuple[str, asyncio.Future[Reading | None]]] = []

    def get(self, key: str) -> Reading | None:
        """The kept reading, or None; an entry that cannot be read counts as absent."""
        return self.get_many([key]).get(key)

    async def looked_up(self, key: str) -> Reading | None:
        """:meth:`get` for one of many who ask at once: the store is looked into once for all of
        them, in the event loop's next round."""
        loop = asyncio.get_running_loop()
        if not self._looked_for or self._looked_for[0][1].get_loop() is not loop:
            # nobody waits any more for what an event loop left that was stopped
            self._looked_for = []
            loop.call_soon(self._look_up)
        looked: asyncio.Future[Reading | None] = loop.create_future()
        self._looked_for.append((key, looked))
        kept = await looked
        if kept is None and (key in self._unsaved or key in self._being_saved):
            # it was put since
            return self.get(key)
        return kept

    def _look_up(self) -> None:
        wanted, self._looked_for = self._looked_for, []
        try:
            kept = self.get_many(dict.fromkeys(key for key, _ in wanted))
        except Exception as error:  # noqa: BLE001 -- whoever asked raises it
            for _, looked in wanted:
                if not looked.done():
                    looked.set_exception(error)
            return
        for key, looked in wanted:
            if not looked.done():
                looked.set_result(kept.get(key))

    def get_many(self, keys: Iterable[str]) -> dict[str, Reading]:
        """The kept readings of those keys that have one; the store is looked into once."""
        readings = {key: self._usable(data) for key, data in self.entries(keys).items()}
        return {key: reading for key, reading in readings.items() if reading is not None}

    def entries(self, keys: Iterable[str]) -> dict[str, bytes]:
        """The kept answers as they are encoded, of those keys that have one."""
        entries: dict[str, bytes] = {}
        stored: list[str] = []
        for key in keys:
            held = self._unsaved.get(key) or self._being_saved.get(key)
            if held is None:
                stored.append(key)
            else:
                entries[key] = _encoded(held)
        return entries | self._store.get_many(stored) if stored else entries

    def _usable(self, data: bytes) -> Reading | None:
        try:
            reading = decode(data)
        except (ValueError, KeyError, TypeError, RecursionError):
            self.ignored += 1
            return None
        if reading.status not in CACHED or not is_kept(reading):
            self.ignored += 1
            return None
        return reading

    def put(self, key: str, reading: Reading) -> bool:
        """Keeps the reading from the next :meth:`flush` or :meth:`save` on; whether it may be."""
        kept = reading.status in CACHED and is_kept(reading)
        if kept:
            self._unsaved[key] = reading
        return kept

    def note_shown(self, before: str, key: str) -> None:
        """Remembers under which ``key`` the latest answer is kept to a question that was known as
        ``before`` when the answers that it is shown were not."""
        self._unsaved[f"{before}{_SHOWN}"] = key.encode()

    def shown_keys(self, before: Iterable[str]) -> dict[str, str]:
        """What :meth:`note_shown` was told of these keys, as far as anything."""
        noted = self.entries([f"{key}{_SHOWN}" for key in before])
        return {name.removesuffix(_SHOWN): key.decode() for name, key in noted.items()}

    def put_entries(self, entries: Mapping[str, bytes]) -> None:
        """Keeps answers that another cache has encoded."""
        self._unsaved |= entries

    @property
    def unsaved(self) -> int:
        """How many answers the next :meth:`flush` makes durable."""
        return len(self._unsaved)

    def flush(self) -> None:
        """Makes everything put so far durable, and gives it its place in the store."""
        if self._unsaved or self._saved_since:
            self._write_costs()
            self._store.put_many(_all_encoded(self._unsaved))
            self._unsaved, self._saved_since = {}, bool(self._being_saved)

    def save(self) -> "asyncio.Task[None]":
        """Begins to make everything put so far durable; done when it is.

        What is put until the write begins shares it: the write before must be over, and some
        milliseconds have passed since it began.
        """
        if self._next_save is None:
            self._next_save = asyncio.ensure_future(self._save(self._saving))
            self._saving = self._next_save
        return self._next_save

    async def _save(self, before: "asyncio.Task[None] | None") -> None:
        """Writes in a thread: the loop goes on while the disk confirms."""
        if before is not None and not before.done():
            await asyncio.wait([before])
        if (early := self._not_before - monotonic()) > 0.0:
            await asyncio.sleep(early)
        self._not_before = monotonic() + _BETWEEN_SAVES_S
        # from here on, a put belongs to the save after this one
        self._next_save = None
        self._being_saved, self._unsaved = _all_encoded(self._unsaved), {}
        self._saved_since = True
        self._write_costs()
        try:
            await asyncio.to_thread(self._store.put_group, self._being_saved)
        except BaseException:
            self._unsaved = {**self._being_saved, **self._unsaved}
            raise
        finally:
            self._being_saved = {}
