"""Records: how two of them differ, value by value, and what each difference would change."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, cast

from orchestration_assets.disagreement.consequences.judgement import Judgement, harmless
from orchestration_assets.disagreement.consequences.texts import judge_texts
from orchestration_assets.disagreement.given_shares import MOSTLY, given_shares
from orchestration_assets.disagreement.measure import (
    AnswerComparison,
    Differences,
    Measure,
    TaskReadings,
    compare_by_policy,
    required_answer,
    with_evidence,
)
from orchestration_assets.disagreement.readings import ServiceReadings, Vote
from orchestration_assets.evidence.distances import distance
from orchestration_assets.evidence.distances.record_values import (
    Leaf,
    same_value,
    value_distance,
)
from orchestration_assets.evidence.records.cells import Cell
from orchestration_assets.evidence.records.standing_cells import cells_named_as_standing
from orchestration_assets.evidence.single_values import is_short_value
from orchestration_assets.schemas.enums import Consequence, DisagreementKind, Status
from orchestration_assets.schemas.items import Reading, Task
from orchestration_assets.schemas.record_answers import RecordAnswer, value_text
from orchestration_assets.schemas.record_fields import FieldType, RecordField
from orchestration_assets.schemas.tables import FieldDifference

_A: Final = "a"
_B: Final = "b"
_NAMED: Final = 3
_LONGEST: Final = 80
# that something is left out weighs half of that two services say different things
_LEFT_OUT: Final = 0.5
_FIELD: Final = re.compile(r"[.\[]")


@dataclass(frozen=True, slots=True)
class RecordMeasure:
    """Compares the values of two records, entries of lists by their content.

    ``given``: (service, field) -> how much of the field the service gives over the batch, in
    [0, 1]. ``votes`` are all readings of each item, ``standing`` what stands of it: paths are those
    that values have there.
    """

    task: Task
    given: Mapping[tuple[str, str], float] = field(default_factory=dict)
    votes: Mapping[str, ServiceReadings] = field(default_factory=dict)
    standing: Mapping[str, RecordAnswer] = field(default_factory=dict)
    kind: DisagreementKind = DisagreementKind.FIELD_CONFLICT

    def compare(self, item_id: str, first: Vote, second: Vote) -> AnswerComparison:
        apart = distance(required_answer(first), required_answer(second), self.task)
        cells = self._pair_cells(item_id, first, second)
        judgement = _judged(cells, first[0], second[0], self.given)
        return compare_by_policy(apart, self.task, judgement)

    def differences(self, item_id: str, first: Vote, second: Vote) -> Differences:
        found = field_differences(self._pair_cells(item_id, first, second))
        only = tuple(
            tuple(one.path for one in found if (one.value_a, one.value_b)[1 - side] is None)
            for side in (0, 1)
        )
        contradicts = any(one.contradicts for one in found)
        kind = DisagreementKind.FIELD_CONFLICT if contradicts else DisagreementKind.FIELD_MISSING
        described = tuple(
            with_evidence(vote, _side(found, side)) for side, vote in enumerate((first, second))
        )
        return Differences(
            cast(tuple[tuple[str, ...], tuple[str, ...]], only),
            cast(tuple[str, str], described),
            kind,
            tuple(found),
        )

    def _pair_cells(self, item_id: str, first: Vote, second: Vote) -> list[Cell]:
        """The cells of the two, aligned and named as those of all services of the item are."""
        votes = {**dict(self.votes.get(item_id, ())), **dict((first, second))}
        records = {name: cast(RecordAnswer, one.answer) for name, one in votes.items()}
        standing = self.standing.get(item_id, RecordAnswer(()))
        cells = _item_cells(tuple(sorted(records.items())), standing, self.task.fields)
        return [
            Cell(one.path, one.pattern, one.field, values, {})
            for one in cells
            if (values := _sides(one, first[0], second[0]))
        ]


def _sides(cell: Cell, first: str, second: str) -> dict[str, Leaf | None]:
    return {
        side: cell.values[name] for side, name in ((_A, first), (_B, second)) if name in cell.values
    }


@lru_cache(maxsize=16)
def _item_cells(
    records: tuple[tuple[str, RecordAnswer], ...],
    standing: RecordAnswer,
    fields: tuple[RecordField, ...],
) -> tuple[Cell, ...]:
    """Asked for by every pair of an item, and again to say how the two differ."""
    return tuple(cells_named_as_standing(dict(records), standing, fields))


def record_measure(batch: TaskReadings) -> Measure:
    """The mean distance of the fields that either record has."""
    return RecordMeasure(
        batch.task, given_shares(batch.votes.values(), batch.task), batch.votes, batch.standing
    )


def field_differences(cells: Sequence[Cell]) -> list[FieldDifference]:
    """Every value on which the two sides ``a`` and ``b`` of the cells differ: contradicted ones
    first, then those that one side leaves out, each in the order of the record. What is part of an
    entry that one side lacks is told with that entry."""
    found = []
    for cell in cells:
        a, b = cell.values.get(_A), cell.values.get(_B)
        if len(cell.values) < 2 or (a is None and b is None):
            continue
        if a is not None and b is not None:
            if cell.is_entry or same_value(a, b, cell.field):
                continue
            apart = value_distance(a, b, cell.field)
            contradicts = _contradicts(a, b, cell.field)
            found.append(
                FieldDifference(cell.path, value_text(a), value_text(b), apart, contradicts)
            )
            continue
        given = cast(Leaf, b if a is None else a)
        held = _entry_text(cell, cells) if cell.is_entry else value_text(given)
        side_a, side_b = (None, held) if a is None else (held, None)
        found.append(FieldDifference(cell.path, side_a, side_b, 1.0, contradicts=False))
    return sorted(found, key=lambda one: (not one.contradicts, None in (one.value_a, one.value_b)))


def _entry_text(cell: Cell, cells: Sequence[Cell]) -> str:
    """What an entry holds, that only one side has."""
    inside = f"{cell.path}."
    held = [
        (one.path.removeprefix(inside), next(iter(one.values.values())))
        for one in cells
        if one.path.startswith(inside) and not one.is_entry
    ]
    return "; ".join(f"{name}: {value_text(value)}" for name, value in held if value is not None)


def _contradicts(first: Leaf, second: Leaf, field: RecordField) -> bool:
    """Whether at most one of two different values can be right."""
    if field.type is not FieldType.TEXT:
        return True
    a, b = str(first), str(second)
    if is_short_value(a) or is_short_value(b):
        return True
    votes = tuple((side, Reading(Status.OK, text)) for side, text in ((_A, a), (_B, b)))
    return judge_texts(votes[0], votes[1]).consequence is not Consequence.NONE


def _judged(
    cells: Sequence[Cell], name_a: str, name_b: str, given: Mapping[tuple[str, str], float]
) -> Judgement:
    found = field_differences(cells)
    if not found:
        return harmless("both say the same")
    compared = max(sum(len(cell.values) > 1 for cell in cells), 1)
    against = [one for one in found if one.contradicts]
    left_out = [one for one in found if one.value_a is None or one.value_b is None]
    if against:
        share = len(against) / compared
        named = _named(against, name_a, name_b)
        return Judgement(Consequence.OTHER_VALUE, 0.5 + 0.5 * share, named)
    unlike = [one for one in left_out if _usually_gives(one, name_a, name_b, given)]
    if left_out and not unlike:
        named = _named(left_out, name_a, name_b)
        return harmless(f"{named}: which it mostly leaves out in this batch")
    if left_out := unlike:
        share = len(left_out) / compared
        named = _named(left_out, name_a, name_b)
        return Judgement(Consequence.MISSING_VALUE, _LEFT_OUT * (0.5 + 0.5 * share), named)
    return harmless(f"{_named(found, name_a, name_b)}: other words, which exclude nothing")


def _usually_gives(
    one: FieldDifference, name_a: str, name_b: str, given: Mapping[tuple[str, str], float]
) -> bool:
    """Whether the side that leaves a value out gives most of this field elsewhere: a service that
    seldom does says nothing by its silence."""
    lacks = name_a if one.value_a is None else name_b
    return given.get((lacks, _FIELD.split(one.path, maxsplit=1)[0]), 1.0) >= MOSTLY


def _named(found: Sequence[FieldDifference], name_a: str, name_b: str) -> str:
    """The first few differences in words."""
    words = [_in_words(one, name_a, name_b) for one in found[:_NAMED]]
    more = len(found) - len(words)
    return "; ".join(words) + (f"; and {more} more" if more > 0 else "")


def _in_words(one: FieldDifference, name_a: str, name_b: str) -> str:
    if one.value_a is None or one.value_b is None:
        has, lacks = (name_b, name_a) if one.value_a is None else (name_a, name_b)
        value = one.value_b if one.value_a is None else one.value_a
        return f"{one.path}: {has} says {_quoted(value or '')}, {lacks} nothing"
    return f"{one.path}: {name_a} says {_quoted(one.value_a)}, {name_b} {_quoted(one.value_b)}"


def _quoted(text: str) -> str:
    cut = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}\u2026"
    return f"\u201c{cut}\u201d"


def _side(found: Sequence[FieldDifference], side: int) -> str:
    said = [(one.path, (one.value_a, one.value_b)[side]) for one in found[:_NAMED]]
    return "; ".join(f"{path} {_quoted(value) if value else 'missing'}" for path, value in said)
