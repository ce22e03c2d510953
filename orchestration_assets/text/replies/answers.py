"""The JSON schema of an answer, and the tolerant parser of a model's reply to it."""

import re
import unicodedata
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from typing import Any, Final

from orchestration_assets.schemas.answers import Answer, shown
from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.items import Alternative, Reading, Task
from orchestration_assets.schemas.record_answers import RecordAnswer
from orchestration_assets.schemas.storable_values import whole_text
from orchestration_assets.text.replies.answer_text import (
    NO_JSON,
    AnswerText,
    final_answer,
    is_answer_tool,
    unframed_forms,
)
from orchestration_assets.text.replies.completions import FILTERED, REFUSAL, TRUNCATED, Completion
from orchestration_assets.text.replies.record_schema import QUOTES, record_schema
from orchestration_assets.text.replies.record_values import FieldValueError, read_record
from orchestration_assets.text.replies.stated_reasons import before_reason, stated_reason
from orchestration_assets.text.replies.token_confidence import confidence_from_logprobs

_LONGEST_ANSWER: Final = 4000
_MOST_MEMBERS: Final = 100
_LONGEST_REASON: Final = 200
SELF_REPORTED: Final = "self-reported confidence"
FROM_PERCENT: Final = "self-reported confidence, read from percent"
FROM_LOGPROBS: Final = "confidence from token probabilities"
UNSTATED: Final = "no confidence stated"
_ORIGINS: Final = frozenset({SELF_REPORTED, FROM_PERCENT, FROM_LOGPROBS, UNSTATED})
_BEFORE_ORIGIN: Final = "; "


_ANSWER: Final = "answer"
_BESIDE: Final = frozenset({"confidence", "quotes"})


class UnfitAnswerError(ValueError):
    """The model's text is not an answer to the task; the message tells the model why."""


def schema_for(task: Task) -> dict[str, Any]:
    """The JSON schema of an answer: ``answer``, null to abstain, and ``confidence``.

    Every member says its type, beside an enumeration too: some services refuse one without.
    """
    answer: dict[str, Any]
    if task.kind is AnswerKind.LABEL and task.labels:
        answer = {"type": ["string", "null"], "enum": [*task.labels, None]}
    elif task.kind is AnswerKind.SCORE:
        low, high = task.scale
        answer = {"type": ["number", "null"], "minimum": low, "maximum": high}
    elif task.kind is AnswerKind.SET:
        member: dict[str, Any] = {"type": "string"}
        if task.labels:
            member["enum"] = list(task.labels)
        answer = {"type": ["array", "null"], "items": member}
    elif task.kind is AnswerKind.RECORD:
        answer = {**record_schema(task.fields), "type": ["object", "null"]}
    else:
        answer = {"type": ["string", "null"]}
    members = {"answer": answer, "confidence": {"type": ["number", "null"]}}
    if task.quotes:
        members["quotes"] = QUOTES
    return {
        "type": "object",
        "properties": members,
        "required": list(members),
        "additionalProperties": False,
    }


def reading_of(completion: Completion, task: Task, *, explain: bool = False) -> Reading:
    """The reading of one completion: an answer, an abstention, or rejected output.

    ``explain``: whether a reason was asked for, which becomes evidence.
    """
    if completion.refusal:
        return Reading(
            Status.ABSTAINED, reason=f"the service refused: {_excerpt(completion.refusal)}"
        )
    try:
        reading = _parsed_reading(completion, task, explain=explain)
    except UnfitAnswerError as error:
        return Reading(Status.REJECTED_OUTPUT, reason=_rejection_reason(completion, str(error)))
    if reading.status is not Status.OK or not completion.logprobs:
        return reading
    probability = confidence_from_logprobs(completion.logprobs, shown(reading.answer) or "")
    if probability is None:
        return reading
    reason = (reading.evidence or "").rpartition(_BEFORE_ORIGIN)[0]
    return replace(
        reading, confidence=probability, alternatives=(), evidence=_evidence(reason, FROM_LOGPROBS)
    )


def is_repairable(completion: Completion) -> bool:
    """Whether a repair request may help: not after truncation, filtering or refusal."""
    return (
        completion.finish not in TRUNCATED
        and completion.finish not in FILTERED
        and completion.finish != REFUSAL
    )


def _rejection_reason(completion: Completion, problem: str) -> str:
    if completion.finish in TRUNCATED:
        return f"{completion.finish}: it was cut at max_output_tokens; {problem}"
    if completion.finish in FILTERED:
        return f"{completion.finish}: the service's filter kept the answer back"
    if completion.finish == REFUSAL:
        detail = f": {_excerpt(completion.text)}" if completion.text.strip() else ""
        return f"{REFUSAL}: the service refused{detail}"
    return problem


def _excerpt(text: str) -> str:
    return whole_text(" ".join(text[: 4 * _LONGEST_REASON].split())[:_LONGEST_REASON])


