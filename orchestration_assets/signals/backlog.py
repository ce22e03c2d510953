"""What waits: entries that were listed and are not done, and questions for people."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import pyarrow.compute as pc

from orchestration_assets.content.batches import batch_time
from orchestration_assets.content.intake import unfinished
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.disagreement import REVIEW_QUEUE
from orchestration_assets.schemas.signals import Signal
from orchestration_assets.schemas.verdicts import GOLD_LABELS
from orchestration_assets.signals.measures import ALL, SignalMeasure
from resources.damage import leaving_out_damage
from resources.derived_facts import kept_facts
from resources.home import Home
from resources.table_store import TableStore

# another number where questions are told in another way
_QUEUE: Final = "review_questions_1"
_QUEUE_COLUMNS: Final = ("place", "content_hash", "task")
Judged = frozenset[tuple[str, str]]
"""Content hash and task of everything that people, or the content, have judged."""


def waiting_measures(home: Home, now: datetime) -> list[SignalMeasure]:
    """How many entries were listed and have no report yet, and how long the oldest has waited."""
    batches = unfinished(home)
    entries = sum(_entries(home, batch) for batch in batches)
    return [
        SignalMeasure(Signal.WAITING_ENTRIES, ALL, float(entries), count=entries),
        SignalMeasure(Signal.OLDEST_WAITING_S, ALL, _age_s(batches, now), count=len(batches)),
    ]


def _age_s(batches: Sequence[str], now: datetime) -> float:
    listed = [at for at in map(batch_time, batches) if at is not None]
    return max((now.astimezone(UTC) - min(listed)).total_seconds(), 0.0) if listed else 0.0


# records of batches are immutable
@lru_cache(maxsize=10_000)
def _entries(home: Home, batch: str) -> int:
    """How many files or records a batch lists; nothing where its record is damaged."""
    with leaving_out_damage():
        counts = home.batches.read(batch)["record_count"]
        return int(pc.sum(pc.fill_null(counts, 1)).as_py() or 0)
    return 0


def gold_version(store: TableStore) -> str:
    """What changes whenever gold does; empty without any."""
    return file_version(store.path(GOLD_LABELS.name))


def file_version(path: Path) -> str:
    """What changes whenever a file does; empty where there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return ""
    return f"{found.st_mtime_ns:x}-{found.st_size:x}-{found.st_ino:x}"


def judged_questions(store: TableStore) -> Judged:
    """Everything that gold holds an answer to."""
    if store.exists(GOLD_LABELS.name):
        with leaving_out_damage():
            gold = store.read(GOLD_LABELS.name, columns=["content_hash", "task"])
            return frozenset(values(gold, "content_hash", "task"))
    return frozenset()


def open_reviews(store: TableStore, batch: str, judged: Judged) -> int:
    """How many questions of the batch's review queue nobody has judged."""
    if store.exists(REVIEW_QUEUE.name, batch):
        with leaving_out_damage():
            asked = _asked(store, batch)
            questions = {(content, task) for task, of in asked.items() for content in of}
            return len(questions - judged)
    return 0


def _asked(store: TableStore, batch: str) -> Mapping[str, Sequence[str]]:
    """Task -> the contents of the questions of the batch's review queue, kept beside it. Raises
    DamagedFileError."""

    def derive() -> dict[str, Any]:
        queue = store.read(REVIEW_QUEUE.name, batch, _QUEUE_COLUMNS)
        asked = queue.filter(pc.greater(queue["place"], 0))
        found: dict[str, list[str]] = {}
        for content, task in sorted(set(values(asked, "content_hash", "task"))):
            found.setdefault(task, []).append(content)
        return found

    found: dict[str, list[str]] = kept_facts(store, batch, _QUEUE, (REVIEW_QUEUE.name,), derive)
    return found
