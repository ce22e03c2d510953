"""Claims: what one process at a time may do to a home, such as carry out a batch.

A claim is a lock of the kernel on a file below ``<home>/claims``: it is given back when its
process dies, however it dies. The file says whose it is, for people; and for homes on file
systems where the locks of one machine do not hold on another, its beat goes on as long as the
owner lives.
"""

import fcntl
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from resources.damage import notice
from resources.locks import open_locked

_BEAT_S: Final = 5.0
_LEASE_S: Final = 3.5 * _BEAT_S
"""An owner on another machine whose beat does not go on for so long is gone."""
_LOOK_EVERY_S: Final = 0.25
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")

# what this thread of work holds already: a run may claim what its command claimed for it
_HELD_CLAIMS: Final[ContextVar[frozenset[Path]]] = ContextVar("held_claims", default=frozenset())


@dataclass(frozen=True, slots=True)
class Owner:
    """Who holds a claim. ``machine`` tells kernels apart, ``beat`` counts while the owner lives."""

    pid: int
    host: str
    machine: str
    what: str
    since: str
    beat: int = 0

    @property
    def description(self) -> str:
        """What the owner does, its process and host, and since when, for messages."""
        return f"{self.what} (process {self.pid} on {self.host}, since {self.since})"


def owner_description(owner: Owner | None) -> str:
    """The holder of a claim for messages, also when it is not known."""
    return owner.description if owner else "another process"


@contextmanager
def claimed(
    home: Path,
    name: str,
    what: str,
    waiting: Callable[[Owner | None], None] = lambda owner: None,
) -> Iterator[bool]:
    """While the block runs, nobody else has the claim; yields whether it had to be waited for.

    ``what`` says what the claim is for, to others. ``waiting`` is told once whom it waits for,
    None where that is not known. Claims are no queue. A block inside one of the same claim is
    part of it.
    """
    path = _path(home, name)
    if path in _HELD_CLAIMS.get():
        yield False
        return
    waited = False
    while (claim := _try_claim(path, what)) is None:
        if not waited:
            waiting(owner_of(home, name))
            waited = True
        time.sleep(_LOOK_EVERY_S)
    with _holding(claim):
        yield waited


@contextmanager
def claimed_unless_held(home: Path, name: str, what: str) -> Iterator[bool]:
    """Yields whether the claim is ours for the block: False where somebody else has it."""
    path = _path(home, name)
    claim = None if path in _HELD_CLAIMS.get() else _try_claim(path, what)
    if claim is None:
        yield path in _HELD_CLAIMS.get()
        return
    with _holding(claim):
        yield True


def owner_of(home: Path, name: str) -> Owner | None:
    """Who has the claim, or had it and died; None when the file does not say."""
    return _read_owner(_path(home, name))


def claim_names(home: Path) -> list[str]:
    """Every claim that somebody has, or had and died."""
    folder = Path(home).absolute() / "claims"
    return sorted(path.name for path in folder.glob("[!.]*")) if folder.is_dir() else []


def is_claimed(home: Path, name: str) -> bool:
    """Whether a process on this machine has the claim now."""
    try:
        descriptor = os.open(_path(home, name), os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


@dataclass(frozen=True, slots=True)
class _Claim:
    path: Path
    descriptor: int
    owner: Owner


def _path(home: Path, name: str) -> Path:
    if not name.replace("-", "").replace("_", "").isalnum():
        raise ValueError(f"not the name of a claim: {name!r}")
    return Path(home).absolute() / "claims" / name


def _try_claim(path: Path, what: str) -> _Claim | None:
    """The claim, if nobody has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = open_locked(path, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return None
    try:
        here = machine()
        before = _read_owner(path)
        if before is not None and before.machine != here and _is_beating(path, before):
            os.close(descriptor)
            return None
        since = datetime.now(UTC).isoformat(timespec="seconds")
        owner = Owner(os.getpid(), socket.gethostname(), here, what, since)
        _write(descriptor, owner)
    except BaseException:
        os.close(descriptor)
        raise
    return _Claim(path, descriptor, owner)


@contextmanager
def _holding(claim: _Claim) -> Iterator[None]:
    token = _HELD_CLAIMS.set(_HELD_CLAIMS.get() | {claim.path})
    over = threading.Event()
    beating = threading.Thread(
        target=_beat, args=(claim, over), name=f"claim {claim.path.name}", daemon=True
    )
    beating.start()
    try:
        yield
    finally:
        over.set()
        beating.join()
        _HELD_CLAIMS.reset(token)
        claim.path.unlink(missing_ok=True)
        os.close(claim.descriptor)


def _beat(claim: _Claim, over: threading.Event) -> None:
    beat = 0
    while not over.wait(_BEAT_S):
        beat += 1
        try:
            _write(claim.descriptor, replace(claim.owner, beat=beat))
        except OSError as error:
            # such as a full disk: the next beat may be written again
            notice(
                f"the claim {claim.path} cannot be renewed ({error.strerror or error}): it is "
                "tried again, and until then other machines may take its owner for gone"
            )


def _write(descriptor: int, owner: Owner) -> None:
    data = json.dumps(asdict(owner)).encode()
    # a reader between both sees white space at the end, which JSON allows
    size = os.fstat(descriptor).st_size
    os.pwrite(descriptor, data.ljust(size), 0)


def _read_owner(path: Path) -> Owner | None:
    try:
        return Owner(**json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def _is_beating(path: Path, before: Owner) -> bool:
    """Whether the beat of an owner on another machine goes on: no clocks are compared."""
    until = time.monotonic() + _LEASE_S
    while time.monotonic() < until:
        time.sleep(_LOOK_EVERY_S)
        now = _read_owner(path)
        if now is None:
            return False  # given back meanwhile
        if now != before:
            return True
    return False


def machine() -> str:
    """Tells this machine's kernel from others: containers of one kernel share its locks."""
    try:
        return _BOOT_ID.read_text("ascii").strip()
    except OSError:
        return socket.gethostname()
