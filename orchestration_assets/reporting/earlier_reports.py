"""Reading what was reported before a batch."""

from dataclasses import fields
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.reporting.changes import Earlier
from orchestration_assets.reporting.disputed import QuestionKey
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.tables import DISAGREEMENT_REPORT, RESOLUTIONS, ReportRow
from resources.damage import leaving_out_damage
from resources.home import Home

_COLUMNS: Final = [column.name for column in fields(ReportRow)]
_BATCHES: Final = 50
"""Earlier batches of the same source that are looked through for answers about the same items."""


def read_earlier(home: Home, batch: str, source: str, resolutions: pa.Table) -> Earlier | None:
    """What was reported about the same source before, None where nothing was."""
    own = _row(home, batch)
    before: list[ReportRow] = []
    for name in sorted(home.tables.batches(DISAGREEMENT_REPORT.name), reverse=True):
        if name < batch and (row := _row(home, name)) is not None and row.source == source:
            before.append(row)
        if len(before) == _BATCHES:
            break
    latest = own or next(iter(before), None)
    if latest is None:
        return None
    items = pc.unique(resolutions.column("item_id"))
    answers: dict[QuestionKey, str | None] = {}
    for row in before:
        if not home.tables.is_whole(RESOLUTIONS.name, row.batch):
            continue
        with leaving_out_damage():
            stood = home.tables.read(
                RESOLUTIONS.name, row.batch, ["item_id", "task", "kind", "answer"]
            )
            stood = stood.filter(pc.is_in(stood["item_id"], value_set=items))
            for item, task, kind, answer in values(stood, "item_id", "task", "kind", "answer"):
                # a vector is written by its length only, which tells no two of them apart
                if kind != AnswerKind.VECTOR:
                    answers.setdefault((item, task), answer)
    return Earlier(latest, own is not None, answers)


def _row(home: Home, batch: str) -> ReportRow | None:
    row: ReportRow | None = None
    if home.tables.is_whole(DISAGREEMENT_REPORT.name, batch):
        with leaving_out_damage():
            (row,) = DISAGREEMENT_REPORT.rows(
                home.tables.read(DISAGREEMENT_REPORT.name, batch, _COLUMNS)
            )
    return row
