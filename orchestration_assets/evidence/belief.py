"""The posterior over labels after any subset of the services has answered.

Likelihood tables are combined by stacking (Wolpert 1992), one model for each subset.
Tables and stacking need few labels. From ``MIN_LABELS_TO_BOOST`` labels on, boosted trees score
each label that some service gave, from the raw confidences; they enter a logarithmic pool with the
weight that has the highest likelihood out of fold.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np

from orchestration_assets.evidence.bins import ConfidenceBins, bin_count_for, fit_bins
from orchestration_assets.evidence.boosting import BoostedTrees, fit_boosted
from orchestration_assets.evidence.calibration import PlattScaling, fit_platt_scaling, logit
from orchestration_assets.evidence.likelihoods import LikelihoodTables, fit_likelihoods
from orchestration_assets.evidence.recorded_answers import (
    MISSING,
    Bools,
    Floats,
    Ints,
    RecordedAnswers,
    one_hot,
)
from orchestration_assets.evidence.stacking import StackingModel, fit_stacking

Subset = tuple[int, ...]

MIN_LABELS_TO_BOOST: Final = 1_000
MAX_SERVICES: Final = 6
# with more folds, trees could tell folds apart by their tables and learn what each left out
_TABLE_FOLDS = 2
_BOOST_FOLDS = 3
_STACK_ROWS = 8_000
_POOL_WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)
CANDIDATE_DIRECTIONS: Final = (1, -1)
_FEW_LABELS = 8
_UNSTATED_CODE = -1.0
_EPSILON = 1e-6


def subsets(n_services: int) -> list[Subset]:
    """All subsets of the services, smaller ones first, the empty one included."""
    positions = range(n_services)
    return [subset for size in range(n_services + 1) for subset in combinations(positions, size)]


@dataclass(frozen=True)
class SubsetPosterior:
    """The posterior of ``n`` items after one subset of the services.

    ``probabilities`` (n, L) distributions; ``answer`` (n,) the most probable label of those that
    occurred as gold, and ``confidence`` (n,) its calibrated probability; ``features``
    (n, features) describe the evidence to a regression.
    """

    probabilities: Floats
    answer: Ints
    confidence: Floats
    features: Floats


@dataclass(frozen=True)
class BeliefModel:
    """A fitted model of one task; services and labels by position.

    ``label_occurs`` (L,): whether the label occurred as gold; ``boosted`` holds the trees of a
    subset, whose mean is pooled with the stacked likelihoods by the weight ``pool_weights``.
    """

    bins: ConfidenceBins
    likelihoods: LikelihoodTables
    label_occurs: Bools
    stacks: Mapping[Subset, StackingModel]
    boosted: Mapping[Subset, tuple[BoostedTrees, ...]]
    pool_weights: Mapping[Subset, float]
    calibrations: Mapping[Subset, PlattScaling]

    def scores(self, recorded: RecordedAnswers) -> tuple[Floats, Floats]:
        """(n, K, L) scores of the answers and of their confidence bins."""
        return self.likelihoods.scores(recorded.answers, self.bins.codes(recorded.confidences))

    def posterior(
        self, recorded: RecordedAnswers, subset: Subset, scores: tuple[Floats, Floats] | None = None
    ) -> SubsetPosterior:
        """The posterior after the services in ``subset``; answers of others are ignored."""
        answer_scores, bin_scores = self.scores(recorded) if scores is None else scores
        p = self.stacks[subset](self.likelihoods.prior, answer_scores, bin_scores)
        if models := self.boosted.get(subset):
            candidates = candidate_labels(recorded.answers, p, subset)
            features = candidate_features(recorded, bin_scores, p, subset, candidates)
            candidate_p: Floats = np.mean([model(features) for model in models], axis=0)
            p = logarithmic_pool(p, candidates, candidate_p, self.pool_weights[subset])
        answer, highest = _best_answer(p, self.label_occurs)
        features = posterior_features(recorded, bin_scores, p, subset)
        return SubsetPosterior(p, answer, self.calibrations[subset](highest), features)


def _best_answer(p: Floats, label_occurs: Bools) -> tuple[Ints, Floats]:
    possible = np.where(label_occurs, p, 0.0)
    answer = possible.argmax(axis=1)
    return answer, possible[np.arange(len(p)), answer]


def posterior_features(
    recorded: RecordedAnswers, bin_scores: Floats, p: Floats, subset: Subset
) -> Floats:
    """(n, features) the evidence after the services in ``subset``, without NaN."""
    n_items, n_labels = p.shape
    items = np.arange(n_items)
    ordered = np.sort(p, axis=1)
    columns = [ordered[:, -1], ordered[:, -2] if n_labels > 1 else np.zeros(n_items)]
    columns += list(p.T) if n_labels <= _FEW_LABELS else [p.argmax(axis=1).astype(np.float64)]
    for service in subset:
        labels = recorded.answers[:, service]
        answered = labels != MISSING
        code = np.where(answered, labels, 0)
        columns.append(np.where(answered, p[items, code], 0.0))
        columns.append(np.where(answered, bin_scores[items, service, code], 0.0))
        columns.append(_stated_confidence(recorded, service))
    for first, second in combinations(subset, 2):
        columns.append(
            (recorded.answers[:, first] == recorded.answers[:, second]).astype(np.float64)
        )
    return np.stack(columns, axis=1)


def _stated_confidence(recorded: RecordedAnswers, service: int) -> Floats:
    stated = recorded.confidences[:, service]
    return np.where(np.isnan(stated), _UNSTATED_CODE, stated)


def candidate_labels(answers: Ints, p: Floats, subset: Subset) -> Bools:
    """(n, L) the labels that the trees score: every answer given, and the two most probable.

    Of nearly even ones either may be the first, by tables that differ slightly: both are scored.
    """
    n_items, n_labels = p.shape
    candidates = np.zeros(p.shape, dtype=np.bool_)
    likely = np.argpartition(p, n_labels - min(2, n_labels), axis=1)[:, -2:]
    candidates[np.arange(n_items)[:, None], likely] = True
    for service in subset:
        answered = np.flatnonzero(answers[:, service] != MISSING)
        candidates[answered, answers[answered, service]] = True
    return candidates


def candidate_features(
    recorded: RecordedAnswers,
    bin_scores: Floats,
    p: Floats,
    subset: Subset,
    candidates: Bools,
) -> Floats:
    """(candidates, features) one row a marked label, in the order of ``np.nonzero``; the first
    two are the log-odds of the label and of the best other one (``CANDIDATE_DIRECTIONS``)."""
    items, labels = np.nonzero(candidates)
    own = p[items, labels]
    ordered = np.sort(p, axis=1)
    top = ordered[items, -1]
    second = ordered[items, -2] if p.shape[1] > 1 else np.zeros(len(items))
    best_other = np.where(own >= top, second, top)
    columns = [logit(own), logit(best_other), labels.astype(np.float64)]
    for service in subset:
        answered_labels = recorded.answers[items, service]
        answered = answered_labels != MISSING
        code = np.where(answered, answered_labels, 0)
        columns.append(np.where(answered, (answered_labels == labels).astype(np.float64), -1.0))
        # tables differ between folds, and trees could tell the folds apart by their scores
        columns.append(
            answered_labels.astype(np.float64)
            if p.shape[1] <= _FEW_LABELS
            else np.where(answered, bin_scores[items, service, code], 0.0)
        )
        columns.append(_stated_confidence(recorded, service)[items])
    return np.stack(columns, axis=1)


def logarithmic_pool(p: Floats, candidates: Bools, candidate_p: Floats, weight: float) -> Floats:
    """(n, L) logarithmic pool (Genest and Zidek 1986) of ``p`` with ``candidate_p``, the
    candidates' own probabilities, which has the ``weight`` in [0, 1].

    What the candidates leave of 1 goes to the other labels, in proportion to ``p``.
    """
    if weight <= 0.0:
        return p
    second = np.zeros_like(p)
    second[candidates] = np.clip(candidate_p, _EPSILON, 1.0)
    others = np.where(candidates, 0.0, p) + _EPSILON * ~candidates
    unclaimed = others.sum(axis=1, keepdims=True)
    remainder = np.maximum(1.0 - second.sum(axis=1, keepdims=True), 0.0)
    second += np.where(unclaimed > 0.0, remainder * others / np.maximum(unclaimed, _EPSILON), 0.0)
    second /= second.sum(axis=1, keepdims=True)
    pooled = np.maximum(p, 1e-12) ** (1.0 - weight) * np.maximum(second, 1e-12) ** weight
    normalised: Floats = pooled / pooled.sum(axis=1, keepdims=True)
    return normalised


def fit_belief(
    train: RecordedAnswers, seed: int = 0
) -> tuple[BeliefModel, dict[Subset, SubsetPosterior]]:
    """Fits a model to items whose gold is known and of which every service was asked.

    Also returns each subset's posterior of the training items themselves, out of fold: from tables
    and trees that have not seen the item. Raises ValueError above ``MAX_SERVICES`` services.
    """
    n_labels, n_services = train.n_labels, train.n_services
    if n_services > MAX_SERVICES:
        raise ValueError(f"{n_services} services: at most {MAX_SERVICES} can be weighed at once")
    bins = fit_bins(train.confidences, bin_count_for(train.n_items))
    weights = train.weights * train.n_effective / train.n_items
    codes, truth = bins.codes(train.confidences), one_hot(train.gold, n_labels) * weights[:, None]
    likelihoods = fit_likelihoods(train.answers, codes, truth, bins.n_bins)
    rng = np.random.default_rng(seed)
    scores = _out_of_fold_scores(train, codes, truth, bins.n_bins, rng)
    sample = rng.permutation(train.n_items)[:_STACK_ROWS]
    folds = rng.integers(0, _BOOST_FOLDS, train.n_items)
    label_occurs = truth.sum(axis=0) > 0.0
    stacks: dict[Subset, StackingModel] = {}
    boosted: dict[Subset, tuple[BoostedTrees, ...]] = {}
    pool_weights: dict[Subset, float] = {}
    calibrations: dict[Subset, PlattScaling] = {}
    posteriors: dict[Subset, SubsetPosterior] = {}
    for subset in subsets(n_services):
        answer_scores, bin_scores = scores
        stacking = fit_stacking(
            subset,
            likelihoods.prior,
            answer_scores[sample],
            bin_scores[sample],
            train.gold[sample],
            weights=weights[sample],
        )
        stacks[subset] = stacking
        p = stacking(likelihoods.prior, answer_scores, bin_scores)
        if subset and train.n_items >= MIN_LABELS_TO_BOOST:
            boosted[subset], pool_weights[subset], p = _fit_boosting(
                train, bin_scores, p, subset, folds, seed
            )
        answer, highest = _best_answer(p, label_occurs)
        calibrations[subset] = fit_platt_scaling(highest, answer == train.gold, weights=weights)
        features = posterior_features(train, bin_scores, p, subset)
        posteriors[subset] = SubsetPosterior(p, answer, calibrations[subset](highest), features)
    fitted = BeliefModel(
        bins, likelihoods, label_occurs, stacks, boosted, pool_weights, calibrations
    )
    return fitted, posteriors


def _out_of_fold_scores(
    train: RecordedAnswers, codes: Ints, truth: Floats, n_bins: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    shape = (train.n_items, train.n_services, train.n_labels)
    answer_scores, bin_scores = np.zeros(shape), np.zeros(shape)
    folds = rng.integers(0, _TABLE_FOLDS, train.n_items)
    for fold in range(_TABLE_FOLDS):
        held_out = folds == fold
        known = np.where(held_out[:, None], 0.0, truth)
        likelihoods = fit_likelihoods(train.answers, codes, known, n_bins)
        answer_scores[held_out], bin_scores[held_out] = likelihoods.scores(
            train.answers[held_out], codes[held_out]
        )
    return answer_scores, bin_scores


def _fit_boosting(
    train: RecordedAnswers,
    bin_scores: Floats,
    p: Floats,
    subset: Subset,
    folds: Ints,
    seed: int,
) -> tuple[tuple[BoostedTrees, ...], float, Floats]:
    """Trees of all folds but one each, the best weight on the folds left out, and that pool."""
    candidates = candidate_labels(train.answers, p, subset)
    features = candidate_features(train, bin_scores, p, subset, candidates)
    items, labels = np.nonzero(candidates)
    is_gold = labels == train.gold[items]
    candidate_p = np.empty(len(features))
    models = []
    for fold in range(_BOOST_FOLDS):
        held_out = folds[items] == fold
        model = fit_boosted(
            features[~held_out],
            is_gold[~held_out],
            seed + fold,
            train.weights[items[~held_out]],
            CANDIDATE_DIRECTIONS,
        )
        candidate_p[held_out] = model(features[held_out])
        models.append(model)
    every_item = np.arange(train.n_items)
    best_score, best_weight, best_pool = -np.inf, 0.0, p
    for weight in _POOL_WEIGHTS:
        pool = logarithmic_pool(p, candidates, candidate_p, weight)
        log_scores = np.log(np.maximum(pool[every_item, train.gold], _EPSILON))
        score = float(train.mean(log_scores))
        if score > best_score:
            best_score, best_weight, best_pool = score, weight, pool
    return (tuple(models) if best_weight > 0.0 else ()), best_weight, best_pool
