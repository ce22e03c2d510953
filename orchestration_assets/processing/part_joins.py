"""One reading of what a service said about each part of an item.

A part about which the service had nothing to say (it abstained) is no failure. One that it failed
at is told: the joined reading has its status and its reason, or, where the policy has it so, it is
joined without that part, its confidence lowered by the share of the text that is missing.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from math import fsum
from typing import Final, NamedTuple

from orchestration_assets.evidence.confidence import confidence_of
from orchestration_assets.schemas.answers import Answer
from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.items import Alternative, Reading, Task
from orchestration_assets.schemas.parts import JoinBy, MissingParts, TaskParts
from orchestration_assets.schemas.record_answers import FieldValue, RecordAnswer
from orchestration_assets.schemas.record_fields import FieldType, RecordField

_ALTERNATIVES: Final = 3
_DIGITS: Final = 6
_NAMED: Final = 3
"""So many missing parts are named in a reason."""
_ANSWERED: Final = frozenset({Status.OK, Status.FALLBACK})
_FAILURES: Final = (
    Status.DEFERRED,
    Status.OVER_BUDGET,
    Status.TIMEOUT,
    Status.REJECTED_OUTPUT,
    Status.FAILED,
)
"""What the joined reading is where parts failed: the first of these that any of them is."""


class PartSaid(NamedTuple):
    """What was said about one part; ``number`` from 1, ``size`` in characters."""

    number: int
    heading: str
    size: int
    reading: Reading


def failure_of(said: Sequence[PartSaid], parts: TaskParts) -> Reading | None:
    """The joined reading where parts that failed decide it; None where there is something to join.

    One that is deferred may answer yet: then nothing is joined without it.
    """
    failed = [one for one in said if one.reading.status in _FAILURES]
    statuses = {one.reading.status for one in failed}
    joins_the_rest = (
        parts.missing is MissingParts.ANSWER
        and Status.DEFERRED not in statuses
        and len(failed) < len(said)
    )
    if not failed or joins_the_rest:
        return None
    worst = next(status for status in _FAILURES if status in statuses)
    return Reading(worst, reason=_missing_words(failed, len(said)))


def joined_reading(said: Sequence[PartSaid], task: Task) -> Reading:
    """The reading of all parts together; ``task`` says how they are joined."""
    assert task.parts is not None
    if not said:
        return Reading(Status.ABSTAINED, reason="there are no parts to ask about")
    if (failure := failure_of(said, task.parts)) is not None:
        return failure
    answered = [one for one in said if one.reading.status in _ANSWERED]
    if not answered:
        return _with_missing(_nothing_said(said), said)
    ways = _RECORD_WAYS if task.kind is AnswerKind.RECORD else _WAYS
    joined = ways[task.parts.join](answered, task)
    return _with_missing(_with_fallbacks(joined, said), said)


def with_parts_told(joined: Reading, said: Sequence[PartSaid]) -> Reading:
    """What a service that joins said; which parts it could not be shown."""
    return _with_missing(joined, said)


def _nothing_said(said: Sequence[PartSaid]) -> Reading:
    reasons = Counter(one.reading.reason for one in said if one.reading.reason)
    first = f": {reasons.most_common(1)[0][0]}" if reasons else ""
    some = "the only part" if len(said) == 1 else f"none of {len(said)} parts"
    nothing = "gives no answer" if len(said) == 1 else "gives an answer"
    return Reading(Status.ABSTAINED, reason=f"{some} {nothing}{first}")


def _with_fallbacks(reading: Reading, said: Sequence[PartSaid]) -> Reading:
    """A reading that rests on other services' answers is marked as one."""
    instead = [one for one in said if one.reading.status is Status.FALLBACK]
    if not instead:
        return reading
    some = f"{len(instead)} of {len(said)} parts are answered by another service: "
    why = f"{some}{_named(instead)}"
    return replace(reading, status=Status.FALLBACK, reason=why)


def _with_missing(reading: Reading, said: Sequence[PartSaid]) -> Reading:
    """The reading; of one that lacks parts, with less confidence and the reason."""
    failed = [one for one in said if one.reading.status in _FAILURES]
    if not failed:
        return reading
    words = _missing_words(failed, len(said))
    reason = f"{reading.reason}; {words}" if reading.reason else words
    if reading.status not in _ANSWERED:
        return replace(reading, reason=reason)
    whole = sum(one.size for one in said)
    share = 1.0 - sum(one.size for one in failed) / whole if whole else 0.0
    confidence = round(confidence_of(reading) * share, _DIGITS)
    return replace(reading, confidence=confidence, reason=reason)


