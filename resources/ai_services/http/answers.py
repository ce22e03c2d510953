"""From what a language model wrote to a reading: a JSON schema out, a forgiving parser back."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from orchestration_assets.schemas.answers import Answer
from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.items import Alternative, Reading, Task

_LONGEST_ANSWER: Final = 4000
_MOST_MEMBERS: Final = 100
SELF_REPORTED: Final = "self-reported confidence"
FROM_LOGPROBS: Final = "confidence from token probabilities"
UNSTATED: Final = "no confidence stated"


class UnfitAnswerError(ValueError):
    """What the model wrote is no answer to the task; the message tells the model why."""


def schema_for(task: Task) -> dict[str, Any]:
    """The JSON schema of an answer: ``answer``, null to abstain, and ``confidence``."""
    answer: dict[str, Any]
    if task.kind is AnswerKind.LABEL and task.labels:
        answer = {"enum": [*task.labels, None]}
    elif task.kind is AnswerKind.SCORE:
        low, high = task.scale
        answer = {"type": ["number", "null"], "minimum": low, "maximum": high}
    elif task.kind is AnswerKind.SET:
        answer = {"type": ["array", "null"], "items": {"type": "string"}}
    else:
        answer = {"type": ["string", "null"]}
    return {
        "type": "object",
        "properties": {"answer": answer, "confidence": {"type": ["number", "null"]}},
        "required": ["answer", "confidence"],
        "additionalProperties": False,
    }


def read_answer(text: str, task: Task, token_confidence: float | None = None) -> Reading:
    """The reading in a model's text. Raises UnfitAnswerError with what is wrong with it.

    ``token_confidence``, from the service's token probabilities, goes before what the model says
    of itself.
    """
    found = _object_in(text, task)
    value = found.get("answer")
    if value is None:
        return Reading(Status.ABSTAINED, reason="the service declined to answer")
    answer = _answer(value, task)
    stated = _confidence(found.get("confidence"))
    if token_confidence is not None:
        return Reading(Status.OK, answer, token_confidence, evidence=FROM_LOGPROBS)
    evidence = UNSTATED if stated is None else SELF_REPORTED
    return Reading(Status.OK, answer, stated, _alternatives(answer, stated, task), evidence)


def _alternatives(answer: Answer, stated: float | None, task: Task) -> tuple[Alternative, ...]:
    """With two labels, what is not given to one belongs to the other."""
    if stated is None or task.kind is not AnswerKind.LABEL or len(task.labels) != 2:
        return ()
    other = next(label for label in task.labels if label != answer)
    return (Alternative(other, 1.0 - stated),) if stated >= 0.5 else ()


def _object_in(text: str, task: Task) -> Mapping[str, Any]:
    whole = text.strip()
    try:
        found = json.loads(whole)
    except (ValueError, RecursionError):
        found = _embedded_object(whole)
    if isinstance(found, dict) and "answer" in found:
        return found
    if isinstance(found, dict):
        raise UnfitAnswerError('the JSON object has no member "answer"')
    return {"answer": _plain(whole if found is None else found, task)}


_OBJECT_STARTS: Final = re.compile(r"\{")
_TRIES: Final = 16


def _embedded_object(text: str) -> Any:
    """The first JSON object with an answer in a text around it, such as a code fence."""
    decoder = json.JSONDecoder()
    for _, start in zip(range(_TRIES), _OBJECT_STARTS.finditer(text), strict=False):
        try:
            found, _ = decoder.raw_decode(text, start.start())
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict) and "answer" in found:
            return found
    return None


def _plain(said: Any, task: Task) -> Any:
    """An answer given without the object around it, where it cannot be mistaken."""
    if not isinstance(said, str):
        return said
    if task.kind is AnswerKind.LABEL and task.labels:
        lower = said.lower()
        named = [
            label
            for label in task.labels
            if re.search(rf"(?<!\w){re.escape(label.lower())}(?!\w)", lower)
        ]
        if len(named) == 1:
            return named[0]
    if task.kind is AnswerKind.SCORE:
        numbers = re.findall(r"(?<![\w.])-?\d{1,9}(?:\.\d{1,9})?(?![\w.]\d)", said)
        if len(numbers) == 1:
            return float(numbers[0])
    raise UnfitAnswerError('write one JSON object with "answer" and "confidence", nothing else')


def _answer(value: Any, task: Task) -> Answer:
    if task.kind is AnswerKind.SCORE:
        return _score(value, task)
    if task.kind is AnswerKind.SET:
        return _members(value)
    if not isinstance(value, str) or not value.strip():
        raise UnfitAnswerError('"answer" must be a text that is not empty')
    text = value.strip()
    if len(text) > _LONGEST_ANSWER:
        raise UnfitAnswerError(f'"answer" must have at most {_LONGEST_ANSWER} characters')
    if task.kind is AnswerKind.LABEL and task.labels:
        folded = {label.lower(): label for label in task.labels}
        if text.lower() not in folded:
            raise UnfitAnswerError(f'"answer" must be one of: {", ".join(task.labels)}')
        return folded[text.lower()]
    return text


def _score(value: Any, task: Task) -> float:
    low, high = task.scale
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UnfitAnswerError('"answer" must be a number')
    if not low <= value <= high:
        raise UnfitAnswerError(f'"answer" must lie between {low:g} and {high:g}')
    return float(value)


def _members(value: Any) -> tuple[str, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise UnfitAnswerError('"answer" must be a list of texts')
    if not all(isinstance(one, str) for one in value):
        raise UnfitAnswerError('"answer" must be a list of texts only')
    members = tuple(dict.fromkeys(one.strip() for one in value if one.strip()))
    if not members or len(members) > _MOST_MEMBERS:
        raise UnfitAnswerError(f'"answer" must have between 1 and {_MOST_MEMBERS} members')
    return members


def _confidence(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value) if 0.0 <= value <= 1.0 else None


def confidence_from_logprobs(tokens: Sequence[Mapping[str, Any]], answer: str) -> float | None:
    """The probability of the tokens that spell ``answer`` in the text, as their product.

    ``tokens`` are the service's ``logprobs.content``. Where tokens do not spell the text, or
    carry no finite log-probability, None.
    """
    try:
        spelled = [(str(one["token"]), float(one["logprob"])) for one in tokens]
    except (KeyError, TypeError, ValueError):
        return None
    text = "".join(token for token, _ in spelled)
    key = text.find('"answer"')
    begin = text.find(answer, key + len('"answer"') if key >= 0 else 0)
    if begin < 0 or not answer:
        return None
    end, position, total = begin + len(answer), 0, 0.0
    for token, logprob in spelled:
        if position < end and position + len(token) > begin:
            total += logprob
        position += len(token)
    return min(1.0, math.exp(total)) if math.isfinite(total) else None
