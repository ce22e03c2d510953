"""Rules that the values of a record must keep, and which of them a record violates."""

from collections.abc import Mapping, Sequence
from typing import Any

from orchestration_assets.schemas.items import Task, ValueRule
from orchestration_assets.schemas.record_answers import RecordAnswer, is_plain_entry
from orchestration_assets.schemas.record_fields import ENTRY, FieldType, RecordField
from orchestration_assets.text.expressions import expression


def violated_rules(record: RecordAnswer, task: Task) -> tuple[ValueRule, ...]:
    """The rules of the task that the record violates; those that read a value which it lacks say
    nothing."""
    if not task.value_rules:
        return ()
    values = rule_values(record, task.fields)
    return tuple(rule for rule in task.value_rules if expression(rule.rule).holds(values) is False)


def in_words(rule: ValueRule, record: RecordAnswer, task: Task) -> str:
    """A violated rule with what it compares, and why it was made."""
    sides = expression(rule.rule).sides(rule_values(record, task.fields))
    told = f" ({sides})" if sides else ""
    because = f": {rule.because}" if rule.because else ""
    return f"{rule.rule}{told}{because}"


def rule_values(record: RecordAnswer, fields: Sequence[RecordField]) -> Mapping[str, Any]:
    """What rules read: single values by name, the values of a field of all entries under
    ``lines.amount``, and lists themselves, for their length."""
    values: dict[str, Any] = {}
    for field in fields:
        value = record.get(field.name)
        if not isinstance(value, tuple):
            values[field.name] = value
            continue
        values[field.name] = [
            entry.get(ENTRY) if is_plain_entry(entry) else entry for entry in value
        ]
        for part in field.fields if not field.plain else ():
            if part.type is not FieldType.LIST:
                given = [entry.get(part.name) for entry in value]
                values[f"{field.name}.{part.name}"] = [one for one in given if one is not None]
    return values


def rule_names(fields: Sequence[RecordField]) -> frozenset[str]:
    """The names that rules about these fields may read."""
    return frozenset({field.name for field in fields} | list_names(fields))


def list_names(fields: Sequence[RecordField]) -> frozenset[str]:
    """Those of the names that have several values: lists, and fields of their entries."""
    lists = [field for field in fields if field.type is FieldType.LIST]
    inside = {
        f"{field.name}.{part.name}"
        for field in lists
        if not field.plain
        for part in field.fields
        if part.type is not FieldType.LIST
    }
    return frozenset({field.name for field in lists} | inside)
