"""YAML text to plain values, within limits on depth and number of values.

The composer of libyaml recurses in C, and a deeply nested text ends the process. So its events are
composed here, without recursion, and an alias counts as what it stands for. Scalars are the JSON
kinds as YAML 1.1 writes them; times and sexagesimal numbers stay text.
"""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from orchestration_assets.policy.marks import (
    REMOVE_TAG,
    REPLACE_TAG,
    TEMPLATE_TAG,
    RemoveMark,
    ReplacingMapping,
    ValueTemplate,
)
from orchestration_assets.policy.problems import Problem, describe_value, dotted_path, safe_key

MAX_DEPTH: Final = 64
MAX_NODES: Final = 50_000
_MAX_DIRECTIVES: Final = 20
_DIRECTIVE: Final = re.compile(r"^%", re.MULTILINE)
_PREFIX: Final = "tag:yaml.org,2002:"
_MERGE: Final = "<<"
_LONGEST_NUMBER: Final = 400

_MISPLACED: Final = {
    TEMPLATE_TAG: "is for a single text",
    REMOVE_TAG: "stands alone, in place of a value",
    REPLACE_TAG: "is for a mapping; a list or single value replaces by itself",
}
_INT: Final = re.compile(
    r"[-+]?(?:0b[01_]*[01]_*|0x[0-9a-fA-F_]*[0-9a-fA-F]_*|0_*[0-7][0-7_]*|0|[1-9][0-9_]*)"
)
_FLOAT: Final = re.compile(
    r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?"
    r"|\.(?:inf|Inf|INF))|\.(?:nan|NaN|NAN)"
)
_CONSTANTS: Final[dict[str, bool | None]] = {
    "": None,
    **dict.fromkeys(("~", "null", "Null", "NULL")),
    **dict.fromkeys("yes Yes YES true True TRUE on On ON".split(), True),
    **dict.fromkeys("no No NO false False FALSE off Off OFF".split(), False),
}