def _missing_words(failed: Sequence[PartSaid], of: int) -> str:
    return f"{len(failed)} of {of} parts have no answer: {_named(failed)}"


def _named(said: Sequence[PartSaid]) -> str:
    words = [
        f"part {one.number}{f' ({one.heading})' if one.heading else ''}: "
        f"{one.reading.reason or one.reading.status}"
        for one in said[:_NAMED]
    ]
    more = [f"{len(said) - _NAMED} more"] if len(said) > _NAMED else []
    return "; ".join([*words, *more])


def _weight(one: PartSaid) -> float:
    return confidence_of(one.reading)


def _mean_confidence(said: Sequence[PartSaid]) -> float | None:
    """The mean of the stated confidences, each part by its size; None where none is stated."""
    stated = [
        (one.reading.confidence, max(one.size, 1))
        for one in said
        if one.reading.confidence is not None
    ]
    if not stated:
        return None
    total = sum(size for _, size in stated)
    mean = fsum(confidence * size for confidence, size in stated) / total
    return round(min(max(mean, 0.0), 1.0), _DIGITS)


def _evidence(said: Iterable[PartSaid]) -> str | None:
    """What the first parts rest on that say so."""
    told = [one.reading.evidence for one in said if one.reading.evidence]
    return "; ".join(dict.fromkeys(told[:_NAMED])) or None


def _ok(
    answer: Answer,
    said: Sequence[PartSaid],
    confidence: float | None,
    alternatives: tuple[Alternative, ...] = (),
) -> Reading:
    return Reading(Status.OK, answer, confidence, alternatives, _evidence(said))


def _first(said: Sequence[PartSaid], task: Task) -> Reading:
    first = said[0].reading
    return replace(first, status=Status.OK, reason=None)


def _vote(said: Sequence[PartSaid], task: Task) -> Reading:
    if task.kind is AnswerKind.SCORE:
        return _median(said)
    if task.kind is AnswerKind.SET:
        return _members(said, len(said) / 2.0)
    weights: dict[str, float] = defaultdict(float)
    for one in said:
        weights[str(one.reading.answer)] += _weight(one)
    total = fsum(weights.values())
    # the answer of an earlier part wins a tie
    ranked = sorted(weights.items(), key=lambda pair: -pair[1])
    share = {label: weight / total if total else 0.0 for label, weight in ranked}
    winner = ranked[0][0]
    voters = [one for one in said if one.reading.answer == winner]
    others = tuple(
        Alternative(label, round(share[label], _DIGITS))
        for label, _ in ranked[1 : _ALTERNATIVES + 1]
    )
    # unanimous parts are as sure together as they are one by one
    sure = share[winner] * fsum(map(_weight, voters)) / len(voters)
    return _ok(winner, voters, round(min(sure, 1.0), _DIGITS), others)


def _median(said: Sequence[PartSaid]) -> Reading:
    """The weighted median: half of the confidence lies on either side of it."""
    scores = sorted(
        (one.reading.answer, _weight(one)) for one in said if isinstance(one.reading.answer, float)
    )
    half, passed = fsum(weight for _, weight in scores) / 2.0, 0.0
    median = scores[-1][0]
    for score, weight in scores:
        passed += weight
        if passed >= half:
            median = score
            break
    return _ok(median, said, _mean_confidence(said))


def _union(said: Sequence[PartSaid], task: Task) -> Reading:
    return _members(said, 0.0)


def _members(said: Sequence[PartSaid], more_than: float) -> Reading:
    """The members that more than so many parts name, the most confident first.

    A member's weight is the sum of the confidences of the parts that name it.
    """
    weights: dict[str, float] = defaultdict(float)
    named: Counter[str] = Counter()
    for one in said:
        answer = one.reading.answer
        members = answer if isinstance(answer, tuple) else ()
        for member in dict.fromkeys(map(str, members)):
            weights[member] += _weight(one)
            named[member] += 1
    kept = [member for member in weights if named[member] > more_than]
    kept.sort(key=lambda member: -weights[member])
    if not kept:
        return Reading(Status.ABSTAINED, reason="no member is named by most parts")
    return _ok(tuple(kept), said, _mean_confidence(said))


