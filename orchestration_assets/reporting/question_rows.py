"""Every question of a batch as a reader asks for it: who said what, and how far that differs."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, NamedTuple

import pyarrow as pa

from orchestration_assets.reporting.disputed import QuestionKey
from orchestration_assets.reporting.formatting import cut
from orchestration_assets.reporting.intake import NO_FAMILY
from orchestration_assets.reporting.text_differences import (
    TextPiece,
    mark_members,
    mark_unsupported,
)
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.enums import AnswerKind, Consequence, ResolutionStatus, Status

_AT_ONCE: Final = 500
_MEMBERS: Final = 20
_MEMBER: Final = 60
_COLUMNS: Final = ("service", "step", "status", "answer", "answer_set", "reason")
NOT_KNOWN: Final = -1.0
Pair = tuple[str, str]


class Standing(StrEnum):
    """What a question is to a reader, the most pressing first."""

    DISPUTED = "disputed"
    FAILED = "failed"
    DEFERRED = "deferred"
    UNANSWERED = "unanswered"
    DIFFERING = "without_consequence"
    AGREED = "agreed"


class Movement(StrEnum):
    """What a question did between two batches, the most telling first."""

    CHANGED = "changed"
    BEFORE = "before"
    AFTER = "after"
    SAME = "same"


_PRESSING: Final = {standing: place for place, standing in enumerate(Standing)}
_OF_STATUS: Final = {
    ResolutionStatus.FAILED.value: Standing.FAILED,
    ResolutionStatus.DEFERRED.value: Standing.DEFERRED,
    ResolutionStatus.ABSTAINED.value: Standing.UNANSWERED,
    ResolutionStatus.PRESERVED.value: Standing.UNANSWERED,
}


@dataclass(frozen=True, slots=True)
class SaidAnswer:
    """One answer with everybody who gave it.

    ``pieces``: the answer, with what no other answer of the question says marked; where nobody
    answered, the reason. ``answered``: whether it is an answer at all.
    """

    services: tuple[str, ...]
    pieces: tuple[TextPiece, ...]
    answered: bool
    stands: bool = False
    dissents: bool = False

    @property
    def text(self) -> str:
        """The answer without its marks."""
        return "".join(piece.text for piece in self.pieces)


@dataclass(frozen=True, slots=True)
class QuestionRow:
    """One item and task.

    ``severity``: of its gravest dispute, in [0, 1]. ``kinds``: consequences of its disputes, and
    kinds of dispute found in it. ``disputes`` and ``differences``: the pairs of services that
    differ with and without a consequence. ``change``: of a comparison, the cost in USD, the time
    in ms and the error risk, each before and after, NOT_KNOWN where it is not; the same twice where
    one side alone has the question.
    """

    path: str
    task: str
    family: str
    standing: Standing | Movement
    severity: float
    error_risk: float | None
    kinds: tuple[str, ...]
    said: tuple[SaidAnswer, ...]
    disputes: tuple[Pair, ...]
    differences: tuple[Pair, ...]
    change: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class _Conflict:
    """A pair of services that differ on a question."""

    pair: Pair
    consequence: str
    severity: float

    @property
    def of_dispute(self) -> bool:
        return self.consequence != Consequence.NONE


class _Place(NamedTuple):
    """Where a question stands in the order, and which row of its table it is."""

    pressing: int
    mildness: float
    path: str
    task: str
    item: str
    row: int


def question_rows(
    tables: Mapping[str, pa.Table], families: Mapping[str, str]
) -> Iterator[QuestionRow]:
    """Every question, the most pressing first: disputed ones by severity, what has no answer,
    what differs without a consequence, the rest; then by path and task.

    ``tables``: resolutions, interpretations (final ones), disagreements, dispute_kinds. Rows are
    made as they are taken.
    """
    resolutions = tables["resolutions"]
    conflicts = _conflicts(tables["disagreements"])
    kinds: defaultdict[QuestionKey, list[str]] = defaultdict(list)
    for item, task, kind in sorted(values(tables["dispute_kinds"], "item_id", "task", "kind")):
        kinds[item, task].append(kind)
    readings: defaultdict[QuestionKey, list[int]] = defaultdict(list)
    interpretations = tables["interpretations"]
    for number, key in enumerate(values(interpretations, "item_id", "task")):
        readings[key].append(number)
    order = []
    for number, (item, task, path, status) in enumerate(
        values(resolutions, "item_id", "task", "path", "status")
    ):
        found = conflicts.get((item, task), ())
        pressing = _PRESSING[_standing(found, status)]
        order.append(_Place(pressing, -_severity(found), path, task, item, number))
    order.sort()
    for start in range(0, len(order), _AT_ONCE):
        some = order[start : start + _AT_ONCE]
        taken = resolutions.take(pa.array([one.row for one in some], pa.int64()))
        wanted = [readings.get((one.item, one.task), []) for one in some]
        given = _readings_of(wanted, interpretations)
        columns = ("kind", "status", "error_risk", "supporters", "dissenters")
        for (_, _, path, task, item, _), said, resolved in zip(
            some, given, values(taken, *columns), strict=True
        ):
            kind, status, risk, supporters, dissenters = resolved
            found = conflicts.get((item, task), ())
            consequences = {one.consequence for one in found if one.of_dispute}
            yield QuestionRow(
                path=path,
                task=task,
                family=families.get(item, NO_FAMILY),
                standing=_standing(found, status),
                severity=_severity(found),
                error_risk=risk,
                kinds=(*sorted(consequences), *kinds.get((item, task), ())),
                said=folded(AnswerKind(kind), said, supporters, dissenters),
                disputes=tuple(one.pair for one in found if one.of_dispute),
                differences=tuple(one.pair for one in found if not one.of_dispute),
            )


def _severity(found: Sequence[_Conflict]) -> float:
    return max((one.severity for one in found), default=0.0)


def _conflicts(disagreements: pa.Table) -> dict[QuestionKey, list[_Conflict]]:
    found: defaultdict[QuestionKey, list[_Conflict]] = defaultdict(list)
    columns = ("item_id", "task", "service_a", "service_b", "consequence", "severity")
    for item, task, a, b, consequence, severity in sorted(values(disagreements, *columns)):
        found[item, task].append(_Conflict((a, b), consequence, severity))
    return found


def _standing(found: Sequence[_Conflict], status: str) -> Standing:
    if any(one.of_dispute for one in found):
        return Standing.DISPUTED
    if status in _OF_STATUS:
        return _OF_STATUS[status]
    return Standing.DIFFERING if found else Standing.AGREED


def _readings_of(
    wanted: Sequence[Sequence[int]], interpretations: pa.Table
) -> Iterator[list[dict[str, Any]]]:
    """The readings in these rows of the table, for each question, in the order of asking."""
    flat = [number for numbers in wanted for number in numbers]
    rows = iter(interpretations.select(_COLUMNS).take(pa.array(flat, pa.int64())).to_pylist())
    for numbers in wanted:
        own = [next(rows) for _ in numbers]
        yield sorted(own, key=lambda row: (row["step"], row["service"]))


def folded(
    kind: AnswerKind,
    readings: Sequence[Mapping[str, Any]],
    supporters: Sequence[str],
    dissenters: Sequence[str],
) -> tuple[SaidAnswer, ...]:
    """Equal readings as one, what stands first, what has no answer last.

    ``readings``: service, status, answer, answer_set, reason of each, in the order of asking.
    """
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for row in readings:
        service, answered = row["service"], row["status"] == Status.OK
        # two vectors are never the same answer, however they are written
        own = service if kind is AnswerKind.VECTOR and answered else ""
        said = row["answer"] if answered else f"{row['status']}{row['reason']}"
        key = (not answered, service not in supporters, service in dissenters, said, own)
        groups.setdefault(key, []).append(row)
    # a stable order: of equals, who was asked first
    ordered = sorted(groups.items(), key=lambda group: group[0][:3])
    firsts = [rows[0] for key, rows in ordered if not key[0]]
    found = []
    for (silent, other, dissents, *_), rows in ordered:
        services = tuple(row["service"] for row in rows)
        if silent:
            found.append(SaidAnswer(services, (TextPiece(_why(rows[0]), False),), answered=False))
            continue
        pieces = _pieces(kind, rows[0], [one for one in firsts if one is not rows[0]])
        found.append(SaidAnswer(services, pieces, True, stands=not other, dissents=dissents))
    return tuple(found)


def _why(row: Mapping[str, Any]) -> str:
    status = str(row["status"]).replace("_", " ")
    return f"{status}: {row['reason']}" if row["reason"] not in (None, "", status) else status


def _pieces(
    kind: AnswerKind, row: Mapping[str, Any], others: Sequence[Mapping[str, Any]]
) -> tuple[TextPiece, ...]:
    answer = row["answer"] or ""
    if kind is AnswerKind.SET and row["answer_set"]:
        marked = mark_members(
            row["answer_set"], [one["answer_set"] or () for one in others], _MEMBERS
        )
        return tuple(_joined(marked))
    if kind in (AnswerKind.TEXT, AnswerKind.RECORD):
        return mark_unsupported(answer, [one["answer"] or "" for one in others])
    return (TextPiece(answer, False),)


def _joined(members: Sequence[TextPiece]) -> Iterator[TextPiece]:
    for number, member in enumerate(members):
        if number:
            yield TextPiece("; ", False)
        yield TextPiece(cut(member.text, _MEMBER), member.unique)
