"""From readings and verdicts to a model of a task's services, and whether it may be used.

Every verdict counts by what it stands for: the questions that people answer are no even sample of
all. A new model passes a gate before it is used: on verdicts that it has not seen, its risk must be
at least as good (by Brier score) as that of what is in use now, and by the 95 % interval at most
0.05 worse, and of the answers that stand hardly fewer may be right. So a clear gain passes on few
verdicts, and a small one on many. Where these verdicts are too few or too uneven for an interval
nothing is put to use.
"""

import math
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
from orchestration_assets.evidence.recorded_answers import (
    MISSING,
    Bools,
    Floats,
    Ints,
    effective_count,
)
from orchestration_assets.evidence.verdict_weights import VerdictWeights, equal_weights
from orchestration_assets.evidence.weighted_estimates import (
    Estimate,
    difference_estimate,
    error_cost_estimate,
    insufficiency,
    share_estimate,
    weighted_mean,
)
from orchestration_assets.schemas.disagreement import CalibrationRow, CurvePoint
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Reading

_HELD_OUT_TENTHS: Final = 3
_ENOUGH_HELD_OUT: Final = 10.0
"""Held-out verdicts of an even sample below which the variance itself is unknown."""

_MOST_WORSE: Final = 0.05
"""By how much the Brier score may be worse at the upper end of the interval of its change."""
_MOST_FEWER_RIGHT: Final = 0.02
"""Share of the answers that may be lost to a truer risk: less than one of few verdicts."""
_POINTS: Final = 20
_ROUNDING: Final = 1e-12
_ENOUGH_SERVICES: Final = 3


@dataclass(frozen=True)
class CalibrationResult:
    """``model`` is to be promoted, None when what is in use stays in use; ``fitted`` is what the
    row's figures are of, None when nothing could be fitted."""

    model: LabelModel | None
    row: CalibrationRow
    fitted: LabelModel | None = None


@dataclass(frozen=True)
class _HeldOutResult:
    """How a rule did on held-out items: ``risk`` (n,) of its answers, ``right`` (n,)."""

    risk: Floats
    right: Bools

    @property
    def squares(self) -> Floats:
        """(n,) squared gaps of the stated probability and the outcome."""
        gaps: Floats = (self.risk - ~self.right) ** 2
        return gaps

    @property
    def squares_otherwise(self) -> Floats:
        """(n,) what they would be if each answer that is right were wrong, and the reverse."""
        gaps: Floats = (self.risk - self.right) ** 2
        return gaps


