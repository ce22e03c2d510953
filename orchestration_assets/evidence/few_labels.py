"""The label model for few gold labels: the probable answer, and its probability of error.

Two models share the labels, since each fails elsewhere: a stack (Wolpert 1992) of the services'
shrunken likelihoods and of the label-free posterior, and the regression on agreement. Both have
the label-free model as their prior. Their log-odds are averaged and calibrated by Platt scaling
on predictions of items that neither has seen.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from orchestration_assets.evidence.agreement import AgreementModel, fit_agreement
from orchestration_assets.evidence.bins import ConfidenceBins, fit_bins
from orchestration_assets.evidence.calibration import PlattScaling, fit_platt_scaling
from orchestration_assets.evidence.label_free import LabelFreeModel, error_log_odds
from orchestration_assets.evidence.likelihoods import (
    LikelihoodTables,
    fit_likelihoods,
    fit_log_prior,
)
from orchestration_assets.evidence.logistic import sigmoid
from orchestration_assets.evidence.recorded_answers import (
    MISSING,
    Floats,
    Ints,
    effective_count,
    one_hot,
)
from orchestration_assets.evidence.stacking import StackingModel, fit_stacking, softmax
from orchestration_assets.evidence.weighted_estimates import weighted_mean

MIN_LABELS: Final = 25
"""The fewest labels that the model is fitted to: on recorded services its Brier score is then that
of the label-free model, and with fewer it is worse."""

# labels of an even sample that tell the best single service; fewer name the wrong one too often
_ENOUGH_FOR_BEST: Final = 50.0

_FOLDS: Final = 5
_BINS: Final = 6  # more than so few labels fill, but unlabelled items and the stack make up for it
_EPSILON: Final = 1e-9
# for each label, the weight of the label-free posterior of unlabelled items in the tables
_PSEUDO_LABELS: Final = 2.0
_MARGINS: Final = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0, float("inf"))
_MAX_UNLABELLED: Final = 4_000
_HALF_WEIGHT: Final = 200.0  # labels at which stack and label-free posterior weigh the same


@dataclass(frozen=True)
class StackedLikelihoods:
    """The services' likelihoods and the label-free posterior, combined by a stacking model."""

    bins: ConfidenceBins
    tables: LikelihoodTables
    stack: StackingModel

    def log_posterior(self, answers: Ints, confidences: Floats, label_free: Floats) -> Floats:
        """(n, L) log-probabilities of items answered as in (n, K), whose label-free
        log-probabilities are ``label_free`` (n, L)."""
        answer_scores, bin_scores = _stack_scores(
            self.tables, answers, self.bins.codes(confidences), label_free
        )
        return np.log(self.stack(self.tables.prior, answer_scores, bin_scores) + _EPSILON)


@dataclass(frozen=True)
class FewLabelsModel:
    """A fitted model; ``answers`` and ``confidences`` (n, K) are of all services, clones included.

    There is a stack and an agreement model for each fifth of the labels that was left out, and
    their mean is used: fits to few labels differ in scale, and Platt scaling is of their mean.
    ``best_service`` was right most often; ``margin`` is 0 where there were too few labels to tell.
    """

    label_free: LabelFreeModel
    stacks: tuple[StackedLikelihoods, ...]
    agreement_models: tuple[AgreementModel, ...]
    platt: PlattScaling
    n_gold: int
    stack_weight: float
    best_service: int
    margin: float

    def predict(self, answers: Ints, confidences: Floats) -> Ints:
        """(n,) the predicted answer.

        That of ``best_service``, unless another is more probable by more than ``margin`` log-odds:
        the largest margin whose accuracy out of fold is within a standard error of the highest.
        So the prediction loses to the best single service no more than the labels can tell; with
        an infinite margin it is always that of the service.
        """
        log_posterior = self.log_posterior(answers, confidences)
        return _guarded_answers(log_posterior, answers[:, self.best_service], self.margin)

    def log_posterior(self, answers: Ints, confidences: Floats) -> Floats:
        """(n, L) log-probabilities: the logarithmic pool of the stack and the label-free model.

        ``stack_weight`` in [0, 1] is ``n / (n + 200)``, so that few labels cannot overturn what
        agreement shows; it is 1 where the stack by itself was right more often, out of fold, by
        two standard errors.
        """
        independent = self.label_free.independent
        label_free = self.label_free.log_posterior(answers, confidences)
        stack_log_posterior = self._mean_stack_posterior(
            answers[:, independent], confidences[:, independent], label_free
        )
        return _logarithmic_pool(stack_log_posterior, label_free, self.stack_weight)

    def error_probability(self, answers: Ints, confidences: Floats, chosen: Ints) -> Floats:
        """(n,) probability that the ``chosen`` answers (n,) are wrong."""
        independent = self.label_free.independent
        label_free = self.label_free.log_posterior(answers, confidences)
        answers, confidences = answers[:, independent], confidences[:, independent]
        log_posterior = self._mean_stack_posterior(answers, confidences, label_free)
        per_fold = [model.log_odds(answers, confidences, chosen) for model in self.agreement_models]
        log_odds = np.mean(per_fold, axis=0)
        return 1.0 - self.platt(sigmoid(_mean_log_odds(log_posterior, log_odds, chosen)))

    def _mean_stack_posterior(
        self, answers: Ints, confidences: Floats, label_free: Floats
    ) -> Floats:
        per_fold = [stack.log_posterior(answers, confidences, label_free) for stack in self.stacks]
        mean_log_posterior: Floats = np.mean(per_fold, axis=0)
        return mean_log_posterior


