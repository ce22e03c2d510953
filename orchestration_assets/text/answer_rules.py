"""Rules that an answer must keep, and which of them it violates: expressions over its values and
over the answers to tasks before it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from orchestration_assets.schemas.answers import Answer
from orchestration_assets.schemas.comparisons import ANSWERS
from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.items import Task, ValueRule
from orchestration_assets.schemas.record_answers import RecordAnswer, is_plain_entry
from orchestration_assets.schemas.record_fields import ENTRY, FieldType, RecordField
from orchestration_assets.text.expressions import expression

OWN: Final = "answer"
"""The name of an answer that has no fields."""

OtherAnswers = Sequence[tuple[str, Answer | None]]
"""Tasks that are answered before, each with what stands of it."""


def violated_rules(answer: Answer, task: Task, others: OtherAnswers = ()) -> tuple[ValueRule, ...]:
    """The expressions of the task that the answer violates; those that read a value which is
    missing say nothing, and neither do those that a service is asked about."""
    rules = [rule for rule in task.value_rules if not rule.asks]
    if not rules:
        return ()
    values = rule_values(answer, task, others)
    return tuple(rule for rule in rules if expression(rule.rule).holds(values) is False)


def in_words(rule: ValueRule, answer: Answer, task: Task, others: OtherAnswers = ()) -> str:
    """A violated rule with what it compares, and why it was made."""
    sides = expression(rule.rule).sides(rule_values(answer, task, others))
    told = f" ({sides})" if sides else ""
    because = f": {rule.because}" if rule.because else ""
    return f"{rule.rule}{told}{because}"


def rule_values(answer: Answer, task: Task, others: OtherAnswers = ()) -> Mapping[str, Any]:
    """What rules read.

    Of a record single values by name, the values of a field of all entries under
    ``lines.amount``, and lists themselves, for their length; any other answer under ``answer``, and
    the answers to other tasks likewise under ``answers.TASK``.
    """
    values: dict[str, Any] = {}
    for name, other in others:
        whole = f"{ANSWERS}{name}"
        if isinstance(other, RecordAnswer):
            of_other = _values_of_record(other, _given_parts(other))
            values |= {f"{whole}.{inside}": value for inside, value in of_other.items()}
        else:
            values[whole] = _plain(other)
    if isinstance(answer, RecordAnswer):
        return values | _values_of_record(answer, _declared_parts(task.fields))
    return values | {OWN: _plain(answer)}


_Parts = Mapping[str, Sequence[str]]
"""List -> the fields of its entries that have a name of their own."""


def _values_of_record(record: RecordAnswer, parts: _Parts) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in record.values:
        if not isinstance(value, tuple):
            values[name] = value
            continue
        values[name] = [entry.get(ENTRY) if is_plain_entry(entry) else entry for entry in value]
        for part in parts.get(name, ()):
            given = [entry.get(part) for entry in value]
            values[f"{name}.{part}"] = [one for one in given if one is not None]
    return values


def _declared_parts(fields: Sequence[RecordField]) -> _Parts:
    return {
        field.name: [one.name for one in field.fields if one.type is not FieldType.LIST]
        for field in fields
        if field.type is FieldType.LIST and not field.plain
    }


def _given_parts(record: RecordAnswer) -> _Parts:
    return {
        name: list(dict.fromkeys(part for entry in value for part, _ in entry.values))
        for name, value in record.values
        if isinstance(value, tuple) and not all(map(is_plain_entry, value))
    }


def _plain(answer: Answer | None) -> Any:
    return list(answer) if isinstance(answer, tuple) else answer


def rule_names(task: Task) -> frozenset[str]:
    """The names of the values that an answer to the task has."""
    return _names(task.kind, task.fields, "")


def list_names(task: Task) -> frozenset[str]:
    """Those of the names that have several values: sets, lists, and fields of their entries."""
    return _lists(task.kind, task.fields, "")


@dataclass(frozen=True, slots=True)
class RuleNames:
    """The names that rules may read; which of them have several values, and which are true or
    false, so that they may stand alone."""

    all: frozenset[str]
    lists: frozenset[str]
    truths: frozenset[str]


def names_after(task: Task, before: Iterable[Task]) -> RuleNames:
    """The names that rules of a task may read, those of the tasks before it among them."""
    given = [(task, ""), *((other, f"{ANSWERS}{other.name}") for other in before)]
    names, lists, truths = (
        frozenset(name for one, begin in given for name in of(one.kind, one.fields, begin))
        for of in (_names, _lists, _truths)
    )
    return RuleNames(names, lists, truths)


def reads_others(task: Task) -> bool:
    """Whether rules of the task may read answers to other tasks."""
    own = rule_names(task)
    rules = [expression(rule.rule) for rule in task.value_rules if not rule.asks]
    return any(name.startswith(ANSWERS) for rule in rules for name in rule.names - own)


def _names(kind: AnswerKind, fields: Sequence[RecordField], begin: str) -> frozenset[str]:
    if kind is not AnswerKind.RECORD:
        return frozenset() if kind is AnswerKind.VECTOR else frozenset({begin or OWN})
    return frozenset({_joined(begin, field.name) for field in fields}) | _lists(kind, fields, begin)


def _lists(kind: AnswerKind, fields: Sequence[RecordField], begin: str) -> frozenset[str]:
    if kind is AnswerKind.SET:
        return frozenset({begin or OWN})
    lists = [field for field in fields if field.type is FieldType.LIST]
    inside = {
        _joined(begin, f"{field.name}.{part.name}")
        for field in lists
        if not field.plain
        for part in field.fields
        if part.type is not FieldType.LIST
    }
    return frozenset({_joined(begin, field.name) for field in lists} | inside)


def _truths(kind: AnswerKind, fields: Sequence[RecordField], begin: str) -> frozenset[str]:
    if kind is not AnswerKind.RECORD:
        return frozenset()
    return frozenset(
        _joined(begin, field.name) for field in fields if field.type is FieldType.BOOLEAN
    )


def _joined(begin: str, name: str) -> str:
    return f"{begin}.{name}" if begin else name
