"""The facts that the answer of a task states of a message."""

from collections.abc import Iterator
from itertools import islice
from typing import Final

from orchestration_assets.schemas.answers import Answer
from orchestration_assets.schemas.conversations import Fact, Message
from orchestration_assets.schemas.record_answers import (
    FieldValue,
    RecordAnswer,
    is_plain_entry,
    record_text,
)
from orchestration_assets.text.sentences import one_line

MOST_FACTS: Final = 100
"""Facts that one message may state: an answer is no more to be trusted than the message is."""
_MOST_CHARS: Final = 400
_SUBJECT, _ATTRIBUTE, _VALUE = "subject", "attribute", "value"
_PARTS: Final = frozenset({_SUBJECT, _ATTRIBUTE, _VALUE})

_Stated = tuple[str, str, str]
"""Subject, attribute and value."""


def facts_stated(answer: Answer | None, message: Message, task: str) -> tuple[Fact, ...]:
    """The facts of an answer of kind record or set to ``task`` about a message; none of others.

    Of a record each field with a value is a fact: the field is the attribute. An entry of a list is
    a fact by its fields ``subject``, ``attribute`` and ``value``; where it has no ``value``, each
    of its fields is one. ``subject`` names what the facts beside it are about; where it is missing
    that is the conversation as a whole, so that a later answer replaces the value of the same
    field. A member of a set is ``attribute: value``, or without a colon a fact of its own, that
    nothing replaces.
    """
    found = islice(_stated(answer, task), MOST_FACTS)
    return tuple(
        Fact(subject, attribute, value, message.number, message.item_id, task)
        for subject, attribute, value in (tuple(map(_short, one)) for one in found)
        if value
    )


def _stated(answer: Answer | None, task: str) -> Iterator[_Stated]:
    if isinstance(answer, RecordAnswer):
        yield from _of_record(answer, "", "")
    elif isinstance(answer, tuple):
        for member in answer:
            attribute, colon, value = str(member).partition(":")
            if colon and attribute.strip() and value.strip():
                yield "", attribute, value
            else:
                yield "", f"{task} {member}", str(member)


def _of_record(record: RecordAnswer, about: str, attribute: str) -> Iterator[_Stated]:
    """The facts of a record, or of an entry of the list that is called ``attribute``."""
    subject = _text(record.get(_SUBJECT)) or about
    value = record.get(_VALUE)
    if attribute and value is not None:
        yield subject, _text(record.get(_ATTRIBUTE)) or attribute, _text(value)
        return
    for name, held in record.values:
        if name in _PARTS and (name != _VALUE or attribute):
            continue
        if not isinstance(held, tuple):
            yield subject, name, _text(held)
        elif all(map(is_plain_entry, held)):
            yield subject, name, ", ".join(_text(one.values[0][1]) for one in held)
        else:
            for entry in held:
                yield from _of_record(entry, subject, name)


def _text(value: FieldValue | None) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.15g}"
    return value if isinstance(value, str) else "; ".join(map(record_text, value))


def _short(text: str) -> str:
    return one_line(text)[:_MOST_CHARS].strip()
