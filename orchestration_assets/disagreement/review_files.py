"""The questions for people as files to fill in: CSV for spreadsheets, JSON Lines for programs."""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from orchestration_assets.content.listed_answers import lettered
from orchestration_assets.content.spreadsheets import APOSTROPHE, as_text
from orchestration_assets.disagreement.readings import Key
from orchestration_assets.disagreement.review_contents import QuestionContent
from orchestration_assets.evidence.verdict_weights import sheet_name
from orchestration_assets.schemas.disagreement import QueuedReading, ReviewRow
from orchestration_assets.text.content_excerpts import ContentExcerpt
from orchestration_assets.text.visible_text import visible_text

FILLED_IN: Final = ("verdict", "who", "when")
COLUMNS: Final = (
    *FILLED_IN, "number", "question", "allowed", "choices", "content", "conversation", "metadata",
    "passages", "readings", "differs", "stands", "error_risk", "kinds", "path", "task", "item",
    "content_hash", "asked_in",
)  # fmt: skip
_READ_BACK: Final = ("task", "item", "content_hash", "asked_in")
# a spreadsheet takes a cell that begins so for a formula, also behind spaces and in wide letters
_FORMULA: Final = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\t", "\r")
_LONGEST_CELL: Final = 8_000
_NOTHING: Final = QuestionContent(ContentExcerpt())


def as_csv(rows: Iterable[ReviewRow], contents: Mapping[Key, QuestionContent]) -> bytes:
    """One line a question that is open; ``verdict``, ``who`` and ``when`` are left to people.

    What is to be filled in comes first, then what is asked and what decides it, ids last. Cells
    that a spreadsheet would take for a formula are preceded by an apostrophe, and so are ids and
    names that it would take for a number or a date: where they are read back it is passed over. A
    cell holds at most 8,000 characters, and no control characters but line ends and tabs.
    """
    sink = io.StringIO(newline="")
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in filter(is_open, rows):
        values = _values(row, contents.get((row.item_id, row.task), _NOTHING))
        cells = values | {
            "choices": lettered(row.choices),
            "metadata": "\n".join(f"{name}: {value}" for name, value in values["metadata"].items()),
            "conversation": "\n".join(values["conversation"]),
            "passages": "\n".join(values["passages"]),
            "readings": "\n".join(map(in_words, row.readings)),
            "differs": "\n".join(row.disputes),
            "kinds": "; ".join(row.kinds),
        }
        writer.writerow([_cell(name, str(cells[name])) for name in COLUMNS])
    # the mark tells spreadsheets that it is UTF-8
    return sink.getvalue().encode("utf-8-sig", "replace")


def as_jsonl(rows: Iterable[ReviewRow], contents: Mapping[Key, QuestionContent]) -> bytes:
    """One JSON object a line, with the lines and columns of :func:`as_csv`: lists where there is
    more than one, and metadata as an object."""
    asked = [
        _values(row, contents.get((row.item_id, row.task), _NOTHING))
        for row in filter(is_open, rows)
    ]
    lines = (json.dumps(values, ensure_ascii=False) + "\n" for values in asked)
    return "".join(lines).encode("utf-8", "replace")


def is_open(row: ReviewRow) -> bool:
    """Whether a question is still asked."""
    return row.probability is None


def in_words(reading: QueuedReading) -> str:
    """What a service said, how sure it was, and why, on one line."""
    said = " ".join(reading.said.split())
    sure = "" if reading.confidence is None else f" ({reading.confidence:.2f})"
    why = f" - {' '.join(reading.reason.split())}" if reading.reason else ""
    return f"{reading.service}: {said}{sure}{why}"


def _values(row: ReviewRow, content: QuestionContent) -> dict[str, Any]:
    return {
        **dict.fromkeys(FILLED_IN, ""),
        "number": row.place,
        "question": row.question,
        "allowed": row.allowed,
        "choices": list(row.choices),
        "content": content.excerpt.as_text(),
        "conversation": list(content.conversation),
        "metadata": dict(content.metadata),
        "passages": list(content.passages),
        "readings": list(map(in_words, row.readings)),
        "differs": list(row.disputes),
        "stands": row.answer or "",
        "error_risk": round(row.error_risk, 4),
        "kinds": list(row.kinds),
        "path": row.path,
        "task": row.task,
        "item": row.item_id,
        "content_hash": row.content_hash,
        "asked_in": sheet_name(row.batch, row.round),
    }


def _cell(name: str, text: str) -> str:
    if name in _READ_BACK:
        return as_text(text)
    shown = visible_text(text)
    if len(shown) > _LONGEST_CELL:
        shown = f"{shown[: _LONGEST_CELL - 1]}…"
    begins_so = shown.startswith(_FORMULA) or shown.lstrip().startswith(_FORMULA)
    return APOSTROPHE + shown if begins_so else shown
