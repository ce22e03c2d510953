"""Which questions people should look at, as a sample with known probabilities and files to fill in.

The most valuable verdicts are the most probable and come first; an audit share is even over all
answers, so that accepted ones come in too (:mod:`~orchestration_assets.evidence.review_sampling`).
The value of a verdict is risk times impact times what it teaches. Impact is the task's, times the
addresses that hold the content. What a verdict teaches falls with every earlier question of the
same pattern (the same services for and against, on the same task): 1, 1/sqrt 2, 1/sqrt 3 ...
"""

import csv
import io
import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from orchestration_assets.content.spreadsheets import as_text
from orchestration_assets.evidence.review_sampling import permanent_number, sizes_of
from orchestration_assets.evidence.verdict_weights import open_probabilities
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
    audit_share: float = 0.2,
    before: Sequence[ReviewRow] = (),
    answered: Collection[tuple[str, str]] = (),
) -> list[ReviewRow]:
    """The questions to put before people, in the order of asking, after those of earlier rounds.

    Every resolved answer with a risk comes in; answers without (texts, sets, scores) do when a
    kind of dispute was found, at the risk of one half. ``copies`` counts the addresses of an item,
    ``judged`` are (content hash, task) pairs whose answer is known: they are not asked about.
    ``before`` is the queue as it was; what people have ``answered`` of it is kept with the
    probability with which the answer came in, and the next round begins.
    """
    done = set(judged)
    earlier, number = closed_rounds(before, answered, done)
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
            candidates.append((pattern, replace(candidate, round=number)))
    return [*earlier, *_sampled(_valued(candidates), max_rows, audit_share)]


def closed_rounds(
    before: Sequence[ReviewRow],
    answered: Collection[tuple[str, str]],
    judged: Collection[tuple[str, str]],
) -> tuple[list[ReviewRow], int]:
    """The questions that were answered so far, with their probabilities, and the number of the
    round that is to be asked: the same until something of it is answered."""
    closed = [row for row in before if row.probability is not None]
    number = max((row.round for row in before), default=1)
    asked = [row for row in before if row.probability is None]
    found = open_probabilities(asked, answered, judged)
    if not found:
        return closed, number
    for row in asked:
        probability = found.get((row.content_hash, row.task))
        if probability is not None:
            closed.append(replace(row, place=0, probability=probability))
    return closed, number + 1


def _valued(candidates: list[tuple[tuple[str, ...], ReviewRow]]) -> list[ReviewRow]:
    """The questions with what each teaches, and the value of its verdict."""
    # within a pattern the riskiest comes first, and teaches most
    candidates.sort(key=lambda c: (-c[1].error_risk * c[1].impact, c[1].item_id, c[1].task))
    earlier: Counter[tuple[str, ...]] = Counter()
    valued: list[ReviewRow] = []
    for pattern, question in candidates:
        teaches = 1.0 / (1.0 + earlier[pattern]) ** 0.5
        earlier[pattern] += 1
        value = question.error_risk * question.impact * teaches
        valued.append(replace(question, teaches=teaches, value=value))
    return valued


def _sampled(questions: list[ReviewRow], max_rows: int, audit_share: float) -> list[ReviewRow]:
    """The questions of the highest priority, in its order."""
    sizes = sizes_of([question.value for question in questions], audit_share)
    even = audit_share / max(len(questions), 1)
    sized = []
    for question, size in zip(questions, sizes.tolist(), strict=True):
        number = permanent_number(question.task, question.content_hash, str(question.round))
        audit = size < 2.0 * even
        sized.append(replace(question, size=size, priority=size / number, audit=audit))
    sized.sort(key=lambda question: (-question.priority, question.item_id, question.task))
    beyond = sized[max_rows].priority if max_rows < len(sized) else 0.0
    return [
        replace(
            question,
            place=place,
            beyond=beyond,
            chance=min(1.0, question.size / beyond) if beyond else 1.0,
        )
        for place, question in enumerate(sized[:max_rows], 1)
    ]


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
        round=1,
        size=0.0,
        priority=0.0,
        beyond=0.0,
        chance=0.0,
        audit=False,
        probability=None,
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
    """One line a question that is open; ``verdict``, ``who`` and ``when`` are left to people.

    Cells that a spreadsheet would take for a formula are preceded by an apostrophe, and so are ids
    that it would take for a number: where they are read back it is passed over.
    """
    sink = io.StringIO(newline="")
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in filter(_is_open, rows):
        values = _values(row)
        writer.writerow([_cell(name, str(values[name])) for name in COLUMNS])
    # the mark tells spreadsheets that it is UTF-8
    return sink.getvalue().encode("utf-8-sig", "replace")


def as_jsonl(rows: Iterable[ReviewRow]) -> bytes:
    """One JSON object a line, with the lines and columns of :func:`as_csv`."""
    asked = filter(_is_open, rows)
    lines = (json.dumps(_values(row), ensure_ascii=False) + "\n" for row in asked)
    return "".join(lines).encode("utf-8", "replace")


def _is_open(row: ReviewRow) -> bool:
    return row.probability is None


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
