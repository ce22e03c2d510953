"""What a document says of itself in a structured block: front matter, JSON, YAML, TOML.

Values stay as they are written: ``version: 1.10`` is no number. A text is given up where it nests
too deeply or holds too much, and an alias stands for a single value only, so that nothing grows.
"""

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from typing import Any, Final

MAX_CHARS: Final = 16_384
_MAX_JSON_CHARS: Final = 262_144
_MAX_NODES: Final = 5000
_MAX_DEPTH: Final = 32
_MAX_OPENINGS: Final = 400
_YAML_END: Final = re.compile(r"^(?:---|\.\.\.)[ \t]*$", re.MULTILINE)
_TOML_END: Final = re.compile(r"^\+\+\+[ \t]*$", re.MULTILINE)
_NOTHING: Final = frozenset(("", "~", "null", "Null", "NULL"))


def front_matter(text: str) -> Mapping[str, Any] | None:
    """The block at the start of a text between lines of ``---`` (YAML) or ``+++`` (TOML); None
    where there is none, or none that can be read."""
    for fence, end, read in (("---", _YAML_END, read_yaml), ("+++", _TOML_END, read_toml)):
        if text.startswith(fence):
            start = text.find("\n", 0, 80) + 1
            closes = end.search(text, start, start + MAX_CHARS) if start else None
            return read(text[start : closes.start()]) if closes else None
    return None


def read_json(text: str) -> Mapping[str, Any] | None:
    """The JSON object that a text is, numbers as they are written; None where it is none."""
    if len(text) > _MAX_JSON_CHARS or text.lstrip()[:1] != "{":
        return None
    try:
        value = json.loads(text, parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def read_toml(text: str) -> Mapping[str, Any] | None:
    """The TOML document that a text is; None where it is none."""
    if len(text) > MAX_CHARS or text.count("[") + text.count("{") > _MAX_OPENINGS:
        return None
    try:
        return {key: _written(value) for key, value in tomllib.loads(text, parse_float=str).items()}
    except (ValueError, RecursionError):
        return None


def _written(value: Any) -> Any:
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: _written(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_written(one) for one in value]
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def read_yaml(text: str) -> Mapping[str, Any] | None:
    """The YAML mapping that a text is, every scalar as text; None where it is none."""
    import yaml

    if len(text) > MAX_CHARS or "\n%" in f"\n{text}":
        return None
    if text.count("[") + text.count("{") > _MAX_OPENINGS:
        return None
    try:
        value = _composed(yaml.parse(text, Loader=yaml.CSafeLoader))
    except (yaml.YAMLError, UnicodeEncodeError, _TooMuch):
        return None
    return value if isinstance(value, dict) else None


class _TooMuch(ValueError):
    """A text nests too deeply, or holds too many values or documents."""


_OPENS: Final = {"MappingStartEvent": dict, "SequenceStartEvent": list}
_CLOSES: Final = frozenset(("MappingEndEvent", "SequenceEndEvent"))


def _composed(events: Iterable[Any]) -> Any:
    """The value of the events of one document, without recursion. Raises _TooMuch."""
    root: Any = None
    # each open container, and the key that waits for its value
    stack: list[tuple[dict[str, Any] | list[Any], list[Any]]] = []
    anchors: dict[str, str | None] = {}
    documents = 0
    for number, event in enumerate(events):
        name = type(event).__name__
        documents += name == "DocumentStartEvent"
        if number > _MAX_NODES or len(stack) > _MAX_DEPTH or documents > 1:
            raise _TooMuch
        if name in _OPENS:
            stack.append((_OPENS[name](), []))
        elif name in _CLOSES:
            root = stack.pop()[0]
            _add(stack, root)
        elif name in ("ScalarEvent", "AliasEvent"):
            root = _single(event, name, anchors)
            _add(stack, root)
    return root


def _single(event: Any, name: str, anchors: dict[str, str | None]) -> str | None:
    if name == "AliasEvent":
        return anchors.get(event.anchor)
    value = None if event.implicit[0] and event.value in _NOTHING else event.value
    if event.anchor is not None:
        anchors[event.anchor] = value
    return value


def _add(stack: list[tuple[dict[str, Any] | list[Any], list[Any]]], value: Any) -> None:
    """Adds a value to the innermost container; in a mapping it may be a key first."""
    if not stack:
        return
    container, keys = stack[-1]
    if isinstance(container, list):
        container.append(value)
    elif not keys:
        keys.append(value)
    elif isinstance(key := keys.pop(), str):
        container.setdefault(key, value)
