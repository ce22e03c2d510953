"""Rewrites the text of a policy file from an old version of the format to the present one.

Only what changed is rewritten, in its place: comments, layout, quotes and anchors stay as they are,
byte for byte. A round trip through any YAML library would lay out the rest anew.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import yaml

from orchestration_assets.policy.formats import CURRENT, OLD, RENAMED, upgraded_values
from orchestration_assets.policy.marks import RemoveMark, ReplacingMapping, ValueTemplate
from orchestration_assets.policy.problems import Problem
from orchestration_assets.policy.source_text import read_policy_text
from orchestration_assets.policy.yaml_text import YamlError, read_yaml

_VERSION: Final = ("version",)


@dataclass(frozen=True, slots=True)
class Change:
    """One place that was rewritten: line from 1 on, text before and after."""

    line: int
    before: str
    after: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.before} is now {self.after}"


@dataclass(frozen=True, slots=True)
class Migration:
    """A text in the present format, and what was rewritten; nothing where it was already."""

    text: str
    changes: tuple[Change, ...]


class MigrationError(ValueError):
    """A text cannot be rewritten; ``problems`` say why."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(" | ".join(map(str, problems)))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class _Place:
    """A scalar of the text: the path that it is the key or the value of, and where it stands."""

    path: tuple[str, ...]
    is_key: bool
    start: int
    end: int
    line: int
    written: str


def migrate(text: str) -> Migration:
    """The text in the present format. Raises MigrationError where it is no policy of a known one.

    Values that no policy can hold are no hindrance: they are kept, and told when it is checked.
    """
    read = read_policy_text(text, "file")
    blocking = tuple(one for one in read.problems if one.path in ("", *_VERSION))
    if read.root is None or blocking:
        raise MigrationError(read.problems if read.root is None else blocking)
    if read.version not in OLD:
        return Migration(text, ())
    edits = sorted(_edits(text), key=lambda edit: edit[0].start)
    rewritten, at = [], 0
    changes = []
    for place, new in edits:
        rewritten += [text[at : place.start], new]
        at = place.end
        what = "" if place.is_key else "version "
        changes.append(Change(place.line, what + place.written, new))
    rewritten.append(text[at:])
    done = Migration("".join(rewritten), tuple(changes))
    _require_same(text, done.text)
    return done


def _edits(text: str) -> Iterator[tuple[_Place, str]]:
    for place in _scalars(text):
        if place.path == _VERSION and not place.is_key:
            yield place, str(CURRENT)
        elif place.is_key and place.path in RENAMED:
            # quotes around the key stay
            yield place, place.written.replace(place.path[-1], RENAMED[place.path])


def _require_same(before: str, after: str) -> None:
    """Raises MigrationError unless both texts say the same, each in its format."""
    try:
        expected = upgraded_values(_comparable(read_yaml(before).value))
        if _comparable(read_yaml(after).value) == expected:
            return
    except YamlError as error:
        raise MigrationError((error.problem,)) from error
    message = (
        f"cannot be rewritten key by key, perhaps because of anchors or merged mappings: write "
        f"version: {CURRENT} and these names yourself: "
        + ", ".join(f"{'.'.join(path)} is {name}" for path, name in RENAMED.items())
    )
    raise MigrationError((Problem("", "", message),))


def _comparable(value: Any) -> Any:
    """Plain values; marks as they are, since equal ones are equal."""
    if isinstance(value, ReplacingMapping):
        return {"!replace": {name: _comparable(one) for name, one in value.items()}}
    if isinstance(value, dict):
        return {name: _comparable(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_comparable(one) for one in value]
    return str(value) if isinstance(value, ValueTemplate | RemoveMark) else value


def _scalars(text: str) -> Iterator[_Place]:
    """Every scalar with its path; the text is known to be within the limits of a policy."""
    stack: list[_Open] = []
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        around = stack[-1] if stack else None
        is_key = around is not None and around.is_mapping and around.key is None
        if isinstance(event, yaml.ScalarEvent):
            path = _path(around, event.value if is_key else None)
            begin, finish = event.start_mark, event.end_mark
            # events that were read from a text have both
            assert begin is not None and finish is not None
            written = text[begin.index : finish.index]
            yield _Place(path, is_key, begin.index, finish.index, begin.line + 1, written)
            _advance(around, is_key, event.value)
        elif isinstance(event, yaml.AliasEvent):
            _advance(around, is_key, _UNNAMED)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            path = _path(around, _UNNAMED if is_key else None)
            stack.append(_Open(path, isinstance(event, yaml.MappingStartEvent), is_key))
        elif isinstance(event, yaml.CollectionEndEvent):
            ended = stack.pop()
            _advance(stack[-1] if stack else None, ended.is_key, _UNNAMED)


_UNNAMED: Final = "?"
"""Stands for a key that is no text, in whose value nothing is rewritten."""


@dataclass(slots=True)
class _Open:
    """A container that is being read, and the key in it whose value comes next."""

    path: tuple[str, ...]
    is_mapping: bool
    is_key: bool
    key: str | None = None


def _path(around: _Open | None, key: str | None) -> tuple[str, ...]:
    if around is None:
        return ()
    return (*around.path, (key or around.key or _UNNAMED) if around.is_mapping else "[]")


def _advance(around: _Open | None, is_key: bool, key: str) -> None:
    if around is not None and around.is_mapping:
        around.key = key if is_key else None
