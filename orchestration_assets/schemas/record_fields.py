"""The fields of a structured answer, as a task declares them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class FieldType(StrEnum):
    """What one field of a structured answer holds.

    ``number`` is a finite number in the declared unit, ``date`` an ISO 8601 date of which the day,
    or month and day, may be missing (``2026``, ``2026-03``, ``2026-03-05``).
    """

    LABEL = "label"
    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    BOOLEAN = "boolean"
    LIST = "list"


ENTRY: Final = "[]"
"""The one field of an entry of a list of plain texts: no name that a task can declare."""


@dataclass(frozen=True, slots=True)
class RecordField:
    """One field: what it holds, and when two values of it are the same.

    ``labels`` is the closed set of a label, if there is one. Two numbers are the same up to
    ``tolerance``, in ``unit``. A ``list`` has entries with ``fields`` of their own; where
    ``plain``, entries are texts, held as records with the one field :data:`ENTRY`.
    """

    name: str
    type: FieldType
    required: bool = False
    description: str = ""
    labels: tuple[str, ...] = ()
    unit: str = ""
    tolerance: float = 0.0
    fields: tuple["RecordField", ...] = ()
    plain: bool = False


PLAIN_ENTRY: Final = (RecordField(ENTRY, FieldType.TEXT, required=True),)


def patterns(fields: Sequence[RecordField], before: str = "") -> Iterator[tuple[str, RecordField]]:
    """Every field with the pattern of its paths: ``total``, ``lines[].amount``, ``people[]``.

    A list comes before the fields of its entries; that of plain texts has one pattern, its own.
    """
    for field in fields:
        path = f"{before}.{field.name}" if before else field.name
        yield path, field
        if field.type is FieldType.LIST and not field.plain:
            yield from patterns(field.fields, f"{path}[]")
