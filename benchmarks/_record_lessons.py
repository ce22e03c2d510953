"""What verdicts on records of one batch are worth in the next: before and after, on held-out ones.

Questions are drawn as the review queue draws them, by the risk of the whole record and an even
share, and each verdict (all fields of the document, as they are) weighs the inverse of its
probability.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

import numpy as np

from benchmarks._documents import TASK, GeneratedDocument
from benchmarks._record_scores import Judged, judged, marks, risk_figures
from orchestration_assets.disagreement.record_weights import (
    PromotedLessons,
    RecordWeights,
    weigh_records,
)
from orchestration_assets.evidence.records.cells import cells_of
from orchestration_assets.evidence.records.consensus import (
    built,
    record_risk,
    settle,
)
from orchestration_assets.evidence.records.judged_cells import judged_cells
from orchestration_assets.evidence.records.lessons import (
    FieldLessons,
    JudgedItem,
    learn,
)
from orchestration_assets.evidence.records.standing_cells import (
    CellConsensus,
    standing_first,
    without_fallen,
)
from orchestration_assets.evidence.review_sampling import permanent_number, sizes_of
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Reading
from orchestration_assets.schemas.policy import Disagreement
from orchestration_assets.schemas.record_answers import RecordAnswer
from orchestration_assets.schemas.record_fields import patterns

Votes = Mapping[str, Reading]
BEFORE, AFTER = "before", "after"
_POLICY: Final = Disagreement()


def lessons_figures(
    told: Sequence[GeneratedDocument],
    heard: Sequence[Votes],
    services: Sequence[str],
    verdicts: int,
    seed: int,
    learn_from: int = _POLICY.learn_from_items,
) -> dict[str, Any]:
    """Accuracy and calibration error of these services' consensus on the second half of the
    documents, with and without so many verdicts on the first."""
    half = len(told) // 2
    heard = [{name: votes[name] for name in services if name in votes} for votes in heard]
    lessons = _learned(told[:half], heard[:half], verdicts, seed, learn_from)
    readings = {(str(n), TASK.name): tuple(votes.items()) for n, votes in enumerate(heard[half:])}
    found = {}
    for name, promoted in ((BEFORE, None), (AFTER, PromotedLessons(lessons, "benchmark"))):
        weights = weigh_records(TASK, readings, learn_from, promoted)
        found[name] = _figures(told[half:], heard[half:], weights)
    return found


def _records(votes: Votes) -> dict[str, RecordAnswer]:
    return {
        name: cast(RecordAnswer, one.answer)
        for name, one in votes.items()
        if one.status is Status.OK
    }


def _settled(votes: Votes, weights: RecordWeights) -> list[CellConsensus]:
    records = _records(votes)
    confidences = {name: votes[name].confidence for name in records}
    return settle(cells_of(records, TASK.fields), confidences, weights.models)


def _learned(
    told: Sequence[GeneratedDocument],
    heard: Sequence[Votes],
    verdicts: int,
    seed: int,
    learn_from: int,
) -> FieldLessons:
    """The lessons of so many verdicts on these documents."""
    readings = {(str(n), TASK.name): tuple(votes.items()) for n, votes in enumerate(heard)}
    weights = weigh_records(TASK, readings, learn_from)
    risks = [record_risk(_settled(votes, weights)) for votes in heard]
    sizes = sizes_of(risks, _POLICY.review.audit_share)
    priorities = np.array(
        [size / permanent_number(str(seed), str(n)) for n, size in enumerate(sizes)]
    )
    order = np.argsort(-priorities, kind="stable")
    beyond = priorities[order[verdicts]] if verdicts < len(order) else 0.0
    items = []
    for n in order[:verdicts].tolist():
        chance = min(1.0, sizes[n] / beyond) if beyond else 1.0
        truth = told[n].truth
        absent = tuple(one.name for one in TASK.fields if truth.get(one.name) is None)
        verdict = RecordAnswer(truth.values, absent=absent)
        cells = judged_cells(_records(heard[n]), verdict, TASK.fields)
        sure = {name: one.confidence for name, one in heard[n].items()}
        items.append(JudgedItem(cells, 1.0 / chance, sure))
    names = sorted({name for votes in heard for name in votes})
    return learn(items, dict.fromkeys(names, ""))


def _figures(
    told: Sequence[GeneratedDocument], heard: Sequence[Votes], weights: RecordWeights
) -> dict[str, Any]:
    right: defaultdict[str, list[bool]] = defaultdict(list)
    cells: defaultdict[str, list[Judged]] = defaultdict(list)
    for about, votes in zip(told, heard, strict=True):
        settled = _settled(votes, weights)
        record = built(standing_first(without_fallen(settled)), TASK.fields)
        for pattern, is_right in marks(record, about.truth, TASK.fields):
            right[pattern].append(is_right)
        for one in judged(settled, about.truth, TASK.fields):
            cells[one.pattern].append(one)
    names = [f"{path}[]" if one.fields else path for path, one in patterns(TASK.fields)]
    fields = {
        name: {
            "accuracy": float(np.mean(right[name])),
            "ece": risk_figures(cells[name], ()).calibration_error,
        }
        for name in names
        if cells[name]
    }
    every = risk_figures([one for of_field in cells.values() for one in of_field], ())
    accuracy = float(np.mean([one["accuracy"] for one in fields.values()]))
    return {
        "fields": fields,
        "accuracy": accuracy,
        "mean_ece": float(np.mean([one["ece"] for one in fields.values()])),
        "worst_ece": max(one["ece"] for one in fields.values()),
        "ece": every.calibration_error,
    }
