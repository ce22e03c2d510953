"""How services over HTTP are asked for a record: the JSON schema, and its fields in words."""

from collections.abc import Sequence
from typing import Any, Final

from orchestration_assets.schemas.record_fields import FieldType, RecordField

_TYPES: Final = {
    FieldType.NUMBER: "number",
    FieldType.BOOLEAN: "boolean",
}
QUOTES: Final = {
    "type": ["array", "null"],
    "items": {
        "type": "object",
        "properties": {"path": {"type": "string"}, "quote": {"type": "string"}},
        "required": ["path", "quote"],
        "additionalProperties": False,
    },
}
"""The schema of the quotes that values rest on."""


def record_schema(fields: Sequence[RecordField]) -> dict[str, Any]:
    """The JSON schema of an object with these fields.

    Every field is a member of every answer, null where the content does not say: that is what
    strict structured output asks of schemas.
    """
    return {
        "type": "object",
        "properties": {field.name: _field_schema(field) for field in fields},
        "required": [field.name for field in fields],
        "additionalProperties": False,
    }


def _field_schema(field: RecordField) -> dict[str, Any]:
    schema: dict[str, Any]
    if field.type is FieldType.LIST:
        items = {"type": "string"} if field.plain else record_schema(field.fields)
        schema = {"type": ["array", "null"], "items": items}
    elif field.type is FieldType.LABEL and field.labels:
        schema = {"type": ["string", "null"], "enum": [*field.labels, None]}
    else:
        schema = {"type": [_TYPES.get(field.type, "string"), "null"]}
    described = _described(field)
    return {**schema, "description": described} if described else schema


def _described(field: RecordField) -> str:
    """What a field holds, beyond its type."""
    parts = [field.description] if field.description else []
    if field.type is FieldType.DATE:
        parts.append("as yyyy-mm-dd, yyyy-mm or yyyy")
    if field.unit:
        parts.append(f"in {field.unit}")
    return "; ".join(parts)


def fields_in_words(fields: Sequence[RecordField], indent: str = "") -> str:
    """The fields as lines of a prompt."""
    lines = []
    for field in fields:
        notes = [field.type.value, *(["required"] if field.required else [])]
        if field.labels:
            notes.append(f"one of: {', '.join(field.labels)}")
        if field.type is FieldType.LIST:
            notes[0] = "list of texts" if field.plain else "list of objects"
        described = _described(field)
        lines.append(
            f"{indent}- {field.name} ({', '.join(notes)}){f': {described}' if described else ''}"
        )
        if field.type is FieldType.LIST and not field.plain:
            lines.append(fields_in_words(field.fields, f"{indent}  "))
    return "\n".join(lines)


def record_request(fields: Sequence[RecordField], *, quotes: bool) -> str:
    """What is said after a prompt that does not name the fields itself."""
    asked = (
        'Answer with one JSON object with the members "answer" (an object with the fields below, '
        'null for what the content does not say; null as a whole to decline) and "confidence" '
        "(from 0 to 1)."
    )
    if quotes:
        asked += (
            ' Add a member "quotes": a list of objects with "path" (such as total or '
            'lines[0].amount) and "quote", the words of the content that the value rests on, '
            "exactly as they stand there."
        )
    return f"{asked}\nFields:\n{fields_in_words(fields)}"
