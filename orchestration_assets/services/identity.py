"""Whose answer it is: what evidence about a service holds for, and for nothing else.

An identity is three words: code and model; the parameters, which are the prompt, the temperature
and whatever else shapes an answer; and the task with its version, labels and scale, and with its
question where the service is shown it. Whatever was learned of another identity is never in force.
"""

import json
from dataclasses import asdict
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final, Protocol

from orchestration_assets.schemas.items import Task

_PARTS: Final = ("code or model", "parameters or prompt", "task, labels or question")
_NONE: Final = "-"


class Identified(Protocol):
    """What of a service makes up its identity."""

    @property
    def version(self) -> str: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def reads(self) -> frozenset[str]: ...


def service_identity(service: Identified, task: Task) -> str:
    """The identity of a service that answers a task."""
    # a model's name may hold spaces, and the words must stay three
    version = "_".join(service.version.split()) or _NONE
    asked = _asked(task, with_question="question" in service.reads)
    return f"{version} {service.fingerprint or _NONE} {asked}"


@lru_cache(maxsize=64)
def _asked(task: Task, *, with_question: bool) -> str:
    """The same for every item: a closed vocabulary may have hundreds of labels."""
    words = [task.name, task.version, task.kind, task.labels, task.scale]
    words += [*asked_fields(task), *_repaired(task)]
    words += asked_parts(task)
    if with_question:
        words.append(task.question)
    return blake2b(json.dumps(words).encode(), digest_size=4).hexdigest()


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
