"""Frozen records made of their values, and changed, at a third of what their own class takes.

A frozen class sets its fields one by one through ``object.__setattr__``. A thawed class with the
same slots sets them directly, and then becomes the frozen one.
"""

from collections.abc import Callable, Mapping
from dataclasses import field, fields, make_dataclass
from functools import cache
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar, cast

Record = TypeVar("Record")


def constructor(record: type[Record]) -> Callable[..., Record]:
    """What makes a dataclass of its values, by place or name, with the defaults that it has.

    The class itself where it has no slots, or looks at its values when it is made.
    """
    kind: Any = record
    # in quotes: to make this type each time would take longer than all else
    return cast("Callable[..., Record]", _constructor(kind))


@cache
def _constructor(record: Any) -> Callable[..., Any]:
    if "__slots__" not in vars(record) or hasattr(record, "__post_init__"):
        return cast("Callable[..., Any]", record)

    def freeze(made: Any) -> None:
        made.__class__ = record

    columns = [
        (one.name, Any, field(default=one.default, default_factory=one.default_factory))
        for one in fields(record)
    ]
    thawed = {"__post_init__": freeze}
    return make_dataclass(record.__name__, columns, namespace=thawed, slots=True)


def replaced(record: Record, **changes: Any) -> Record:
    """As :func:`dataclasses.replace` does it, for a record all of whose fields are given when it is
    made. Raises KeyError for a field that it does not have."""
    kind: Any = type(record)
    parts = _parts(kind)
    values = list(parts.read(record))
    for name, value in changes.items():
        values[parts.places[name]] = value
    return cast(Record, parts.make(*values))


class _Parts(NamedTuple):
    make: Callable[..., Any]
    read: Callable[[Any], tuple[Any, ...]]
    places: Mapping[str, int]


@cache
def _parts(record: Any) -> _Parts:
    names = [one.name for one in fields(record)]
    if len(names) == 1:
        (name,) = names
        return _Parts(constructor(record), lambda one: (getattr(one, name),), {name: 0})
    places = {name: place for place, name in enumerate(names)}
    return _Parts(constructor(record), attrgetter(*names), places)
