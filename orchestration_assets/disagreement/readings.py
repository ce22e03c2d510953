"""Readings grouped as they were asked: all services of one task about one item."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from operator import attrgetter, itemgetter

import pyarrow as pa

from orchestration_assets.evidence.standing import Roles, decisive
from orchestration_assets.schemas.answers import answer_of
from orchestration_assets.schemas.decoding import decode
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Reading
from orchestration_assets.schemas.tables import InterpretationRow

Vote = tuple[str, Reading]
ServiceReadings = tuple[Vote, ...]

_question = attrgetter("item_id", "task")
_in_order = attrgetter("item_id", "task", "step")


def group_readings(interpretations: Iterable[pa.Table]) -> dict[tuple[str, str], ServiceReadings]:
    """(item_id, task) -> (service, reading) pairs in the order of asking; final readings only."""
    return group_answers(interpretations)[0]


def group_roles(interpretations: Iterable[pa.Table]) -> dict[tuple[str, str], Roles]:
    """(item_id, task) -> which of its final readings decide, and what each was shown."""
    return group_answers(interpretations)[1]


def group_answers(
    interpretations: Iterable[pa.Table],
) -> tuple[dict[tuple[str, str], ServiceReadings], dict[tuple[str, str], Roles]]:
    """What :func:`group_readings` and :func:`group_roles` find, read once."""
    readings: dict[tuple[str, str], ServiceReadings] = {}
    roles: dict[tuple[str, str], Roles] = {}
    for key, rows in _by_question(interpretations):
        votes = readings[key] = tuple((row.service, reading_of(row)) for row in rows)
        decides = frozenset(row.service for row in rows if row.decides)
        saw = {row.service: row.saw for row in rows}
        # an answer that no table could hold decides nothing any more: then the others do
        roles[key] = Roles(decides, saw) if decides else decisive(votes, saw)
    return readings, roles


def _by_question(
    interpretations: Iterable[pa.Table],
) -> Iterator[tuple[tuple[str, str], list[InterpretationRow]]]:
    rows = [
        row
        for table in interpretations
        for row in decode(InterpretationRow, table.filter(table["final"]))
    ]
    rows.sort(key=_in_order)
    return ((key, list(group)) for key, group in groupby(rows, key=_question))


def independent(
    readings: Mapping[tuple[str, str], ServiceReadings],
    roles: Mapping[tuple[str, str], Roles],
) -> dict[tuple[str, str], ServiceReadings]:
    """The readings of services that were shown no other service's answer."""
    return {
        key: tuple(vote for vote in votes if key not in roles or roles[key].unaided(vote[0]))
        for key, votes in readings.items()
    }


def ok_votes(readings: ServiceReadings) -> ServiceReadings:
    """The readings that vote, by the name of the service."""
    votes = [vote for vote in readings if vote[1].status is Status.OK]
    return tuple(sorted(votes, key=itemgetter(0)))


def grounds(reason: str | None, evidence: str | None) -> str | None:
    """Why a service answered so, or not: its reason for no answer, then what it rests on."""
    return ": ".join(part for part in (reason, evidence) if part) or None


def reading_of(row: InterpretationRow) -> Reading:
    """The reading that a row of an interpretation table holds."""
    return Reading(
        row.status, answer_of(row), row.confidence, row.alternatives, row.evidence, row.reason
    )
