"""Label model without gold: posteriors and reliabilities from answers and confidences alone.

Dawid and Skene's model (1979) with two changes. In the M step each service's tables are counted
against the posterior of the other services, so that no service confirms itself; and a confidence
counts as evidence, by its distribution where the others hold the service to be right and where
they hold it to be wrong. Services that repeat another's answers and confidences count once.

Dawid-Skene takes readings as independent given the truth and is overconfident where services share
errors. So its product is pooled with two linear pools, which take them as fully dependent: of each
service's own posterior, and of the stated confidences. The M step pools too: the product and the
stated confidences of the others.

The probability of error comes from that posterior and from a logistic regression on agreement,
which is fitted to the posterior: the tables see single labels, but are partly wrong without gold;
the regression does not see them, and weighs the services jointly.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from orchestration_assets.evidence.agreement import AgreementModel, fit_agreement
from orchestration_assets.evidence.bins import ConfidenceBins, fit_bins
from orchestration_assets.evidence.chance_agreement import beyond_chance
from orchestration_assets.evidence.likelihoods import (
    LikelihoodTables,
    answer_likelihoods,
    answer_scores,
    bin_likelihoods,
    bin_scores,
    fit_log_prior,
)
from orchestration_assets.evidence.recorded_answers import MISSING, Bools, Floats, Ints
from orchestration_assets.evidence.stacking import softmax

ITERATIONS: Final = 5
_BINS: Final = 8
_ONE_COIN_STRENGTH: Final = 1e9  # pseudo-counts that leave nothing of a table but its target
_FACTOR_ROUNDS: Final = 100
_MIN_RELIABILITY, _MAX_RELIABILITY = 0.02, 0.98
# a clone repeats the answers of another service, and the order of its confidences
_CLONE_KAPPA: Final = 0.8
_CLONE_CONFIDENCE: Final = 0.8
_CLONE_KAPPA_ALONE: Final = 0.98  # of services that state no confidence
_CLONE_AGREEMENT: Final = 0.9
_MIN_ITEMS: Final = 20
_MAX_TEACHING_ITEMS: Final = 10_000  # items that teach the regression
_MIN_DOUBT: Final = 1e-3
_MAX_LOG_ODDS: Final = 40.0
_EPSILON: Final = 1e-9


@dataclass(frozen=True)
class LabelFreeModel:
    """A fitted model of ``K`` services and ``L`` labels.

    ``reliability`` (K,) in [0, 1]: the loading of the service on the one factor of all agreement
    beyond chance. ``original`` (K,): the service that each one repeats, itself when none. ``bins``,
    ``tables`` and ``agreement`` are of the services that repeat none, in their order.
    """

    reliability: Floats
    original: Ints
    bins: ConfidenceBins
    tables: LikelihoodTables
    agreement: AgreementModel

    @property
    def clones(self) -> Bools:
        """(K,) whether the service repeats an earlier one."""
        clones: Bools = self.original != np.arange(len(self.original))
        return clones

    @property
    def independent(self) -> Ints:
        """Positions of the services that repeat no other."""
        return np.flatnonzero(~self.clones)

    @property
    def n_labels(self) -> int:
        return len(self.tables.prior)

    def log_posterior(self, answers: Ints, confidences: Floats) -> Floats:
        """(n, L) log-probabilities, each row a distribution, of items answered as in (n, K)."""
        independent = self.independent
        answers, confidences = answers[:, independent], confidences[:, independent]
        return _log_posterior(
            answers, confidences, self.bins, self.tables, self.reliability[independent]
        )

    def error_log_odds(self, answers: Ints, confidences: Floats, chosen: Ints) -> Floats:
        """(n,) log-odds that the ``chosen`` answers (n,) are wrong, 0 without one."""
        log_posterior = self.log_posterior(answers, confidences)
        independent = self.independent
        correct = self.agreement.log_odds(
            answers[:, independent], confidences[:, independent], chosen
        )
        log_odds = 0.5 * (error_log_odds(log_posterior, chosen) - correct)
        return np.where(chosen == MISSING, 0.0, log_odds)


def fit_label_free(
    answers: Ints, confidences: Floats, n_labels: int, *, by_item: bool = False
) -> LabelFreeModel:
    """Fits to answers (n, K), ``MISSING`` where none was given, and confidences (n, K) in [0, 1].

    With ``by_item`` labels mean nothing beyond their item: each service has one accuracy (the
    one-coin model) instead of a confusion matrix, and the prior is uniform. The same holds where
    no service states a confidence.
    """
    kappa = pairwise_kappa(answers, n_labels)
    original = _find_originals(answers, confidences, kappa)
    independent = np.flatnonzero(original == np.arange(len(original)))
    reliability = one_factor_reliability(kappa[np.ix_(independent, independent)])
    answers, confidences = answers[:, independent], confidences[:, independent]
    bins = fit_bins(confidences, _BINS)
    one_coin = by_item or bool(np.isnan(confidences).all())
    tables = _leave_one_out(answers, confidences, bins, reliability, n_labels, one_coin)
    log_posterior = _log_posterior(answers, confidences, bins, tables, reliability)
    all_reliabilities = np.empty(len(original))
    all_reliabilities[independent] = reliability
    agreement = _fit_agreement(answers, confidences, log_posterior)
    return LabelFreeModel(all_reliabilities[original], original, bins, tables, agreement)


def pairwise_kappa(answers: Ints, n_labels: int) -> Floats:
    """(K, K) Cohen's kappa (1960) of each pair of services over the items that both answered.

    At most 1; 0 is the agreement that their marginals give by chance, and stands where they
    share no item.
    """
    n_services = answers.shape[1]
    kappa = np.eye(n_services)
    for first in range(n_services):
        for second in range(first):
            both = (answers[:, first] != MISSING) & (answers[:, second] != MISSING)
            if not both.any():
                continue
            a, b = answers[both, first], answers[both, second]
            shares = [np.bincount(x, minlength=n_labels) / len(x) for x in (a, b)]
            chance = float(shares[0] @ shares[1])
            agreed = float((a == b).mean())
            value = beyond_chance(agreed, chance)
            kappa[first, second] = kappa[second, first] = 0.0 if value is None else value
    return kappa


def one_factor_reliability(kappa: Floats) -> Floats:
    """(K,) reliabilities r in [0.02, 0.98] with kappa_jk near r_j r_k.

    A one-factor model by alternating least squares. A single service gets one half; of two, both
    get the root of their kappa.
    """
    n_services = len(kappa)
    if n_services == 1:
        return np.array([0.5])
    reliability = np.full(n_services, 0.5)
    if n_services == 2:
        return np.full(
            2, np.clip(np.sqrt(max(kappa[0, 1], 0.0)), _MIN_RELIABILITY, _MAX_RELIABILITY)
        )
    for _ in range(_FACTOR_ROUNDS):
        for k in range(n_services):
            others = np.arange(n_services) != k
            fitted = (
                kappa[k, others]
                @ reliability[others]
                / max((reliability[others] ** 2).sum(), _EPSILON)
            )
            reliability[k] = np.clip(fitted, _MIN_RELIABILITY, _MAX_RELIABILITY)
    return reliability


def _find_originals(answers: Ints, confidences: Floats, kappa: Floats) -> Ints:
    """(K,) the earlier service that each one repeats, itself when none."""
    n_services = answers.shape[1]
    original = np.arange(n_services)
    for k in range(n_services):
        for j in range(k):
            if original[j] == j and _is_clone(answers, confidences, kappa[j, k], j, k):
                original[k] = j
                break
    return original


def _is_clone(answers: Ints, confidences: Floats, kappa: float, j: int, k: int) -> bool:
    """Whether two services agree where either contradicts all others, with correlated confidences.

    Where all agree, a clone looks like a second good service; so a third service is needed, and
    items on which they differ from it.
    """
    if kappa < _CLONE_KAPPA:
        return False
    others = np.delete(answers, [j, k], axis=1)
    comparable = (answers[:, [j, k]] != MISSING).all(axis=1) & (others != MISSING).any(axis=1)
    both_differ = np.zeros(len(answers), dtype=np.bool_)
    for service in (j, k):
        differs = (others != answers[:, [service]]) | (others == MISSING)
        both_differ |= comparable & differs.all(axis=1)
    if (
        both_differ.sum() < _MIN_ITEMS
        or (answers[both_differ, j] == answers[both_differ, k]).mean() < _CLONE_AGREEMENT
    ):
        return False
    stated = confidences[:, [j, k]]
    stated = stated[~np.isnan(stated).any(axis=1)]
    if len(stated) < _MIN_ITEMS or (stated == stated[0]).all(axis=0).any():
        return kappa >= _CLONE_KAPPA_ALONE
    ranks = stated.argsort(axis=0, kind="stable").argsort(axis=0, kind="stable")
    return float(np.asarray(np.corrcoef(ranks.T))[0, 1]) >= _CLONE_CONFIDENCE


def _leave_one_out(
    answers: Ints,
    confidences: Floats,
    bins: ConfidenceBins,
    reliability: Floats,
    n_labels: int,
    one_coin: bool,
) -> LikelihoodTables:
    """The tables of all services, each counted against the posterior of the others."""
    n_services = answers.shape[1]
    bin_codes = bins.codes(confidences)
    per_wrong_label = (1.0 - reliability) / max(n_labels, 2)
    log_correct, log_wrong = np.log(reliability + per_wrong_label), np.log(per_wrong_label)
    answer_tables = np.broadcast_to(
        log_wrong[:, None, None], (n_services, n_labels, n_labels)
    ).copy()
    answer_tables[:, np.arange(n_labels), np.arange(n_labels)] = log_correct[:, None]
    bin_tables = np.zeros((n_services, n_labels, bins.n_bins, 2))
    prior = np.full(n_labels, -np.log(n_labels))
    strength = _ONE_COIN_STRENGTH if one_coin else None
    if n_services == 1:  # no other service to count it against
        return LikelihoodTables(prior, answer_tables, bin_tables)
    log_stated = _log_stated_mean(answers, confidences, n_labels, reliability)
    log_stated_by_others = []
    for k in range(n_services):
        other_services = np.arange(n_services) != k
        others_readings = (answers[:, other_services], confidences[:, other_services])
        log_stated_by_others.append(
            _log_stated_mean(*others_readings, n_labels, reliability[other_services])
        )
    for _ in range(ITERATIONS):
        scores = answer_scores(answers, answer_tables) + bin_scores(answers, bin_codes, bin_tables)
        total = prior + scores.sum(axis=1)
        for k in range(n_services):
            truth = _judge_distribution(total - scores[:, k], log_stated_by_others[k])
            own_answers = answers[:, [k]]
            answer_tables[k] = answer_likelihoods(own_answers, truth, strength)[0]
            bin_tables[k] = bin_likelihoods(own_answers, bin_codes[:, [k]], truth, bins.n_bins)[0]
        if not one_coin:
            prior = fit_log_prior(_judge_distribution(total, log_stated))
    return LikelihoodTables(prior, answer_tables, bin_tables)


def _judge_distribution(scores: Floats, log_stated: Floats) -> Floats:
    """(n, L) the logarithmic pool of the product of likelihoods and the stated mean."""
    return softmax(0.5 * (np.log(softmax(scores) + _EPSILON) + log_stated))


def _log_posterior(
    answers: Ints,
    confidences: Floats,
    bins: ConfidenceBins,
    tables: LikelihoodTables,
    reliability: Floats,
) -> Floats:
    """(n, L) the logarithmic pool of a product and two linear pools, as log-probabilities."""
    answer_scores, bin_scores = tables.scores(answers, bins.codes(confidences))
    evidence = answer_scores + bin_scores
    product = np.log(softmax(tables.prior + evidence.sum(axis=1)) + _EPSILON)
    weights = _reliability_weights(reliability)
    learnt_mean = np.full(product.shape, _EPSILON)
    for k, weight in enumerate(weights):
        learnt_mean += weight * softmax(tables.prior + evidence[:, k])
    log_stated = _log_stated_mean(answers, confidences, len(tables.prior), reliability)
    return np.log(softmax((product + np.log(learnt_mean) + log_stated) / 3.0) + _EPSILON)


def _fit_agreement(answers: Ints, confidences: Floats, log_posterior: Floats) -> AgreementModel:
    """Fitted to every answer that was given; its posterior is the probability of being right."""
    step = max(1, len(answers) // _MAX_TEACHING_ITEMS)
    answers, confidences, log_posterior = (
        answers[::step],
        confidences[::step],
        np.exp(log_posterior[::step]),
    )
    rows, columns = np.nonzero(answers != MISSING)
    chosen = answers[rows, columns]
    return fit_agreement(answers[rows], confidences[rows], chosen, log_posterior[rows, chosen])


def _reliability_weights(reliability: Floats) -> Floats:
    weights: Floats = reliability**4 / (reliability**4).sum()
    return weights


def _log_stated_mean(
    answers: Ints, confidences: Floats, n_labels: int, reliability: Floats
) -> Floats:
    """(n, L) logarithm of the linear pool of stated confidences, weighted by reliability^4.

    A stated confidence goes to the answer and the rest evenly to the others; where none is
    stated, the accuracy that the reliability implies is used.
    """
    total = np.full((len(answers), n_labels), _EPSILON)
    weights = _reliability_weights(reliability)
    for k in range(answers.shape[1]):
        answered = np.flatnonzero(answers[:, k] != MISSING)
        implied = reliability[k] + (1.0 - reliability[k]) / n_labels
        confidence = np.where(np.isnan(confidences[answered, k]), implied, confidences[answered, k])
        confidence = np.clip(confidence, 1.0 / n_labels, 1.0 - _MIN_DOUBT)
        rest = (1.0 - confidence) / max(n_labels - 1, 1)
        total[answered] += weights[k] * rest[:, None]
        total[answered, answers[answered, k]] += weights[k] * (confidence - rest)
    log_mean: Floats = np.log(total)
    return log_mean


def error_log_odds(log_posterior: Floats, answers: Ints) -> Floats:
    """(n,) log-odds that each answer is wrong, 0 without one, from log-probabilities (n, L).

    Clipped to [-40, 40], which also bounds them where no other label is possible.
    """
    items = np.arange(len(answers))
    labels = np.where(answers == MISSING, 0, answers)
    chosen = log_posterior[items, labels]
    others = log_posterior.copy()
    others[items, labels] = -np.inf
    log_odds = np.clip(_log_sum_exp(others) - chosen, -_MAX_LOG_ODDS, _MAX_LOG_ODDS)
    return np.where(answers == MISSING, 0.0, log_odds)


def _log_sum_exp(exponents: Floats) -> Floats:
    """(n,) logarithms of the sums of exponentials; -inf where all are."""
    # scipy has it too, and takes a tenth of a second to import
    top = exponents.max(axis=1, keepdims=True)
    top[np.isneginf(top)] = 0.0
    with np.errstate(divide="ignore"):
        sums: Floats = np.log(np.exp(exponents - top).sum(axis=1)) + top[:, 0]
    return sums


def majority_vote(answers: Ints, confidences: Floats, n_labels: int) -> Ints:
    """(n,) the label with most votes; ties go to the higher sum of confidences, then the first.

    An unstated confidence counts one half; ``MISSING`` where nobody answered.
    """
    votes = np.zeros((len(answers), n_labels))
    for k in range(answers.shape[1]):
        answered = np.flatnonzero(answers[:, k] != MISSING)
        confidence = np.nan_to_num(confidences[answered, k], nan=0.5)
        # below one vote in all
        votes[answered, answers[answered, k]] += 1.0 + confidence / (answers.shape[1] + 1.0)
    return np.where(votes.any(axis=1), votes.argmax(axis=1), MISSING).astype(np.int64)