def calibrate(
    task: str,
    readings: LabelReadings,
    gold: Mapping[str, str],
    in_use: LabelModel | None,
    version: str | None,
    closed: Sequence[str] = (),
    weights: VerdictWeights | None = None,
    learn_from: int = 200,
) -> CalibrationResult:
    """What a task's readings and verdicts (content hash -> label) teach.

    ``in_use`` is the model that batches use now, under ``version``; ``closed`` the task's labels,
    if it names them. ``weights`` say what each verdict stands for; None: each for itself alone.
    Without a model in use, batches of ``learn_from`` items learn from agreement alone: that is
    what a new model is held against.
    """
    weighed = equal_weights(gold) if weights is None else weights
    # what one service alone has answered is resolved by the model too
    contents = [
        content
        for content, said in readings.votes.items()
        if len(said) > 1 or content not in readings.changed
    ]
    counted = weighed.counted(gold)
    judged = [content for content in contents if content in counted]
    names = sorted(readings.versions)
    row = unlearned(task, version, {name: readings.versions[name] for name in names}, weighed)
    row = replace(
        row,
        items=len(contents),
        gold=len(judged),
        effective=effective_count(weighed.of(judged)),
        set_aside=sum(readings.set_aside.values()),
    )
    aside = _set_aside(readings)
    if len(readings.versions) < 2:
        reason = "one service has nobody to be compared with"
        return CalibrationResult(None, replace(row, reason=reason + aside))
    held = [content for content in judged if is_held_out(content)]
    kept = {content: gold[content] for content in judged if not is_held_out(content)}
    few = _too_few(len(kept), weighed.of(held))
    if len(kept) < MIN_LABELS or not held:
        reason = f"not promoted: {few}: each batch learns for itself"
        if weighed.outside:
            reason += (
                f"; {weighed.outside} more were given beside the review queue and are not counted, "
                "their chance is unknown: answer its questions from the top"
            )
        return CalibrationResult(None, replace(row, reason=reason + aside))
    model = _fitted(readings, contents, kept, sorted({*closed, *gold.values()}), weighed)
    votes = [readings.votes[content] for content in held]
    truth = [gold[content] for content in held]
    held_weights = weighed.of(held)
    name, single_right = _best_single(model, readings, kept, votes, truth, weighed)
    new = _by_model(model, votes, truth)
    before, what = _in_use(in_use, model, readings, votes, truth, learn_from)
    change = _change(new, before, held_weights)
    gap = error_cost_estimate(new.right, new.risk, new.risk - 1.0, held_weights)
    accuracy = share_estimate(new.right, held_weights)
    single = share_estimate(single_right, held_weights)
    brier = error_cost_estimate(new.right, new.risk**2, (1.0 - new.risk) ** 2, held_weights)
    assert change and gap and accuracy and single and brier  # no weight held out is nought
    brier_before = brier_score(1.0 - before.risk, before.right, held_weights)
    more_right = weighted_mean(new.right, held_weights) - weighted_mean(before.right, held_weights)
    fewer_right = more_right < -_MOST_FEWER_RIGHT
    gain = change.mean <= 0.0 and not fewer_right
    better = few is None and gain and change.high <= _MOST_WORSE
    verb = "promoted" if better else "not promoted"
    reason = (
        f"{verb}: on {len(held)} held-out verdicts the Brier score is {brier.mean:.4f}, "
        f"{brier_before:.4f} for {what}; the change is {change.mean:+.4f} ({change.low:+.4f} to "
        f"{change.high:+.4f})"
    )
    if few is not None:
        reason = f"not promoted: {few}"
    elif fewer_right:
        reason += f"; {-more_right:.1%} fewer of the answers that stand are right"
    elif gain and not better:
        reason += f"; {_more_would_tell(change, len(judged))}"
    if model.sole_service is not None:
        reason += (
            f"; verdicts cannot tell that all together beat {model.sole_service}: its answer stands"
        )
    row = replace(
        row,
        held_out=len(held),
        promoted=better,
        reason=reason + aside,
        brier=brier.mean,
        brier_low=brier.low,
        brier_high=brier.high,
        brier_before=brier_before,
        ece=reliability(1.0 - new.risk, new.right, weights=held_weights).expected_calibration_error,
        brier_change=change.mean,
        brier_change_low=change.low,
        brier_change_high=change.high,
        risk_gap=gap.mean,
        risk_gap_low=gap.low,
        risk_gap_high=gap.high,
        accuracy=accuracy.mean,
        accuracy_low=accuracy.low,
        accuracy_high=accuracy.high,
        best_single=name,
        best_single_accuracy=single.mean,
        best_single_low=single.low,
        best_single_high=single.high,
        coverage_risk=coverage_risk(new.risk, new.right, held_weights),
    )
    return CalibrationResult(model if better else None, row, model)


def unlearned(
    task: str, version: str | None, versions: Mapping[str, str], weights: VerdictWeights
) -> CalibrationRow:
    """The row of a task of which nothing was learned yet; ``versions``: service -> its identity."""
    return CalibrationRow(
        task=task,
        version=version,
        services=tuple(versions),
        service_versions=tuple(versions.values()),
        items=0,
        gold=0,
        effective=0.0,
        held_out=0,
        basis=weights.basis,
        set_aside=0,
        promoted=False,
        reason="",
        brier=None,
        brier_low=None,
        brier_high=None,
        brier_before=None,
        ece=None,
        brier_change=None,
        brier_change_low=None,
        brier_change_high=None,
        risk_gap=None,
        risk_gap_low=None,
        risk_gap_high=None,
        accuracy=None,
        accuracy_low=None,
        accuracy_high=None,
        best_single=None,
        best_single_accuracy=None,
        best_single_low=None,
        best_single_high=None,
        coverage_risk=(),
    )


def _too_few(kept: int, held_weights: Floats) -> str | None:
    """Why verdicts are too few or too uneven for a model or its test, and about how many more of
    the same kind would do; None when they are not."""
    held = len(held_weights)
    effective = effective_count(held_weights)
    lacking = insufficiency(held_weights, _ENOUGH_HELD_OUT) if held else "none is held out"
    if kept >= MIN_LABELS and lacking is None:
        return None
    if kept < MIN_LABELS:
        lacking = f"{kept} of {kept + held} verdicts to learn from, {MIN_LABELS} are needed"
    elif held:
        lacking = f"of {kept + held} verdicts {held} are held out; {lacking}"
    # each further verdict goes to one of the parts, and tells as much there as one that is in it
    evenness = effective / held if held else 1.0
    share = _HELD_OUT_TENTHS / 10.0
    missing = max(
        (MIN_LABELS - kept) / (1.0 - share), (_ENOUGH_HELD_OUT - effective) / (share * evenness)
    )
    more = math.ceil(missing)
    return f"{lacking}; about {more} more would do at the present rate" if more > 0 else lacking


