"""Measures of record tasks: which fields stand, how sure they are, and who contradicts them."""

from collections import Counter
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.reporting.counts import CappedCounts
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.enums import AnswerKind

_FIELDS: Final = 40
_ENTRY: Final = r"\[\d+\]"
_SIDES: Final = ("dissenters", "missing", "ungrounded")


@dataclass(frozen=True, slots=True)
class ServiceFieldFigures:
    """One service and one field: values of it that contradict what stands, values that it leaves
    out, and values whose quotes do not stand in the content."""

    contradicts: int
    leaves_out: int
    ungrounded: int


@dataclass(frozen=True, slots=True)
class FieldFigures:
    """One field over all items, entries of lists together (``lines[].amount``).

    ``values``: how many stand; ``mean_risk`` in [0, 1] of them; ``disputed``: how many a service
    contradicts.
    """

    pattern: str
    values: int
    mean_risk: float
    disputed: int
    by_service: tuple[ServiceFieldFigures, ...]


@dataclass(frozen=True, slots=True)
class RecordFigures:
    """The answers of a record task: its fields in the order of the record."""

    services: tuple[str, ...]
    fields: CappedCounts[FieldFigures]
    quoted: bool
    kind: AnswerKind = AnswerKind.RECORD


def record_figures(
    services: tuple[str, ...], readings: pa.Table, resolved: pa.Table, disputes: pa.Table
) -> RecordFigures:
    """The measures of one task's standing answers."""
    cells = _cells(resolved)
    patterns = pc.replace_substring_regex(cells["path"], _ENTRY, "[]").to_pylist()
    stands = pc.is_valid(cells["value"]).to_numpy(zero_copy_only=False)
    risks = cells["risk"].to_numpy(zero_copy_only=False)
    disputed = pc.greater(pc.list_value_length(cells["dissenters"]), 0).to_numpy(
        zero_copy_only=False
    )
    named = {side: cells[side].combine_chunks() for side in _SIDES}
    against = {side: _by_pattern(patterns, lists) for side, lists in named.items()}
    places: dict[str, list[int]] = {}
    for place, pattern in enumerate(patterns):
        places.setdefault(pattern, []).append(place)
    found = []
    for pattern, rows in places.items():
        standing = np.array(rows)[stands[rows]]
        found.append(
            FieldFigures(
                pattern,
                len(standing),
                float(risks[standing].mean()) if len(standing) else 0.0,
                int(disputed[rows].sum()),
                tuple(
                    ServiceFieldFigures(*(against[side][pattern, name] for side in _SIDES))
                    for name in services
                ),
            )
        )
    return RecordFigures(
        services,
        CappedCounts(tuple(found[:_FIELDS]), len(found)),
        any(count for count in against["ungrounded"].values()) or _quoted(readings),
    )


def _cells(resolved: pa.Table) -> pa.Table:
    """One row a value of a standing record."""
    held = resolved["fields"].combine_chunks()
    return pa.Table.from_struct_array(pc.list_flatten(held))


def _by_pattern(patterns: list[str], lists: pa.ListArray) -> Counter[tuple[str, str]]:
    """(pattern, service) -> in how many cells a list names the service, or a value of it."""
    parents = pc.list_parent_indices(lists).to_pylist()
    named = pc.list_flatten(lists)
    services = named.field("service") if pa.types.is_struct(named.type) else named
    return Counter(
        (patterns[parent], name) for parent, name in zip(parents, services.to_pylist(), strict=True)
    )


def _quoted(readings: pa.Table) -> bool:
    """Whether any answer says what its values rest on."""
    told = readings.filter(pc.is_valid(readings["answer_record"]))
    return any('"quotes":' in text for (text,) in values(told.slice(0, 100), "answer_record"))
