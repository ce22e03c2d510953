"""State that changes by compare-and-swap, and keeps every version: what stands, and how it came.

To change a state is to make the version of the next number, which only one of many writers can:
the others are told what changed meanwhile. Versions are numbered from 1 without gaps, and never
changed, but for what is removed from all of them on request. What keeps them is a
:class:`StateLog`: files of the home, Redis, or PostgreSQL.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from orchestration_assets.schemas.errors import DamagedFileError, OrchestrationError
from resources.state_logs.log import StateLog

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_\-]*")
_MAX_WORDS: Final = 500
_REMEDY: Final = "bring it back from a copy, or delete it and all with higher numbers"


@dataclass(frozen=True, slots=True)
class ChangeNote:
    """Who changes a state, when (UTC), and why: one line each, at most 500 characters."""

    who: str
    when: datetime
    why: str = ""


@dataclass(frozen=True, slots=True)
class StateVersion:
    """One version of a state.

    ``number`` counts from 1. ``value`` is JSON, ``value_hash`` blake2b-64 of it, hex; ``before`` is
    that of the version before, empty for the first. ``restores`` is the earlier version whose value
    it brings back, if it does.
    """

    number: int
    value: Mapping[str, Any]
    value_hash: str
    before: str
    note: ChangeNote
    restores: int | None = None

    @property
    def description(self) -> str:
        """Its number, who made it, when and why, for messages."""
        why = f": {self.note.why}" if self.note.why else ""
        return f"version {self.number} by {self.note.who} at {_second(self.note.when)}{why}"


class StateConflictError(OrchestrationError):
    """Somebody else changed the state meanwhile; ``since`` are the versions that came between."""

    def __init__(self, name: str, expected: int, since: Sequence[StateVersion]) -> None:
        came = "; ".join(version.description for version in since[-_MOST_TOLD:])
        more = len(since) - _MOST_TOLD
        super().__init__(
            f"{name} is not at version {expected} any more: "
            f"{f'{more} versions, then ' if more > 0 else ''}{came or 'it has no such version'}; "
            "nothing was changed: look at what stands, and try again"
        )
        self.expected = expected
        self.since = tuple(since)


_MOST_TOLD: Final = 3


class NoSuchVersionError(OrchestrationError):
    """A state has no version of that number."""


class VersionedState:
    """One state of a home, by name.

    Linearizable: every reader sees the versions in one order, and one that was made is never lost.
    Methods raise DamagedFileError for a version that cannot be read, and StoreAwayError where the
    home belongs to a store, or its states are kept by a server, that does not answer.
    """

    def __init__(self, name: str, log: StateLog) -> None:
        """``log`` keeps the versions of this state."""
        self.name = name
        self._log = log
        self._seen = 0

    def current(self) -> StateVersion | None:
        """The last version; None before the first."""
        last = self._last()
        return self.version(last) if last else None

    def place(self, number: int) -> str | Path:
        """Where a version lies, for messages."""
        return self._log.place(number)

    def version(self, number: int) -> StateVersion:
        """One version, verified against its hash. Raises NoSuchVersionError."""
        place = self.place(number)
        try:
            data = self._log.read(number) if number > 0 else None
            if data is not None:
                return _parsed(number, data)
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise DamagedFileError(place, f"is no version of a state ({error})", _REMEDY) from error
        raise NoSuchVersionError(f"{self.name} has no version {number}: see its history")

    def history(self, after: int = 0) -> Iterator[StateVersion]:
        """Every version with a number above ``after``, in their order, each verified to follow the
        one before it."""
        last = self._last()
        before = self.version(after).value_hash if 0 < after <= last else ""
        for number in range(after + 1, last + 1):
            version = self.version(number)
            if version.before != before:
                raise DamagedFileError(
                    self.place(number), "does not follow the version before it", _REMEDY
                )
            before = version.value_hash
            yield version

    def put(
        self,
        value: Mapping[str, Any],
        expected: int,
        note: ChangeNote,
        restores: int | None = None,
    ) -> StateVersion:
        """Makes the version that follows ``expected``, 0 for the first.

        Raises StateConflictError when that is not the last one, ValueError for what is no JSON.
        """
        if expected != self._last():
            raise self._conflict(expected)
        before = self.version(expected).value_hash if expected else ""
        made = StateVersion(
            expected + 1, value, _hash(value), before, _cleaned(note), restores=restores
        )
        if not self._log.append(made.number, _plain(made)):
            raise self._conflict(expected)
        self._seen = made.number
        return made

    def update(
        self, change: Callable[[Mapping[str, Any] | None], Mapping[str, Any]], note: ChangeNote
    ) -> StateVersion:
        """Applies ``change``, a pure function, to the value that stands, None before the first;
        again whenever somebody else was faster."""
        while True:
            now = self.current()
            value = change(None if now is None else now.value)
            try:
                return self.put(value, now.number if now else 0, note)
            except StateConflictError:
                continue

    def rollback(self, number: int, expected: int, note: ChangeNote) -> StateVersion:
        """Makes a new version of the value of an earlier one; what came between stays in the
        history. Raises NoSuchVersionError, StateConflictError."""
        return self.put(self.version(number).value, expected, note, restores=number)

    def remove(self, without: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> int:
        """Takes something out of the value of every version, which is then linked to the one before
        it anew; how many values were others. Numbers, authors, times and reasons stay.

        For content that is forgotten alone: the caller has the home for itself. Stopped at any
        moment, the same call goes on; ``without`` yields an equal value for one that it made.
        """
        changed = 0
        before = ""
        for number in range(1, self._last() + 1):
            version = self.version(number)
            value = without(version.value)
            made = replace(version, value=value, value_hash=_hash(value), before=before)
            changed += made.value_hash != version.value_hash
            if made != version:
                self._log.replace(number, _plain(made))
            before = made.value_hash
        # also where somebody was stopped before it
        self._log.compact()
        return changed

    def _conflict(self, expected: int) -> StateConflictError:
        since = [*self.history(expected)] if expected <= self._last() else []
        return StateConflictError(self.name, expected, since)

    def _last(self) -> int:
        self._seen = self._log.last(self._seen)
        return self._seen


def plain_state_name(name: str) -> str:
    """The name of a state as it is. Raises ValueError for one that is no plain one."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"not the name of a state: {name!r}")
    return name


