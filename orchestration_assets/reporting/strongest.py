"""The strongest disagreements, item by item, with every reading side by side."""

from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.reporting.counting import Capped, frame
from orchestration_assets.reporting.intake import NO_FAMILY

SHOWN = 20
# the same conflict twenty times over would hide the other ones
OF_ONE_KIND = 3
_QUESTION = ["item_id", "task"]


@dataclass(frozen=True, slots=True)
class SideReading:
    """What one service said, and whether that is the answer that stands."""

    service: str
    status: str
    answer: str | None
    confidence: float | None
    words: str | None
    stands: bool
    dissents: bool


@dataclass(frozen=True, slots=True)
class Dispute:
    """One item and task on which services gave different answers."""

    item_id: str
    path: str
    task: str
    family: str
    status: str
    answer: str | None
    error_risk: float | None
    severity: float
    reason: str
    readings: tuple[SideReading, ...]


def strongest(
    interpretations: pa.Table,
    resolutions: pa.Table,
    disagreements: pa.Table,
    families: "pd.Series[str]",
) -> Capped[Dispute]:
    """The most severe disputes, at most :data:`OF_ONE_KIND` with the same leading conflict."""
    sides = ["service_a", "answer_a", "service_b", "answer_b"]
    pairs = frame(disagreements, *_QUESTION, "path", *sides, "severity")
    risk = frame(resolutions, *_QUESTION, "error_risk").set_index(_QUESTION)["error_risk"]
    pairs = pairs.join(risk, on=_QUESTION).sort_values(
        ["severity", "error_risk", "path", "task", "service_a", "service_b"],
        ascending=[False, False, True, True, True, True],
        kind="stable",
    )
    leading = pairs.drop_duplicates(_QUESTION)
    nth = leading.groupby(["task", *sides]).cumcount()
    chosen = leading[nth < OF_ONE_KIND].head(SHOWN)
    readings = _rows_of(interpretations, chosen["item_id"])
    answers = _rows_of(resolutions, chosen["item_id"])
    disputes = tuple(
        _dispute(
            str(item_id),
            str(task),
            float(severity),
            resolutions=answers,
            interpretations=readings,
            family=str(families.get(item_id, NO_FAMILY)),
        )
        for item_id, task, severity in chosen[[*_QUESTION, "severity"]].itertuples(index=False)
    )
    return Capped(disputes, len(leading))


def _rows_of(table: pa.Table, items: "pd.Series[str]") -> pa.Table:
    wanted = pa.array(items.tolist(), pa.string())
    return table.filter(pc.is_in(table.column("item_id"), value_set=wanted))


def _of_question(table: pa.Table, item_id: str, task: str) -> list[dict[str, Any]]:
    same = pc.and_(pc.equal(table.column("item_id"), item_id), pc.equal(table.column("task"), task))
    rows: list[dict[str, Any]] = table.filter(same).to_pylist()
    return rows


def _dispute(
    item_id: str,
    task: str,
    severity: float,
    *,
    resolutions: pa.Table,
    interpretations: pa.Table,
    family: str,
) -> Dispute:
    (resolution,) = _of_question(resolutions, item_id, task)
    readings = sorted(
        _of_question(interpretations, item_id, task), key=lambda row: (row["step"], row["service"])
    )
    return Dispute(
        item_id=item_id,
        path=resolution["path"],
        task=task,
        family=family,
        status=resolution["status"],
        answer=resolution["answer"],
        error_risk=resolution["error_risk"],
        severity=severity,
        reason=resolution["reason"],
        readings=tuple(
            SideReading(
                row["service"],
                row["status"],
                row["answer"],
                row["confidence"],
                row["evidence"] or row["reason"],
                row["service"] in resolution["supporters"],
                row["service"] in resolution["dissenters"],
            )
            for row in readings
        ),
    )
