"""One reading of what a service said about each part of an item.

A part about which the service had nothing to say (it abstained) is no failure. One that it failed
at is told: the joined reading has its status and its reason, or, where the policy has it so, it is
joined without that part, its confidence lowered by the share of the text that is missing.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import fsum
from typing import Final

from orchestration_assets.evidence.confidence import confidence_of
from orchestration_assets.processing.part_record_joins import RECORD_JOINS
from orchestration_assets.processing.part_said import (
    DIGITS,
    MOST_NAMED,
    PartJoin,
    PartSaid,
    joined_of,
    mean_confidence,
    weight_of,
)
from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.items import Alternative, Reading, Task
from orchestration_assets.schemas.parts import JoinBy, MissingParts, TaskParts

_ALTERNATIVES: Final = 3
_ANSWERED: Final = frozenset({Status.OK, Status.FALLBACK})
_FAILURES: Final = (
    Status.DEFERRED,
    Status.OVER_BUDGET,
    Status.TIMEOUT,
    Status.REJECTED_OUTPUT,
    Status.FAILED,
)
"""What the joined reading is where parts failed: the first of these that any of them is."""


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
    ways = RECORD_JOINS if task.kind is AnswerKind.RECORD else _WAYS
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
    confidence = round(confidence_of(reading) * share, DIGITS)
    return replace(reading, confidence=confidence, reason=reason)


def _missing_words(failed: Sequence[PartSaid], of: int) -> str:
    return f"{len(failed)} of {of} parts have no answer: {_named(failed)}"


def _named(said: Sequence[PartSaid]) -> str:
    words = [
        f"part {one.number}{f' ({one.heading})' if one.heading else ''}: "
        f"{one.reading.reason or one.reading.status}"
        for one in said[:MOST_NAMED]
    ]
    more = [f"{len(said) - MOST_NAMED} more"] if len(said) > MOST_NAMED else []
    return "; ".join([*words, *more])


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
        weights[str(one.reading.answer)] += weight_of(one)
    total = fsum(weights.values())
    # the answer of an earlier part wins a tie
    ranked = sorted(weights.items(), key=lambda pair: -pair[1])
    share = {label: weight / total if total else 0.0 for label, weight in ranked}
    winner = ranked[0][0]
    voters = [one for one in said if one.reading.answer == winner]
    others = tuple(
        Alternative(label, round(share[label], DIGITS))
        for label, _ in ranked[1 : _ALTERNATIVES + 1]
    )
    # unanimous parts are as sure together as they are one by one
    sure = share[winner] * fsum(map(weight_of, voters)) / len(voters)
    return joined_of(winner, voters, round(min(sure, 1.0), DIGITS), others)


def _median(said: Sequence[PartSaid]) -> Reading:
    """The weighted median: half of the confidence lies on either side of it."""
    scores = sorted(
        (one.reading.answer, weight_of(one))
        for one in said
        if isinstance(one.reading.answer, float)
    )
    half, passed = fsum(weight for _, weight in scores) / 2.0, 0.0
    median = scores[-1][0]
    for score, weight in scores:
        passed += weight
        if passed >= half:
            median = score
            break
    return joined_of(median, said, mean_confidence(said))


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
            weights[member] += weight_of(one)
            named[member] += 1
    kept = [member for member in weights if named[member] > more_than]
    kept.sort(key=lambda member: -weights[member])
    if not kept:
        return Reading(Status.ABSTAINED, reason="no member is named by most parts")
    return joined_of(tuple(kept), said, mean_confidence(said))


def _concatenation(said: Sequence[PartSaid], task: Task) -> Reading:
    return joined_of(
        "\n\n".join(str(one.reading.answer) for one in said), said, mean_confidence(said)
    )


_WAYS: Final[Mapping[JoinBy, PartJoin]] = {
    JoinBy.FIRST: _first,
    JoinBy.VOTE: _vote,
    JoinBy.UNION: _union,
    JoinBy.CONCATENATION: _concatenation,
}
