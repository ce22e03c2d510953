"""The folder that people drop verdict files into: what waits there, and where it goes.

``verdicts/`` holds what nobody has looked at. A file that is understood moves to
``accepted/<hash>-<bytes>/``, beside ``verdicts.parquet``, which holds what was understood; gold is
made from those alone. A file that is not understood moves to ``rejected/``, beside a text file
that says why. Folders that people make themselves are left alone.
"""

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock

from orchestration_assets.content.verdict_files import (
    MAX_BYTES,
    VerdictFileError,
    VerdictProblem,
)
from orchestration_assets.content.verdicts import ParsedVerdicts, file_hash
from orchestration_assets.schemas.errors import OrchestrationError
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.verdicts import VERDICTS
from resources.table_store import parquet_bytes, write_atomically

ACCEPTED: Final = "accepted"
REJECTED: Final = "rejected"
_UNDERSTOOD: Final = "verdicts.parquet"
# names under which editors, browsers and copying tools write before they rename
_UNFINISHED: Final = ("~", ".tmp", ".part", ".partial", ".crdownload", ".swp")
_NAME_BYTES: Final = 200

Understand = Callable[[str, bytes], ParsedVerdicts]


class FeedbackFolderError(OrchestrationError):
    """The folder cannot be worked on; the message names the place and the remedy."""


@dataclass(frozen=True, slots=True)
class DroppedFile:
    """A file that waits: where it is, and its facts when it was looked at.

    ``changed_ns`` is the time at which its content or name last changed, in ns since 1970: the
    change time, for a copy may carry the modification time of its original.
    """

    path: Path
    size_bytes: int
    changed_ns: int
    regular: bool

    @property
    def name(self) -> str:
        """The file's name as text, whatever bytes it is made of."""
        return os.fsencode(self.path.name).decode("utf-8", "backslashreplace")


@dataclass(frozen=True, slots=True)
class WaitingFiles:
    """What the folder holds: files that can be read, and how many are still too young."""

    settled: tuple[DroppedFile, ...]
    unsettled: int

    @property
    def version(self) -> str:
        """The same for the same files as they are now."""
        digest = blake2b(digest_size=8)
        for drop in self.settled:
            digest.update(repr((drop.path, drop.size_bytes, drop.changed_ns)).encode())
        return digest.hexdigest()


@dataclass
class TakenFiles:
    """What became of the files that waited, by name; ``not_judged``: lines without verdict,
    ``unsettled``: files that were changed too lately to be taken."""

    accepted: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    rejected: dict[str, str] = field(default_factory=dict)
    not_judged: int = 0
    unsettled: int = 0


def waiting(folder: Path, now: float, settle_seconds: float) -> WaitingFiles:
    """The files that wait in the folder; ``now`` is in seconds since 1970, UTC.

    A file is settled when neither its content nor its name has changed for ``settle_seconds``.
    An accepted file that grew waits again: a program may keep it open and write on.
    """
    drops = sorted([*_inbox(folder), *_grown(folder)], key=lambda drop: str(drop.path))
    latest = (now - settle_seconds) * 1e9
    settled = tuple(drop for drop in drops if drop.changed_ns <= latest)
    return WaitingFiles(settled, len(drops) - len(settled))


def _inbox(folder: Path) -> Iterator[DroppedFile]:
    try:
        entries = list(os.scandir(folder))
    except FileNotFoundError:
        return
    except OSError as error:
        raise FeedbackFolderError(
            f"cannot list {folder}: {error.strerror}; let this user read and write it"
        ) from error
    for entry in entries:
        unfinished = entry.name.startswith(".") or entry.name.lower().endswith(_UNFINISHED)
        if not unfinished and not entry.is_dir(follow_symlinks=False):
            drop = _look(Path(entry.path))
            if drop is not None:
                yield drop


def _grown(folder: Path) -> Iterator[DroppedFile]:
    for path in sorted((folder / ACCEPTED).glob("*-*/[!.]*")):
        taken_bytes = path.parent.name.partition("-")[2]
        drop = _look(path) if path.name != _UNDERSTOOD else None
        if drop is not None and str(drop.size_bytes) != taken_bytes:
            yield drop


