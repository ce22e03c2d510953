"""The files that make up a policy: the file itself, what it extends, its environment's file.

Every file counts once, at the place where it is first needed: what two extended files extend both
comes before either.
"""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from importlib.resources import files
from pathlib import Path
from typing import Final

from orchestration_assets.policy.files import UnreadableError, read_text
from orchestration_assets.policy.problems import Problem, closest_name
from orchestration_assets.policy.source_text import PolicyText, Reference, read_policy_text

PACKAGED: Final = "packaged default"
PACKAGED_REFERENCE: Final = "packaged"
"""How ``extends`` names the packaged policy; a file of that name is ``./packaged``."""
MAX_FILES: Final = 32
ENVIRONMENT_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,59}")


@dataclass(frozen=True, slots=True)
class PolicySource:
    """One file that a policy was read from.

    ``name`` is its path seen from the folder of the policy file, ``hash`` 64 bits of blake2b over
    its text, hex. ``role`` is what it is to the policy: extended, file or environment.
    """

    name: str
    hash: str
    role: str


@dataclass(frozen=True, slots=True)
class Gathered:
    """Everything that was read, in the order of merging.

    ``texts`` are the extended files and, last, the policy file itself; ``overlay`` is the file of
    the chosen environment. ``watched`` are the files that were looked for, there or not; where one
    is missing or unreadable the policy is ``incomplete``.
    """

    texts: tuple[PolicyText, ...]
    overlay: PolicyText | None = None
    sources: tuple[PolicySource, ...] = ()
    watched: tuple[Path, ...] = ()
    problems: tuple[Problem, ...] = ()
    incomplete: bool = False


def packaged_text() -> str:
    """The packaged policy, which needs no network."""
    return (files("orchestration_assets.policy") / "default.yaml").read_text("utf-8")


def gather(path: Path | None, source: str, environment: str | None) -> Gathered:
    """Reads a policy file and what it is made of; None is the packaged one.

    ``source`` is what messages call the file. Raises UnreadableError when the file itself cannot
    be read; what is wrong with the others is told as problems.
    """
    reading = _Reading(path.parent if path is not None else None)
    text = packaged_text() if path is None else read_text(path)
    if path is not None:
        reading.watched.append(path)
    reading.add(text, source, "file", path)
    overlay = None
    if path is not None and environment is not None:
        overlay = _overlay(reading, environment_file(path, environment))
    return reading.finished(overlay)


def gather_text(text: str, source: str) -> Gathered:
    """A policy that is a text alone, and extends no other file than the packaged one."""
    reading = _Reading(None)
    reading.add(text, source, "file", None)
    return reading.finished(None)


def environment_file(path: Path, environment: str) -> Path:
    """The file beside a policy that holds an environment's values: ``policy.NAME.yaml``."""
    return path.with_name(f"{path.stem}.{environment}{path.suffix}")


def environment_files(path: Path) -> dict[str, Path]:
    """The environments that have a file beside a policy."""
    found = {}
    try:
        beside = sorted(path.parent.iterdir())
    except OSError:
        # of a folder that may not be listed the file itself may be read all the same
        return {}
    for one in beside:
        if one.suffix != path.suffix or not one.stem.startswith(f"{path.stem}."):
            continue
        name = one.stem.removeprefix(f"{path.stem}.")
        if ENVIRONMENT_NAME.fullmatch(name):
            found[name] = one
    return found


def _overlay(reading: "_Reading", path: Path) -> PolicyText | None:
    reading.watched.append(path)
    if not os.path.lexists(path):
        return None
    try:
        text = read_text(path)
    except UnreadableError as error:
        reading.problems.append(Problem("", "", str(error), file=path.name))
        reading.incomplete = True
        return None
    taken = reading.take(text, path.name, "environment")
    if taken.extends:
        message = "an environment's file extends nothing: name it in the policy file"
        at = taken.extends[0].origin.line
        reading.problems.append(Problem("extends", "", message, None, at, path.name))
    return taken


@dataclass(slots=True)
class _Reading:
    """What was read so far. ``folder`` is that of the policy file, None when it has none."""

    folder: Path | None
    texts: list[PolicyText] = field(default_factory=list)
    sources: list[PolicySource] = field(default_factory=list)
    watched: list[Path] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    done: set[str] = field(default_factory=set)
    under_way: list[tuple[str, str]] = field(default_factory=list)
    incomplete: bool = False

    def take(self, text: str, name: str, role: str) -> PolicyText:
        """Takes a text apart and notes where it came from."""
        # what is wrong in the policy file itself needs no file's name
        shown = None if role == "file" else name
        taken = read_policy_text(text, name)
        self.problems += [replace(one, file=shown) for one in taken.problems]
        self.incomplete |= taken.root is None
        digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
        stored = name if role != "file" or self.folder is None else Path(name).name
        self.sources.append(PolicySource(stored, digest, role))
        return replace(taken, text=text)

    def add(self, text: str, name: str, role: str, path: Path | None) -> None:
        """Adds a file behind all those that it extends."""
        key = PACKAGED if path is None else os.path.realpath(path)
        self.under_way.append((key, name if role != "file" else Path(name).name))
        at = len(self.sources)
        taken = self.take(text, name, role)
        own = self.sources.pop(at)
        for reference in taken.extends:
            self._follow(reference, path, None if role == "file" else name)
        self.under_way.pop()
        self.done.add(key)
        self.sources.append(own)
        self.texts.append(taken)

    def _follow(self, reference: Reference, path: Path | None, named_in: str | None) -> None:
        def told(message: str, nearest: str | None = None) -> None:
            problem = Problem(reference.path, "", message, nearest, reference.origin.line, named_in)
            self.problems.append(problem)
            self.incomplete = True

        if reference.name == PACKAGED_REFERENCE:
            key, name, target = PACKAGED, PACKAGED, None
        elif path is None or self.folder is None:
            told("a policy that is no file extends packaged alone: other names are paths beside it")
            return
        else:
            target = path.parent / reference.name
            key, name = os.path.realpath(target), _seen_from(self.folder, target)
        open_keys = [one for one, _ in self.under_way]
        if key in open_keys:
            circle = [shown for _, shown in self.under_way[open_keys.index(key) :]]
            told(f"extends itself: {' -> '.join([*circle, circle[0]])}")
            return
        if key in self.done:
            return
        if len(self.done) + len(self.under_way) >= MAX_FILES:
            told(f"is one file too many: a policy is made of at most {MAX_FILES}")
            return
        self._read(target, name, told, reference.name)

    def _read(self, target: Path | None, name: str, told: Callable[..., None], given: str) -> None:
        if target is None:
            self.add(packaged_text(), name, "extended", None)
            return
        self.watched.append(target)
        try:
            text = read_text(target)
        except UnreadableError as error:
            told(
                f"{name} {error}; paths are relative to the file that names them",
                _near(target, given),
            )
            return
        self.add(text, name, "extended", target)

    def finished(self, overlay: PolicyText | None) -> Gathered:
        return Gathered(
            tuple(self.texts),
            overlay,
            tuple(self.sources),
            tuple(dict.fromkeys(self.watched)),
            tuple(self.problems),
            self.incomplete,
        )


def _seen_from(folder: Path, target: Path) -> str:
    try:
        return Path(os.path.relpath(target, folder)).as_posix()
    except ValueError:
        # on another drive
        return target.as_posix()


def _near(target: Path, given: str) -> str | None:
    try:
        names = [one.name for one in target.parent.iterdir() if one.suffix == target.suffix]
    except (OSError, ValueError):
        return None
    near = closest_name(target.name, names)
    return None if near is None else given.removesuffix(target.name) + near