def _parsed_reading(completion: Completion, task: Task, *, explain: bool) -> Reading:
    """The reading of the text; else of a tool call whose name is that of the answer."""
    cut = completion.finish in TRUNCATED
    try:
        return read_answer(completion.text, task, cut=cut, explain=explain)
    except UnfitAnswerError:
        # an answer is complete where only the reason after it was cut
        answered = before_reason(completion.text) if cut and explain else None
        if answered is not None:
            return read_answer(answered, task, cut=cut)
        if not completion.calls:
            raise
    answering = [call for call in completion.calls if is_answer_tool(call.name)]
    if not answering:
        names = ", ".join(dict.fromkeys(call.name or "without a name" for call in completion.calls))
        raise UnfitAnswerError(f"answer in JSON: no tool is there to be called ({_excerpt(names)})")
    readings = [read_answer(call.arguments, task, explain=explain) for call in answering]
    if any(reading.answer != readings[0].answer for reading in readings):
        raise UnfitAnswerError("answer once: several calls say different things")
    return readings[-1]


def read_answer(text: str, task: Task, *, cut: bool = False, explain: bool = False) -> Reading:
    """The reading in a model's text. Raises UnfitAnswerError with what is wrong with it.

    ``cut``: the text may end too early; then only a complete JSON object is an answer.
    ``explain``: a reason in it becomes evidence.
    """
    fields = {field.name for field in task.fields}
    parsed = final_answer(text, nested=_ANSWER not in fields)
    value, stated, reason, quotes = parsed.value, None, None, None
    if isinstance(value, dict):
        if task.kind is AnswerKind.RECORD and _is_bare_record(value, fields):
            # without the object around it; what is a field says nothing about the answer
            beside = {name: value.get(name) for name in _BESIDE - fields}
            value = {_ANSWER: value, **beside}
        if "answer" not in value:
            raise UnfitAnswerError('the JSON object has no member "answer"')
        reason = stated_reason(value) if explain else None
        value, stated, quotes = value["answer"], value.get("confidence"), value.get("quotes")
        if value is None:
            declined = "the service declined to answer"
            return Reading(Status.ABSTAINED, evidence=reason, reason=declined)
    elif cut:
        raise UnfitAnswerError("the JSON object is not complete")
    else:
        value = _bare_answer(parsed, task)
    is_record = task.kind is AnswerKind.RECORD
    answer = _record(value, task, quotes) if is_record else _answer(value, task)
    if isinstance(answer, RecordAnswer) and not answer:
        declined = "the service found a value for none of the fields"
        return Reading(Status.ABSTAINED, evidence=reason, reason=declined)
    confidence, origin = _confidence(stated)
    alternatives = _alternatives(answer, confidence, task)
    return Reading(Status.OK, answer, confidence, alternatives, _evidence(reason, origin))


def _is_bare_record(value: Mapping[str, Any], fields: Set[str]) -> bool:
    """Whether an object is the record itself, rather than one with the record as its answer."""
    if _ANSWER not in value:
        return True
    if _ANSWER not in fields or isinstance(value[_ANSWER], dict):
        return False
    return value[_ANSWER] is not None or any(
        name in fields - _BESIDE for name in value.keys() - {_ANSWER}
    )


def _record(value: Any, task: Task, quotes: Any) -> RecordAnswer:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, dict):
        raise UnfitAnswerError('"answer" must be an object with the fields of the task')
    try:
        return read_record(value, task.fields, quotes if task.quotes else None)
    except FieldValueError as error:
        raise UnfitAnswerError(str(error)) from error


def _evidence(reason: str | None, origin: str) -> str:
    """What the model says that decided, then where the confidence comes from."""
    return f"{reason}{_BEFORE_ORIGIN}{origin}" if reason else origin


def reason_in(evidence: str | None) -> str:
    """What a service says that decided, without where its confidence comes from; "" for nothing."""
    said, _, origin = (evidence or "").rpartition(_BEFORE_ORIGIN)
    return said if origin in _ORIGINS else evidence or ""


def _alternatives(answer: Answer, stated: float | None, task: Task) -> tuple[Alternative, ...]:
    """Of two labels, the other one gets the remaining probability."""
    if stated is None or task.kind is not AnswerKind.LABEL or len(task.labels) != 2:
        return ()
    other = next(label for label in task.labels if label != answer)
    return (Alternative(other, 1.0 - stated),) if stated >= 0.5 else ()


