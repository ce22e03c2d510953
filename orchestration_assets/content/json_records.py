"""One line of a JSON Lines file as its columns."""

import json
from functools import cache
from typing import Any, Final

from orchestration_assets.content.record_values import HugeInteger

# beyond so many digits Python takes no integer, for the time that it would need
_DIGITS: Final = 4000


class RepeatedKeyError(Exception):
    """A column stands twice in one object; which of them is meant nobody can say."""


class _Object(dict[str, Any]):
    """A JSON object that knows which of its keys were written twice."""

    repeated: frozenset[str] = frozenset()


def _integer(digits: str) -> int | HugeInteger:
    return int(digits) if len(digits) <= _DIGITS else HugeInteger(digits)


def _object(pairs: list[tuple[str, Any]]) -> _Object:
    found = _Object(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        found.repeated = frozenset(name for name in found if names.count(name) > 1)
    return found


_DECODER: Final = json.JSONDecoder(parse_int=_integer)
_COUNTING: Final = json.JSONDecoder(parse_int=_integer, object_pairs_hook=_object)


@cache
def _quoted(columns: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(json.dumps(name, ensure_ascii=False) for name in columns)


def json_columns(line: bytes, columns: tuple[str, ...]) -> dict[str, Any] | None:
    """The object in a line; None when it is no object.

    Raises ValueError or RecursionError for what is no JSON, UnicodeDecodeError for what is no
    UTF-8, and RepeatedKeyError when one of the columns is there twice.
    """
    text = line.decode("utf-8").removeprefix("\ufeff")
    # only where a name may stand twice is the slow way worth its time
    slow = any(text.count(name) > 1 for name in _quoted(columns))
    found = (_COUNTING if slow else _DECODER).decode(text)
    if isinstance(found, _Object) and (twice := found.repeated & set(columns)):
        raise RepeatedKeyError(f"the key {min(twice)!r} is there more than once: keep one")
    return found if isinstance(found, dict) else None
