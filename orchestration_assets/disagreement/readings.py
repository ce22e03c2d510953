"""Readings grouped as they were asked: all services of one task about one item."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

import pyarrow as pa

from orchestration_assets.schemas.answers import ANSWER_COLUMNS, answer_of
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Alternative, Reading

Vote = tuple[str, Reading]
ServiceReadings = tuple[Vote, ...]

_VECTOR: Final = "answer_vector"
_PLAIN: Final = (
    "item_id",
    "task",
    "service",
    "step",
    "status",
    *(column for column in ANSWER_COLUMNS if column != _VECTOR),
    "confidence",
    "alternatives",
    "evidence",
    "reason",
)
_question = itemgetter("item_id", "task")
_in_order = itemgetter("item_id", "task", "step")


def group_readings(interpretations: Iterable[pa.Table]) -> dict[tuple[str, str], ServiceReadings]:
    """(item_id, task) -> (service, reading) pairs in the order of asking; final readings only."""
    rows = [row for table in interpretations for row in _rows(table.filter(table["final"]))]
    rows.sort(key=_in_order)
    return {
        key: tuple((row["service"], reading_of(row)) for row in group)
        for key, group in groupby(rows, key=_question)
    }


def independent(
    readings: Mapping[tuple[str, str], ServiceReadings], plans: Iterable[Mapping[str, Any]]
) -> dict[tuple[str, str], ServiceReadings]:
    """The readings without those of each plan's judge, who was shown the others' answers."""
    judges = {_question(plan): plan["judge"] for plan in plans}
    return {
        key: tuple(vote for vote in heard if vote[0] != judges.get(key))
        for key, heard in readings.items()
    }


def ok_votes(heard: ServiceReadings) -> ServiceReadings:
    """The readings that vote, by the name of the service."""
    votes = [vote for vote in heard if vote[1].status is Status.OK]
    return tuple(sorted(votes, key=itemgetter(0)))


def _rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    vectors = _vectors(table[_VECTOR])
    for row, vector in zip(table.select(_PLAIN).to_pylist(), vectors, strict=True):
        yield row | {_VECTOR: vector}


def _vectors(column: pa.ChunkedArray) -> Iterator[list[float] | None]:
    """Each row's components, unpacked by the chunk: one by one they take 20 times as long."""
    for chunk in column.chunks:
        values = chunk.values.to_numpy(zero_copy_only=False).tolist()
        offsets = chunk.offsets.to_pylist()
        for position, there in enumerate(chunk.is_valid().to_pylist()):
            yield values[offsets[position] : offsets[position + 1]] if there else None


def reading_of(row: Mapping[str, Any]) -> Reading:
    """The reading that a row of an interpretation table holds."""
    return Reading(
        Status(row["status"]),
        answer_of(row),
        row["confidence"],
        tuple(Alternative(**other) for other in row["alternatives"]),
        row["evidence"],
        row["reason"],
    )