def _bare_answer(parsed: AnswerText, task: Task) -> Any:
    """An answer without the JSON object around it, where it is the whole text."""
    if task.kind is AnswerKind.LABEL and task.labels:
        # as it is spelled: 1.0 is a label that JSON knows as a number
        label = _matching_label(parsed.text, task.labels)
        if label is not None:
            return label
    value = parsed.text if parsed.value is NO_JSON else parsed.value
    if not isinstance(value, str):
        return value
    # after the sign of a list, a minus is no minus
    if task.kind is AnswerKind.SCORE and not value.lstrip().startswith("- "):
        for form in unframed_forms(value):
            if (number := _number(form)) is not None:
                return number
    raise UnfitAnswerError('write one JSON object with "answer" and "confidence", nothing else')


def _answer(value: Any, task: Task) -> Answer:
    if task.kind is AnswerKind.SCORE:
        return _score(value, task)
    if task.kind is AnswerKind.SET:
        return _members(value, task)
    closed = task.kind is AnswerKind.LABEL and bool(task.labels)
    if closed and isinstance(value, int):
        # labels that are numbers or truth values in JSON
        value = str(value).lower() if isinstance(value, bool) else _integer_text(value)
    if not isinstance(value, str) or not value.strip():
        raise UnfitAnswerError('"answer" must be a text that is not empty')
    text = whole_text(value.strip())
    if len(text) > _LONGEST_ANSWER:
        raise UnfitAnswerError(f'"answer" must have at most {_LONGEST_ANSWER} characters')
    if not closed:
        return text
    label = _matching_label(text, task.labels)
    if label is None:
        raise UnfitAnswerError(f'"answer" must be one of: {", ".join(task.labels)}')
    return label


def _integer_text(value: int) -> str:
    return str(value) if abs(value) < 10**18 else ""


def _matching_label(text: str, labels: Sequence[str]) -> str | None:
    """The label that equals the text: exactly, else without frames, else ignoring case."""
    if text in labels:
        return text
    if len(text) > _LONGEST_ANSWER:
        return None
    forms = list(unframed_forms(text))
    for form in forms:
        if form in labels:
            return form
    folded: dict[str, list[str]] = {}
    for label in labels:
        folded.setdefault(_casefolded(label), []).append(label)
    for form in forms:
        # labels that differ only in their case must be spelled exactly
        if len(matches := folded.get(_casefolded(form), [])) == 1:
            return matches[0]
    return None


def _casefolded(text: str) -> str:
    return unicodedata.normalize("NFC", text.strip().casefold())


def _score(value: Any, task: Task) -> float:
    low, high = task.scale
    if isinstance(value, str):
        value = _number(value.strip())
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UnfitAnswerError('"answer" must be a number')
    if not low <= value <= high:
        raise UnfitAnswerError(f'"answer" must lie between {low:g} and {high:g}')
    return float(value)


_NUMBER: Final = re.compile(
    r"[+-]?(?:[0-9]{1,15}(?:\.[0-9]{0,20})?|\.[0-9]{1,20})(?:[eE][+-]?[0-9]{1,3})?"
)
_COMMA: Final = re.compile(r"[+-]?0,[0-9]{1,20}")


def _number(text: str) -> float | None:
    """A number that is the whole text; a comma counts as a point only after a zero."""
    text = text.replace("\u2212", "-")
    if _COMMA.fullmatch(text):
        text = text.replace(",", ".")
    return float(text) if _NUMBER.fullmatch(text) else None


def _members(value: Any, task: Task) -> tuple[str, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise UnfitAnswerError('"answer" must be a list of texts')
    if not all(isinstance(member, str) for member in value):
        raise UnfitAnswerError('"answer" must be a list of texts only')
    given = [whole_text(member.strip()) for member in value if member.strip()]
    if any(len(member) > _LONGEST_ANSWER for member in given):
        raise UnfitAnswerError(f"a member must have at most {_LONGEST_ANSWER} characters")
    if task.labels:
        given = [_member_label(member, task.labels) for member in given]
    members = tuple(dict.fromkeys(given))
    if not members or len(members) > _MOST_MEMBERS:
        raise UnfitAnswerError(f'"answer" must have between 1 and {_MOST_MEMBERS} members')
    return members


def _member_label(member: str, labels: Sequence[str]) -> str:
    label = _matching_label(member, labels)
    if label is None:
        raise UnfitAnswerError(f'each member of "answer" must be one of: {", ".join(labels)}')
    return label


_PERCENT_FROM: Final = 10.0
"""Between 1 and this, a confidence may be on a scale of ten or a percentage: it is ignored."""


def _confidence(value: Any) -> tuple[float | None, str]:
    """The stated confidence in [0, 1], None where it is unclear, and its origin."""
    percent = False
    if isinstance(value, str):
        text = value.strip()
        percent = text.endswith("%")
        value = _number(text.removesuffix("%").strip())
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None, UNSTATED
    if not percent and 0.0 <= value <= 1.0:
        return float(value), SELF_REPORTED
    if (percent and 0.0 <= value <= 100.0) or _PERCENT_FROM < value <= 100.0:
        return float(value) / 100.0, FROM_PERCENT
    return None, UNSTATED
