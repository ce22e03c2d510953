"""Training the selector of one task, and the gate that it must pass to be promoted."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from orchestration_assets.evidence.calibration import reliability
from orchestration_assets.evidence.recorded_answers import Bools, Floats, RecordedAnswers
from orchestration_assets.schemas.selection import SelectionModelRow
from orchestration_assets.selection.active_selector import artefact_name
from orchestration_assets.selection.learner import Selector, fit_selector
from orchestration_assets.selection.policy_outcomes import PolicyOutcome
from orchestration_assets.selection.strategies import is_sampled
from orchestration_assets.selection.trained_selector import (
    TrainedSelector,
    build_trained_selector,
    pack_selector,
    unpack_selector,
)
from orchestration_assets.selection.training_records import TrainingRecords
from resources.model_registry import Artefact, ModelRegistry

MIN_ITEMS: Final = 30
_HELD_OUT_SHARE = 0.25
_RATES = 20
_CALIBRATION_BINS = 15

PROMOTED, UNCHANGED, KEPT, NONE = "promoted", "unchanged", "kept", "none"


@dataclass(frozen=True)
class _Trial:
    """The outcome of a model at its most accurate point on held-out items."""

    point: int
    outcome: PolicyOutcome


def train_task(
    task: str,
    records: TrainingRecords,
    identities: Mapping[str, str],
    registry: ModelRegistry,
) -> SelectionModelRow:
    """Trains on complete items, and promotes a model that does not lose on held-out ones.

    It is compared with the promoted model; without one, with the best single service, to which it
    may lose by a standard error. Which items are held out depends on their content alone, so no
    earlier model was trained on them.
    """
    recorded = records.recorded
    if recorded.n_items < MIN_ITEMS:
        return _too_few_items(task, records, registry)
    held_out = np.array(
        [is_sampled(f"gate {task}", item, _HELD_OUT_SHARE) for item in recorded.items]
    )
    train, test = recorded.take(~held_out), recorded.take(held_out)
    deployed, words = fit_trained_selector(train)
    arrays, selector = pack_selector(deployed)
    manifest: dict[str, Any] = {
        "task": task,
        "selector": selector,
        "services": dict(identities),
        "gold": train.n_items,
        "words": words,
    }
    name = artefact_name(task)
    trained = registry.store(name, arrays, manifest).version
    before = registry.usable(name)
    trial = _evaluate(deployed, test)
    single_correct = test.is_correct[:, deployed.best_service]
    current_correct = _current_correct(before, test)
    baseline = single_correct if current_correct is None else current_correct
    # the first model is held against a service that it may well consist of: noise is no loss
    tolerance = (
        _standard_error(trial.outcome.correct, single_correct) if current_correct is None else 0.0
    )
    passed = bool(trial.outcome.correct.sum() + tolerance >= baseline.sum())
    if passed:
        registry.promote(name, trained)
    outcome = UNCHANGED if before and before.version == trained else PROMOTED if passed else KEPT
    if outcome == KEPT:
        baseline_name = (
            "the model in force" if current_correct is not None else "the best single service"
        )
        words += (
            f"; not promoted: right in {trial.outcome.accuracy:.1%} of {test.n_items} held-out "
            f"items, {baseline_name} in {_mean(baseline):.1%}"
        )
    return SelectionModelRow(
        task=task,
        outcome=outcome,
        version=registry.usable_version(name),
        trained=trained,
        words=words,
        gold=records.gold,
        complete=recorded.n_items,
        held_out=test.n_items,
        services=recorded.services,
        families=tuple(sorted({point.family for point in deployed.points})),
        best_single=recorded.services[deployed.best_service],
        best_single_accuracy=_mean(single_correct),
        accuracy=_mean(trial.outcome.correct),
        current_accuracy=None if current_correct is None else _mean(current_correct),
        usd=float(deployed.points[trial.point].mean_price(deployed.usd)),
        ms=float(deployed.points[trial.point].mean_price(deployed.ms)),
        calibration_error=_calibration_error(deployed, test),
    )


def fit_trained_selector(train: RecordedAnswers, seed: int = 0) -> tuple[TrainedSelector, str]:
    """The selector of one task, fitted to save money where calls cost any, and to save time."""
    usd, ms = train.prices, np.nan_to_num(train.milliseconds.mean(axis=0))
    currencies = {"usd": usd} if usd.any() else {}
    if ms.any() or not currencies:
        # services that take no measurable time are told apart by the number of calls
        currencies["ms"] = ms if ms.any() else np.ones_like(ms)
    selectors: dict[str, Selector] = {
        saves: fit_selector(train, prices, _RATES, seed) for saves, prices in currencies.items()
    }
    solo_accuracy: Floats = train.is_correct.mean(axis=0)
    words = next(iter(selectors.values())).description
    return build_trained_selector(selectors, solo_accuracy, usd, ms), words


def _standard_error(right: Bools, other: Bools) -> float:
    """Of the difference in right answers, from the items on which the two differ."""
    return math.sqrt(float((right != other).sum()))


def _mean(right: Bools) -> float | None:
    return float(right.mean()) if right.size else None


def _evaluate(deployed: TrainedSelector, test: RecordedAnswers) -> _Trial:
    point = max(range(len(deployed.points)), key=lambda at: deployed.points[at].accuracy)
    return _Trial(point, deployed.run(point, _with_model_labels(deployed, test)))


def _current_correct(artefact: Artefact | None, test: RecordedAnswers) -> Bools | None:
    """(n,) where the model in force is right; None when there is none of the same services."""
    if artefact is None:
        return None
    try:
        deployed = unpack_selector(artefact.arrays, artefact.facts["selector"])
    except (KeyError, ValueError):
        return None  # what cannot be read cannot be in force either
    if deployed.services != test.services:
        return None
    return _evaluate(deployed, test).outcome.correct


def _with_model_labels(deployed: TrainedSelector, test: RecordedAnswers) -> RecordedAnswers:
    """The items under the model's own label codes; labels that it has never seen are missing."""
    position = {label: code for code, label in enumerate(deployed.labels)}
    codes = np.array([*(position.get(label, -1) for label in test.labels), -1])
    unknown_gold = len(deployed.labels)
    gold = np.where(codes[test.gold] < 0, unknown_gold, codes[test.gold])
    return RecordedAnswers(
        test.name,
        test.services,
        (*deployed.labels, "another"),
        test.items,
        codes[test.answers],
        test.confidences,
        test.asked,
        gold,
        test.costs,
        test.milliseconds,
        test.is_correct,
    )


