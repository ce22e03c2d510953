"""`orchestrate policy migrate`: brings policy files to the present version of the format."""

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from orchestration_assets.policy.files import UnreadableError, read_text
from orchestration_assets.policy.formats import CURRENT
from orchestration_assets.policy.migration import Migration, MigrationError, migrate
from orchestration_assets.policy.problems import Problem

_ERROR = 2


def run(paths: Sequence[Path], *, write: bool) -> int:
    """Prints the rewritten text, or writes it into the files; what changed is said on stderr.

    Returns 2 when a file cannot be rewritten; none is written then.
    """
    done: dict[Path, Migration] = {}
    problems: list[str] = []
    for path in paths:
        try:
            done[path] = migrate(read_text(path))
        except UnreadableError as error:
            problems.append(f"{path}: {error}")
        except MigrationError as error:
            problems += [f"{path}: {_as_of_the_file(problem)}" for problem in error.problems]
    if problems:
        sys.stderr.write("".join(f"{one}\n" for one in problems))
        return _ERROR
    for path, migration in done.items():
        if not migration.changes:
            sys.stderr.write(f"{path}: is in version {CURRENT} already\n")
        for change in migration.changes:
            sys.stderr.write(f"{path}: {change}\n")
        if not write:
            sys.stdout.write(migration.text)
        elif migration.changes:
            _write(path, migration.text)
    if not write and any(one.changes for one in done.values()):
        sys.stderr.write("nothing was written: give --write to rewrite the file in place\n")
    return 0


def _as_of_the_file(problem: Problem) -> Problem:
    return replace(problem, file=None)


def _write(path: Path, text: str) -> None:
    """Replaces a file as a whole, with its permissions; behind a link, the file it leads to."""
    target = Path(os.path.realpath(path))
    beside = target.with_name(f".{target.name}.{os.getpid()}.new")
    try:
        beside.write_bytes(text.encode("utf-8"))
        beside.chmod(target.stat().st_mode & 0o7777)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
