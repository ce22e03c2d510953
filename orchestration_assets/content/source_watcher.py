"""What a watcher remembers between its looks, and which batches it starts: pure decisions."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Final

from orchestration_assets.content.intake import Intake

MAX_ATTEMPTS: Final = 3


@dataclass(frozen=True, slots=True)
class SourceMemory:
    """What is remembered of one source.

    ``start`` is the relative path that the next look begins at; ``waiting_since`` when entries
    that do not fill a batch were first seen, ISO 8601; ``version`` the data version of the last
    complete listing.
    """

    start: str = ""
    waiting_since: str | None = None
    version: str | None = None

    def closes(self, now: datetime, wait: timedelta) -> bool:
        """Whether the oldest waiting entry has waited long enough."""
        if self.waiting_since is None:
            return wait <= timedelta(0)
        return now - datetime.fromisoformat(self.waiting_since) >= wait

    def after(self, intake: Intake, now: datetime, version: str | None) -> "SourceMemory":
        """What to remember after a look."""
        since = (self.waiting_since or now.isoformat()) if intake.waiting else None
        start = intake.listing.resume_at or ""
        return SourceMemory(start, since, version or self.version)


@dataclass(frozen=True, slots=True)
class WatcherCursor:
    """A watcher's cursor: one entry a source, and whose turn it is to be looked at first."""

    turn: int = 0
    watched: Mapping[str, SourceMemory] | None = None
    # runs that looked dead at the last tick
    suspects: tuple[str, ...] = ()

    @classmethod
    def parse(cls, cursor: str | None) -> "WatcherCursor":
        """What a cursor says; nothing when it is absent or of an earlier form."""
        try:
            kept = json.loads(cursor or "{}")
            watched = {name: SourceMemory(**one) for name, one in kept.get("watched", {}).items()}
            return cls(int(kept.get("turn", 0)), watched, tuple(kept.get("suspects", ())))
        except (ValueError, TypeError, AttributeError):
            # forgetting costs one look: what is known stands in the batch records
            return cls()

    def render(self) -> str:
        watched = {name: asdict(one) for name, one in (self.watched or {}).items()}
        kept = {"turn": self.turn, "watched": watched, "suspects": self.suspects}
        return json.dumps(kept, sort_keys=True)

    def of(self, source: str) -> SourceMemory:
        return (self.watched or {}).get(_name(source), SourceMemory())

    def suspect(self, lifeless: Collection[str]) -> tuple["WatcherCursor", list[str]]:
        """What to remember of runs without a process, and those that had none before either.

        A run that just begins, or goes from step to step, may have none for a moment.
        """
        dead = sorted(set(lifeless) & set(self.suspects))
        suspects = tuple(sorted(set(lifeless) - set(dead)))
        return replace(self, suspects=suspects), dead

    def remember(self, source: str, watched: SourceMemory) -> "WatcherCursor":
        return replace(self, watched={**(self.watched or {}), _name(source): watched})

    def rotated(self, sources: Sequence[str]) -> list[str]:
        """The sources, another one first each time, so that a slow one starves nobody."""
        first = self.turn % len(sources) if sources else 0
        return [*sources[first:], *sources[:first]]


def _name(source: str) -> str:
    return blake2b(source.encode(), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class BatchStart:
    """A batch to run, and which attempt that is, from 0."""

    batch: str
    attempt: int


def plan_runs(
    unfinished: Sequence[str],
    under_way: Collection[str],
    failures: Callable[[str], int],
    at_once: int,
) -> tuple[list[BatchStart], list[str]]:
    """The batches to start now, oldest first, and those that failed too often to be tried again.

    At most ``at_once`` runs are under way together. ``failures`` tells how often the run of a batch
    has failed; it is asked only of batches that may start.
    """
    starts: list[BatchStart] = []
    stuck: list[str] = []
    room = at_once - len(under_way)
    for batch in unfinished:
        if len(starts) >= room:
            break
        if batch in under_way:
            continue
        failed = failures(batch)
        if failed >= MAX_ATTEMPTS:
            stuck.append(batch)
        else:
            starts.append(BatchStart(batch, failed))
    return starts, stuck
