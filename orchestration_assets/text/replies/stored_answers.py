"""What of a service's own answer is not kept: credentials, and what else its task says.

An answer may repeat what it was shown, or what its service knows from elsewhere. What is taken out
before it is kept is in no cache, table, page or trace.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final

from orchestration_assets.schemas.answers import Answer
from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.items import Alternative, Reading, Task
from orchestration_assets.schemas.record_answers import FieldValue, RecordAnswer
from orchestration_assets.schemas.record_fields import PLAIN_ENTRY, FieldType, RecordField
from orchestration_assets.schemas.services import SensitiveKind
from orchestration_assets.text import redaction
from orchestration_assets.text.redaction import marks_in

ALWAYS: Final = (SensitiveKind.SECRET,)
"""What is taken out where a task does not say: who asks for mail addresses is to have them."""
_SHORT: Final = 256
_NUMBERS: Final = frozenset({AnswerKind.SCORE, AnswerKind.VECTOR})


def without_secrets(reading: Reading, task: Task) -> Reading:
    """The reading with marks in the place of what the task has taken out of answers.

    Equal values have equal marks, so that services that say the same go on agreeing. Labels of a
    closed set, numbers, dates and the names of fields stay.
    """
    kinds = taken_from(task.redact_answers)
    if not kinds:
        return reading
    answer = reading.answer
    if answer is not None and task.kind not in _NUMBERS:
        answer = _answer(answer, kinds, task)
    evidence = reading.evidence and mark(reading.evidence, kinds)
    reason = reading.reason and mark(reading.reason, kinds)
    others = reading.alternatives and tuple(
        other if other.answer in task.labels else _alternative(other, kinds)
        for other in reading.alternatives
    )
    # most readings hold nothing, and stay what they are
    if (answer, others, evidence, reason) == (
        reading.answer,
        reading.alternatives,
        reading.evidence,
        reading.reason,
    ):
        return reading
    return replace(reading, answer=answer, alternatives=others, evidence=evidence, reason=reason)


def text_without_secrets(text: str, task: Task) -> str:
    """Words about an answer, with marks as in :func:`without_secrets`."""
    kinds = taken_from(task.redact_answers)
    return mark(text, kinds) if kinds else text


def taken_from(redact_answers: Collection[SensitiveKind] | None) -> Collection[SensitiveKind]:
    """What is taken out of what services say about a task: what that declares, else credentials."""
    return ALWAYS if redact_answers is None else redact_answers


def taken_out(*texts: str | None) -> Mapping[str, int]:
    """How often something of each kind was taken out of an answer, from its texts."""
    return marks_in("\n".join(filter(None, texts)))


def mark(text: str, kinds: Collection[SensitiveKind]) -> str:
    """As :func:`orchestration_assets.text.redaction.mark` has it; short words are remembered:
    labels, and what services say of them, are the same for many items."""
    return redaction.mark(text, kinds) if len(text) > _SHORT else _short(text, tuple(kinds))


@lru_cache(maxsize=4_096)
def _short(text: str, kinds: tuple[SensitiveKind, ...]) -> str:
    return redaction.mark(text, kinds)


def _answer(answer: Answer, kinds: Collection[SensitiveKind], task: Task) -> Answer:
    if isinstance(answer, str):
        return answer if answer in task.labels else mark(answer, kinds)
    if isinstance(answer, RecordAnswer):
        marked = _record(answer, kinds, task.fields)
        quotes = tuple((path, mark(words, kinds)) for path, words in answer.quotes)
        return replace(marked, quotes=quotes)
    if isinstance(answer, tuple):
        # a tuple that is no vector holds texts
        members = (mark(str(one), kinds) if one not in task.labels else str(one) for one in answer)
        return tuple(dict.fromkeys(members))
    return answer


def _record(
    record: RecordAnswer, kinds: Collection[SensitiveKind], fields: Sequence[RecordField]
) -> RecordAnswer:
    """A date or a number is read as such: only what is text may hold anything else."""
    known = {field.name: field for field in fields}
    values = ((name, _value(value, kinds, known.get(name))) for name, value in record.values)
    return replace(record, values=tuple(values))


def _value(
    value: FieldValue, kinds: Collection[SensitiveKind], field: RecordField | None
) -> FieldValue:
    if isinstance(value, str):
        is_text = field is None or field.type is FieldType.TEXT
        return mark(value, kinds) if is_text else value
    if isinstance(value, tuple):
        entries = () if field is None else PLAIN_ENTRY if field.plain else field.fields
        return tuple(_record(entry, kinds, entries) for entry in value)
    return value


def _alternative(other: Alternative, kinds: Collection[SensitiveKind]) -> Alternative:
    return Alternative(mark(other.answer, kinds), other.confidence)
