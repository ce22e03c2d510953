"""Training the selector of one task, and the gate that it must pass to be promoted."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from orchestration_assets.evidence.calibration import reliability
from orchestration_assets.evidence.recorded_answers import MISSING, Floats, RecordedAnswers
from orchestration_assets.evidence.weighted_estimates import (
    ENOUGH_EFFECTIVE,
    Estimate,
    difference_estimate,
    insufficiency,
    share_estimate,
    weighted_mean,
)
from orchestration_assets.schemas.enums import ProcessingModel
from orchestration_assets.schemas.policy import Choice
from orchestration_assets.schemas.selection import SelectionModelRow
from orchestration_assets.selection.active_selector import artefact_name
from orchestration_assets.selection.baselines import effective_confidence
from orchestration_assets.selection.choice_reasons import learn_reasons
from orchestration_assets.selection.currencies import Currency
from orchestration_assets.selection.item_prices import fit_item_prices, item_tokens
from orchestration_assets.selection.known_items import KnownItems, fit_expectations
from orchestration_assets.selection.learned_model import (
    LearnedModel,
    content_keys,
    pack_model,
    unpack_model,
)
from orchestration_assets.selection.learner import CONTENT, fit_selectors
from orchestration_assets.selection.policy_outcomes import PolicyOutcome
from orchestration_assets.selection.region_rows import regions_of
from orchestration_assets.selection.strategies import is_sampled
from orchestration_assets.selection.trained_selector import (
    USD,
    TrainedSelector,
    build_trained_selector,
)
from orchestration_assets.selection.training_records import TrainingRecords
from resources.model_registry import Artefact, ModelRegistry

MOST_LOST: Final = 0.02
"""Accuracy that a promoted model may lose, and no more, by a standard error below its gain."""

_INTERVAL: Final = 1.96  # standard errors from the middle to the end of an interval
_HELD_OUT_SHARE: Final = 0.25
MIN_ITEMS: Final = round(ENOUGH_EFFECTIVE / _HELD_OUT_SHARE)
"""Items of an even sample below which nothing is learned: too few would be held out."""

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
    default: Choice | None = None,
    price_per_second: float = 0.0,
) -> SelectionModelRow:
    """Trains on complete items, and promotes a model that is not likely to lose on held-out ones.

    It is held against what decides now: the promoted model; else the ``default`` of the policy, as
    the recorded answers tell what it would say, or else as it stood; else the best single service.
    Where right is what a judge chose and the default asks a judge, it is held against what the
    judge chose: that is right by its own measure, so the model is kept only where it loses more
    than ``MOST_LOST`` by more than a standard error, or may lose as much to the best single
    service.
    Its gain less a standard error must not be a loss of more than ``MOST_LOST``. Every item counts
    by what it stands for; held-out items that are too few or too uneven promote nothing.
    Which items are held out depends on their content alone, so no earlier model was trained on
    them. ``price_per_second``: US dollars that a second of waiting is worth.
    """
    recorded = records.recorded
    if recorded.n_effective < MIN_ITEMS:
        return _too_few_items(task, records, registry)
    held_out = np.array(
        [is_sampled(f"gate {task}", item, _HELD_OUT_SHARE) for item in recorded.items]
    )
    train, test = recorded.take(~held_out), recorded.take(held_out)
    train_items, test_items = (
        None if records.items is None else records.items.take(rows)
        for rows in (~held_out, held_out)
    )
    model, words = _fit_model(train, train_items, price_per_second)
    deployed = model.selector
    arrays, facts = pack_model(model)
    manifest: dict[str, Any] = {
        **facts,
        "task": task,
        "services": dict(identities),
        "outcomes": train.n_items,
        "words": words,
    }
    name = artefact_name(task)
    trained = registry.store(name, arrays, manifest).version
    before = registry.usable(name)
    trial = _evaluate(model, test, test_items)
    single_correct = test.scores[:, deployed.best_service]
    now = _current(before, identities, test, test_items)
    if now is None:
        stood = None if records.standing is None else records.standing[held_out]
        now = _without_model(default, stood, test, single_correct, by_judge=records.by_judge)
    accuracy = share_estimate(trial.outcome.scores, test.weights)
    single = share_estimate(single_correct, test.weights)
    gain = difference_estimate(trial.outcome.scores - now.right, test.weights)
    lacking = insufficiency(test.weights) if test.n_items else "none is held out"
    passed = lacking is None and gain is not None and _by_error(gain, now.doubt) >= -MOST_LOST
    if passed and now.by_own_measure:
        over_single = difference_estimate(trial.outcome.scores - single_correct, test.weights)
        passed = over_single is not None and _by_error(over_single, -1.0) >= -MOST_LOST
    if passed:
        registry.promote(name, trained)
    outcome = UNCHANGED if before and before.version == trained else PROMOTED if passed else KEPT
    if lacking is not None:
        words += f"; not promoted: too few or too uneven held-out items: {lacking}"
    elif outcome == KEPT and gain is not None and accuracy is not None:
        words += (
            f"; not promoted: right in {accuracy.mean:.1%} of {test.n_items} held-out items, "
            f"{now.name} in {weighted_mean(now.right, test.weights):.1%}: {gain.in_points}, "
            f"{100 * _by_error(gain, now.doubt):+.1f} by a standard error "
            f"{'less' if now.doubt < 0.0 else 'more'}, {-100 * MOST_LOST:+.1f} is the least"
        )
    return SelectionModelRow(
        task=task,
        outcome=outcome,
        version=registry.usable_version(name),
        trained=trained,
        words=words + _left_out(records),
        gold=records.gold,
        complete=recorded.n_items,
        effective=recorded.n_effective,
        set_aside=records.stale,
        held_out=test.n_items,
        services=recorded.services,
        families=tuple(sorted({point.family for point in deployed.points})),
        best_single=recorded.services[deployed.best_service],
        best_single_accuracy=single.mean if single else None,
        best_single_low=single.low if single else None,
        best_single_high=single.high if single else None,
        accuracy=accuracy.mean if accuracy else None,
        accuracy_low=accuracy.low if accuracy else None,
        accuracy_high=accuracy.high if accuracy else None,
        current=now.name,
        current_accuracy=weighted_mean(now.right, test.weights) if test.n_items else None,
        gain=gain.mean if gain else None,
        gain_low=gain.low if gain else None,
        gain_high=gain.high if gain else None,
        usd=float(deployed.points[trial.point].mean_price(deployed.usd)),
        ms=float(deployed.points[trial.point].mean_price(deployed.ms)),
        calibration_error=_calibration_error(deployed, test),
    )


@dataclass(frozen=True)
class _Incumbent:
    """What decides now, and how right it is (n,), from 0 to 1; ``by_own_measure``: what is right
    is what itself says."""

    name: str
    right: Floats
    by_own_measure: bool = False

    @property
    def doubt(self) -> float:
        """Standard errors added to a model's gain over it: doubt counts for what decides now,
        unless that is flattered by the measure."""
        return 1.0 if self.by_own_measure else -1.0


def _by_error(gain: Estimate, errors: float) -> float:
    """The gain and so many standard errors more."""
    return gain.mean + errors * (gain.mean - gain.low) / _INTERVAL


def _without_model(
    default: Choice | None,
    stood: Floats | None,
    test: RecordedAnswers,
    single: Floats,
    *,
    by_judge: bool,
) -> _Incumbent:
    """What decides while nothing is learned."""
    asks_judge = default is not None and default.judge is not None
    if by_judge and asks_judge and stood is not None:
        return _Incumbent("the judged default", stood, by_own_measure=True)
    if by_judge:
        stood = None  # it is about what some other choice of the policy lets a judge decide
    in_order = default is not None and default.model is ProcessingModel.SEQUENTIAL
    if default is not None and in_order and not default.chain and not asks_judge:
        position = {service: k for k, service in enumerate(test.services)}
        if set(default.services) <= set(position):
            order = [position[service] for service in default.services]
            return _Incumbent("the default", _first_sure(order, default, test))
    if stood is not None:
        return _Incumbent("what stood", stood)
    return _Incumbent("the best single service", single)


def _first_sure(order: Sequence[int], default: Choice, test: RecordedAnswers) -> Floats:
    """(n,) how right the first answer is that is sure enough; the last one where none is."""
    right = np.zeros(test.n_items)
    settled = np.zeros(test.n_items, dtype=np.bool_)
    heard = np.zeros(test.n_items, dtype=np.int64)
    for k in order:
        answered = (test.answers[:, k] != MISSING) & ~settled
        right[answered] = test.scores[answered, k]
        heard += answered
        sure = effective_confidence(test, k) >= (default.stop_at or 0.0)
        settled |= answered & sure & (heard >= default.min_readings)
    return right


def _left_out(records: TrainingRecords) -> str:
    """What was not learned from, and what the verdicts stand for, in words."""
    parts = []
    if records.stale:
        parts.append(f"{records.stale} readings are of services that changed since and set aside")
    if records.uneven:
        parts.append(
            f"{records.uneven} items that all services read only because the first were not sure "
            "tell nothing of the others and are left out"
        )
    if records.basis:
        parts.append(records.basis)
    return "".join(f"; {part}" for part in parts)


def fit_trained_selector(
    train: RecordedAnswers,
    seed: int = 0,
    expected: Floats | None = None,
    price_per_second: float = 0.0,
    item_usd: Floats | None = None,
) -> tuple[TrainedSelector, str]:
    """The selector of one task, fitted to save money where calls cost any, and to save time.

    ``expected`` (n, K) are the scores expected of each service before any call, out of fold.
    ``price_per_second``: US dollars that a second of waiting is worth, beside the price of calls.
    ``item_usd`` (n, K): what calls are expected to cost on each item, by default what they cost on
    average.
    """
    usd, ms = train.prices, np.nan_to_num(train.milliseconds.mean(axis=0))
    waiting_usd = price_per_second * ms / 1000.0
    currencies: dict[str, Currency] = {}
    if usd.any() or waiting_usd.any():
        prices = usd if item_usd is None else item_usd
        currencies[USD] = Currency(prices, waiting_usd if waiting_usd.any() else None)
    if ms.any() or not currencies:
        # services that take no measurable time are told apart by the number of calls
        currencies["ms"] = Currency(ms if ms.any() else np.ones_like(ms))
    fitted = fit_selectors(train, list(currencies.values()), _RATES, seed, expected)
    selectors = dict(zip(currencies, fitted, strict=True))
    solo_accuracy: Floats = train.mean(train.scores)
    words = next(iter(selectors.values())).description
    return build_trained_selector(selectors, solo_accuracy, usd, ms), words


def _fit_model(
    train: RecordedAnswers, items: KnownItems | None, price_per_second: float
) -> tuple[LearnedModel, str]:
    """The model of one task. Where what items are like decides no step, nothing is expected."""
    fitted = fit_expectations(train, items)
    expected = None if fitted is None else fitted.out_of_fold
    prices, item_usd = None, None
    if items is not None and fitted is not None:
        tokens = item_tokens(items.inputs)
        prices = fit_item_prices(train.costs, tokens, train.weights)
        item_usd = prices(tokens)
    deployed, words = fit_trained_selector(
        train, expected=expected, price_per_second=price_per_second, item_usd=item_usd
    )
    trained_on = content_keys(train.items)
    reads = any(point.family == CONTENT for point in deployed.points)
    if not reads or items is None or fitted is None:
        return LearnedModel(deployed, trained_on=trained_on), words
    inputs = items.inputs.take(items.described)
    regions = regions_of(train.take(items.described), inputs)
    reasons = None if regions is None else learn_reasons(fitted.predictor, inputs, regions)
    return LearnedModel(deployed, fitted.predictor, reasons, prices, trained_on), words


def _evaluate(model: LearnedModel, test: RecordedAnswers, items: KnownItems | None) -> _Trial:
    deployed = model.selector
    expected = model.expected_scores(items)
    if expected is None:
        expected = np.tile(deployed.solo_accuracy, (test.n_items, 1))
    point = max(range(len(deployed.points)), key=lambda at: deployed.points[at].accuracy)
    known = _with_model_labels(deployed, test)
    return _Trial(point, deployed.run(point, known, expected, model.expected_usd(items)))


def _current(
    artefact: Artefact | None,
    identities: Mapping[str, str],
    test: RecordedAnswers,
    items: KnownItems | None,
) -> _Incumbent | None:
    """The model in force; None when there is none of the same services as they are now."""
    if artefact is None or artefact.facts.get("services") != dict(identities):
        return None
    try:
        model = unpack_model(artefact.arrays, artefact.facts)
    except (KeyError, ValueError):
        return None  # what cannot be read cannot be in force either
    if model.selector.services != test.services:
        return None
    return _Incumbent("the model in force", _evaluate(model, test, items).outcome.scores)


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
        test.scores,
        test.stands_for,
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
        posterior.confidence, posterior.answer == known.gold, _CALIBRATION_BINS, known.weights
    ).expected_calibration_error


def _more_at_this_rate(recorded: RecordedAnswers) -> str:
    """About how many more items as those there are would be enough; empty before there are any."""
    if not recorded.n_effective > 0.0:
        return ""
    more = math.ceil(recorded.n_items * (MIN_ITEMS / recorded.n_effective - 1.0))
    return f", about {more} more items at the present rate"


def _too_few_items(
    task: str, records: TrainingRecords, registry: ModelRegistry
) -> SelectionModelRow:
    recorded = records.recorded
    words = (
        f"{records.gold} items have gold or a verdict, {recorded.n_items} items a reading of every "
        f"service as it is now and an outcome of known probability, which tell as much as "
        f"{recorded.n_effective:.0f} of an even sample; at least {MIN_ITEMS} are needed"
        f"{_more_at_this_rate(recorded)}. Rules and the default decide until then"
    )
    words += _left_out(records)
    return SelectionModelRow(
        task=task,
        outcome=NONE,
        version=registry.usable_version(artefact_name(task)),
        trained=None,
        words=words,
        gold=records.gold,
        complete=recorded.n_items,
        effective=recorded.n_effective,
        set_aside=records.stale,
        held_out=0,
        services=recorded.services,
        families=(),
        best_single=None,
        best_single_accuracy=None,
        best_single_low=None,
        best_single_high=None,
        accuracy=None,
        accuracy_low=None,
        accuracy_high=None,
        current=None,
        current_accuracy=None,
        gain=None,
        gain_low=None,
        gain_high=None,
        usd=None,
        ms=None,
        calibration_error=None,
    )
