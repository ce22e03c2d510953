"""From readings and verdicts to a model of a task's services, and whether it may be used.

A new model passes a gate before it is used: on verdicts that it has not seen, its risk must be
at least as good (by Brier score) as that of what is in use now.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from orchestration_assets.disagreement.label_history import LabelReadings, LabelVotes
from orchestration_assets.disagreement.label_weights import mismatch
from orchestration_assets.evidence.calibration import brier_score, reliability
from orchestration_assets.evidence.few_labels import MIN_LABELS, fit_few_labels
from orchestration_assets.evidence.label_free import fit_label_free
from orchestration_assets.evidence.label_model import LabelModel, encode_votes
from orchestration_assets.evidence.posterior import posterior
from orchestration_assets.evidence.recorded_answers import MISSING, Bools, Floats, Ints
from orchestration_assets.schemas.disagreement import CalibrationRow, CurvePoint
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Reading

MIN_VERDICTS: Final = 100
"""Verdicts below which there is nothing to pass the gate with."""

_HELD_OUT_TENTHS: Final = 3
_POINTS: Final = 20


@dataclass(frozen=True)
class CalibrationResult:
    """``model`` is to be promoted, None when what is in use stays in use."""

    model: LabelModel | None
    row: CalibrationRow


@dataclass(frozen=True)
class _HeldOutResult:
    """How a rule did on held-out items: ``risk`` (n,) of its answers, ``right`` (n,)."""

    risk: Floats
    right: Bools

    @property
    def brier(self) -> float:
        return brier_score(1.0 - self.risk, self.right)


def calibrate(
    task: str,
    readings: LabelReadings,
    gold: Mapping[str, str],
    in_use: LabelModel | None,
    version: str | None,
    closed: Sequence[str] = (),
) -> CalibrationResult:
    """What a task's readings and verdicts (content hash -> label) teach.

    ``in_use`` is the model that batches use now, under ``version``; ``closed`` the task's labels,
    if it names them.
    """
    contents = [content for content, said in readings.votes.items() if len(said) > 1]
    judged = [content for content in contents if content in gold]
    row = CalibrationRow(
        task=task,
        version=version,
        services=tuple(sorted(readings.versions)),
        service_versions=tuple(readings.versions[name] for name in sorted(readings.versions)),
        items=len(contents),
        gold=len(judged),
        held_out=0,
        promoted=False,
        reason="",
        brier=None,
        brier_before=None,
        ece=None,
        accuracy=None,
        best_single=None,
        best_single_accuracy=None,
        coverage_risk=(),
    )
    if len(readings.versions) < 2:
        return CalibrationResult(
            None, replace(row, reason="one service has nobody to be compared with")
        )
    if len(judged) < MIN_VERDICTS:
        reason = f"{len(judged)} verdicts, {MIN_VERDICTS} are needed: each batch learns for itself"
        return CalibrationResult(None, replace(row, reason=reason))
    held = [content for content in judged if is_held_out(content)]
    kept = {content: gold[content] for content in judged if not is_held_out(content)}
    if len(kept) < MIN_LABELS or not held:
        reason = f"{len(kept)} verdicts to learn from and {len(held)} to test on are too few"
        return CalibrationResult(None, replace(row, reason=reason))
    model = _fitted(readings, contents, kept, sorted({*closed, *gold.values()}))
    votes = [readings.votes[content] for content in held]
    truth = [gold[content] for content in held]
    name, accuracy = _best_single(model, readings, kept, votes, truth)
    new = _by_model(model, votes, truth)
    before = _in_use(in_use, readings.versions, votes, truth)
    better = new.brier <= before.brier
    verb = "promoted" if better else "not promoted"
    reason = (
        f"{verb}: on {len(held)} held-out verdicts the Brier score is {new.brier:.4f}, "
        f"{before.brier:.4f} for what is in use"
    )
    if model.sole_service is not None:
        reason += (
            f"; verdicts cannot tell that all together beat {model.sole_service}: its answer stands"
        )
    row = replace(
        row,
        held_out=len(held),
        promoted=better,
        reason=reason,
        brier=new.brier,
        brier_before=before.brier,
        ece=reliability(1.0 - new.risk, new.right).expected_calibration_error,
        accuracy=float(new.right.mean()),
        best_single=name,
        best_single_accuracy=accuracy,
        coverage_risk=coverage_risk(new.risk, new.right),
    )
    return CalibrationResult(model if better else None, row)


def coverage_risk(risk: Floats, right: Bools) -> tuple[CurvePoint, ...]:
    """The share of wrong answers among the surest ones, at 20 even steps of coverage."""
    order = np.argsort(risk, kind="stable")
    wrong = np.cumsum(~right[order])
    counts = np.unique(np.ceil(np.arange(1, _POINTS + 1) / _POINTS * len(risk)).astype(int))
    return tuple(CurvePoint(n / len(risk), float(wrong[n - 1] / n)) for n in counts.tolist())


def is_held_out(content: str) -> bool:
    """The same items at every run: the hash of the content decides."""
    return int(content[:8], 16) % 10 < _HELD_OUT_TENTHS


def _fitted(
    readings: LabelReadings, contents: Sequence[str], gold: Mapping[str, str], known: Sequence[str]
) -> LabelModel:
    services = tuple(sorted(readings.versions))
    votes = [readings.votes[content] for content in contents]
    labels = tuple(sorted({label for one in votes for label, _ in one.values()} | set(known)))
    answers, confidences = encode_votes(votes, services, labels)
    code = {label: position for position, label in enumerate(labels)}
    truth = np.array(
        [code[gold[content]] if content in gold else MISSING for content in contents],
        dtype=np.int64,
    )
    free = fit_label_free(answers, confidences, len(labels))
    few = fit_few_labels(answers, confidences, truth, free)
    versions = tuple(readings.versions[name] for name in services)
    return LabelModel(services, versions, labels, free, few)


def _by_model(
    model: LabelModel, votes: Sequence[LabelVotes], truth: Sequence[str]
) -> _HeldOutResult:
    answers, confidences = encode_votes(votes, model.services, model.labels)
    _, standing, risk = model.resolve(answers, confidences)
    return _HeldOutResult(risk, standing == _codes(truth, model.labels))


def _codes(truth: Sequence[str], labels: Sequence[str]) -> Ints:
    code = {label: position for position, label in enumerate(labels)}
    # a label that the model has never seen is one that it cannot be right about
    return np.array([code.get(label, MISSING - 1) for label in truth], dtype=np.int64)


def _in_use(
    in_use: LabelModel | None,
    versions: Mapping[str, str],
    votes: Sequence[LabelVotes],
    truth: Sequence[str],
) -> _HeldOutResult:
    """The model in use where it still holds; else the services' own confidences."""
    if in_use is not None and mismatch(in_use, versions) is None:
        return _by_model(in_use, votes, truth)
    posteriors = [
        posterior([Reading(Status.OK, label, sure) for label, sure in said.values()])
        for said in votes
    ]
    risk = np.array([1.0 - one.probability for one in posteriors])
    right = np.array([one.answer == label for one, label in zip(posteriors, truth, strict=True)])
    return _HeldOutResult(risk, right)


def _best_single(
    model: LabelModel,
    readings: LabelReadings,
    gold: Mapping[str, str],
    votes: Sequence[LabelVotes],
    truth: Sequence[str],
) -> tuple[str, float]:
    """The best service by the verdicts that were learnt from, and its accuracy on the others."""

    def share(service: str) -> float:
        said = [(readings.votes[c].get(service), label) for c, label in gold.items()]
        return sum(one is not None and one[0] == label for one, label in said) / max(len(said), 1)

    best = max(model.services, key=lambda service: (share(service), service))
    right = [one.get(best, ("", None))[0] == label for one, label in zip(votes, truth, strict=True)]
    return best, sum(right) / len(right)
