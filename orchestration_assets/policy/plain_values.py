"""Single values of a policy that no field may hold, whatever its format says."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from orchestration_assets.policy.problems import Problem, dotted
from orchestration_assets.schemas.policy import Policy

_MOST: Final = 10**15
_MOST_ENTRIES: Final = 1000
_FREE: Final = frozenset(
    {
        "base_url",
        "durable",
        "examples",
        "gold",
        "headers",
        "known_item",
        "parameters",
        "prompt",
        "prompts",
        "sources",
        "webhook",
    }
)
_FREE_ENDS: Final = ("_env", "_url", "_variable", "_key", "url", "key", "token", "secret")
_SUSPECT: Final = re.compile(r"\\u00[0189]|\\u007f|\\[bf]|[0-9]{16}|e\+")
"""What control characters and large numbers look like in JSON, among other things."""
_LINE_CHARACTERS: Final = "\t\n\r"

Path = tuple[int | str, ...]


def is_free(path: Sequence[int | str]) -> bool:
    """Whether a place holds what people write freely: nothing of it is ever repeated."""
    names = [step for step in path if isinstance(step, str)]
    return any(name in _FREE or name.endswith(_FREE_ENDS) for name in names)


def value_problems(policy: Policy) -> Iterator[Problem]:
    """Numbers that overflow later, control characters, and more entries than anybody writes."""
    for name in ("services", "tasks"):
        if len(getattr(policy, name)) > _MOST_ENTRIES:
            yield Problem(name, "", f"holds more than {_MOST_ENTRIES} entries")
    canonical = policy.canonical()
    # nearly every policy has none: paths are made where there may be one
    leaves = _leaves(canonical) if _SUSPECT.search(json.dumps(canonical)) else ()
    for path, value in leaves:
        if isinstance(value, str):
            if not value.isprintable() and _control(value) and path[-1] != "delimiter":
                yield Problem(dotted(path), "", "holds a control character: take it out")
        elif isinstance(value, int | float) and abs(value) > _MOST and "parameters" not in path:
            yield Problem(dotted(path), "", f"is too large: at most {_MOST:.0e}")


def _control(text: str) -> bool:
    return any(
        (character < " " and character not in _LINE_CHARACTERS) or "\x7f" <= character <= "\x9f"
        for character in text
    )


def _leaves(value: Any) -> Iterator[tuple[Path, Any]]:
    """Every value that is no container with its path, and every key as a text, in order."""
    waiting: list[tuple[Path, Any]] = [((), value)]
    while waiting:
        path, here = waiting.pop()
        if isinstance(here, dict):
            waiting += [((*path, name), below) for name, below in reversed(here.items())]
            yield from ((path, name) for name in here if path)
        elif isinstance(here, list):
            waiting += [((*path, n), below) for n, below in reversed([*enumerate(here)])]
        else:
            yield path, here
