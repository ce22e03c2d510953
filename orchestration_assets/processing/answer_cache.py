"""Answers kept by everything that they depend on, so that no question is asked twice."""

import asyncio
import json
from collections.abc import Mapping
from hashlib import blake2b

from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Alternative, Question, Reading
from resources.ai_services.contract import Service
from resources.feature_cache.tier import Store

CACHED = frozenset({Status.OK, Status.ABSTAINED})


def answer_key(question: Question, service: Service) -> str:
    """128 bits of blake2b over content (or its excerpt), task, service and context, hex.

    The context is what the service reads beside the content, and the earlier answers of a chain.
    """
    item, task = question.item, question.task
    known = {"path": item.path, "question": task.question}
    context = {
        fact: known[fact] if fact in known else item.profile.get(fact)
        for fact in sorted(service.reads)
    }
    earlier = [[name, reading.answer, reading.confidence] for name, reading in question.earlier]
    whole = question.coverage >= 1.0
    parts = [
        item.content_hash if whole else blake2b(item.data, digest_size=16).hexdigest(),
        [task.name, task.version, task.kind, task.labels, task.scale],
        [service.name, service.version, service.fingerprint],
        [context, earlier],
    ]
    canonical = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return blake2b(canonical.encode(), digest_size=16).hexdigest()


def encode(reading: Reading) -> bytes:
    """A reading as JSON: floats survive exactly, and nothing is executed when it is read."""
    fields = {
        "status": reading.status,
        "answer": list(reading.answer) if isinstance(reading.answer, tuple) else reading.answer,
        "confidence": reading.confidence,
        "alternatives": [[other.answer, other.confidence] for other in reading.alternatives],
        "evidence": reading.evidence,
        "reason": reading.reason,
    }
    return json.dumps(fields, separators=(",", ":")).encode()


def decode(data: bytes) -> Reading:
    """The reading that :func:`encode` wrote. Raises ValueError or KeyError for anything else."""
    fields = json.loads(data)
    answer = fields["answer"]
    return Reading(
        Status(fields["status"]),
        tuple(answer) if isinstance(answer, list) else answer,
        fields["confidence"],
        tuple(Alternative(answer, confidence) for answer, confidence in fields["alternatives"]),
        fields["evidence"],
        fields["reason"],
    )


class AnswerCache:
    """Finished answers in a store. Failures are never kept."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._unsaved: dict[str, bytes] = {}
        self._being_saved: Mapping[str, bytes] = {}
        self._next_save: asyncio.Task[None] | None = None
        self._saving: asyncio.Task[None] | None = None

    def get(self, key: str) -> Reading | None:
        """The kept reading, or None; an entry that cannot be read counts as absent."""
        data = (
            self._unsaved.get(key)
            or self._being_saved.get(key)
            or self._store.get_many([key]).get(key)
        )
        if data is None:
            return None
        try:
            return decode(data)
        except (ValueError, KeyError, TypeError):
            return None

    def put(self, key: str, reading: Reading) -> None:
        if reading.status in CACHED:
            self._unsaved[key] = encode(reading)

    def flush(self) -> None:
        """Makes everything put so far durable."""
        if self._unsaved:
            self._store.put_many(self._unsaved)
            self._unsaved = {}

    async def saved(self) -> None:
        """Returns once everything put so far is durable; what is put meanwhile shares one write."""
        if self._next_save is None:
            self._next_save = asyncio.ensure_future(self._save(self._saving))
            self._saving = self._next_save
        await asyncio.shield(self._next_save)

    async def _save(self, before: "asyncio.Task[None] | None") -> None:
        """Writes in a thread: the loop goes on while the disk confirms."""
        if before is not None and not before.done():
            await asyncio.wait([before])
        # from here on, a put belongs to the save after this one
        self._next_save = None
        self._being_saved, self._unsaved = self._unsaved, {}
        try:
            await asyncio.to_thread(self._store.put_many, self._being_saved)
        except BaseException:
            self._unsaved = {**self._being_saved, **self._unsaved}
            raise
        finally:
            self._being_saved = {}
