"""Whether how services stood on nearest earlier items foretells a wrong answer, over a home.

``python -m benchmarks nearby HOME [--json FILE]``: HOME is one that ``orchestrate run`` filled in
two or more batches, with verdicts or declared gold. Of the disputed label answers that have
nearest earlier items and gold, it gives how well the error risk tells the wrong ones (area under
the ROC curve), how well the neighbours do, and both together, as a logistic regression in five
folds; with the 95 % interval of what the neighbours add (1,000 bootstrap samples).
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, Final

import numpy as np

from benchmarks._output import table, write_json
from orchestration_assets.evidence.calibration import logit
from orchestration_assets.evidence.recorded_answers import Bools, Floats
from orchestration_assets.schemas.tables import (
    DISAGREEMENTS,
    RESOLUTIONS,
    DisagreementRow,
    ResolutionRow,
)
from orchestration_assets.schemas.verdicts import GOLD_LABELS
from resources.home import Home
from resources.table_store import TableStore

_FOLDS: Final = 5
_SAMPLES: Final = 1_000
_HEADER: Final = ("task", "disputed", "wrong", "risk", "neighbours", "both", "adds", "interval")


def cases(store: TableStore) -> Iterator[tuple[str, bool, tuple[float, float, float, float]]]:
    """Task, whether the standing answer is wrong, and: error risk, share of neighbours on which the
    pairs agreed, how often those who dissent now dissented there, and how often the others did."""
    gold = {
        (row.content_hash, row.task): row.answer
        for row in GOLD_LABELS.rows(store.read(GOLD_LABELS.name))
    }
    for batch in store.batches(DISAGREEMENTS.name):
        pairs: defaultdict[tuple[str, str], list[DisagreementRow]] = defaultdict(list)
        for pair in DISAGREEMENTS.rows(store.read(DISAGREEMENTS.name, batch)):
            if pair.near_items is not None:
                pairs[pair.item_id, pair.task].append(pair)
        for row in RESOLUTIONS.rows(store.read(RESOLUTIONS.name, batch)):
            truth = gold.get((row.content_hash, row.task))
            near = pairs.get((row.item_id, row.task))
            if near and truth is not None and row.error_risk is not None:
                yield row.task, row.answer != truth, (row.error_risk, *_near(near, row))


def _near(pairs: Sequence[DisagreementRow], answer: ResolutionRow) -> tuple[float, float, float]:
    sides: tuple[list[float], list[float]] = [], []
    for row in pairs:
        sides[row.service_a in answer.dissenters].append(row.near_dissent_a or 0.0)
        sides[row.service_b in answer.dissenters].append(row.near_dissent_b or 0.0)
    others, dissenters = (fmean(side) if side else 0.0 for side in sides)
    return fmean(row.near_agreed or 0.0 for row in pairs), dissenters, others


def figures(wrong: Bools, columns: Floats) -> dict[str, Any]:
    """The areas for ``columns`` (n, 4) as :func:`cases` gives them."""
    from sklearn.metrics import roc_auc_score

    risk = logit(columns[:, :1])
    scores = [
        _predicted(one, wrong) for one in (risk, columns[:, 1:], np.hstack([risk, columns[:, 1:]]))
    ]
    areas = [float(roc_auc_score(wrong, score)) for score in scores]
    random, gains = np.random.default_rng(0), []
    for _ in range(_SAMPLES):
        chosen = random.integers(len(wrong), size=len(wrong))
        if 0 < wrong[chosen].sum() < len(wrong):
            alone, both = (roc_auc_score(wrong[chosen], scores[k][chosen]) for k in (0, 2))
            gains.append(both - alone)
    low, high = np.quantile(gains, [0.025, 0.975])
    return {
        "disputed": len(wrong),
        "wrong": float(wrong.mean()),
        "risk": areas[0],
        "neighbours": areas[1],
        "both": areas[2],
        "adds": areas[2] - areas[0],
        "interval": [float(low), float(high)],
    }


def _predicted(columns: Floats, wrong: Bools) -> Floats:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=0)
    found: Floats = cross_val_predict(
        LogisticRegression(), columns, wrong, cv=folds, method="predict_proba"
    )[:, 1]
    return found


def main(arguments: list[str]) -> int:
    """Prints one row a label task; 2 when there is nothing to measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks nearby")
    parser.add_argument("home", type=Path)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args(arguments)
    store = Home(given.home).tables
    if not store.exists(GOLD_LABELS.name):
        sys.stderr.write(f"{given.home} has no gold: declare a column or give verdicts\n")
        return 2
    by_task: defaultdict[str, list[tuple[bool, tuple[float, ...]]]] = defaultdict(list)
    for task, is_wrong, columns in cases(store):
        by_task[task].append((is_wrong, columns))
    found: dict[str, Any] = {}
    for task, rows in sorted(by_task.items()):
        wrong = np.array([is_wrong for is_wrong, _ in rows])
        if min(wrong.sum(), (~wrong).sum()) < 10 * _FOLDS:
            said = f"{task}: {wrong.sum()} wrong of {len(wrong)} disputed answers"
            sys.stderr.write(f"{said} are too few or too many to tell\n")
            continue
        found[task] = figures(wrong, np.array([columns for _, columns in rows]))
    rows_shown = [
        (task, *list(one.values())[:-1], "{:+.3f} to {:+.3f}".format(*one["interval"]))
        for task, one in found.items()
    ]
    if rows_shown:
        print(table("Which disputed answers are wrong: area under the ROC", _HEADER, rows_shown))
    write_json(given.json, found)
    return 0 if found else 2