class YamlError(ValueError):
    """The text is no YAML, or beyond the limits; ``problem`` says where and what to do."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Document:
    """The value of a text; ``problems`` are the parts of it that no policy can hold.

    ``lines`` maps the path of every value to its line, from 1 on; what stands below an alias has
    none. ``nodes`` counts the values, each alias as what it stands for.
    """

    value: Any
    problems: tuple[Problem, ...]
    lines: dict[tuple[int | str, ...], int]
    nodes: int


@dataclass(slots=True)
class _Node:
    """A finished value: the nodes that it counts for, and the levels below it."""

    value: Any
    size: int = 1
    height: int = 0


class _NoKey:
    """States of a mapping without a key: none read yet, one that is unusable, a merge key."""


_NO_KEY: Final = _NoKey()
_UNUSABLE_KEY: Final = _NoKey()
_MERGE_KEY: Final = _NoKey()
_UNFINISHED: Final = _Node(None)


@dataclass(slots=True)
class _OpenContainer:
    """A mapping or list that is being read."""

    value: dict[str, Any] | list[Any]
    step: int | str
    anchor: str | None
    key: str | _NoKey = _NO_KEY
    merged: list[dict[str, Any]] = field(default_factory=list)
    size: int = 1
    height: int = 0


def read_yaml(text: str) -> Document:
    """The one document of a text, tagged values as ``policy.marks``. Raises YamlError."""
    if len(_DIRECTIVE.findall(text)) > _MAX_DIRECTIVES:
        raise YamlError(Problem("", "", "has more than 20 lines that start with %"))
    reader = _Reader()
    try:
        reader.read_events(yaml.parse(text, Loader=yaml.CSafeLoader))
    except UnicodeEncodeError as error:
        raise YamlError(Problem("", "", "holds half a surrogate pair: save it as UTF-8")) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        reason = getattr(error, "problem", None) or getattr(error, "reason", None)
        words = reason if isinstance(reason, str) else "it cannot be parsed"
        raise YamlError(Problem(where, "", f"not valid YAML: {words}")) from error
    return Document(reader.root, tuple(reader.problems), reader.lines, reader.nodes)


class _Reader:
    """Composes events. The stack is a list, so depth costs nothing but memory."""

    def __init__(self) -> None:
        self.root: Any = None
        self.problems: list[Problem] = []
        self.lines: dict[tuple[int | str, ...], int] = {}
        self.nodes = 0
        self._stack: list[_OpenContainer] = []
        self._anchors: dict[str, _Node] = {}
        self._documents = 0
        self._line = 0

    def read_events(self, events: Iterable[Any]) -> None:
        """Reads all events. Raises YamlError."""
        for event in events:
            self._line = event.start_mark.line + 1
            if isinstance(event, yaml.ScalarEvent):
                self._scalar(event)
            elif isinstance(event, yaml.MappingStartEvent):
                self._start_container(event, {}, "map")
            elif isinstance(event, yaml.SequenceStartEvent):
                self._start_container(event, [], "seq")
            elif isinstance(event, yaml.CollectionEndEvent):
                self._end_container()
            elif isinstance(event, yaml.AliasEvent):
                self._alias(event.anchor or "")
            elif isinstance(event, yaml.DocumentStartEvent):
                self._documents += 1
                if self._documents > 1:
                    raise self._error("a second document starts here: a policy is one document")

    def _path(self) -> tuple[int | str, ...]:
        """The path of the next value."""
        if not self._stack:
            return ()
        inner = self._stack[-1]
        steps = [container.step for container in self._stack[1:]]
        if isinstance(inner.value, list):
            return (*steps, len(inner.value))
        if inner.key is _MERGE_KEY:
            return (*steps, _MERGE)
        return (*steps, inner.key) if isinstance(inner.key, str) else tuple(steps)

    def _error(self, message: str) -> YamlError:
        return YamlError(Problem(dotted_path(self._path()), "", message, line=self._line))

    def _problem(self, message: str, value: str = "") -> None:
        path = dotted_path(self._path())
        self.problems.append(Problem(path, value, message, line=self._line))

    def _count_nodes(self, nodes: int, height: int) -> None:
        self.nodes += nodes
        if self.nodes > MAX_NODES:
            raise self._error(
                f"holds more than {MAX_NODES} values, each alias counted as what it stands for"
            )
        if len(self._stack) + height > MAX_DEPTH:
            raise self._error(f"nests deeper than {MAX_DEPTH} levels")

    def _scalar(self, event: Any) -> None:
        self._count_nodes(1, 0)
        if event.value == _MERGE and event.implicit[0] and self._in_key() and not event.anchor:
            self._stack[-1].key = _MERGE_KEY
            return
        node = _Node(self._value(event))
        if event.anchor is not None:
            self._define_anchor(event.anchor, node)
        self._add_value(node)

    def _value(self, event: Any) -> Any:
        """The value of a scalar; None, with a problem, where it has none."""
        text, tag = event.value, event.tag
        if tag is None or tag == "!":
            if not event.implicit[0]:
                return text
        elif tag == f"{_PREFIX}str":
            return text
        elif tag == TEMPLATE_TAG:
            return ValueTemplate(text)
        elif tag == REMOVE_TAG:
            if text:
                self._problem("takes a whole key out: leave out what stands behind !remove")
            return RemoveMark()
        elif tag not in {f"{_PREFIX}{kind}" for kind in ("null", "bool", "int", "float")}:
            self._unknown_tag(tag)
            return None
        try:
            value = scalar_value(text)
        except ValueError as error:
            self._problem(str(error))
            return None
        if tag not in (None, "!") and isinstance(value, str):
            self._problem("is not what its tag says: leave the tag out")
        return value

    def _unknown_tag(self, tag: str) -> None:
        short = tag.replace(_PREFIX, "!!", 1)
        # a mark where it has no meaning is known all the same
        words = _MISPLACED.get(tag, "is not known; leave it out")
        self._problem(f"not valid YAML here: the tag {safe_key(short)} {words}")

    def _start_container(self, event: Any, value: dict[str, Any] | list[Any], kind: str) -> None:
        self._count_nodes(1, 1)
        if event.tag == REPLACE_TAG and kind == "map":
            value = ReplacingMapping()
        elif event.tag not in (None, "!", f"{_PREFIX}{kind}"):
            self._unknown_tag(event.tag)
        if self._in_key():
            self._problem("a key must be text, not a list or mapping")
            # what follows the key on this level belongs to a key that cannot be used
            step: int | str = "?"
        else:
            path = self._path()
            step = path[-1] if path else ""
        if event.anchor is not None:
            self._define_anchor(event.anchor, _UNFINISHED)
        if not self._in_key():
            self.lines.setdefault(self._path(), self._line)
        self._stack.append(_OpenContainer(value, step, event.anchor))

    def _end_container(self) -> None:
        container = self._stack.pop()
        value = container.value
        if isinstance(value, dict) and container.merged:
            merged: dict[str, Any] = {}
            for mapping in reversed(container.merged):
                merged |= mapping
            merged |= value
            value = ReplacingMapping(merged) if isinstance(value, ReplacingMapping) else merged
        node = _Node(value, container.size, container.height + 1)
        if container.anchor is not None:
            self._anchors[container.anchor] = node
        self._add_value(node)

    def _define_anchor(self, anchor: str, node: _Node) -> None:
        if anchor in self._anchors:
            self._problem(f"the anchor &{safe_key(anchor)} is given twice")
        self._anchors[anchor] = node

    def _alias(self, anchor: str) -> None:
        node = self._anchors.get(anchor)
        if node is None or node is _UNFINISHED:
            what = "stands inside what it stands for" if node else "names no anchor before it"
            self._problem(f"the alias *{safe_key(anchor)} {what}")
            node = _Node(None)
        self._count_nodes(node.size, node.height)
        self._add_value(node)

    def _in_key(self) -> bool:
        return bool(
            self._stack
            and isinstance(self._stack[-1].value, dict)
            and self._stack[-1].key is _NO_KEY
        )

    def _add_value(self, node: _Node) -> None:
        """Adds a finished value to the innermost container."""
        if not self._stack:
            self.root = node.value
            return
        inner = self._stack[-1]
        if self._in_key():
            inner.key = self._checked_key(inner.value, node.value)
            inner.size += 1
            return
        self.lines.setdefault(self._path(), self._line)
        if isinstance(inner.value, list):
            inner.value.append(node.value)
        elif isinstance(inner.key, str):
            inner.value[inner.key] = node.value
        elif inner.key is _MERGE_KEY:
            self._merge(inner, node.value)
        inner.key = _NO_KEY
        inner.size += node.size
        inner.height = max(inner.height, node.height)

    def _checked_key(self, mapping: Any, name: Any) -> str | _NoKey:
        if not isinstance(name, str):
            if isinstance(name, ValueTemplate | RemoveMark):
                self._problem("tags are for values: a key is plain text")
            elif not isinstance(name, dict | list):
                self._problem(f"the key {describe_value(name)} is not text: quote it")
            return _UNUSABLE_KEY
        if name in mapping:
            self._problem(f"the key {safe_key(name)!r} is given twice")
            return _UNUSABLE_KEY
        return name

    def _merge(self, inner: _OpenContainer, value: Any) -> None:
        given = value if isinstance(value, list) else [value]
        if not all(isinstance(mapping, dict) for mapping in given):
            self._problem("takes a mapping or a list of mappings", describe_value(value))
            return
        inner.merged += given


def scalar_value(text: str) -> Any:
    """The value of an unquoted scalar: null, a boolean, a number, or the text itself.

    Raises ValueError for a number that is not finite or has no 64 bits.
    """
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text[0] not in "+-.0123456789":
        return text
    if len(text) > _LONGEST_NUMBER and not text.strip("+-.0123456789_eE"):
        raise ValueError("is a number of too many digits: quote it if it is text")
    if _INT.fullmatch(text):
        return _integer(text.replace("_", ""))
    if _FLOAT.fullmatch(text):
        value = float(text.replace("_", "").lower().replace(".inf", "inf").replace(".nan", "nan"))
        if not math.isfinite(value):
            raise ValueError("is not a finite number: quote it if it is text")
        return value
    return text


def _integer(text: str) -> int:
    digits = text.lstrip("+-")
    base = {"0b": 2, "0x": 16}.get(digits[:2], 8 if digits[0] == "0" and digits != "0" else 10)
    value = -int(digits, base) if text[0] == "-" else int(digits, base)
    if not -(2**63) <= value < 2**63:
        raise ValueError("is a number beyond 64 bits: quote it if it is text")
    return value
