"""From what a language model said to a reading: a JSON schema out, a forgiving parser back."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from orchestration_assets.schemas.answers import Answer, shown
from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.items import Alternative, Reading, Task
from orchestration_assets.schemas.storable_values import whole_text
from orchestration_assets.text.replies.answer_text import (
    NOTHING,
    AnswerText,
    is_answering,
    plain_forms,
    spoken,
)
from orchestration_assets.text.replies.completions import CUT, FILTERED, REFUSAL, Completion
from orchestration_assets.text.replies.token_confidence import confidence_from_logprobs

_LONGEST_ANSWER: Final = 4000
_MOST_MEMBERS: Final = 100
_LONGEST_REASON: Final = 200
SELF_REPORTED: Final = "self-reported confidence"
FROM_PERCENT: Final = "self-reported confidence, read from percent"
FROM_LOGPROBS: Final = "confidence from token probabilities"
UNSTATED: Final = "no confidence stated"


class UnfitAnswerError(ValueError):
    """What the model wrote is no answer to the task; the message tells the model why."""


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
    else:
        answer = {"type": ["string", "null"]}
    return {
        "type": "object",
        "properties": {"answer": answer, "confidence": {"type": ["number", "null"]}},
        "required": ["answer", "confidence"],
        "additionalProperties": False,
    }


def reading_of(said: Completion, task: Task) -> Reading:
    """The reading of one completion: what the model said, refused, or was kept from saying."""
    if said.refusal:
        return Reading(Status.ABSTAINED, reason=f"the service refused: {_short(said.refusal)}")
    try:
        reading = _heard(said, task)
    except UnfitAnswerError as error:
        return Reading(Status.REJECTED_OUTPUT, reason=_why_unfit(said, str(error)))
    if reading.status is not Status.OK or not said.logprobs:
        return reading
    sure = confidence_from_logprobs(said.logprobs, shown(reading.answer) or "")
    if sure is None:
        return reading
    return replace(reading, confidence=sure, alternatives=(), evidence=FROM_LOGPROBS)


def can_be_mended(said: Completion) -> bool:
    """Whether asking once more, with the problem, may help: not where it was cut or kept back."""
    return said.finish not in CUT and said.finish not in FILTERED and said.finish != REFUSAL


def _why_unfit(said: Completion, problem: str) -> str:
    if said.finish in CUT:
        return f"{said.finish}: it was cut at max_output_tokens; {problem}"
    if said.finish in FILTERED:
        return f"{said.finish}: the service's filter kept the answer back"
    if said.finish == REFUSAL:
        words = f": {_short(said.text)}" if said.text.strip() else ""
        return f"{REFUSAL}: the service refused{words}"
    return problem


def _short(text: str) -> str:
    return whole_text(" ".join(text[: 4 * _LONGEST_REASON].split())[:_LONGEST_REASON])


def _heard(said: Completion, task: Task) -> Reading:
    """What it said in words; else in a tool call that is named as the answer was asked for."""
    try:
        return read_answer(said.text, task, cut=said.finish in CUT)
    except UnfitAnswerError:
        if not said.calls:
            raise
    answering = [call for call in said.calls if is_answering(call.name)]
    if not answering:
        names = ", ".join(dict.fromkeys(call.name or "without a name" for call in said.calls))
        raise UnfitAnswerError(f"answer in JSON: no tool is there to be called ({_short(names)})")
    found = [read_answer(call.arguments, task) for call in answering]
    if any(one.answer != found[0].answer for one in found):
        raise UnfitAnswerError("answer once: several calls say different things")
    return found[-1]


def read_answer(text: str, task: Task, *, cut: bool = False) -> Reading:
    """The reading in a model's text. Raises UnfitAnswerError with what is wrong with it.

    ``cut``: the text may end too early; then only a complete JSON object is an answer.
    """
    found = spoken(text)
    value, stated = found.value, None
    if isinstance(value, dict):
        if "answer" not in value:
            raise UnfitAnswerError('the JSON object has no member "answer"')
        value, stated = value["answer"], value.get("confidence")
        if value is None:
            return Reading(Status.ABSTAINED, reason="the service declined to answer")
    elif cut:
        raise UnfitAnswerError("the JSON object is not complete")
    else:
        value = _plain(found, task)
    answer = _answer(value, task)
    confidence, evidence = _confidence(stated)
    return Reading(Status.OK, answer, confidence, _alternatives(answer, confidence, task), evidence)


def _alternatives(answer: Answer, stated: float | None, task: Task) -> tuple[Alternative, ...]:
    """With two labels, what is not given to one belongs to the other."""
    if stated is None or task.kind is not AnswerKind.LABEL or len(task.labels) != 2:
        return ()
    other = next(label for label in task.labels if label != answer)
    return (Alternative(other, 1.0 - stated),) if stated >= 0.5 else ()


def _plain(found: AnswerText, task: Task) -> Any:
    """An answer given without the object around it, where the whole text is nothing else."""
    if task.kind is AnswerKind.LABEL and task.labels:
        # as it is spelled: 1.0 is a label that JSON knows as a number
        label = _label_in(found.text, task.labels)
        if label is not None:
            return label
    said = found.text if found.value is NOTHING else found.value
    if not isinstance(said, str):
        return said
    # after the sign of a list, a minus is no minus
    if task.kind is AnswerKind.SCORE and not said.lstrip().startswith("- "):
        for form in plain_forms(said):
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
        value = str(value).lower() if isinstance(value, bool) else _digits(value)
    if not isinstance(value, str) or not value.strip():
        raise UnfitAnswerError('"answer" must be a text that is not empty')
    text = whole_text(value.strip())
    if len(text) > _LONGEST_ANSWER:
        raise UnfitAnswerError(f'"answer" must have at most {_LONGEST_ANSWER} characters')
    if not closed:
        return text
    label = _label_in(text, task.labels)
    if label is None:
        raise UnfitAnswerError(f'"answer" must be one of: {", ".join(task.labels)}')
    return label


def _digits(value: int) -> str:
    return str(value) if abs(value) < 10**18 else ""


def _label_in(text: str, labels: Sequence[str]) -> str | None:
    """The label that the text is: as it stands, else without frames, else in any case."""
    if text in labels:
        return text
    if len(text) > _LONGEST_ANSWER:
        return None
    forms = list(plain_forms(text))
    for form in forms:
        if form in labels:
            return form
    folded: dict[str, list[str]] = {}
    for label in labels:
        folded.setdefault(_folded(label), []).append(label)
    for form in forms:
        # labels that differ only in their case must be spelled exactly
        if len(found := folded.get(_folded(form), [])) == 1:
            return found[0]
    return None


def _folded(text: str) -> str:
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
    if not all(isinstance(one, str) for one in value):
        raise UnfitAnswerError('"answer" must be a list of texts only')
    given = [whole_text(one.strip()) for one in value if one.strip()]
    if any(len(one) > _LONGEST_ANSWER for one in given):
        raise UnfitAnswerError(f"a member must have at most {_LONGEST_ANSWER} characters")
    if task.labels:
        given = [_known(one, task.labels) for one in given]
    members = tuple(dict.fromkeys(given))
    if not members or len(members) > _MOST_MEMBERS:
        raise UnfitAnswerError(f'"answer" must have between 1 and {_MOST_MEMBERS} members')
    return members


def _known(member: str, labels: Sequence[str]) -> str:
    label = _label_in(member, labels)
    if label is None:
        raise UnfitAnswerError(f'each member of "answer" must be one of: {", ".join(labels)}')
    return label


_PERCENT_FROM: Final = 10.0
"""Above 1, a confidence up to this may be one of ten as well as a percentage: it says nothing."""


def _confidence(value: Any) -> tuple[float | None, str]:
    """The stated confidence in [0, 1], None where it cannot be told, and what it rests on."""
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
