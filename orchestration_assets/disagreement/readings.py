"""Readings grouped as they were asked: all services of one task about one item."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from operator import itemgetter
from typing import Any, Final, Protocol, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.evidence.standing import Roles, decisive, voices
from orchestration_assets.schemas.answers import AnswerColumns, answer_of
from orchestration_assets.schemas.decoding import column_names, decode, values
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.equal_rows import Codes, first_of_each, list_codes, row_codes
from orchestration_assets.schemas.items import Alternative, Reading
from orchestration_assets.schemas.tables import PARALLEL_INTERPRETATIONS

Key = tuple[str, str]
Vote = tuple[str, Reading]
ServiceReadings = tuple[Vote, ...]

T = TypeVar("T")


class QuestionColumns(Protocol):
    """A row of a table that is about an item and a task."""

    @property
    def batch(self) -> str: ...
    @property
    def item_id(self) -> str: ...
    @property
    def content_hash(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def task(self) -> str: ...


@dataclass(frozen=True, slots=True)
class NamedQuestion:
    """The columns of a table that name a question."""

    batch: str
    item_id: str
    content_hash: str
    path: str
    task: str


def group_readings(interpretations: Iterable[pa.Table]) -> dict[Key, ServiceReadings]:
    """(item_id, task) -> (service, reading) pairs in the order of asking; final readings only."""
    return group_answers(interpretations)[0]


def group_roles(interpretations: Iterable[pa.Table]) -> dict[Key, Roles]:
    """(item_id, task) -> which of its final readings decide, and what each was shown."""
    return group_answers(interpretations)[1]


def group_answers(
    interpretations: Iterable[pa.Table],
) -> tuple[dict[Key, ServiceReadings], dict[Key, Roles]]:
    """What :func:`group_readings` and :func:`group_roles` find, read once."""
    rows = _final_rows(interpretations)
    keys, starts = _questions(rows)
    readings: dict[Key, ServiceReadings] = {}
    roles: dict[Key, Roles] = {}
    given = list(decode(_GivenReading, rows))
    for key, (first, end) in zip(keys, pairwise(starts.tolist()), strict=True):
        readings[key], roles[key] = _answered(given[first:end])
    return readings, roles


def readings_of(
    questions: Collection[Key], interpretations: Iterable[pa.Table]
) -> dict[Key, ServiceReadings]:
    """What :func:`group_readings` finds of these questions."""
    items = pa.array(sorted({item for item, _ in questions}), pa.string())
    about = (table.filter(pc.is_in(table["item_id"], items)) for table in interpretations)
    wanted = set(questions)
    return {key: votes for key, votes in group_readings(about).items() if key in wanted}


def group_alike(
    interpretations: Iterable[pa.Table],
) -> tuple[dict[Key, ServiceReadings], dict[Key, Roles]]:
    """What :func:`group_answers` finds, but the evidence of readings: without it many questions of
    a batch are answered alike, and those share one object, made once."""
    rows = _final_rows(interpretations).drop_columns("evidence")
    keys, starts = _questions(rows)
    told = row_codes(rows.drop_columns(["item_id", "task", "step"]))
    first, number = first_of_each(list_codes(told, starts))
    ends = starts[1:][first]
    lengths = ends - starts[:-1][first]
    places = np.repeat(ends - np.cumsum(lengths), lengths) + np.arange(lengths.sum())
    given = list(decode(_GivenReading, rows.take(pa.array(places, pa.int64()))))
    bounds = pairwise([0, *np.cumsum(lengths).tolist()])
    alike = [_answered(given[start:end]) for start, end in bounds]
    shared = [alike[n] for n in number.tolist()]
    return (
        {key: votes for key, (votes, _) in zip(keys, shared, strict=True)},
        {key: roles for key, (_, roles) in zip(keys, shared, strict=True)},
    )


@dataclass(frozen=True, slots=True)
class _GivenReading:
    """What an interpretation says of a question, and the part that it has in the answer."""

    service: str
    decides: bool
    saw: tuple[str, ...]
    status: Status
    answer: str | None
    answer_set: tuple[str, ...] | None
    answer_score: float | None
    answer_vector: tuple[float, ...] | None
    answer_record: str | None
    confidence: float | None
    alternatives: tuple[Alternative, ...]
    reason: str | None
    evidence: str | None
    final: bool
    voice: bool | None
    follows: tuple[str, ...] | None


_COLUMNS: Final = ("item_id", "task", "step", *column_names(_GivenReading))


def _final_rows(interpretations: Iterable[pa.Table]) -> pa.Table:
    """The final readings and the voices of panels, those of a question together in the order of
    asking."""
    found = [
        table.filter(pc.or_(table["final"], pc.fill_null(table["voice"], False))).select(_COLUMNS)
        for table in interpretations
    ]
    if not found:
        return PARALLEL_INTERPRETATIONS.schema.empty_table().select(_COLUMNS)
    # the sort is stable
    return pa.concat_tables(found).sort_by([(name, "ascending") for name in _COLUMNS[:3]])


def _questions(rows: pa.Table) -> tuple[list[Key], Codes]:
    """The questions of sorted rows, and where each begins, with the end of the last."""
    codes = row_codes(rows.select(["item_id", "task"]))
    begins = np.flatnonzero(np.diff(codes, prepend=-1)).astype(np.int64)
    asked = rows.select(["item_id", "task"]).take(pa.array(begins, pa.int64()))
    return list(values(asked, "item_id", "task")), np.append(begins, len(codes))


def _answered(rows: Sequence[_GivenReading]) -> tuple[ServiceReadings, Roles]:
    """The readings of one question, and their roles."""
    finals = [row for row in rows if row.final]
    votes = tuple((row.service, reading_of(row)) for row in finals)
    decides = frozenset(row.service for row in finals if row.decides)
    saw = {row.service: row.saw for row in finals}
    # an answer that no table could hold decides nothing any more: then the others do
    roles = Roles(decides, saw) if decides else decisive(votes, saw)
    members = [row.service for row in finals if row.voice is not None]
    if not members:
        return votes, roles
    first = {row.service: reading_of(row) for row in rows if row.voice}
    follows = {row.service: row.follows for row in finals if row.follows}
    return votes, replace(roles, voices={n: first.get(n) for n in members}, follows=follows)


def independent(
    readings: Mapping[Key, ServiceReadings], roles: Mapping[Key, Roles]
) -> dict[Key, ServiceReadings]:
    """The readings of services that were shown no other service's answer; of members of a panel
    those are their first ones.

    Questions that share their readings share these.
    """
    unaided = once_for_each(_unaided)
    return {key: unaided(votes, roles.get(key)) for key, votes in readings.items()}


def _unaided(votes: ServiceReadings, roles: Roles | None) -> ServiceReadings:
    if roles is None:
        return votes
    return tuple(
        vote for vote in voices(votes, roles) if vote[0] in roles.voices or roles.unaided(vote[0])
    )


def once_for_each(function: Callable[..., T]) -> Callable[..., T]:
    """The function, computed once for each combination of the very objects that it is given.

    For what many questions of a batch share (:func:`group_alike`); as long as it lives, it holds
    what it was given.
    """
    known: dict[tuple[int, ...], tuple[tuple[Any, ...], T]] = {}

    def once(*given: Any) -> T:
        key = tuple(map(id, given))
        if key not in known:
            known[key] = given, function(*given)
        return known[key][1]

    return once


def ok_votes(readings: ServiceReadings) -> ServiceReadings:
    """The readings that vote, by the name of the service."""
    votes = [vote for vote in readings if vote[1].status is Status.OK]
    return tuple(sorted(votes, key=itemgetter(0)))


def grounds(reason: str | None, evidence: str | None) -> str | None:
    """Why a service answered so, or not: its reason for no answer, then what it rests on."""
    return ": ".join(part for part in (reason, evidence) if part) or None


class ReadingColumns(AnswerColumns, Protocol):
    """A record with the columns of an interpretation that make a reading."""

    @property
    def status(self) -> Status: ...
    @property
    def confidence(self) -> float | None: ...
    @property
    def alternatives(self) -> tuple[Alternative, ...]: ...
    @property
    def evidence(self) -> str | None: ...
    @property
    def reason(self) -> str | None: ...


def reading_of(row: ReadingColumns) -> Reading:
    """The reading that a row of an interpretation table holds."""
    return Reading(
        row.status, answer_of(row), row.confidence, row.alternatives, row.evidence, row.reason
    )
