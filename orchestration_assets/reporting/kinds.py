"""The measures of a task's answers, by their kind."""

from collections.abc import Callable, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.reporting.labels import LabelFigures, label_figures
from orchestration_assets.reporting.records import RecordFigures, record_figures
from orchestration_assets.reporting.scores import ScoreFigures, score_figures
from orchestration_assets.reporting.sets import SetFigures, set_figures
from orchestration_assets.reporting.texts import TextFigures, text_figures
from orchestration_assets.reporting.vectors import VectorFigures, vector_figures
from orchestration_assets.schemas.enums import AnswerKind, ResolutionStatus, Status

KindFigures = LabelFigures | SetFigures | TextFigures | ScoreFigures | VectorFigures | RecordFigures

_COLUMNS = {
    "answer_set": AnswerKind.SET,
    "answer_score": AnswerKind.SCORE,
    "answer_vector": AnswerKind.VECTOR,
    "answer_record": AnswerKind.RECORD,
}


def kind_of(interpretations: pa.Table, resolutions: pa.Table) -> AnswerKind:
    """The kind of one task's answers; by what was answered where nothing was planned."""
    if resolutions.num_rows:
        return AnswerKind(resolutions.column("kind")[0].as_py())
    filled = (
        kind
        for column, kind in _COLUMNS.items()
        if interpretations.column(column).null_count < interpretations.num_rows
    )
    return next(filled, AnswerKind.LABEL)


def kind_figures(
    kind: AnswerKind,
    services: tuple[str, ...],
    interpretations: pa.Table,
    resolutions: pa.Table,
    disputes: pa.Table,
    families: Mapping[str, str],
) -> KindFigures:
    """The measures of one task's rows."""
    readings = _having(interpretations, Status.OK)
    resolved = _having(resolutions, ResolutionStatus.RESOLVED)
    if kind is AnswerKind.SCORE:
        return score_figures(services, readings, resolved, disputes, families)
    measures: dict[AnswerKind, Callable[..., KindFigures]] = {
        AnswerKind.LABEL: label_figures,
        AnswerKind.SET: set_figures,
        AnswerKind.TEXT: text_figures,
        AnswerKind.VECTOR: vector_figures,
        AnswerKind.RECORD: record_figures,
    }
    return measures[kind](services, readings, resolved, disputes)


def _having(table: pa.Table, status: str) -> pa.Table:
    return table.filter(pc.equal(table.column("status"), str(status)))
