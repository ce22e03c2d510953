"""Checks of single values that hold for every field of a policy."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from orchestration_assets.policy.problems import Problem, dotted_path
from orchestration_assets.schemas.policy import Policy

_MAX_NUMBER: Final = 10**15
_MAX_ENTRIES: Final = 1000
_FREE_TEXT_KEYS: Final = frozenset(
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
_FREE_TEXT_ENDINGS: Final = ("_env", "_url", "_variable", "_key", "url", "key", "token", "secret")
_SUSPECT: Final = re.compile(r"\\u00[0189]|\\u007f|\\[bf]|[0-9]{16}|e\+")
"""Finds control characters and large numbers in JSON, among other things."""
_LINE_CHARACTERS: Final = "\t\n\r"

Path = tuple[int | str, ...]


def is_free_text(path: Sequence[int | str]) -> bool:
    """Whether a field holds free text or a secret, which no message may repeat."""
    names = [step for step in path if isinstance(step, str)]
    return any(name in _FREE_TEXT_KEYS or name.endswith(_FREE_TEXT_ENDINGS) for name in names)


def value_problems(policy: Policy) -> Iterator[Problem]:
    """Numbers that would overflow, control characters, and too many entries."""
    for name in ("services", "tasks"):
        if len(getattr(policy, name)) > _MAX_ENTRIES:
            yield Problem(name, "", f"holds more than {_MAX_ENTRIES} entries")
    canonical = policy.canonical()
    # nearly every policy has none: paths are made where there may be one
    leaves = _leaves(canonical) if _SUSPECT.search(json.dumps(canonical)) else ()
    for path, value in leaves:
        if isinstance(value, str):
            if (
                not value.isprintable()
                and _has_control_character(value)
                and path[-1] != "delimiter"
            ):
                yield Problem(dotted_path(path), "", "holds a control character: take it out")
        elif (
            isinstance(value, int | float) and abs(value) > _MAX_NUMBER and "parameters" not in path
        ):
            yield Problem(dotted_path(path), "", f"is too large: at most {_MAX_NUMBER:.0e}")


def _has_control_character(text: str) -> bool:
    return any(
        (character < " " and character not in _LINE_CHARACTERS) or "\x7f" <= character <= "\x9f"
        for character in text
    )


def _leaves(value: Any) -> Iterator[tuple[Path, Any]]:
    """Every value that is no container with its path, and every key as a text, in order."""
    stack: list[tuple[Path, Any]] = [((), value)]
    while stack:
        path, container = stack.pop()
        if isinstance(container, dict):
            stack += [((*path, name), child) for name, child in reversed(container.items())]
            yield from ((path, name) for name in container if path)
        elif isinstance(container, list):
            stack += [((*path, n), child) for n, child in reversed([*enumerate(container)])]
        else:
            yield path, container
