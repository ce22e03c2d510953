"""Readings grouped as they were asked: all services of one task about one item."""

from collections.abc import Iterable, Mapping
from itertools import groupby
from operator import attrgetter, itemgetter

import pyarrow as pa

from orchestration_assets.schemas.answers import answer_of
from orchestration_assets.schemas.decoding import decode
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Reading
from orchestration_assets.schemas.tables import InterpretationRow, PlanRow

Vote = tuple[str, Reading]
ServiceReadings = tuple[Vote, ...]

_question = attrgetter("item_id", "task")
_in_order = attrgetter("item_id", "task", "step")


def group_readings(interpretations: Iterable[pa.Table]) -> dict[tuple[str, str], ServiceReadings]:
    """(item_id, task) -> (service, reading) pairs in the order of asking; final readings only."""
    rows = [
        row
        for table in interpretations
        for row in decode(InterpretationRow, table.filter(table["final"]))
    ]
    rows.sort(key=_in_order)
    return {
        key: tuple((row.service, reading_of(row)) for row in group)
        for key, group in groupby(rows, key=_question)
    }


def independent(
    readings: Mapping[tuple[str, str], ServiceReadings], plans: Iterable[PlanRow]
) -> dict[tuple[str, str], ServiceReadings]:
    """The readings without those of each plan's judge, who was shown the others' answers."""
    judges = {_question(plan): plan.judge for plan in plans}
    return {
        key: tuple(vote for vote in votes if vote[0] != judges.get(key))
        for key, votes in readings.items()
    }


def ok_votes(readings: ServiceReadings) -> ServiceReadings:
    """The readings that vote, by the name of the service."""
    votes = [vote for vote in readings if vote[1].status is Status.OK]
    return tuple(sorted(votes, key=itemgetter(0)))


def reading_of(row: InterpretationRow) -> Reading:
    """The reading that a row of an interpretation table holds."""
    return Reading(
        row.status, answer_of(row), row.confidence, row.alternatives, row.evidence, row.reason
    )
