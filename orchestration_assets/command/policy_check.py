"""`orchestrate policy check`: what is wrong with a policy, once or after every change of it."""

import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from orchestration_assets.policy.load import (
    LoadedPolicy,
    chosen_environment,
    gathered_policy,
    load_policy,
)
from orchestration_assets.policy.memory import memory_warnings
from orchestration_assets.policy.plugin_states import unusable_plugins
from orchestration_assets.policy.problems import PolicyError
from orchestration_assets.policy.sources import environment_files

_ERROR: Final = 2
_LOOK_EVERY_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class _Findings:
    """What one check came to: the exit code, and lines for people."""

    code: int
    errors: tuple[str, ...]
    lines: tuple[str, ...] = ()


def check(path: Path | None) -> int:
    """Prints every problem on a line of its own; returns 2 when there is one.

    Where no environment is chosen, each that the policy describes is checked, too.
    """
    found = _findings(path)
    _say(found)
    # where the policy names one of them that is a problem of its own
    for unused in unusable_plugins() if found.code == 0 else ():
        sys.stderr.write(f"warning: {unused}\n")
    return found.code


def _findings(path: Path | None) -> _Findings:
    try:
        loaded = load_policy(path)
    except PolicyError as error:
        return _Findings(_ERROR, _problems(error))
    notes = tuple(f"note: {note}" for note in loaded.notes)
    notes += tuple(f"warning: {one}" for one in memory_warnings(loaded.policy))
    lines = [f"{loaded.source}: {_valid(loaded)}"]
    if loaded.environment is not None:
        return _Findings(0, notes, tuple(lines))
    errors: tuple[str, ...] = ()
    for name in loaded.environments:
        try:
            lines.append(f"{loaded.source}, environment {name}: {_valid(load_policy(path, name))}")
        except PolicyError as error:
            errors += _problems(error, f", environment {name}")
    return _Findings(_ERROR if errors else 0, notes + errors, tuple(lines))


def _problems(error: PolicyError, which: str = "") -> tuple[str, ...]:
    return tuple(f"{error.source}{which}: {problem}" for problem in error.problems)


def _say(found: _Findings) -> None:
    sys.stderr.write("".join(f"{line}\n" for line in found.errors))
    sys.stdout.write("".join(f"{line}\n" for line in found.lines))


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
    # a shell lets what it starts in the background ignore Ctrl-C, and nothing else ends this
    signal.signal(signal.SIGINT, signal.default_int_handler)
    code = 0
    seen: dict[Path, object] | None = None
    try:
        while True:
            now = _signatures(path)
            if now != seen:
                found = _findings(path)
                # known before it is said: who has read it may end this at once
                code = found.code
                if seen is not None:
                    _say_changed(seen, now)
                seen = now
                _say(found)
                sys.stdout.flush()
                sys.stderr.flush()
            wait(_LOOK_EVERY_S)
    except KeyboardInterrupt:
        sys.stdout.write("\n")
        return code


def _say_changed(before: dict[Path, object], now: dict[Path, object]) -> None:
    files = sorted(one.name for one in {*now, *before} if now.get(one) != before.get(one))
    at = datetime.now().astimezone().strftime("%H:%M:%S")
    sys.stdout.write(f"\n{at} changed: {', '.join(files)}\n")
    sys.stdout.flush()


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
