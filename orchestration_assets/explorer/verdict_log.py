"""Verdicts of the explorer as they are given: one JSON line each, on disk before anything else.

Each person has a file among those that wait in ``verdicts/``, in the format of every other verdict
file; the job that takes verdicts in takes it as it takes theirs. The lock is the one under which
it does, so that no line falls between.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

from filelock import FileLock

from orchestration_assets.content.verdict_files import ASKED_IN, MAX_BYTES, OPTIONAL
from orchestration_assets.schemas.errors import unwritable
from resources.table_store import write_atomically

PREFIX: Final = "explorer-"
_SUFFIX: Final = ".jsonl"
_PLAIN: Final = re.compile(r"[^a-z0-9]+")
_FULL: Final = MAX_BYTES - (256 << 10)


@dataclass(frozen=True, slots=True)
class GivenVerdict:
    """One verdict: ``verdict`` is text, a number, a list or an object, by the kind of answer.

    ``when`` is ISO 8601 with its zone; ``asked_in`` names the sheet of questions; ``note`` is for
    people, and counts for nothing.
    """

    item: str
    task: str
    verdict: Any
    who: str
    when: str
    content_hash: str
    asked_in: str
    note: str = ""

    def line(self) -> bytes:
        """The verdict as a line of a verdict file."""
        values = {
            "item": self.item,
            "task": self.task,
            "verdict": self.verdict,
            "who": self.who,
            "when": self.when,
            OPTIONAL: self.content_hash,
            ASKED_IN: self.asked_in,
            **({"note": self.note} if self.note else {}),
        }
        return json.dumps(values, ensure_ascii=False).encode() + b"\n"


def file_name(who: str) -> str:
    """The name of a person's file: letters of the name to be recognised by, and its hash."""
    plain = _PLAIN.sub("-", who.lower()).strip("-")[:24]
    mark = blake2b(who.encode(), digest_size=4).hexdigest()
    return f"{PREFIX}{plain}-{mark}{_SUFFIX}" if plain else f"{PREFIX}{mark}{_SUFFIX}"


class VerdictLog:
    """The explorer's verdict files of a home that have not been taken in yet."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def give(self, verdict: GivenVerdict) -> None:
        """Adds a verdict; when this returns it is on disk. Raises UnwritableError."""
        path = self._folder / file_name(verdict.who)
        line = verdict.line()
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self._folder / ".lock"):
                path = self._with_room(path, len(line))
                file = os.open(
                    path,
                    os.O_CREAT | os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW,
                    0o644,
                )
                try:
                    size = os.fstat(file).st_size
                    # a line that was cut off by a full disk is ended, to be found and said
                    torn = size > 0 and os.pread(file, 1, size - 1) != b"\n"
                    os.write(file, b"\n" * torn + line)
                    os.fsync(file)
                finally:
                    os.close(file)
                _sync_folder(self._folder)
        except OSError as error:
            raise unwritable(path, error) from error

    def take_back(self, who: str) -> GivenVerdict | None:
        """Removes the last verdict of a person; None when none of theirs waits here any more.

        Raises UnwritableError.
        """
        path = self._folder / file_name(who)
        if not self._folder.is_dir():
            return None
        try:
            with FileLock(self._folder / ".lock"):
                path = self._latest(path)
                lines, taken = _lines_of(path), None
                # a line that was cut off was never said to be on disk
                while lines and taken is None:
                    taken = read_line(lines.pop())
                if lines:
                    write_atomically(path, b"".join(lines))
                else:
                    path.unlink(missing_ok=True)
                return taken
        except OSError as error:
            raise unwritable(path, error) from error

    def holds(self, who: str) -> bool:
        """Whether a verdict of the person waits here, and can be taken back."""
        return bool(_lines_of(self._latest(self._folder / file_name(who))))

    def waiting(self) -> Iterator[GivenVerdict]:
        """Every verdict of the explorer that waits to be taken in, oldest first by person."""
        for path in sorted(self._folder.glob(f"{PREFIX}*{_SUFFIX}")):
            for line in _lines_of(path):
                verdict = read_line(line)
                if verdict is not None:
                    yield verdict

    @property
    def version(self) -> tuple[tuple[str, int, int], ...]:
        """The same as long as what waits is the same."""
        found = []
        for path in sorted(self._folder.glob(f"{PREFIX}*{_SUFFIX}")):
            try:
                state = path.stat()
            except FileNotFoundError:
                continue
            found.append((path.name, state.st_size, state.st_mtime_ns))
        return tuple(found)

    def _latest(self, path: Path) -> Path:
        """The last file of a person that there is."""
        following = path.with_stem(f"{path.stem}-2")
        number = 2
        while following.exists():
            path, number = following, number + 1
            following = path.with_stem(f"{path.stem.rpartition('-')[0]}-{number}")
        return path

    def _with_room(self, path: Path, more: int) -> Path:
        """The file, or the next of its name once it is as large as a verdict file may be."""
        number = 2
        place = path
        while place.exists() and place.stat().st_size + more > _FULL:
            place = path.with_stem(f"{path.stem}-{number}")
            number += 1
        return place


def read_line(line: bytes) -> GivenVerdict | None:
    """The verdict of a line; None for one that is none of ours."""
    try:
        given = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(given, Mapping):
        return None
    try:
        return GivenVerdict(
            item=str(given["item"]),
            task=str(given["task"]),
            verdict=given["verdict"],
            who=str(given["who"]),
            when=str(given["when"]),
            content_hash=str(given.get(OPTIONAL) or ""),
            asked_in=str(given.get(ASKED_IN) or ""),
            note=str(given.get("note") or ""),
        )
    except KeyError:
        return None


def _lines_of(path: Path) -> list[bytes]:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return []
    return [line for line in data.splitlines(keepends=True) if line.strip()]


def _sync_folder(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)
