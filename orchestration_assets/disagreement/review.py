"""Which questions people should look at, the most valuable verdict first, as files to fill in.

The value of a verdict is risk times impact times what it teaches. Impact is the task's, times the
addresses that hold the content. What a verdict teaches falls with every earlier question of the
same pattern (the same services for and against, on the same task): 1, 1/sqrt 2, 1/sqrt 3 ...
"""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from orchestration_assets.content.spreadsheets import as_text
from orchestration_assets.schemas.disagreement import ReviewRow
from orchestration_assets.schemas.enums import AnswerKind, Triage
from orchestration_assets.schemas.tables import ReadingSummary, ResolutionRow

FILLED_IN: Final = ("verdict", "who", "when")
COLUMNS: Final = (
    "item", "task", *FILLED_IN, "answer", "readings", "error_risk", "kinds", "path", "content_hash"
)  # fmt: skip
# a spreadsheet takes a cell that begins so for a formula
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_LONGEST: Final = 300


def review_queue(
    resolutions: Iterable[ResolutionRow],
    kinds: Mapping[tuple[str, str], Sequence[str]],
    copies: Mapping[str, int],
    impacts: Mapping[str, float],
    judged: Iterable[tuple[str, str]],
    max_rows: int,
) -> list[ReviewRow]:
    """The questions to put before people, in the order of asking.

    ``resolutions`` with a triage of review or reject come in; answers without a risk (texts,
    sets, scores) do when a kind of dispute was found, at the risk of one half. ``copies`` counts
    the addresses of an item, ``judged`` are (content hash, task) pairs that have a verdict.
    """
    done = set(judged)
    candidates: list[tuple[tuple[str, ...], ReviewRow]] = []
    for row in resolutions:
        named = tuple(kinds.get((row.item_id, row.task), ()))
        if (row.content_hash, row.task) in done:
            continue
        candidate = _candidate(row, named, copies, impacts)
        if candidate is not None:
            pattern: tuple[str, ...] = (
                row.task,
                "|".join(row.supporters),
                "|".join(row.dissenters),
            )
            candidates.append((pattern, candidate))
    # within a pattern the riskiest comes first, and teaches most
    candidates.sort(key=lambda c: (-c[1].error_risk * c[1].impact, c[1].item_id, c[1].task))
    earlier: Counter[tuple[str, ...]] = Counter()
    queue: list[ReviewRow] = []
    for pattern, question in candidates:
        teaches = 1.0 / (1.0 + earlier[pattern]) ** 0.5
        earlier[pattern] += 1
        value = question.error_risk * question.impact * teaches
        queue.append(replace(question, teaches=teaches, value=value))
    queue.sort(key=lambda question: (-question.value, question.item_id, question.task))
    return [replace(question, place=n) for n, question in enumerate(queue[:max_rows], 1)]


def _candidate(
    row: ResolutionRow,
    kinds: tuple[str, ...],
    copies: Mapping[str, int],
    impacts: Mapping[str, float],
) -> ReviewRow | None:
    triage, risk = row.triage, row.error_risk
    if row.kind == AnswerKind.VECTOR:
        return None
    if triage is None or risk is None:
        if not kinds:
            return None
        triage, risk = Triage.REVIEW, 0.5
    if triage == Triage.ACCEPT:
        return None
    return ReviewRow(
        batch=row.batch,
        place=0,
        item_id=row.item_id,
        content_hash=row.content_hash,
        path=row.path,
        task=row.task,
        kind=row.kind,
        answer=row.answer,
        triage=triage,
        error_risk=risk,
        impact=impacts.get(row.task, 1.0) * max(copies.get(row.item_id, 1), 1),
        teaches=1.0,
        value=0.0,
        readings="; ".join(map(_in_words, row.readings)),
        kinds=kinds,
    )


def _in_words(reading: ReadingSummary) -> str:
    if reading.answer is None:
        return f"{reading.service}: {reading.status}"
    answer = reading.answer
    said = answer if len(answer) <= _LONGEST else f"{answer[:_LONGEST]}..."
    sure = "" if reading.confidence is None else f" ({reading.confidence:.2f})"
    return f"{reading.service}: {said}{sure}"


def as_csv(rows: Iterable[ReviewRow]) -> bytes:
    """One line a question; ``verdict``, ``who`` and ``when`` are left to people.

    Cells that a spreadsheet would take for a formula are preceded by an apostrophe, and so are ids
    that it would take for a number: where they are read back it is passed over.
    """
    sink = io.StringIO(newline="")
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        values = _values(row)
        writer.writerow([_cell(name, str(values[name])) for name in COLUMNS])
    # the mark tells spreadsheets that it is UTF-8
    return sink.getvalue().encode("utf-8-sig", "replace")


def as_jsonl(rows: Iterable[ReviewRow]) -> bytes:
    """One JSON object a line, with the columns of :func:`as_csv`."""
    lines = (json.dumps(_values(row), ensure_ascii=False) + "\n" for row in rows)
    return "".join(lines).encode("utf-8", "replace")


def _values(row: ReviewRow) -> dict[str, Any]:
    return {
        "item": row.item_id,
        "task": row.task,
        **dict.fromkeys(FILLED_IN, ""),
        "answer": row.answer or "",
        "readings": row.readings,
        "error_risk": round(row.error_risk, 4),
        "kinds": "; ".join(row.kinds),
        "path": row.path,
        "content_hash": row.content_hash,
    }


def _cell(name: str, text: str) -> str:
    if name in ("item", "content_hash"):
        return as_text(text)
    return text if name == "task" else _no_formula(text)


def _no_formula(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
