"""`orchestrate policy check`: what is wrong with a policy, once or after every change of it."""

import os
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

from orchestration_assets.policy.load import (
    LoadedPolicy,
    chosen_environment,
    gathered_policy,
    load_policy,
)
from orchestration_assets.policy.problems import PolicyError
from orchestration_assets.policy.sources import environment_files

_ERROR: Final = 2
_LOOK_EVERY_S: Final = 0.5


def check(path: Path | None) -> int:
    """Prints every problem on a line of its own; returns 2 when there is one.

    Where no environment is chosen, each that the policy describes is checked, too.
    """
    try:
        loaded = load_policy(path)
    except PolicyError as error:
        _say_problems(error)
        return _ERROR
    for note in loaded.notes:
        sys.stderr.write(f"note: {note}\n")
    sys.stdout.write(f"{loaded.source}: {_valid(loaded)}\n")
    if loaded.environment is not None:
        return 0
    codes = [_check_environment(path, name) for name in loaded.environments]
    return max(codes, default=0)


def _check_environment(path: Path | None, name: str) -> int:
    try:
        loaded = load_policy(path, name)
    except PolicyError as error:
        _say_problems(error, f", environment {name}")
        return _ERROR
    sys.stdout.write(f"{loaded.source}, environment {name}: {_valid(loaded)}\n")
    return 0


def _say_problems(error: PolicyError, which: str = "") -> None:
    sys.stderr.write("".join(f"{error.source}{which}: {one}\n" for one in error.problems))


def _valid(loaded: LoadedPolicy) -> str:
    tasks, services = len(loaded.policy.tasks), len(loaded.policy.services)
    return f"valid, {tasks} tasks, {services} services, hash {loaded.hash}"


def watch(
    path: Path,
    wait: Callable[[float], object] = time.sleep,
) -> int:
    """Checks, and checks again after every change of the files that the policy is made of.

    Ends with Ctrl-C; returns what the last check did.
    """
    code = 0
    seen: dict[Path, object] | None = None
    try:
        while True:
            now = _signatures(path)
            if now != seen:
                if seen is not None:
                    changed = sorted(
                        one.name for one in {*now, *seen} if now.get(one) != seen.get(one)
                    )
                    at = datetime.now().astimezone().strftime("%H:%M:%S")
                    sys.stdout.write(f"\n{at} changed: {', '.join(changed)}\n")
                seen = now
                code = check(path)
                sys.stdout.flush()
                sys.stderr.flush()
            wait(_LOOK_EVERY_S)
    except KeyboardInterrupt:
        sys.stdout.write("\n")
        return code


def _signatures(path: Path) -> dict[Path, object]:
    """The files that the policy is made of, there or not, and what a change of each changes."""
    try:
        _, gathered = gathered_policy(path, chosen_environment(None, os.environ))
    except PolicyError:
        # it is not there, or is no text, and that may change
        files: tuple[Path, ...] = ()
    else:
        files = gathered.watched
    beside = environment_files(path).values()
    return {one: _signature(one) for one in (path, *files, *beside)}


def _signature(path: Path) -> object:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
