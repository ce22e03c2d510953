"""Precision and recall of the kinds of dispute whose rules were not written against the cases.

``python -m benchmarks dispute_kinds [FOLDER] [--json FILE]``. On the set of the project that is
entity conflict, fitted on other pairs, and figurative, which memorises nothing; the figures of the
other kinds would be in-sample there and are left out. ``dispute_pairs`` measures on cases by
another hand.
"""

import argparse
import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks._output import table, write_json
from orchestration_assets.disagreement.kinds.entity_conflicts import entity_conflict
from orchestration_assets.disagreement.kinds.figurative import figurative
from orchestration_assets.disagreement.kinds.finding import Finding
from orchestration_assets.disagreement.kinds.opposed_tone import opposed_tone
from orchestration_assets.disagreement.kinds.outlier_services import outlier
from orchestration_assets.disagreement.kinds.rule_precision import MEASURED
from orchestration_assets.disagreement.kinds.type_conflicts import type_conflict
from orchestration_assets.evidence.distances import distance
from orchestration_assets.evidence.intervals import wilson
from orchestration_assets.schemas.answers import Answer
from orchestration_assets.schemas.enums import AnswerKind, DisputeKind
from orchestration_assets.schemas.items import Task
from orchestration_assets.schemas.policy import Disagreement
from orchestration_assets.services.tone.adjective_tone import AdjectiveTone
from orchestration_assets.services.tone.vader_tone import VaderTone

SET: Final = Path(__file__).parent.parent / "tests" / "disagreement" / "kinds"
PRECISION: Final = 0.8
RECALL: Final = 0.5

Case = Mapping[str, Any]


def main(arguments: Sequence[str]) -> int:
    """``[FOLDER] [--json FILE]``; 1 when a kind that is on by default misses its bar."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks dispute_kinds", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=SET, metavar="FOLDER")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(arguments)
    if not (given.folder / f"{DisputeKind.FIGURATIVE}.jsonl").exists():
        print(f"{given.folder}: no labelled set, expected one file a kind", file=sys.stderr)
        return 2
    kinds = [kind for kind in DisputeKind if given.folder != SET or MEASURED[kind] is not None]
    figures = {kind.value: measured(given.folder, kind) for kind in kinds}
    header = ("kind", "positive", "negative", "found", "recall", "precision", "lower bound", "on")
    rows = [
        (name, *(one[key] for key in _KEYS), "yes" if one["on"] else "no")
        for name, one in figures.items()
    ]
    print(table(f"Kinds of dispute; on: lower bound {PRECISION}, recall {RECALL}", header, rows))
    write_json(given.json, figures)
    return int(any(one["on"] and not one["passes"] for one in figures.values()))


_KEYS: Final = ("positives", "negatives", "found", "recall", "precision", "lower_bound")


def measured(folder: Path, kind: DisputeKind) -> dict[str, Any]:
    """The figures of one kind; an outlier counts only when it is the one that is labelled."""
    lines = (folder / f"{kind}.jsonl").read_text("utf-8").splitlines()
    cases = [json.loads(line) for line in lines]
    found = [_RULES[kind](case) for case in cases]
    hits = sum(
        case["positive"] and finding is not None and finding.outlier_position == case.get("outlier")
        for case, finding in zip(cases, found, strict=True)
    )
    flagged = sum(finding is not None for finding in found)
    positives = sum(case["positive"] for case in cases)
    recall, precision = hits / max(positives, 1), hits / max(flagged, 1)
    bound, _ = wilson(hits, flagged)
    return {
        "positives": positives,
        "negatives": len(cases) - positives,
        "found": flagged,
        "recall": recall,
        "precision": precision,
        "lower_bound": bound,
        "on": kind in Disagreement().kinds,
        "passes": bound >= PRECISION and recall >= RECALL,
    }


def _pairs(rule: Callable[[str, str], Finding | None]) -> Callable[[Case], Finding | None]:
    return lambda case: rule(*case["readings"])


def _tone(case: Case) -> Finding | None:
    services = (VaderTone(), AdjectiveTone())
    tones = [lambda clause, one=one: one.tone_of(clause).tone for one in services]
    return opposed_tone(case["text"], tones)


def _outlier(case: Case) -> Finding | None:
    """Readings are given as text: their form tells the kind of answer."""
    said: list[str] = case["readings"]
    answers: list[Answer] = list(said)
    kind = AnswerKind.LABEL
    if all(re.fullmatch(r"\d\.\d+", one) for one in said):
        kind, answers = AnswerKind.SCORE, [float(one) for one in said]
    elif sum("," in one and not one.endswith(".") for one in said) * 2 >= len(said):
        kind = AnswerKind.SET
        answers = [tuple(member.strip() for member in one.split(",")) for one in said]
    elif any(one.endswith(".") or len(one.split()) > 3 for one in said):
        kind = AnswerKind.TEXT
    task = Task("outlier", "1", kind)
    return outlier([[distance(a, b, task) for b in answers] for a in answers])


_RULES: Final[Mapping[DisputeKind, Callable[[Case], Finding | None]]] = {
    DisputeKind.OPPOSED_TONE: _tone,
    DisputeKind.FIGURATIVE: lambda case: figurative(case["text"]),
    DisputeKind.ENTITY_CONFLICT: _pairs(entity_conflict),
    DisputeKind.TYPE_CONFLICT: _pairs(type_conflict),
    DisputeKind.OUTLIER_SERVICE: _outlier,
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