def _look(path: Path) -> DroppedFile | None:
    """The file as it is now; None when it has gone meanwhile."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    return DroppedFile(path, found.st_size, found.st_ctime_ns, stat.S_ISREG(found.st_mode))


def take(
    folder: Path, now: Callable[[], float], settle_seconds: float, understand: Understand
) -> TakenFiles:
    """Takes every settled file: accepted whole, known already, or rejected with a message.

    ``understand`` raises VerdictFileError for a file that it cannot take. Raises
    FeedbackFolderError when files cannot be moved.
    """
    taken = TakenFiles()
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):
        found = waiting(folder, now(), settle_seconds)
        taken.unsettled = found.unsettled
        for drop in found.settled:
            try:
                _take_one(folder, drop, understand, taken)
            except VerdictFileError as error:
                _reject(folder, drop, error.problems)
                taken.rejected[drop.name] = str(error)
    return taken


def _take_one(folder: Path, drop: DroppedFile, understand: Understand, taken: TakenFiles) -> None:
    data = _read(drop)
    if data is None:
        return
    place = folder / ACCEPTED / f"{file_hash(data)}-{len(data)}"
    if (place / _UNDERSTOOD).exists():
        target = place / drop.path.name
        existing = _look(target)
        if existing is not None and existing.size_bytes != len(data):
            # the accepted file has grown and waits itself: it must not be replaced
            target = place / f"{_mark(drop)}-{drop.path.name}"
        _move(drop.path, target)
        taken.known.append(drop.name)
        return
    understood = understand(drop.name, data)
    if _look(drop.path) != drop:
        return  # written to meanwhile: it is looked at again when it has settled
    rows = rows_to_arrow(VERDICTS, understood.verdicts)
    write_atomically(place / _UNDERSTOOD, parquet_bytes(rows))
    _move(drop.path, place / drop.path.name)
    taken.accepted.append(drop.name)
    taken.not_judged += understood.not_judged


def _read(drop: DroppedFile) -> bytes | None:
    """The bytes of a waiting file; None when it has gone meanwhile. Raises VerdictFileError."""
    if not drop.regular:
        raise _refused(drop, "is no regular file but a link, pipe or device: drop the file itself")
    if drop.size_bytes > MAX_BYTES:
        raise _refused(drop, f"has {drop.size_bytes} bytes, the limit is {MAX_BYTES}: split it")
    try:
        # neither a link nor a pipe that took the file's place meanwhile may be followed
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with os.fdopen(os.open(drop.path, flags), "rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _refused(drop, f"cannot be read ({error.strerror}): let this user read it") from error


def _refused(drop: DroppedFile, message: str) -> VerdictFileError:
    return VerdictFileError(drop.name, [VerdictProblem(0, "file", message)])


def _reject(folder: Path, drop: DroppedFile, problems: tuple[VerdictProblem, ...]) -> None:
    place = folder / REJECTED / _name_in(folder / REJECTED, drop)
    messages = "".join(f"{problem}\n" for problem in problems)
    message = (
        f"{drop.name} was not taken, and nothing in it counts yet.\n\n{messages}\n"
        f"Mend it and drop it into {folder} again.\n"
    )
    write_atomically(
        place.with_name(place.name + ".problems.txt"), message.encode("utf-8", "backslashreplace")
    )
    _move(drop.path, place)


def _name_in(rejected: Path, drop: DroppedFile) -> str:
    """The file's own name, unless another file has it there already or it leaves no room."""
    name = drop.path.name
    if len(os.fsencode(name)) > _NAME_BYTES:
        return f"{_mark(drop)}{drop.path.suffix[:20]}"
    return f"{_mark(drop)}-{name}" if os.path.lexists(rejected / name) else name


def _mark(drop: DroppedFile) -> str:
    """A few characters that tell this drop from others of its name."""
    facts = repr((drop.path.name, drop.size_bytes, drop.changed_ns)).encode()
    return blake2b(facts, digest_size=4).hexdigest()


def _move(path: Path, target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        path.replace(target)
    except FileNotFoundError:
        return  # somebody took it back: what they did stands
    except OSError as error:
        raise FeedbackFolderError(
            f"cannot move {path} to {target}: {error.strerror}; let this user write both folders"
        ) from error


def accepted_verdicts(folder: Path) -> pa.Table:
    """Every verdict of every accepted file, by the hash of the file.

    Raises FeedbackFolderError when what was understood of a file cannot be read back.
    """
    parts = [VERDICTS.schema.empty_table()]
    for path in sorted((folder / ACCEPTED).glob(f"*/{_UNDERSTOOD}")):
        try:
            parts.append(pq.read_table(path, partitioning=None).cast(VERDICTS.schema))
        except (OSError, ValueError) as error:
            raise FeedbackFolderError(
                f"cannot read back {path}: {error}; move the file beside it into {folder} again "
                f"and delete {path.parent}"
            ) from error
    return pa.concat_tables(parts)
