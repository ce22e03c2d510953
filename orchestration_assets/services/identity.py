"""Whose answer it is: what evidence about a service holds for, and for nothing else.

An identity is three words: code and model; the parameters, which are the prompt, the temperature
and whatever else shapes an answer; and the task with its version, labels and scale, and with its
question where the service is shown it. Whatever was learned of another identity is never in force.
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from functools import lru_cache, partial
from hashlib import blake2b
from typing import Any, Final, Generic, Protocol, TypeVar

from orchestration_assets.schemas.items import Task

_PARTS: Final = ("code or model", "parameters or prompt", "task, labels or question")
_NONE: Final = "-"
_MOST_TASKS: Final = 64
Made = TypeVar("Made")


class Identified(Protocol):
    """What of a service makes up its identity."""

    @property
    def version(self) -> str: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def reads(self) -> frozenset[str]: ...


class OncePerTask(Generic[Made]):
    """``make``, called once for each task that is asked about.

    By which object it is: to hash a task, or to compare it, takes as long as most of what is made.
    """

    def __init__(self, make: Callable[[Task], Made]) -> None:
        self._make = make
        self._made: dict[int, tuple[Task, Made]] = {}

    def __call__(self, task: Task) -> Made:
        known = self._made.get(id(task))
        # an object that is kept here shares its place in memory with no other
        if known is None:
            if len(self._made) >= _MOST_TASKS:
                self._made.clear()
            known = self._made[id(task)] = task, self._make(task)
        return known[1]


def service_identity(service: Identified, task: Task) -> str:
    """The identity of a service that answers a task."""
    asked = _asked_with_question if "question" in service.reads else _asked_without
    return f"{_whole_word(service.version)} {service.fingerprint or _NONE} {asked(task)}"


@lru_cache(maxsize=256)
def _whole_word(version: str) -> str:
    """A model's name may hold spaces, and the words of an identity must stay three."""
    return "_".join(version.split()) or _NONE


def _asked(task: Task, *, with_question: bool) -> str:
    """The same for every item: a closed vocabulary may have hundreds of labels."""
    words = [task.name, task.version, task.kind, task.labels, task.scale]
    words += [*asked_fields(task), *_repaired(task)]
    words += asked_parts(task)
    if with_question:
        words.append(task.question)
    return blake2b(json.dumps(words).encode(), digest_size=4).hexdigest()


_asked_with_question: Final = OncePerTask(partial(_asked, with_question=True))
_asked_without: Final = OncePerTask(partial(_asked, with_question=False))


def asked_fields(task: Task) -> list[Any]:
    """The fields of a record: with others it is another question."""
    return [*map(asdict, task.fields), *(["quotes"] if task.quotes else [])]


def _repaired(task: Task) -> list[Any]:
    """What services are asked again for: with other rules they end up with other answers."""
    return [
        one.rule if not one.asks else [one.asks, one.rule]
        for one in task.value_rules
        if one.otherwise == "repair"
    ]


def asked_parts(task: Task) -> list[Any]:
    """Of which parts it is asked, and how they are joined: by others the answer is another one."""
    return [] if task.parts is None else [asdict(task.parts)]


def changed_parts(before: str, now: str) -> str:
    """In words, in what an identity changed."""
    old, new = before.split(" "), now.split(" ")
    if len(old) != len(_PARTS) or len(new) != len(_PARTS):
        return f"was {before} and is {now}"
    pairs = zip(_PARTS, old, new, strict=True)
    return "changed " + ", ".join(f"{part} ({a} -> {b})" for part, a, b in pairs if a != b)
