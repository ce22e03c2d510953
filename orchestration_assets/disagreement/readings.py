"""Readings grouped as they were asked: all services of one task about one item."""

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

import pyarrow as pa

from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Alternative, Reading

ServiceReadings = tuple[tuple[str, Reading], ...]


def group_readings(interpretations: Iterable[pa.Table]) -> dict[tuple[str, str], ServiceReadings]:
    """(item_id, task) -> (service, reading) pairs in the order of asking."""
    rows = [row for table in interpretations for row in table.to_pylist()]
    rows.sort(key=lambda row: (row["item_id"], row["task"], row["step"]))
    return {
        key: tuple((row["service"], _reading(row)) for row in group)
        for key, group in groupby(rows, key=lambda row: (row["item_id"], row["task"]))
    }


def _reading(row: Mapping[str, Any]) -> Reading:
    return Reading(
        Status(row["status"]),
        row["answer"],
        row["confidence"],
        tuple(Alternative(**other) for other in row["alternatives"]),
        row["evidence"],
        row["reason"],
    )
