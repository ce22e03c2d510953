"""The strongest disagreements of each task, item by item, with every reading side by side."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.reporting.counts import CappedCounts, frame
from orchestration_assets.reporting.intake import NO_FAMILY
from orchestration_assets.reporting.text_differences import TextPiece, mark_members, mark_words
from orchestration_assets.schemas.decoding import Record, decode, values
from orchestration_assets.schemas.enums import AnswerKind, DisagreementKind
from orchestration_assets.schemas.tables import (
    DecisionRow,
    DisagreementRow,
    InterpretationRow,
    ResolutionRow,
)

OF_TASK = 5
SHOWN = 30
# the same conflict five times over would hide the other ones
OF_ONE_KIND = 2
_QUESTION = ["item_id", "task"]
_MEMBERS = 16
_NEAR = 5


@dataclass(frozen=True, slots=True)
class SideReading:
    """The reading of one service, and whether its answer is the one that stands.

    One that neither stands nor dissents was overruled by a service that was shown it.
    ``pieces`` is the answer with what no other service said apart: words of a text, members of
    a set. ``score`` is the answer to a score task. ``near_only`` lists what only this side of a
    disagreement names.
    """

    service: str
    status: str
    answer: str | None
    pieces: tuple[TextPiece, ...]
    score: float | None
    confidence: float | None
    explanation: str | None
    stands: bool
    dissents: bool
    near_only: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DisputeStep:
    """One decision on the way to the answer."""

    action: str
    services: tuple[str, ...]
    reason: str
    certainty: float | None


@dataclass(frozen=True, slots=True)
class Dispute:
    """One item and task on which services disagree.

    ``nearby``: by pair of services, in words, how the two stood on its nearest earlier items.
    """

    item_id: str
    path: str
    task: str
    kind: str
    family: str
    status: str
    answer: str | None
    error_risk: float | None
    spread: float | None
    certainty: float | None
    distance: float
    severity: float
    reason: str
    readings: tuple[SideReading, ...]
    steps: tuple[DisputeStep, ...]
    nearby: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class TaskDisputes:
    """The strongest disputes of one task, and how many there are; ``place`` counts from 1."""

    place: int
    task: str
    disputes: CappedCounts[Dispute]


def strongest(
    interpretations: pa.Table,
    resolutions: pa.Table,
    disagreements: pa.Table,
    decisions: pa.Table,
    families: "pd.Series[str]",
) -> tuple[TaskDisputes, ...]:
    """The most severe disputes, task by task.

    At most :data:`OF_TASK` of a task and :data:`SHOWN` in all, at most :data:`OF_ONE_KIND` with
    the same leading conflict.
    """
    sides = ["service_a", "answer_a", "service_b", "answer_b"]
    pairs = frame(disagreements, *_QUESTION, "path", *sides, "kind", "severity", "distance")
    risk = frame(resolutions, *_QUESTION, "error_risk").set_index(_QUESTION)["error_risk"]
    pairs = pairs.join(risk, on=_QUESTION).sort_values(
        ["severity", "error_risk", "path", "task", "service_a", "service_b"],
        ascending=[False, False, True, True, True, True],
        kind="stable",
    )
    leading = pairs.drop_duplicates(_QUESTION)
    nth = leading.groupby(["task", *sides]).cumcount()
    # vectors are all written alike, which makes no two conflicts the same
    alike = leading["kind"] != DisagreementKind.NEIGHBOURHOOD_SHIFT.value
    varied = leading[(nth < OF_ONE_KIND) | ~alike]
    chosen = varied[varied.groupby("task").cumcount() < OF_TASK].head(SHOWN)
    items = pa.array(chosen["item_id"].tolist(), pa.string())

    def of_chosen(table: pa.Table) -> pa.Table:
        return table.filter(pc.is_in(table.column("item_id"), value_set=items))

    sources = _Sources(
        interpretations=of_chosen(interpretations),
        resolutions=of_chosen(resolutions),
        disagreements=of_chosen(disagreements),
        decisions=of_chosen(decisions),
        paths=_paths(resolutions),
    )
    totals = leading.groupby("task").size()
    return tuple(
        TaskDisputes(
            place,
            str(task),
            CappedCounts(
                tuple(
                    _dispute(sources, row, str(families.get(row["item_id"], NO_FAMILY)))
                    for row in group.to_dict("records")
                ),
                int(totals[task]),
            ),
        )
        for place, (task, group) in enumerate(chosen.groupby("task", sort=True), 1)
    )


@dataclass(frozen=True, slots=True)
class _Sources:
    """The rows of the items that are shown."""

    interpretations: pa.Table
    resolutions: pa.Table
    disagreements: pa.Table
    decisions: pa.Table
    paths: Mapping[str, str]


def _paths(resolutions: pa.Table) -> dict[str, str]:
    """The path of every item: the neighbours of a vector are named by their items."""
    return dict(values(resolutions, "item_id", "path"))


def _of_question(
    record: type[Record], table: pa.Table, item_id: str, task: str
) -> Iterator[Record]:
    same = pc.and_(pc.equal(table.column("item_id"), item_id), pc.equal(table.column("task"), task))
    return decode(record, table.filter(same))


def _dispute(sources: _Sources, leading: Mapping[Any, Any], family: str) -> Dispute:
    question = str(leading["item_id"]), str(leading["task"])
    (resolution,) = _of_question(ResolutionRow, sources.resolutions, *question)
    readings = sorted(
        _of_question(InterpretationRow, sources.interpretations, *question),
        key=lambda row: (row.step, row.service),
    )
    decisions = sorted(
        _of_question(DecisionRow, sources.decisions, *question), key=lambda row: row.decision
    )
    pairs = sorted(
        _of_question(DisagreementRow, sources.disagreements, *question),
        key=lambda row: (row.service_a, row.service_b),
    )
    sure = [row.certainty for row in decisions if row.certainty is not None]
    return Dispute(
        item_id=question[0],
        path=resolution.path,
        task=question[1],
        kind=resolution.kind,
        family=family,
        status=resolution.status,
        answer=resolution.answer,
        error_risk=resolution.error_risk,
        spread=resolution.spread,
        certainty=sure[-1] if sure else None,
        distance=float(leading["distance"]),
        severity=float(leading["severity"]),
        reason=resolution.reason,
        readings=tuple(_side(row, readings, resolution, pairs, sources.paths) for row in readings),
        steps=tuple(
            DisputeStep(row.action, row.services, row.reason, row.certainty) for row in decisions
        ),
        nearby=tuple(
            (f"{row.service_a} and {row.service_b}", row.nearby)
            for row in pairs
            if row.nearby is not None
        ),
    )


def _side(
    row: InterpretationRow,
    readings: Sequence[InterpretationRow],
    resolution: ResolutionRow,
    pairs: Sequence[DisagreementRow],
    paths: Mapping[str, str],
) -> SideReading:
    only = [
        paths.get(name, name)
        for pair in pairs
        for service, said in (
            (pair.service_a, pair.only_a),
            (pair.service_b, pair.only_b),
        )
        if service == row.service
        for name in said
    ]
    return SideReading(
        service=row.service,
        status=row.status,
        answer=row.answer,
        pieces=_pieces(row, readings, resolution.kind),
        score=row.answer_score,
        confidence=row.confidence,
        explanation=row.evidence or row.reason,
        stands=row.service in resolution.supporters,
        dissents=row.service in resolution.dissenters,
        near_only=tuple(dict.fromkeys(only))[:_NEAR],
    )


def _pieces(
    row: InterpretationRow, readings: Sequence[InterpretationRow], kind: AnswerKind
) -> tuple[TextPiece, ...]:
    others = [other for other in readings if other is not row and other.answer is not None]
    if kind is AnswerKind.SET and row.answer_set is not None:
        lists = [other.answer_set or () for other in others]
        return mark_members(row.answer_set, lists, _MEMBERS)
    if kind is AnswerKind.TEXT and row.answer is not None:
        return mark_words(row.answer, [other.answer or "" for other in others])
    return ()