def _concatenation(said: Sequence[PartSaid], task: Task) -> Reading:
    return _ok("\n\n".join(str(one.reading.answer) for one in said), said, _mean_confidence(said))


_Join = Callable[[Sequence[PartSaid], Task], Reading]
_WAYS: Final[Mapping[JoinBy, _Join]] = {
    JoinBy.FIRST: _first,
    JoinBy.VOTE: _vote,
    JoinBy.UNION: _union,
    JoinBy.CONCATENATION: _concatenation,
}


class _Value(NamedTuple):
    """One value of a field, where its record stands, and the confidence behind it."""

    value: FieldValue
    said: PartSaid
    weight: float


def _record_first(said: Sequence[PartSaid], task: Task) -> Reading:
    return _record(said, task, lambda field, values: values[:1])


def _record_vote(said: Sequence[PartSaid], task: Task) -> Reading:
    return _record(said, task, _united)


def _record(
    said: Sequence[PartSaid],
    task: Task,
    chosen: Callable[[RecordField, Sequence[_Value]], Sequence[_Value]],
) -> Reading:
    """A record of the chosen values of each field: one, or of a list those that are united."""
    values: list[tuple[str, FieldValue]] = []
    quotes: list[tuple[str, str]] = []
    ungrounded: list[str] = []
    for field in task.fields:
        given = [
            _Value(value, one, _weight(one))
            for one in said
            if isinstance(one.reading.answer, RecordAnswer)
            and (value := one.reading.answer.get(field.name)) is not None
        ]
        if not given:
            continue
        picked = chosen(field, given)
        if field.type is FieldType.LIST:
            entries, moved = _entries(field, picked)
            values.append((field.name, entries))
        else:
            values.append((field.name, picked[0].value))
            moved = [(picked[0].said, field.name, field.name)]
        for one, before, after in moved:
            _move(one, before, after, quotes, ungrounded)
    record = RecordAnswer(tuple(values), tuple(quotes), tuple(ungrounded))
    if not record:
        return Reading(Status.ABSTAINED, reason=f"none of {len(said)} parts has a value")
    required = [field.name for field in task.fields if field.required]
    lacking = [name for name in required if record.get(name) is None]
    why = f"no part gives {', '.join(lacking)}, which is required" if lacking else None
    return replace(_ok(record, said, _mean_confidence(said)), reason=why)


def _united(field: RecordField, given: Sequence[_Value]) -> Sequence[_Value]:
    """All values of a list; of a single value the one with the most confidence behind it, the
    first of several."""
    if field.type is FieldType.LIST:
        return given
    weights: dict[FieldValue, float] = defaultdict(float)
    for one in given:
        weights[one.value] += one.weight
    best = max(weights.values())
    return [next(one for one in given if weights[one.value] == best)]


_Moved = list[tuple[PartSaid, str, str]]


def _entries(
    field: RecordField, given: Sequence[_Value]
) -> tuple[tuple[RecordAnswer, ...], _Moved]:
    """The entries of all parts in their order, equal ones once, and where each came from."""
    place: dict[RecordAnswer, int] = {}
    moved: _Moved = []
    for one in given:
        for number, entry in enumerate(one.value if isinstance(one.value, tuple) else ()):
            if entry not in place:
                place[entry] = len(place)
                before = f"{field.name}[{number}]"
                moved.append((one.said, before, f"{field.name}[{place[entry]}]"))
    return tuple(place), moved


def _move(
    said: PartSaid, before: str, after: str, quotes: list[tuple[str, str]], ungrounded: list[str]
) -> None:
    """Takes over what a part's record says of a value under the path that it has now."""
    record = said.reading.answer
    assert isinstance(record, RecordAnswer)

    def path(of: str) -> str | None:
        inside = of == before or of.startswith((f"{before}.", f"{before}["))
        return f"{after}{of[len(before) :]}" if inside else None

    quotes += [(new, quote) for of, quote in record.quotes if (new := path(of)) is not None]
    ungrounded += [new for of in record.ungrounded if (new := path(of)) is not None]


_RECORD_WAYS: Final[Mapping[JoinBy, _Join]] = {
    JoinBy.UNION: _record_vote,
    JoinBy.VOTE: _record_vote,
    JoinBy.FIRST: _record_first,
}
