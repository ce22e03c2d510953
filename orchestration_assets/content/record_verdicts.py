"""Verdicts about records: what people say of single fields, as JSON or one ``field: value`` a line.

Only the fields that are named are judged. A field without a value (``total: none``, null) is said
to have none. A list is given as a whole, as JSON.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from orchestration_assets.schemas.record_answers import FieldValue, RecordAnswer
from orchestration_assets.schemas.record_fields import FieldType, RecordField
from orchestration_assets.text.replies.record_values import FieldValueError, read_field

_PAIR: Final = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*[:=]\s*(.*?)\s*", re.DOTALL)
_BETWEEN: Final = re.compile(r"[;\n]")


class RecordVerdictError(ValueError):
    """A verdict that judges no field of the task; the message has the remedy."""


def read_record_verdict(given: Any, fields: Sequence[RecordField]) -> RecordAnswer:
    """What a verdict says: the values of the fields it names, and those without one as ``absent``.

    Raises RecordVerdictError.
    """
    named = {field.name: field for field in fields}
    said = given if isinstance(given, Mapping) else _parsed(given, named)
    if not said or (strangers := [name for name in said if name not in named]):
        wrong = f"{strangers[0]!r} is no field of the task" if said else "names no field"
        raise RecordVerdictError(
            f'{wrong}: write {{"{fields[0].name}": ...}} or {fields[0].name}: ..., with fields '
            f"among {', '.join(named)}"
        )
    values: list[tuple[str, FieldValue]] = []
    absent: list[str] = []
    for field in fields:
        if field.name not in said:
            continue
        try:
            value = read_field(said[field.name], field)
        except FieldValueError as error:
            raise RecordVerdictError(str(error)) from error
        if value is None:
            absent.append(field.name)
        else:
            values.append((field.name, value))
    return RecordAnswer(tuple(values), absent=tuple(absent))


def _parsed(given: Any, named: Mapping[str, RecordField]) -> dict[str, Any]:
    text = given.strip() if isinstance(given, str) else ""
    if text.startswith("{"):
        try:
            said = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise RecordVerdictError(f"is no JSON object ({error})") from error
        return dict(said)
    said = {}
    for part in filter(str.strip, _BETWEEN.split(text)):
        match = _PAIR.fullmatch(part)
        if match is None:
            raise RecordVerdictError(
                f"{part.strip()[:40]!r} is no field with a value: write one field: value a line, "
                "or a JSON object"
            )
        field = named.get(match[1])
        if field is not None and field.type is FieldType.LIST and match[2]:
            raise RecordVerdictError(
                f"{match[1]} is a list: give it as a JSON object, "
                f'{{"{match[1]}": {"[...]" if field.plain else "[{...}]"}}}'
            )
        said[match[1]] = match[2]
    return said


def merged(verdicts: Iterable[RecordAnswer]) -> RecordAnswer:
    """What several verdicts about one record say together, oldest first: of each field, the latest
    that judges it."""
    said: dict[str, FieldValue | None] = {}
    for verdict in verdicts:
        said |= dict.fromkeys(verdict.absent) | dict(verdict.values)
    return RecordAnswer(
        tuple((name, value) for name, value in said.items() if value is not None),
        absent=tuple(name for name, value in said.items() if value is None),
    )
