"""From verdicts on records to what the next consensus starts from, and whether it may be used.

The gate is that of label tasks: on verdicts that they have not seen, the risks of single values by
the lessons must be at least as good (by Brier score) as without them, by the 95 % interval at most
0.05 worse, and hardly fewer of the values that stand may be right. Contents are parted into two
halves; the values of each are settled with the verdicts of the other, and without any. The values
of one item are one case for the intervals, since they are hard together.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from orchestration_assets.disagreement.calibration import coverage_risk, unlearned
from orchestration_assets.disagreement.readings import Key, ServiceReadings, ok_votes
from orchestration_assets.disagreement.record_weights import PromotedLessons, weigh_records
from orchestration_assets.evidence.calibration import reliability
from orchestration_assets.evidence.recorded_answers import Bools, Floats, effective_count
from orchestration_assets.evidence.records.consensus import (
    Models,
    settle,
)
from orchestration_assets.evidence.records.judged_cells import judged_cells
from orchestration_assets.evidence.records.lessons import (
    FieldLessons,
    JudgedItem,
    learn,
)
from orchestration_assets.evidence.verdict_weights import VerdictWeights
from orchestration_assets.evidence.weighted_estimates import (
    Estimate,
    difference_estimate,
    insufficiency,
    weighted_mean,
)
from orchestration_assets.schemas.disagreement import CalibrationRow
from orchestration_assets.schemas.items import Task
from orchestration_assets.schemas.record_answers import RecordAnswer

_ENOUGH_EFFECTIVE: Final = 10.0
_MOST_WORSE: Final = 0.05
_MOST_FEWER_RIGHT: Final = 0.02


@dataclass(frozen=True)
class RecordBatch:
    """The independent readings of a record task in a batch, and item -> the hash of its content."""

    readings: Mapping[Key, ServiceReadings]
    contents: Mapping[str, str]


@dataclass(frozen=True)
class _Case:
    """A judged item with the batch that it is of."""

    batch: int
    content: str
    judged: JudgedItem


@dataclass(frozen=True)
class _Outcomes:
    """Of the judged values of the cases, case after case: the stated ``risk`` (n,), whether what
    stands is ``right`` (n,), and the number of the ``case`` (n,)."""

    risk: Floats
    right: Bools
    case: Floats

    def of_cases(self, values: Floats) -> tuple[Floats, Floats]:
        """(cases,) the mean of values (n,), and how many each case has."""
        sizes = np.bincount(self.case.astype(np.int64)).astype(np.float64)
        sums = np.bincount(self.case.astype(np.int64), values)
        return sums / np.maximum(sizes, 1.0), sizes

    @property
    def squares(self) -> Floats:
        gaps: Floats = (self.risk - ~self.right) ** 2
        return gaps


def learn_fields(
    task: Task,
    batches: Sequence[RecordBatch],
    verdicts: Mapping[str, RecordAnswer],
    weights: VerdictWeights,
    versions: Mapping[str, str],
    version: str | None,
    learn_from: int,
) -> tuple[FieldLessons | None, CalibrationRow]:
    """What verdicts (content hash -> what they say of a record) teach of a task, None when that is
    not to be used; and its row. ``version`` is in use now; ``versions``: service -> its identity.
    """
    cases = _cases(task, batches, verdicts, weights)
    row = unlearned(task.name, version, dict(sorted(versions.items())), weights)
    of_cases = np.array([case.judged.weight for case in cases])
    row = replace(
        row,
        items=sum(len(batch.readings) for batch in batches),
        gold=len(cases),
        effective=effective_count(of_cases),
    )
    lacking = insufficiency(of_cases, _ENOUGH_EFFECTIVE) if cases else "none has a known chance"
    if lacking is not None:
        beside = (
            f"; {weights.outside} verdicts were given beside the review queue and are not counted, "
            "their chance is unknown: answer its questions from the top"
            if weights.outside
            else ""
        )
        return None, replace(row, reason=f"not promoted: {lacking}{beside}")
    half = np.array([int(case.content[-8:], 16) % 2 for case in cases], bool)
    with_, without = _halves_settled(task, batches, cases, half, versions, learn_from)
    row, passed = _judged(row, cases, with_, without)
    lessons = learn([case.judged for case in cases], versions)
    return (lessons if passed else None), row


def _cases(
    task: Task,
    batches: Sequence[RecordBatch],
    verdicts: Mapping[str, RecordAnswer],
    weights: VerdictWeights,
) -> list[_Case]:
    """The judged items; of a content that several batches hold, that of the latest."""
    found: dict[str, _Case] = {}
    for number, batch in enumerate(batches):
        for (item, _), votes in batch.readings.items():
            content = batch.contents[item]
            if content not in verdicts or content not in weights.weights:
                continue
            said = ok_votes(votes)
            records = {
                name: one.answer for name, one in said if isinstance(one.answer, RecordAnswer)
            }
            cells = judged_cells(records, verdicts[content], task.fields)
            if cells:
                confidences = {name: one.confidence for name, one in said}
                judged = JudgedItem(cells, weights.weights[content], confidences)
                found[content] = _Case(number, content, judged)
    return [found[content] for content in sorted(found)]


def _halves_settled(
    task: Task,
    batches: Sequence[RecordBatch],
    cases: Sequence[_Case],
    half: Bools,
    versions: Mapping[str, str],
    learn_from: int,
) -> tuple[_Outcomes, _Outcomes]:
    """The judged values as they are settled with the lessons of the other half, and without."""
    lessons = {
        side: PromotedLessons(
            learn([c.judged for c, h in zip(cases, half, strict=True) if h != side], versions), ""
        )
        for side in (False, True)
    }
    models: dict[tuple[int, bool | None], Models] = {}
    used = {(case.batch, side) for case, side in zip(cases, half.tolist(), strict=True)}
    for number, side in sorted(used):
        for which in (side, None):
            if (number, which) not in models:
                known = None if which is None else lessons[which]
                readings = batches[number].readings
                weighed = weigh_records(task, readings, learn_from, known, versions)
                models[number, which] = weighed.models
    with_ = [models[case.batch, side] for case, side in zip(cases, half.tolist(), strict=True)]
    without = [models[case.batch, None] for case in cases]
    return _settled(cases, with_), _settled(cases, without)


def _settled(cases: Sequence[_Case], models: Sequence[Models]) -> _Outcomes:
    risk, right, number = [], [], []
    for place, (case, known) in enumerate(zip(cases, models, strict=True)):
        cells = case.judged.cells
        settled = settle([one.cell for one in cells], case.judged.confidences, known)
        for one, stands in zip(cells, settled, strict=True):
            risk.append(stands.risk)
            right.append(one.is_right(stands.value))
            number.append(place)
    return _Outcomes(np.array(risk), np.array(right, bool), np.array(number, np.float64))


def _judged(
    row: CalibrationRow, cases: Sequence[_Case], new: _Outcomes, old: _Outcomes
) -> tuple[CalibrationRow, bool]:
    """The row with the figures of the gate, and whether it is passed."""
    of_cases = np.array([case.judged.weight for case in cases])

    def estimate(values: Floats) -> Estimate:
        means, sizes = new.of_cases(values)
        found = difference_estimate(means, of_cases * sizes, unseen=float(means.std()))
        assert found is not None  # there are cases, of weights above nought
        return found

    change = estimate(new.squares - old.squares)
    brier, accuracy = estimate(new.squares), estimate(new.right.astype(np.float64))
    gap = estimate(new.risk - ~new.right)
    each = of_cases[new.case.astype(np.int64)]
    before = weighted_mean(old.squares, each)
    more_right = accuracy.mean - weighted_mean(old.right, each)
    passed = change.mean <= 0.0 and change.high <= _MOST_WORSE and more_right >= -_MOST_FEWER_RIGHT
    best, single = _best_single(cases, estimate)
    reason = (
        f"{'' if passed else 'not '}promoted: on {len(new.risk)} values of {len(cases)} records, "
        f"each settled with the verdicts of the other half, the Brier score is {brier.mean:.4f}, "
        f"{before:.4f} without verdicts; the change is {change.mean:+.4f} ({change.low:+.4f} to "
        f"{change.high:+.4f}); {accuracy.mean:.1%} of them are right, "
        f"{accuracy.mean - more_right:.1%} without"
    )
    ece = reliability(1.0 - new.risk, new.right, weights=each).expected_calibration_error
    row = replace(
        row,
        held_out=len(cases),
        promoted=passed,
        reason=reason,
        brier=brier.mean,
        brier_low=max(brier.low, 0.0),
        brier_high=brier.high,
        brier_before=before,
        ece=ece,
        brier_change=change.mean,
        brier_change_low=change.low,
        brier_change_high=change.high,
        risk_gap=gap.mean,
        risk_gap_low=gap.low,
        risk_gap_high=gap.high,
        accuracy=accuracy.mean,
        accuracy_low=max(accuracy.low, 0.0),
        accuracy_high=accuracy.high,
        best_single=best,
        best_single_accuracy=single.mean,
        best_single_low=max(single.low, 0.0),
        best_single_high=single.high,
        coverage_risk=coverage_risk(new.risk, new.right, each),
    )
    return row, passed


def _best_single(
    cases: Sequence[_Case], estimate: Callable[[Floats], Estimate]
) -> tuple[str, Estimate]:
    """The service of whose values most are right, and how many: one that it was not asked for, as
    of an entry that it left out, is not."""
    cells = [one for case in cases for one in case.judged.cells]
    names = sorted({name for one in cells for name in one.cell.values})
    shares = {
        name: estimate(
            np.array(
                [name in one.cell.values and one.is_right(one.cell.values[name]) for one in cells],
                np.float64,
            )
        )
        for name in names
    }
    best = max(names, key=lambda name: shares[name].mean)
    return best, shares[best]