def fit_few_labels(
    answers: Ints,
    confidences: Floats,
    gold: Ints,
    label_free: LabelFreeModel,
    chosen: Ints | None = None,
    weights: Floats | None = None,
) -> FewLabelsModel:
    """Fits to answers and confidences (n, K), gold (n,) with ``MISSING`` where unknown, and the
    label-free model of the same services.

    ``chosen`` (n,) are the answers whose probability of error will be asked for; None: the
    model's own predictions. ``weights`` (n,) say what each gold label stands for; None: all the
    same. They enter every likelihood and share (pseudo-likelihood, Skinner 1989), scaled so that
    together they are as many labels as an even sample that tells as much, and the ridges towards
    what is known without labels hold as they would there.
    Raises ValueError below ``MIN_LABELS`` labels.
    """
    if (n_gold := int((gold != MISSING).sum())) < MIN_LABELS:
        raise ValueError(f"{n_gold} labels, at least {MIN_LABELS} are needed")
    rows = _training_rows(gold)
    answers, confidences, gold = answers[rows], confidences[rows], gold[rows]
    given = np.ones(len(gold)) if weights is None else weights[rows]
    label_weights = given[gold != MISSING]
    n_effective = effective_count(label_weights)
    label_weights = label_weights * n_effective / label_weights.sum()
    log_posterior = label_free.log_posterior(answers, confidences)
    # a clone adds nothing but the false impression of agreement
    independent = label_free.independent
    answers, confidences = answers[:, independent], confidences[:, independent]
    labelled = np.flatnonzero(gold != MISSING)
    folds = np.arange(n_gold) % _FOLDS
    out_of_fold = np.empty((n_gold, label_free.n_labels))
    stacks = []
    for fold in range(_FOLDS):
        held_out = labelled[folds == fold]
        kept_gold = gold.copy()
        kept_gold[held_out] = MISSING
        stacks.append(
            _fit_stacked_likelihoods(
                answers, confidences, kept_gold, log_posterior, label_weights[folds != fold]
            )
        )
        out_of_fold[folds == fold] = stacks[-1].log_posterior(
            answers[held_out], confidences[held_out], log_posterior[held_out]
        )
    stack_weight = _stack_weight(
        out_of_fold, log_posterior[labelled], gold[labelled], label_weights
    )
    pooled_log_posterior = _logarithmic_pool(out_of_fold, log_posterior[labelled], stack_weight)
    best_service = int((label_weights @ (answers[labelled] == gold[labelled, None])).argmax())
    margin = 0.0
    if n_effective >= _ENOUGH_FOR_BEST:
        margin = _margin(
            pooled_log_posterior, answers[labelled, best_service], gold[labelled], label_weights
        )
    if chosen is None:
        chosen_answers = _guarded_answers(
            pooled_log_posterior, answers[labelled, best_service], margin
        )
    else:
        chosen_answers = chosen[rows][labelled]
    correct = chosen_answers == gold[labelled]
    labelled_answers, labelled_confidences = answers[labelled], confidences[labelled]
    pooled_log_odds = np.empty(n_gold)
    agreement = []
    for fold in range(_FOLDS):
        held_out, inside = folds == fold, folds != fold
        correctness = correct[inside].astype(np.float64)
        training = (labelled_answers[inside], labelled_confidences[inside], chosen_answers[inside])
        agreement.append(
            fit_agreement(
                *training, correctness, prior=label_free.agreement, weights=label_weights[inside]
            )
        )
        log_odds = agreement[-1].log_odds(
            labelled_answers[held_out], labelled_confidences[held_out], chosen_answers[held_out]
        )
        pooled_log_odds[held_out] = _mean_log_odds(
            out_of_fold[held_out], log_odds, chosen_answers[held_out]
        )
    platt = fit_platt_scaling(sigmoid(pooled_log_odds), correct, weights=label_weights)
    return FewLabelsModel(
        label_free=label_free,
        stacks=tuple(stacks),
        agreement_models=tuple(agreement),
        platt=platt,
        n_gold=n_gold,
        stack_weight=stack_weight,
        best_service=int(independent[best_service]),
        margin=margin,
    )