def _cleaned(note: ChangeNote) -> ChangeNote:
    return ChangeNote(_one_line(note.who), note.when.astimezone(UTC), _one_line(note.why))


def _one_line(text: str) -> str:
    shown = "".join(sign if sign.isprintable() else " " for sign in text)
    return " ".join(shown.split())[:_MAX_WORDS]


def _second(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _canonical(value: Mapping[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _hash(value: Mapping[str, Any]) -> str:
    return blake2b(_canonical(value).encode(), digest_size=8).hexdigest()


def _plain(version: StateVersion) -> bytes:
    stated = {
        "version": version.number,
        "value": version.value,
        "value_hash": version.value_hash,
        "before": version.before,
        "who": version.note.who,
        "when": version.note.when.isoformat(timespec="microseconds"),
        "why": version.note.why,
        "restores": version.restores,
        # tells the writes of two writers apart, also where the answer of a store was lost
        "written_as": uuid4().hex,
    }
    return json.dumps(stated, indent=1, sort_keys=True, allow_nan=False).encode()


def _parsed(number: int, data: bytes) -> StateVersion:
    stated = json.loads(data)
    if stated["version"] != number:
        raise ValueError("it is another version")
    value, restores = stated["value"], stated["restores"]
    if not isinstance(value, dict) or _hash(value) != stated["value_hash"]:
        raise ValueError("it was changed after it was stored")
    when = datetime.fromisoformat(stated["when"])
    note = ChangeNote(str(stated["who"]), when, str(stated["why"]))
    before = str(stated["before"])
    return StateVersion(number, value, stated["value_hash"], before, note, restores)
