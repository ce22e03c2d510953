"""One record of what a service said about each part, field by field."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from orchestration_assets.processing.part_said import (
    PartJoin,
    PartSaid,
    joined_of,
    mean_confidence,
    weight_of,
)
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Reading, Task
from orchestration_assets.schemas.parts import JoinBy
from orchestration_assets.schemas.record_answers import FieldValue, RecordAnswer
from orchestration_assets.schemas.record_fields import FieldType, RecordField


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
            _Value(value, one, weight_of(one))
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
    return replace(joined_of(record, said, mean_confidence(said)), reason=why)


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


RECORD_JOINS: Final[Mapping[JoinBy, PartJoin]] = {
    JoinBy.UNION: _record_vote,
    JoinBy.VOTE: _record_vote,
    JoinBy.FIRST: _record_first,
}
