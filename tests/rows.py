"""Rows of tables of which a test says only what it is about."""

from dataclasses import fields
from datetime import UTC, datetime
from enum import Enum
from types import NoneType
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

Record = TypeVar("Record")


def row(record: type[Record], **given: Any) -> Record:
    """The record with the fields given; all others are empty."""
    hints = get_type_hints(record, include_extras=True)
    names = [field.name for field in fields(record)]
    return record(**{name: given.pop(name, _empty(hints[name])) for name in names}, **given)


def _empty(hint: Any) -> Any:
    arguments = get_args(hint)
    if get_origin(hint) is Annotated:
        return _empty(arguments[0])
    if NoneType in arguments:
        return None
    if get_origin(hint) is tuple:
        return ()
    if hint is datetime:
        return datetime(1970, 1, 1, tzinfo=UTC)
    return next(iter(hint)) if issubclass(hint, Enum) else hint()