def _more_would_tell(change: Estimate, judged: int) -> str:
    """How many more verdicts would narrow the interval of a gain enough, were it to stay."""
    needed = ((change.high - change.mean) / (_MOST_WORSE - change.mean)) ** 2
    more = math.ceil(judged * (needed - 1.0))
    return (
        f"it may still be more than {_MOST_WORSE:g} worse: about {more} more verdicts would tell "
        "at the present rate"
    )


def _change(new: _HeldOutResult, before: _HeldOutResult, weights: Floats) -> Estimate | None:
    """The change of the Brier score; what was not seen yet differs as the outcomes seen would have
    if they had been the other way round."""
    change = new.squares - before.squares
    otherwise = new.squares_otherwise - before.squares_otherwise
    unseen = math.sqrt(weighted_mean((change - otherwise) ** 2, weights))
    return difference_estimate(change, weights, unseen)


def _set_aside(readings: LabelReadings) -> str:
    """How many answers nothing was learned from, because the service that gave them changed."""
    if not readings.set_aside:
        return ""
    listed = ", ".join(f"{n} of {name}" for name, n in sorted(readings.set_aside.items()))
    return f"; answers of before the service changed are set aside: {listed}"


def coverage_risk(
    risk: Floats, right: Bools, weights: Floats | None = None
) -> tuple[CurvePoint, ...]:
    """The share of wrong answers among the surest ones, at 20 even steps of coverage; ``weights``
    (n,), above 0, say how many answers each stands for, else 1."""
    order = np.argsort(risk, kind="stable")
    stands_for = (np.ones(len(risk)) if weights is None else weights)[order]
    covered, wrong = np.cumsum(stands_for), np.cumsum(stands_for * ~right[order])
    steps = np.arange(1, _POINTS + 1) / _POINTS * covered[-1] * (1.0 - _ROUNDING)
    last = np.unique(np.searchsorted(covered, steps)).tolist()
    return tuple(
        CurvePoint(float(covered[n] / covered[-1]), float(wrong[n] / covered[n])) for n in last
    )


def is_held_out(content: str) -> bool:
    """The same items at every run: the hash of the content decides."""
    return int(content[:8], 16) % 10 < _HELD_OUT_TENTHS


def _fitted(
    readings: LabelReadings,
    contents: Sequence[str],
    gold: Mapping[str, str],
    known: Sequence[str],
    weights: VerdictWeights,
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
    few = fit_few_labels(answers, confidences, truth, free, weights=weights.of(contents))
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
    fitted: LabelModel,
    readings: LabelReadings,
    votes: Sequence[LabelVotes],
    truth: Sequence[str],
    learn_from: int,
) -> tuple[_HeldOutResult, str]:
    """What resolves batches now, and what it is: the model in use where it still holds; else
    agreement alone where batches are large enough; else the services' own confidences."""
    if in_use is not None and mismatch(in_use, readings.versions) is None:
        return _by_model(in_use, votes, truth), "the calibration in use"
    enough = sum(len(said) >= _ENOUGH_SERVICES for said in readings.votes.values())
    if enough >= learn_from and len(fitted.label_free.independent) >= _ENOUGH_SERVICES:
        return _by_model(replace(fitted, few_labels=None), votes, truth), "agreement alone"
    posteriors = [
        posterior([Reading(Status.OK, label, sure) for label, sure in said.values()])
        for said in votes
    ]
    risk = np.array([1.0 - one.probability for one in posteriors])
    right = np.array([one.answer == label for one, label in zip(posteriors, truth, strict=True)])
    return _HeldOutResult(risk, right), "stated confidences"


def _best_single(
    model: LabelModel,
    readings: LabelReadings,
    gold: Mapping[str, str],
    votes: Sequence[LabelVotes],
    truth: Sequence[str],
    weights: VerdictWeights,
) -> tuple[str, Bools]:
    """The best service by the verdicts that were learnt from, and where it is right on the
    others."""
    learnt = weights.of(list(gold))

    def share(service: str) -> float:
        said = [readings.votes[content].get(service, ("", None))[0] for content in gold]
        right = np.array([one == label for one, label in zip(said, gold.values(), strict=True)])
        return weighted_mean(right, learnt)

    best = max(model.services, key=lambda service: (share(service), service))
    right = [one.get(best, ("", None))[0] == label for one, label in zip(votes, truth, strict=True)]
    return best, np.array(right, dtype=np.bool_)
