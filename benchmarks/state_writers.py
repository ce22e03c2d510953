"""Processes that activate policies of one home at once: is any activation lost, is the order kept?

``python -m benchmarks state_writers [--writers N] [--seconds S] [--store URL] [--json FILE]``: each
process looks at the active policy and activates another one in its place, as fast as it can. With
``--store`` each has a home of its own that belongs to that object store, as on machines of their
own; its credentials and endpoint come from the environment. Afterwards every success that a
process was told must be in the history once, with no gap, by whom it was and in the order of time,
and every loser must have been told by whom it was overtaken.
"""

import argparse
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
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
from resources.versioned_state import ChangeNote

_POLICIES = 4


@dataclass(frozen=True, slots=True)
class WriterResult:
    """The versions that one process made, how often it was overtaken, and how often it was not
    told by whom."""

    who: str
    made: tuple[int, ...]
    overtaken: int
    untold: int


def main(arguments: Sequence[str]) -> int:
    """``[--writers N] [--seconds S] [--store URL] [--json FILE]``; 1 when anything was lost."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks state_writers", description=__doc__)
    parser.add_argument("--writers", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--store", metavar="URL")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(arguments)
    figures = measure(given.writers, given.seconds, given.store)
    header = ("activations", "a second", "overtaken", "least", "most", "problems")
    row = [figures[name.replace(" ", "_")] for name in header]
    title = f"{given.writers} processes that activate at once for {given.seconds:g} s"
    print(table(title, header, [row]))
    for problem in figures["found"]:
        print(f"  {problem}")
    write_json(given.json, figures)
    return 1 if figures["problems"] else 0


def measure(writers: int, seconds: float, store: str | None = None) -> dict[str, Any]:
    """What the processes did in that time, and every problem of the history afterwards.

    ``least`` and ``most`` are the activations of the slowest and of the fastest process.
    """
    with TemporaryDirectory() as folder:
        names = [f"w{n}" if store else "home" for n in range(writers)]
        homes = [Path(folder) / name for name in names]
        use_store(homes[0], store)
        context = multiprocessing.get_context("spawn")
        work = [(str(home), store, f"w{n}", seconds) for n, home in enumerate(homes)]
        with context.Pool(writers, _begin_with, (context.Barrier(writers),)) as pool:
            results = pool.map(_write, work, chunksize=1)
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


_STARTED: list[Barrier] = []


def _begin_with(barrier: Barrier) -> None:
    _STARTED.append(barrier)


def _write(work: tuple[str, str | None, str, float]) -> WriterResult:
    folder, store, who, seconds = work
    use_store(Path(folder), store)
    registry, policies = PolicyRegistry(Home(Path(folder))), _policies()
    made: list[int] = []
    overtaken = untold = 0
    _STARTED[0].wait()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        standing = registry.active()
        version = standing.version if standing else 0
        note = ChangeNote(who, datetime.now(UTC), f"after version {version}")
        try:
            made.append(registry.activate(policies[len(made) % _POLICIES], version, note).version)
        except ActivationConflictError as error:
            overtaken += 1
            untold += not error.since
    return WriterResult(who, tuple(made), overtaken, untold)


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
