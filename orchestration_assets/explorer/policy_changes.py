"""Policies that a home has seen, and what one says otherwise than another: pure but for reading."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from orchestration_assets.policy.files import UnreadableError, read_text

_NAME: Final = re.compile(r"[0-9a-f]{16}")
_MOST_BYTES: Final = 16 << 20
MOST_CHANGES: Final = 200
_LONGEST: Final = 160


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """One value of the policy: its path with dots, before and after; None where it stands in one
    of the two alone."""

    path: str
    before: str | None
    after: str | None


def seen_policies(folder: Path) -> list[tuple[str, float]]:
    """Hash of each policy that a run pinned, and when (seconds since 1970), newest first."""
    found = []
    for path in folder.glob("*.json"):
        if _NAME.fullmatch(path.stem):
            found.append((path.stem, path.stat().st_mtime))
    return sorted(found, key=lambda one: (-one[1], one[0]))


def canonical_policy(folder: Path, name: str) -> Mapping[str, Any] | None:
    """The values of a pinned policy; None when there is no such one or it cannot be read."""
    if not _NAME.fullmatch(name):
        return None
    try:
        given = json.loads(read_text(folder / f"{name}.json", _MOST_BYTES))
    except (UnreadableError, OSError, ValueError, RecursionError):
        return None
    return given if isinstance(given, Mapping) else None


def policy_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[PolicyChange]:
    """Every value that stands in one of two policies alone or differs, by its path."""
    left, right = dict(_leaves(before, "")), dict(_leaves(after, ""))
    paths = sorted(path for path in {*left, *right} if left.get(path) != right.get(path))
    return [PolicyChange(path, left.get(path), right.get(path)) for path in paths]


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from _leaves(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list) and any(isinstance(one, Mapping | list) for one in value):
        for number, inner in enumerate(value, 1):
            yield from _leaves(inner, f"{path}[{number}]")
    else:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        yield path, text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