def _calibration_error(deployed: TrainedSelector, test: RecordedAnswers) -> float | None:
    """Expected calibration error of the probability after all services have answered."""
    if deployed.belief is None or not test.n_items:
        return None
    known = _with_model_labels(deployed, test)
    every = tuple(range(test.n_services))
    # the belief knows the labels of training: one more, which it never gives, is cut off again
    posterior = deployed.belief.posterior(known, every)
    return reliability(
        posterior.confidence, posterior.answer == known.gold, _CALIBRATION_BINS
    ).expected_calibration_error


def _too_few_items(
    task: str, records: TrainingRecords, registry: ModelRegistry
) -> SelectionModelRow:
    recorded = records.recorded
    words = (
        f"{records.gold} items have gold, {recorded.n_items} of them a reading of every service "
        f"as it is now; at least {MIN_ITEMS} are needed. Rules and the default decide until then"
    )
    if records.stale:
        words += f"; {records.stale} readings are of services that changed since"
    return SelectionModelRow(
        task=task,
        outcome=NONE,
        version=registry.usable_version(artefact_name(task)),
        trained=None,
        words=words,
        gold=records.gold,
        complete=recorded.n_items,
        held_out=0,
        services=recorded.services,
        families=(),
        best_single=None,
        best_single_accuracy=None,
        accuracy=None,
        current_accuracy=None,
        usd=None,
        ms=None,
        calibration_error=None,
    )
