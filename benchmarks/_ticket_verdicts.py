"""Reviewers of generated tickets: they know the truth and fill in the review queue from its top."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmarks._tickets import number_in_path, ticket

_WHEN: Final = "2026-01-02T10:00:00+00:00"


def fill_in_reviews(home: Path, task: str, seed: int, count: int) -> int:
    """Answers the first ``count`` questions of the task; returns how many there were to answer.

    The file that is dropped into ``verdicts/`` is the review file itself with its cells filled in,
    as a person would return it.
    """
    filled = 0
    for path in sorted((home / "review").glob("*.csv")):
        reader = csv.DictReader(io.StringIO(path.read_text("utf-8-sig")))
        rows = list(_answered(reader, task, seed, count - filled))
        if not rows:
            continue
        filled += len(rows)
        sink = io.StringIO(newline="")
        writer = csv.DictWriter(sink, reader.fieldnames or ())
        writer.writeheader()
        writer.writerows(rows)
        target = home / "verdicts" / path.name
        target.parent.mkdir(exist_ok=True)
        target.write_text(sink.getvalue(), "utf-8-sig")
    return filled


def _answered(
    rows: Iterator[dict[str, str]], task: str, seed: int, count: int
) -> Iterator[dict[str, str]]:
    for row in rows:
        if row["task"] != task:
            continue
        if count <= 0:
            return
        count -= 1
        verdict = ticket(number_in_path(row["path"]), seed).label
        yield row | {"verdict": verdict, "who": "reviewer", "when": _WHEN}
