"""A reading as tables and caches can hold it: the one guard that every service's answer passes."""

from numbers import Real
from operator import is_
from typing import Any, Final

from orchestration_assets.schemas.answers import fits
from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.items import Alternative, Reading
from orchestration_assets.schemas.record_answers import RecordAnswer, whole_record
from orchestration_assets.schemas.storable_values import whole_text


class UnfitReadingError(ValueError):
    """What a service gave is no reading that can be kept; the message says why."""


def kept_reading(given: Any, kind: AnswerKind) -> Reading:
    """The reading with whole characters and plain numbers only.

    Raises UnfitReadingError when the value is no reading, or its answer none of the kind.
    """
    if not isinstance(given, Reading):
        raise UnfitReadingError(f"gave a {_named(given)} instead of a reading")
    answer = _whole(given.answer)
    if answer is not None and not fits(answer, kind):
        raise UnfitReadingError(f"answered {_shown(answer)}, which is no {kind}")
    return _with_plain_parts(given, answer)


def is_kept(reading: Reading) -> bool:
    """Whether a reading of whatever kind may be kept as it is."""
    answer, confidence, others = reading.answer, reading.confidence, reading.alternatives
    return (
        (_is_whole(answer) if answer is None or type(answer) is str else _is_of_a_kind(answer))
        and (confidence is None or isinstance(confidence, float | int))
        and isinstance(others, tuple)
        and (not others or all(map(_is_kept_alternative, others)))
        and _is_whole(reading.evidence)
        and _is_whole(reading.reason)
    )


def _is_of_a_kind(answer: Any) -> bool:
    return any(fits(answer, kind) for kind in _KINDS.get(type(answer), AnswerKind))


# which kinds a plain value can be of, beside a text
_KINDS: Final = {
    float: (AnswerKind.SCORE,),
    tuple: (AnswerKind.VECTOR, AnswerKind.SET),
    RecordAnswer: (AnswerKind.RECORD,),
}


def _is_kept_alternative(other: Any) -> bool:
    return (
        isinstance(other, Alternative)
        and isinstance(other.answer, str)
        and _is_whole(other.answer)
        and isinstance(other.confidence, float | int)
        and 0.0 <= other.confidence <= 1.0
    )


def _is_whole(words: Any) -> bool:
    return words is None or (isinstance(words, str) and whole_text(words) == words)


def _with_plain_parts(given: Reading, answer: Any) -> Reading:
    if not isinstance(given.status, Status):
        raise UnfitReadingError(f"gave a {_named(given.status)} as its status")
    confidence = given.confidence
    if confidence is not None:
        confidence = _probability(confidence, "its confidence")
    others = given.alternatives
    if not isinstance(others, tuple | list):
        raise UnfitReadingError(f"gave a {_named(others)} as its alternatives")
    parts = (
        answer,
        confidence,
        _alternatives(others),
        _words(given.evidence, "its evidence"),
        _words(given.reason, "its reason"),
    )
    held = (given.answer, given.confidence, others, given.evidence, given.reason)
    # mostly nothing of it is another object than before
    if type(given) is Reading and all(map(is_, parts, held)):
        return given
    return Reading(given.status, *parts)


def _alternatives(given: tuple[Any, ...] | list[Any]) -> tuple[Alternative, ...]:
    others = tuple(map(_alternative, given))
    return given if type(given) is tuple and all(map(is_, others, given)) else others


def _whole(answer: Any) -> Any:
    if isinstance(answer, str):
        return whole_text(answer)
    if isinstance(answer, tuple) and answer and isinstance(answer[0], str):
        return tuple(whole_text(one) if isinstance(one, str) else one for one in answer)
    return whole_record(answer) if isinstance(answer, RecordAnswer) else answer


def _alternative(given: Any) -> Alternative:
    if not isinstance(given, Alternative) or not isinstance(given.answer, str):
        raise UnfitReadingError("gave an alternative that is none")
    confidence = _probability(given.confidence, "the confidence of an alternative")
    answer = whole_text(given.answer)
    if type(given) is Alternative and answer is given.answer and confidence is given.confidence:
        return given
    return Alternative(answer, confidence)


def _probability(value: Any, what: str) -> float:
    if type(value) is float and 0 <= value <= 1:
        return value
    # numbers of numpy's are real numbers too
    if not isinstance(value, Real) or not 0 <= value <= 1:  # type: ignore[operator]
        raise UnfitReadingError(f"gave {_shown(value)} as {what}")
    return float(value)


def _words(value: Any, what: str) -> str | None:
    if value is not None and not isinstance(value, str):
        raise UnfitReadingError(f"gave a {_named(value)} as {what}")
    return None if value is None else whole_text(value)


def _named(value: Any) -> str:
    return whole_text(type(value).__name__)


def _shown(value: Any) -> str:
    """A plain value in short; of any other only its type, for its own words may fail."""
    if type(value) in (str, float, bool):
        return whole_text(repr(value if not isinstance(value, str) else value[:80]))
    return f"a {_named(value)}"
