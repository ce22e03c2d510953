"""The rows of tools that services called, from the steps that are kept beside their answers."""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import pyarrow as pa

from orchestration_assets.policy.pinned_policy import read_pinned_policy
from orchestration_assets.processing.answer_cache import AnswerCache
from orchestration_assets.processing.tools.loop import STEPS
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.part_readings import PART_READINGS
from orchestration_assets.schemas.records import TableResult, rows_to_arrow
from orchestration_assets.schemas.services import SensitiveKind
from orchestration_assets.schemas.tables import INTERPRETATIONS, PROCESSING_PLANS
from orchestration_assets.schemas.tool_use import TOOL_LOG, ToolLogRow, ToolOutcome
from orchestration_assets.text.redaction import mark
from orchestration_assets.text.replies.stored_answers import taken_from
from resources.home import Home

_READ = ("item_id", "task", "service", "step", "answer_key")


@dataclass(frozen=True, slots=True, order=True)
class _Answer:
    """An answer that steps may have led to: of an item, or of a part of one."""

    item_id: str
    task: str
    step: int
    service: str
    part: int
    answer_key: str


def tool_log_of(home: Home, batch: str) -> TableResult:
    """One row a call of a tool, of the answers that stand in the tables of the batch.

    They are kept beside the answers, so that an answer from the cache brings its steps with it.
    """
    plans = home.tables.read(PROCESSING_PLANS.name, batch)
    policy = read_pinned_policy(home.policies, plans)
    asked = {
        name: taken_from(task.taken_out)
        for name, task in (policy.tasks.items() if policy else ())
        if task.tools
    }
    rows: list[ToolLogRow] = []
    if asked:
        paths = dict(values(plans, "item_id", "path"))
        answers = sorted({one for one in _answers(home, batch) if one.task in asked})
        kept = AnswerCache(home.answers).entries([f"{one.answer_key}{STEPS}" for one in answers])
        for one in answers:
            if (steps := kept.get(f"{one.answer_key}{STEPS}")) is not None:
                rows += _rows(batch, paths.get(one.item_id, ""), one, steps, asked[one.task])
    figures: dict[str, int] = {"calls": len(rows)}
    for outcome in ToolOutcome:
        figures[outcome.value] = sum(row.outcome is outcome for row in rows)
    return TableResult(rows_to_arrow(TOOL_LOG, rows), figures)


def _answers(home: Home, batch: str) -> Iterator[_Answer]:
    for name in (*(table.name for table in INTERPRETATIONS.values()), PART_READINGS.name):
        if not home.tables.exists(name, batch):
            continue
        is_part = name == PART_READINGS.name
        table: pa.Table = home.tables.read(name, batch, [*_READ, *(("part",) if is_part else ())])
        for row in table.to_pylist():
            if row["answer_key"]:
                yield _Answer(
                    row["item_id"],
                    row["task"],
                    row["step"],
                    row["service"],
                    row.get("part") or 0,
                    row["answer_key"],
                )


def _rows(
    batch: str, path: str, answer: _Answer, steps: bytes, hidden: Collection[SensitiveKind]
) -> Iterator[ToolLogRow]:
    for reply, calls in enumerate(json.loads(steps), start=1):
        for number, (tool, arguments, outcome, text, cut) in enumerate(calls, start=1):
            yield ToolLogRow(
                batch,
                answer.item_id,
                path,
                answer.task,
                answer.service,
                answer.step,
                answer.part or None,
                reply,
                number,
                tool,
                mark(arguments, hidden),
                ToolOutcome(outcome),
                text,
                cut,
                answer.answer_key,
            )
