"""YAML text to plain values, event by event: no value is built beyond the limits.

The parser's own composer calls itself for every level, in C, and ends the process where a text
nests deep enough; its events come one after the other. They are put together here under limits
on depth and number, and an alias counts as what it stands for. Scalars are the JSON kinds as
YAML 1.1 writes them; times and sexagesimal numbers stay text.
"""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from orchestration_assets.policy.problems import Problem, dotted, found, key

MAX_DEPTH: Final = 64
MAX_NODES: Final = 50_000
_MAX_DIRECTIVES: Final = 20
_DIRECTIVE: Final = re.compile(r"^%", re.MULTILINE)
_PREFIX: Final = "tag:yaml.org,2002:"
_MERGE: Final = "<<"
_LONGEST_NUMBER: Final = 400

_INT: Final = re.compile(
    r"[-+]?(?:0b[01_]*[01]_*|0x[0-9a-fA-F_]*[0-9a-fA-F]_*|0_*[0-7][0-7_]*|0|[1-9][0-9_]*)"
)
_FLOAT: Final = re.compile(
    r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?"
    r"|\.(?:inf|Inf|INF))|\.(?:nan|NaN|NAN)"
)
_WORDS: Final[dict[str, bool | None]] = {
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
    """What a text holds; ``problems`` are the values in it that no policy can hold.

    ``lines`` maps the path of every value to its line, from 1 on; it is empty unless asked for.
    """

    value: Any
    problems: tuple[Problem, ...]
    lines: dict[tuple[int | str, ...], int]


@dataclass(slots=True)
class _Node:
    """A finished value: how many nodes it counts for, and how many levels lie below it."""

    value: Any
    size: int = 1
    height: int = 0


class _NoKey:
    """No key was read yet; or it cannot be used, and its value is read and dropped."""


_NONE: Final = _NoKey()
_DROPPED: Final = _NoKey()
_MERGED: Final = _NoKey()
_OPEN: Final = _Node(None)


@dataclass(slots=True)
class _Open:
    """A mapping or list that is being read."""

    value: dict[str, Any] | list[Any]
    step: int | str
    anchor: str | None
    key: str | _NoKey = _NONE
    merged: list[dict[str, Any]] = field(default_factory=list)
    size: int = 1
    height: int = 0


def read_yaml(text: str, *, lines: bool = False) -> Document:
    """The one document of a text. Raises YamlError."""
    if len(_DIRECTIVE.findall(text)) > _MAX_DIRECTIVES:
        raise YamlError(Problem("", "", "has more than 20 lines that start with %"))
    reader = _Reader(lines)
    try:
        reader.take(yaml.parse(text, Loader=yaml.CSafeLoader))
    except UnicodeEncodeError as error:
        raise YamlError(Problem("", "", "holds half a surrogate pair: save it as UTF-8")) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        reason = getattr(error, "problem", None) or getattr(error, "reason", None)
        words = reason if isinstance(reason, str) else "it cannot be parsed"
        raise YamlError(Problem(where, "", f"not valid YAML: {words}")) from error
    return Document(reader.root, tuple(reader.problems), reader.lines)


class _Reader:
    """Puts events together. The stack is a list, so depth costs nothing but memory."""

    def __init__(self, lines: bool) -> None:
        self.root: Any = None
        self.problems: list[Problem] = []
        self.lines: dict[tuple[int | str, ...], int] = {}
        self._keeps_lines = lines
        self._stack: list[_Open] = []
        self._anchors: dict[str, _Node] = {}
        self._nodes = 0
        self._documents = 0
        self._line = 0

    def take(self, events: Iterable[Any]) -> None:
        """Reads all events. Raises YamlError."""
        for event in events:
            self._line = event.start_mark.line + 1
            if isinstance(event, yaml.ScalarEvent):
                self._scalar(event)
            elif isinstance(event, yaml.MappingStartEvent):
                self._open(event, {}, "map")
            elif isinstance(event, yaml.SequenceStartEvent):
                self._open(event, [], "seq")
            elif isinstance(event, yaml.CollectionEndEvent):
                self._close()
            elif isinstance(event, yaml.AliasEvent):
                self._alias(event.anchor or "")
            elif isinstance(event, yaml.DocumentStartEvent):
                self._documents += 1
                if self._documents > 1:
                    raise self._error("a second document starts here: a policy is one document")

    def _path(self) -> tuple[int | str, ...]:
        """Where the next value will stand."""
        if not self._stack:
            return ()
        inner = self._stack[-1]
        steps = [one.step for one in self._stack[1:]]
        if isinstance(inner.value, list):
            return (*steps, len(inner.value))
        if inner.key is _MERGED:
            return (*steps, _MERGE)
        return (*steps, inner.key) if isinstance(inner.key, str) else tuple(steps)

    def _error(self, message: str) -> YamlError:
        return YamlError(Problem(dotted(self._path()), "", message, line=self._line))

    def _problem(self, message: str, value: str = "") -> None:
        path = dotted(self._path())
        self.problems.append(Problem(path, value, message, line=self._line))

    def _count(self, nodes: int, height: int) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            raise self._error(
                f"holds more than {MAX_NODES} values, each alias counted as what it stands for"
            )
        if len(self._stack) + height > MAX_DEPTH:
            raise self._error(f"nests deeper than {MAX_DEPTH} levels")

    def _scalar(self, event: Any) -> None:
        self._count(1, 0)
        if event.value == _MERGE and event.implicit[0] and self._in_key() and not event.anchor:
            self._stack[-1].key = _MERGED
            return
        node = _Node(self._value(event))
        if event.anchor is not None:
            self._name(event.anchor, node)
        self._attach(node)

    def _value(self, event: Any) -> Any:
        """The value of a scalar; None, with a problem, where it has none."""
        text, tag = event.value, event.tag
        if tag is None or tag == "!":
            if not event.implicit[0]:
                return text
        elif tag == f"{_PREFIX}str":
            return text
        elif tag not in {f"{_PREFIX}{kind}" for kind in ("null", "bool", "int", "float")}:
            self._foreign(tag)
            return None
        try:
            value = plain(text)
        except ValueError as error:
            self._problem(str(error))
            return None
        if tag not in (None, "!") and isinstance(value, str):
            self._problem("is not what its tag says: leave the tag out")
        return value

    def _foreign(self, tag: str) -> None:
        short = tag.replace(_PREFIX, "!!", 1)
        self._problem(f"not valid YAML here: the tag {key(short)} is not known; leave it out")

    def _open(self, event: Any, value: dict[str, Any] | list[Any], kind: str) -> None:
        self._count(1, 1)
        if event.tag not in (None, "!", f"{_PREFIX}{kind}"):
            self._foreign(event.tag)
        if self._in_key():
            self._problem("a key must be text, not a list or mapping")
            # what follows the key on this level belongs to a key that cannot be used
            step: int | str = "?"
        else:
            path = self._path()
            step = path[-1] if path else ""
        if event.anchor is not None:
            self._name(event.anchor, _OPEN)
        if self._keeps_lines and not self._in_key():
            self.lines.setdefault(self._path(), self._line)
        self._stack.append(_Open(value, step, event.anchor))

    def _close(self) -> None:
        done = self._stack.pop()
        value = done.value
        if isinstance(value, dict) and done.merged:
            merged: dict[str, Any] = {}
            for one in reversed(done.merged):
                merged |= one
            value = merged | value
        node = _Node(value, done.size, done.height + 1)
        if done.anchor is not None:
            self._anchors[done.anchor] = node
        self._attach(node)

    def _name(self, anchor: str, node: _Node) -> None:
        if anchor in self._anchors:
            self._problem(f"the anchor &{key(anchor)} is given twice")
        self._anchors[anchor] = node

    def _alias(self, anchor: str) -> None:
        node = self._anchors.get(anchor)
        if node is None or node is _OPEN:
            what = "stands inside what it stands for" if node else "names no anchor before it"
            self._problem(f"the alias *{key(anchor)} {what}")
            node = _Node(None)
        self._count(node.size, node.height)
        self._attach(node)

    def _in_key(self) -> bool:
        return bool(
            self._stack and isinstance(self._stack[-1].value, dict) and self._stack[-1].key is _NONE
        )

    def _attach(self, node: _Node) -> None:
        """Puts a finished value where it belongs."""
        if not self._stack:
            self.root = node.value
            return
        inner = self._stack[-1]
        if self._in_key():
            inner.key = self._usable(inner.value, node.value)
            inner.size += 1
            return
        if self._keeps_lines:
            self.lines.setdefault(self._path(), self._line)
        if isinstance(inner.value, list):
            inner.value.append(node.value)
        elif isinstance(inner.key, str):
            inner.value[inner.key] = node.value
        elif inner.key is _MERGED:
            self._merge(inner, node.value)
        inner.key = _NONE
        inner.size += node.size
        inner.height = max(inner.height, node.height)

    def _usable(self, known: Any, name: Any) -> str | _NoKey:
        if not isinstance(name, str):
            if not isinstance(name, dict | list):
                self._problem(f"the key {found(name)} is not text: quote it")
            return _DROPPED
        if name in known:
            self._problem(f"the key {key(name)!r} is given twice")
            return _DROPPED
        return name

    def _merge(self, inner: _Open, value: Any) -> None:
        given = value if isinstance(value, list) else [value]
        if not all(isinstance(one, dict) for one in given):
            self._problem("takes a mapping or a list of mappings", found(value))
            return
        inner.merged += given


def plain(text: str) -> Any:
    """The value of an unquoted scalar: null, a boolean, a number, or the text itself.

    Raises ValueError for a number that is not finite or has no 64 bits.
    """
    if text in _WORDS:
        return _WORDS[text]
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
