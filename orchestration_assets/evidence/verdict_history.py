"""The verdicts of people over all batches, and what each of them stands for."""

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.evidence.verdict_weights import VerdictWeights, verdict_weights
from orchestration_assets.schemas.decoding import column_names, decode
from orchestration_assets.schemas.disagreement import REVIEW_QUEUE, ReviewRow
from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.verdicts import GOLD_LABELS, GoldRow
from resources.damage import leaving_out_damage
from resources.table_store import TableStore


@dataclass(frozen=True, slots=True)
class _Queued:
    """The columns of a review queue that weights are computed from."""

    batch: str
    content_hash: str
    task: str
    triage: str
    error_risk: float
    round: int
    size: float
    priority: float
    beyond: float
    probability: float | None


def gold_rows(store: TableStore) -> list[GoldRow]:
    """The verdicts of people so far; none before anybody gave one."""
    rows: list[GoldRow] = []
    if store.exists(GOLD_LABELS.name):
        with leaving_out_damage():  # it is made again from the accepted files of verdicts
            rows = list(GOLD_LABELS.rows(store.read(GOLD_LABELS.name)))
    return rows


def gold_of(rows: Iterable[GoldRow]) -> dict[str, dict[str, str]]:
    """Task -> content hash -> the label that people gave; verdicts whose content is unknown, and
    those about other kinds of answers, are left out."""
    by_task: dict[str, dict[str, str]] = {}
    for row in rows:
        if row.kind is AnswerKind.LABEL and row.content_hash is not None:
            by_task.setdefault(row.task, {})[row.content_hash] = row.answer
    return by_task


def earlier_questions(store: TableStore, batch: str) -> list[ReviewRow]:
    """The review queue of a batch as it is stored; empty before there is one."""
    rows: list[ReviewRow] = []
    if store.exists(REVIEW_QUEUE.name, batch):
        with leaving_out_damage():
            rows = list(REVIEW_QUEUE.rows(store.read(REVIEW_QUEUE.name, batch)))
    return rows


def stored_weights(store: TableStore, gold: Iterable[GoldRow]) -> dict[str, VerdictWeights]:
    """Task -> the weights of its verdicts, by the review queues of all batches.

    No more is read than the questions of tasks that have verdicts.
    """
    rows = [row for row in gold if row.content_hash is not None]
    tasks = pa.array(sorted({row.task for row in rows}), pa.string())
    queued: list[_Queued] = []
    for batch in store.batches(REVIEW_QUEUE.name) if rows else ():
        with leaving_out_damage():
            read = store.read(REVIEW_QUEUE.name, batch, column_names(_Queued))
            queued += decode(_Queued, read.filter(pc.is_in(read["task"], tasks)))
    return verdict_weights(rows, queued)
