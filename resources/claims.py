"""Claims: what one process at a time may do to a home, such as carry out a batch.

A claim is a lock of the kernel on a file below ``<home>/claims``: it is given back when its
process dies, however it dies. The file says whose it is, for people; and for homes on file
systems where the locks of one machine do not hold on another, its beat goes on as long as the
owner lives. In a home that belongs to a store the claim is an object there too: whoever takes it
fetches what is new in the store first, and stores what it changed before it gives the claim back.
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
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from orchestration_assets.schemas.errors import StoreAwayError
from resources.damage import notice
from resources.home_store import copy_of_store, give_back
from resources.locks import is_locked, open_locked

if TYPE_CHECKING:
    from resources.bucket_claims import BucketClaim

_BEAT_S: Final = 5.0
_LEASE_S: Final = 3.5 * _BEAT_S
"""An owner on another machine whose beat does not go on for so long is gone."""
_TRIES: Final = 8
_BETWEEN_TRIES_S: Final = 0.005
_LOOK_EVERY_S: Final = 0.25
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")

# what this thread of work holds already: a run may claim what its command claimed for it
_HELD_CLAIMS: Final[ContextVar[frozenset[Path]]] = ContextVar("held_claims", default=frozenset())


@dataclass(frozen=True, slots=True)
class Owner:
    """Who holds a claim. ``machine`` tells kernels apart, ``nonce`` two claims of one process;
    ``beat`` counts while the owner lives."""

    pid: int
    host: str
    machine: str
    what: str
    since: str
    beat: int = 0
    nonce: str = ""

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
    shared = _shared(_path(home, name))
    if shared is not None and (stated := shared.owner()) is not None:
        return _owner(stated)
    return _read_owner(_path(home, name))


def claim_names(home: Path) -> list[str]:
    """Every claim that somebody has or had."""
    folder = Path(home).absolute() / "claims"
    here = {path.name for path in folder.glob("[!.]*")} if folder.is_dir() else set()
    copy = copy_of_store(folder.parent)
    if copy is not None:
        from resources.bucket_claims import claim_keys

        here |= {*claim_keys(copy.bucket)}
    return sorted(here)


def is_held(home: Path, name: str) -> bool:
    """As :func:`is_claimed`, and whether a process on another machine has it that shares the
    folder without its locks. Of one that has died there this is known after its lease."""
    if is_claimed(home, name):
        return True
    owner = _read_owner(_path(home, name))
    if owner is None or owner.machine == machine():
        return False
    # whoever takes it looks whether its beat goes on, and removes what a dead one has left
    with claimed_unless_held(home, name, "a look whether it is held") as free:
        return not free


def is_claimed(home: Path, name: str) -> bool:
    """Whether a process on this machine, or of the home's store, has the claim now."""
    shared = _shared(_path(home, name))
    if shared is not None and shared.owner() is not None:
        return True
    return is_locked(_path(home, name))


@dataclass(frozen=True, slots=True)
class _Claim:
    path: Path
    descriptor: int
    owner: Owner
    shared: "BucketClaim | None"


def _path(home: Path, name: str) -> Path:
    if not name.replace("-", "").replace("_", "").isalnum():
        raise ValueError(f"not the name of a claim: {name!r}")
    return Path(home).absolute() / "claims" / name


def _shared(path: Path) -> "BucketClaim | None":
    """The claim in the store of the home, if that belongs to one."""
    copy = copy_of_store(path.parents[1])
    if copy is None:
        return None
    from resources.bucket_claims import BucketClaim

    return BucketClaim(copy.bucket, path.name, _LEASE_S)


def _try_claim(path: Path, what: str) -> _Claim | None:
    """The claim, if nobody has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        descriptor = _locked(path)
        if descriptor is None:
            return None
        try:
            here = machine()
            before = _read_owner(path)
            if before is not None and before.machine != here:
                if _is_beating(path, before):
                    os.close(descriptor)
                    return None
                if not _is_at(path, descriptor):
                    # given back meanwhile, and perhaps taken again, with a file that is another one
                    os.close(descriptor)
                    continue
            since = datetime.now(UTC).isoformat(timespec="seconds")
            owner = Owner(os.getpid(), socket.gethostname(), here, what, since, nonce=uuid4().hex)
            shared = _shared(path)
            if shared is not None and not shared.take(_plain(owner)):
                os.close(descriptor)
                return None
            _write(descriptor, owner)
        except BaseException:
            os.close(descriptor)
            raise
        return _Claim(path, descriptor, owner, shared)


def _is_at(path: Path, descriptor: int) -> bool:
    """Whether the file that is open is the one at the path."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _locked(path: Path) -> int | None:
    """A descriptor of the file with its lock; None where somebody has it."""
    for left in reversed(range(_TRIES)):
        try:
            return open_locked(path, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            # whoever only looks whether it is held has it for a moment, too
            if left:
                time.sleep(_BETWEEN_TRIES_S)
    return None


@contextmanager
def _holding(claim: _Claim) -> Iterator[None]:
    token = _HELD_CLAIMS.set(_HELD_CLAIMS.get() | {claim.path})
    over = threading.Event()
    beating = threading.Thread(
        target=_beat, args=(claim, over), name=f"claim {claim.path.name}", daemon=True
    )
    beating.start()
    home = claim.path.parents[1]
    try:
        if (copy := copy_of_store(home)) is not None:
            copy.pull()
        yield
        give_back(home)
    finally:
        over.set()
        beating.join()
        _HELD_CLAIMS.reset(token)
        _release(claim)


def _release(claim: _Claim) -> None:
    try:
        if claim.shared is not None:
            claim.shared.give_back()
    except StoreAwayError as error:
        notice(f"the claim {claim.path.name} ends by itself: {error}")
    finally:
        # another machine, for which this one was gone, may have it now
        if _is_at(claim.path, claim.descriptor) and _is_stated(claim):
            claim.path.unlink(missing_ok=True)
        os.close(claim.descriptor)


def _is_stated(claim: _Claim) -> bool:
    """Whether the file of the claim says that it is this owner's, or nothing that can be read."""
    now = _read_owner(claim.path)
    return now is None or now.nonce == claim.owner.nonce


def _beat(claim: _Claim, over: threading.Event) -> None:
    beat = 0
    while not over.wait(_BEAT_S):
        beat += 1
        owner = replace(claim.owner, beat=beat)
        try:
            _write(claim.descriptor, owner)
            if claim.shared is not None and not claim.shared.renew(_plain(owner)):
                notice(
                    f"the claim {claim.path.name} was taken over by another machine, for which "
                    "this process was gone: what it writes first stands"
                )
                return
        except (OSError, StoreAwayError) as error:
            # such as a full disk: the next beat may be written again
            notice(
                f"the claim {claim.path} cannot be renewed "
                f"({getattr(error, 'strerror', None) or error}): it is "
                "tried again, and until then other machines may take its owner for gone"
            )


def _plain(owner: Owner) -> bytes:
    return json.dumps(asdict(owner)).encode()


def _write(descriptor: int, owner: Owner) -> None:
    data = _plain(owner)
    # a reader between both sees white space at the end, which JSON allows
    size = os.fstat(descriptor).st_size
    os.pwrite(descriptor, data.ljust(size), 0)


def _read_owner(path: Path) -> Owner | None:
    try:
        return _owner(path.read_bytes())
    except OSError:
        return None


def _owner(stated: bytes) -> Owner | None:
    try:
        return Owner(**json.loads(stated))
    except (ValueError, TypeError):
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
