"""Maintenance of a home: while it lasts no run begins, and it begins only when no run is under way.

Whoever begins announces itself first and looks for the other second, so that of two that begin at
once never both go on.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

from filelock import FileLock, Timeout

from orchestration_assets.schemas.errors import OrchestrationError, unwritable
from resources.claims import (
    Owner,
    claim_names,
    claimed,
    claimed_unless_held,
    is_held,
    owner_description,
    owner_of,
)
from resources.home import Home
from resources.home_store import copy_of_store
from resources.locks import locked
from resources.run_locks import is_running

MAINTENANCE: Final = "maintenance"
INTAKE: Final = "intake"
"""The claim of whoever records batches, in a home that several machines share."""
_LOOK_EVERY_S: Final = 0.25


class HomeInUseError(OrchestrationError):
    """Somebody works on the home; the message says who, and what to do."""


@contextmanager
def maintaining(home: Home, what: str) -> Iterator[None]:
    """The home for the block alone. Raises HomeInUseError at once where somebody works on it."""
    with claimed_unless_held(home.folder, MAINTENANCE, what) as ours:
        if not ours:
            raise _in_use(home, owner_description(owner_of(home.folder, MAINTENANCE)))
        for name in claim_names(home.folder):
            if name not in (MAINTENANCE, INTAKE) and is_held(home.folder, name):
                raise _in_use(home, owner_description(owner_of(home.folder, name)))
        if home.running.is_dir():
            for path in sorted(home.running.iterdir()):
                if is_running(home.running, path.name):
                    raise _in_use(home, f"the Dagster run {path.name}")
        lock = FileLock(home.intake_lock, timeout=0)
        try:
            lock.acquire()
        except Timeout as error:
            raise _in_use(home, "a listing of a source") from error
        except OSError as error:
            raise unwritable(home.intake_lock, error) from error
        try:
            with _whole_store(home, what):
                yield
        finally:
            lock.release()


@contextmanager
def _whole_store(home: Home, what: str) -> Iterator[None]:
    """All that the home's store holds is here for the block, and what the block removes is
    removed there."""
    copy = copy_of_store(home.folder)
    if copy is None:
        yield
        return
    with claimed_unless_held(home.folder, INTAKE, what) as free:
        if not free:
            raise _in_use(home, owner_description(owner_of(home.folder, INTAKE)))
        with copy.removing():
            yield


@contextmanager
def recording(home: Home) -> Iterator[None]:
    """While the block runs, nobody else records batches. Raises UnwritableError."""
    with locked(home.intake_lock), ExitStack() as stack:
        if copy_of_store(home.folder) is not None:
            stack.enter_context(claimed(home.folder, INTAKE, "a listing of a source"))
        yield


def _in_use(home: Home, who: str) -> HomeInUseError:
    return HomeInUseError(
        f"{home.folder} is in use by {who}; stop it, or try again when it is done"
    )


def await_maintenance(home: Home, waiting: Callable[[Owner | None], None]) -> None:
    """Returns once nobody maintains the home; ``waiting`` is told once whom it waits for.

    To be called with a claim or run lock of one's own in hand: from then on no maintenance begins.
    """
    told = False
    while is_held(home.folder, MAINTENANCE):
        if not told:
            waiting(owner_of(home.folder, MAINTENANCE))
            told = True
        time.sleep(_LOOK_EVERY_S)