def _training_rows(gold: Ints) -> Ints:
    """Every labelled item, and unlabelled ones at even steps: a few thousand fill the tables."""
    unlabelled = np.flatnonzero(gold == MISSING)
    step = max(1, len(unlabelled) // _MAX_UNLABELLED)
    return np.sort(np.concatenate([np.flatnonzero(gold != MISSING), unlabelled[::step]]))


def _stack_weight(out_of_fold: Floats, label_free: Floats, gold: Ints, weights: Floats) -> float:
    cautious = float(weights.sum()) / (float(weights.sum()) + _HALF_WEIGHT)
    correct = [
        (_logarithmic_pool(out_of_fold, label_free, weight).argmax(axis=1) == gold).astype(
            np.float64
        )
        for weight in (1.0, cautious)
    ]
    gain, error = _mean_and_error(correct[0] - correct[1], weights)
    return 1.0 if gain > 2.0 * error else cautious


def _mean_and_error(values: Floats, weights: Floats) -> tuple[float, float]:
    """The weighted mean and its standard error."""
    mean = weighted_mean(values, weights)
    squares = float((weights**2 * (values - mean) ** 2).sum())
    return mean, squares**0.5 / float(weights.sum())


def _guarded_answers(log_posterior: Floats, best: Ints, margin: float) -> Ints:
    """(n,) the ``best`` service's answer, unless the most probable one is ahead by the margin."""
    items = np.arange(len(log_posterior))
    leading = log_posterior.argmax(axis=1)
    ahead = log_posterior[items, leading] - log_posterior[items, np.maximum(best, 0)]
    return np.where((best == MISSING) | (ahead > margin), leading, best).astype(np.int64)


def _margin(log_posterior: Floats, best: Ints, gold: Ints, weights: Floats) -> float:
    correct = [
        (_guarded_answers(log_posterior, best, margin) == gold).astype(np.float64)
        for margin in _MARGINS
    ]
    highest = max(range(len(correct)), key=lambda k: (weighted_mean(correct[k], weights), k))
    for k in reversed(range(len(correct))):
        lost, error = _mean_and_error(correct[highest] - correct[k], weights)
        if lost <= error:
            return _MARGINS[k]
    return _MARGINS[highest]


def _logarithmic_pool(stack_log_posterior: Floats, label_free: Floats, weight: float) -> Floats:
    return np.log(softmax(weight * stack_log_posterior + (1.0 - weight) * label_free) + _EPSILON)


def _mean_log_odds(log_posterior: Floats, log_odds: Floats, chosen: Ints) -> Floats:
    """(n,) the mean of both models' log-odds that the answer is right."""
    mean: Floats = 0.5 * (log_odds - error_log_odds(log_posterior, chosen))
    return mean


def _fit_stacked_likelihoods(
    answers: Ints, confidences: Floats, gold: Ints, label_free: Floats, label_weights: Floats
) -> StackedLikelihoods:
    labelled = np.flatnonzero(gold != MISSING)
    binning = fit_bins(confidences, _BINS)
    bins = binning.codes(confidences)
    weights = np.zeros(len(gold))
    weights[labelled] = label_weights
    tables = _likelihood_tables(answers, bins, gold, label_free, binning.n_bins, weights)
    # tables that have seen the item would make its services look better than they are
    folds = np.arange(len(labelled)) % _FOLDS
    shape = (len(labelled), answers.shape[1] + 1, label_free.shape[1])
    answer_scores, bin_scores = np.empty(shape), np.empty(shape)
    for fold in range(_FOLDS):
        held_out = labelled[folds == fold]
        kept_gold = gold.copy()
        kept_gold[held_out] = MISSING
        out_of_fold_tables = _likelihood_tables(
            answers, bins, kept_gold, label_free, binning.n_bins, weights
        )
        inside = folds == fold
        answer_scores[inside], bin_scores[inside] = _stack_scores(
            out_of_fold_tables, answers[held_out], bins[held_out], label_free[held_out]
        )
    label_free_only = np.zeros(1 + 2 * shape[1])
    label_free_only[shape[1]] = 1.0  # the prior comes first, then the answers' scores
    stack = fit_stacking(
        range(shape[1]),
        tables.prior,
        answer_scores,
        bin_scores,
        gold[labelled],
        centre=label_free_only,
        weights=label_weights,
    )
    return StackedLikelihoods(binning, tables, stack)


def _likelihood_tables(
    answers: Ints, bins: Ints, gold: Ints, label_free: Floats, n_bins: int, weights: Floats
) -> LikelihoodTables:
    """Counted from gold, and lightly from the label-free posterior: few items hold few of the
    labels, so a confusion matrix from gold alone is mostly empty."""
    unlabelled = gold == MISSING
    n_labels = label_free.shape[1]
    truth = one_hot(gold, n_labels) * weights[:, None]
    truth[unlabelled] = np.exp(label_free[unlabelled]) * min(
        1.0, _PSEUDO_LABELS * n_labels / max(unlabelled.sum(), 1)
    )
    fitted = fit_likelihoods(answers, bins, truth, n_bins)
    return LikelihoodTables(fit_log_prior(truth), fitted.answers, fitted.bins)


def _stack_scores(
    tables: LikelihoodTables, answers: Ints, bins: Ints, label_free: Floats
) -> tuple[Floats, Floats]:
    """(n, K + 1, L) scores of answers and of confidences; the label-free posterior comes last."""
    answer_scores, bin_scores = tables.scores(answers, bins)
    label_free_scores = label_free[:, None, :]
    return (
        np.concatenate([answer_scores, label_free_scores], axis=1),
        np.concatenate([bin_scores, np.zeros_like(label_free_scores)], axis=1),
    )
