"""Processes that activate policies of one home at once: is any activation lost, is the order kept?

``python -m benchmarks state_writers [--writers N] [--seconds S | --updates N] [--store URL]``: each
process looks at the active policy and activates another one in its place, as fast as it can, for
some time or until it has done so N times. With ``--store s3://...`` each has a home of its own that
belongs to that object store, as on machines of their own; its credentials and endpoint come from
the environment. With ``redis://...`` or ``postgresql://...`` they share a home whose states are
kept there. Afterwards every success that a process was told must be in the history once, with no
gap, by whom it was and in the order of time, and every loser must have been told by whom it was
overtaken.
"""

import argparse
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from multiprocessing.synchronize import Barrier
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks._output import table, write_json
from orchestration_assets.policy.load import LoadedPolicy, load_policy
from orchestration_assets.policy.registry import ActivationConflictError, PolicyRegistry
from resources.home import Home
from resources.home_store import use_store
from resources.state_logs.opening import STATE_VARIABLE, is_state_server
from resources.versioned_state import ChangeNote

_POLICIES = 4


@dataclass(frozen=True, slots=True)
class WriterResult:
    """The versions that one process made, how often it was overtaken, how often it was not told
    by whom, and when it began and ended, by the monotonic clock."""

    who: str
    made: tuple[int, ...]
    overtaken: int = 0
    untold: int = 0
    began: float = 0.0
    ended: float = 0.0


def main(arguments: Sequence[str]) -> int:
    """``[--writers N] [--seconds S | --updates N] [--store URL] [--json FILE]``; 1 when anything
    was lost."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks state_writers", description=__doc__)
    parser.add_argument("--writers", type=int, default=10)
    either = parser.add_mutually_exclusive_group()
    either.add_argument("--seconds", type=float, default=60.0)
    either.add_argument("--updates", type=int, metavar="N", help="of each, however long it takes")
    parser.add_argument("--store", metavar="URL")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(arguments)
    until = Until(given.seconds, given.updates)
    figures = measure(given.writers, until, given.store)
    header = ("activations", "a second", "overtaken", "least", "most", "problems")
    row = [figures[name.replace(" ", "_")] for name in header]
    title = f"{given.writers} processes that activate at once, {until.words}"
    print(table(title, header, [row]))
    for problem in figures["found"]:
        print(f"  {problem}")
    write_json(given.json, figures)
    return 1 if figures["problems"] else 0


@dataclass(frozen=True, slots=True)
class Until:
    """When each process ends: after ``seconds``, or once it has done so many ``updates``."""

    seconds: float
    updates: int | None = None

    @property
    def words(self) -> str:
        return f"for {self.seconds:g} s" if self.updates is None else f"{self.updates} times each"

    def goes_on(self, made: int, since: float) -> bool:
        """Whether a process that did so many, and began at this time, does another."""
        if self.updates is not None:
            return made < self.updates
        return time.monotonic() < since + self.seconds


def measure(writers: int, until: Until, store: str | None = None) -> dict[str, Any]:
    """What the processes did in that time, and every problem of the history afterwards.

    ``least`` and ``most`` are the activations of the slowest and of the fastest process.
    """
    bucket = store if store and not is_state_server(store) else None
    server = store if store and bucket is None else ""
    with TemporaryDirectory() as folder, _states_in(server):
        names = [f"w{n}" if bucket else "home" for n in range(writers)]
        homes = [Path(folder) / name for name in names]
        use_store(homes[0], bucket)
        context = multiprocessing.get_context("spawn")
        work = [(str(home), bucket, f"w{n}", until) for n, home in enumerate(homes)]
        with context.Pool(writers, _begin_with, (context.Barrier(writers),)) as pool:
            results = pool.map(_write, work, chunksize=1)
        seconds = max(one.ended for one in results) - min(one.began for one in results)
        found = problems(Home(homes[0]), results)
    made = [len(one.made) for one in results]
    return {
        "writers": writers,
        "seconds": seconds,
        "activations": sum(made),
        "a_second": sum(made) / seconds,
        "overtaken": sum(one.overtaken for one in results),
        "least": min(made),
        "most": max(made),
        "problems": len(found),
        "found": found[:20],
    }


@contextmanager
def _states_in(server: str) -> Iterator[None]:
    """States of homes are kept there, in the processes that begin meanwhile too."""
    before = os.environ.get(STATE_VARIABLE)
    os.environ[STATE_VARIABLE] = server
    try:
        yield
    finally:
        if before is None:
            del os.environ[STATE_VARIABLE]
        else:
            os.environ[STATE_VARIABLE] = before


_STARTED: list[Barrier] = []


def _begin_with(barrier: Barrier) -> None:
    _STARTED.append(barrier)


def _write(work: tuple[str, str | None, str, Until]) -> WriterResult:
    folder, store, who, until = work
    use_store(Path(folder), store)
    registry, policies = PolicyRegistry(Home(Path(folder))), _policies()
    made: list[int] = []
    overtaken = untold = 0
    _STARTED[0].wait()
    began = time.monotonic()
    while until.goes_on(len(made), began):
        standing = registry.active()
        version = standing.version if standing else 0
        note = ChangeNote(who, datetime.now(UTC), f"after version {version}")
        try:
            made.append(registry.activate(policies[len(made) % _POLICIES], version, note).version)
        except ActivationConflictError as error:
            overtaken += 1
            untold += not error.since
    return WriterResult(who, tuple(made), overtaken, untold, began, time.monotonic())


def _policies() -> list[LoadedPolicy]:
    """A few policies that differ, loaded once: to read a file is not what is measured."""
    packaged = load_policy(None)
    found = []
    for number in range(_POLICIES):
        execution = packaged.policy.execution.model_copy(update={"items_in_flight": number + 1})
        policy = packaged.policy.model_copy(update={"execution": execution})
        found.append(LoadedPolicy(policy, "", f"policy {number}"))
    return found


def problems(home: Home, results: Sequence[WriterResult]) -> list[str]:
    """Everything that is not as it must be, in words. Raises DamagedFileError for a version that
    does not follow the one before it."""
    found: list[str] = []
    history = list(PolicyRegistry(home).history())
    by_whom: Mapping[int, str] = {one.version: one.note.who for one in history}
    if [*by_whom] != list(range(1, len(history) + 1)):
        found.append("the versions are not numbered from 1 on without a gap")
    told = Counter(version for one in results for version in one.made)
    found += [f"version {version} was made {n} times" for version, n in told.items() if n > 1]
    found += [f"version {version} is of nobody" for version in by_whom.keys() - told.keys()]
    for one in results:
        found += [
            f"version {version} of {one.who} is lost"
            for version in one.made
            if by_whom.get(version) != one.who
        ]
        if one.untold:
            found.append(f"{one.who} was overtaken {one.untold} times without being told by whom")
    for before, after in pairwise(history):
        if after.note.when < before.note.when:
            found.append(f"version {after.version} is earlier than the one before it")
    return found + [
        f"version {one.version} was made {one.note.why}"
        for one in history
        if one.note.why != f"after version {one.version - 1}"
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
