"""Batches, each carried out by one process at a time, and none in the way of the others."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from orchestration_assets.schemas.errors import OrchestrationError
from resources.claims import Owner, claimed, claimed_unless_held, owner_description, owner_of
from resources.home import Home
from resources.lmdb_database import close_unused

_WHAT = "orchestrate run"


class RunFailedError(OrchestrationError):
    """A batch could not be materialized; the message names the step, the cause and the remedy.

    ``exit_code`` is 2 when the cause is for the caller to mend, else 1.
    """

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


@dataclass
class ExecutedBatches:
    """Batches that this process has ``done``; that only others did (``elsewhere``); and those
    that ``failed``, with the reason; ``exit_codes`` are those that failures asked for. ``again``
    says of which messages it asked again, and why."""

    done: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    exit_codes: set[int] = field(default_factory=set)
    again: list[str] = field(default_factory=list)

    def add(self, other: "ExecutedBatches") -> None:
        """Adds what came of batches, some of which may have been carried out before."""
        self.done += [batch for batch in other.done if batch not in self.done]
        found = dict.fromkeys((*self.elsewhere, *other.elsewhere))
        self.elsewhere = [batch for batch in found if batch not in self.done]
        self.failed |= other.failed
        self.exit_codes |= other.exit_codes
        self.again += other.again


def carry_out(
    home: Home,
    batches: Sequence[str],
    is_finished: Callable[[str], bool],
    execute: Callable[[str], None],
) -> ExecutedBatches:
    """Carries out every batch that nobody else does, then those that were in other hands.

    Of these, what is finished by then is left alone; a batch whose owner is gone is taken over.
    ``execute`` raises RunFailedError, which ends its batch only.
    """
    carried = ExecutedBatches()
    in_other_hands = [
        batch
        for batch in batches
        if not carry_out_one(home, batch, is_finished, execute, carried, waits=False)
    ]
    for batch in in_other_hands:
        carry_out_one(home, batch, is_finished, execute, carried, waits=True)
    return carried


def carry_out_one(
    home: Home,
    batch: str,
    is_finished: Callable[[str], bool],
    execute: Callable[[str], None],
    carried: ExecutedBatches,
    *,
    waits: bool,
) -> bool:
    """Carries out one batch, and notes in ``carried`` what came of it.

    False, and nothing is done, where somebody else has it, unless this process ``waits`` for them.
    """
    if waits:
        with claimed(home.folder, batch, _WHAT, lambda owner: _wait(batch, owner)):
            _carry_out_ours(batch, is_finished, execute, carried)
        return True
    with claimed_unless_held(home.folder, batch, _WHAT) as ours:
        if ours:
            _carry_out_ours(batch, is_finished, execute, carried)
            return True
    owner = owner_description(owner_of(home.folder, batch))
    say(f"batch {batch} is being carried out by {owner}")
    return False


def _carry_out_ours(
    batch: str,
    is_finished: Callable[[str], bool],
    execute: Callable[[str], None],
    carried: ExecutedBatches,
) -> None:
    if is_finished(batch):
        carried.elsewhere.append(batch)
        say(f"batch {batch} was carried out by another process")
        return
    try:
        execute(batch)
    except RunFailedError as error:
        carried.failed[batch] = str(error)
        carried.exit_codes.add(error.exit_code)
        say(str(error))
    else:
        carried.done.append(batch)
    finally:
        close_unused()


def say(message: str) -> None:
    """One line for people, beside the result."""
    sys.stderr.write(f"orchestrate: {message}\n")
    sys.stderr.flush()


def _wait(batch: str, owner: Owner | None) -> None:
    say(f"waiting for batch {batch}, which {owner_description(owner)} carries out")
