"""What is right and who is reliable, from the services' answers and confidences alone.

Dawid and Skene's model (1979) with two changes. In the M step each service is judged by what the
others believe, so that no service confirms itself; and a confidence counts as evidence, by how it
is distributed where the others hold the service to be right and where they hold it to be wrong.
Services that repeat another's answers and confidences count once.

Dawid-Skene takes readings as independent given the truth and is too sure where services share
errors. So its product is pooled with two means, which take them as fully dependent: of what each
service's answer says by what was learnt of it, and of what the services state. The judges pool
too: a service is judged by the product and by the stated mean of the others.

How probably an answer is wrong is told by that belief and by a logistic regression on who agrees
with it, taught by the belief: the tables see single labels, but are partly wrong without gold;
the regression does not see them, and weighs the services jointly.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from orchestration_assets.evidence.agreement import AgreementModel, fit_agreement
from orchestration_assets.evidence.bins import Bins, fit_bins
from orchestration_assets.evidence.likelihoods import (
    Likelihoods,
    answer_likelihoods,
    answer_scores,
    bin_likelihoods,
    bin_scores,
    log_prior,
)
from orchestration_assets.evidence.recorded_answers import MISSING, Bools, Floats, Ints
from orchestration_assets.evidence.stacking import softmax

ITERATIONS: Final = 5
_BINS: Final = 8
_ONE_COIN: Final = 1e9  # pseudo-counts that leave nothing of a table but its target
_FACTOR_ROUNDS: Final = 100
_LEAST, _MOST = 0.02, 0.98
# a clone repeats the answers of another service, and is as sure as it is where it is
_CLONE_KAPPA: Final = 0.8
_CLONE_CONFIDENCE: Final = 0.8
_CLONE_KAPPA_ALONE: Final = 0.98  # of services that state no confidence
_CLONE_ODD: Final = 0.9
_FEW: Final = 20
_TAUGHT: Final = 10_000  # items that teach the regression
_SURE: Final = 1e-3
_SUREST: Final = 40.0
_TINY: Final = 1e-9


@dataclass(frozen=True)
class LabelFree:
    """What was learnt without a label about ``K`` services and ``L`` labels.

    ``reliability`` (K,) in [0, 1]: how well the service agrees with what all have in common,
    chance apart. ``original`` (K,): the service that each one repeats, itself when none. ``bins``,
    ``tables`` and ``agreement`` are those of the originals, in their order.
    """

    reliability: Floats
    original: Ints
    bins: Bins
    tables: Likelihoods
    agreement: AgreementModel

    @property
    def clones(self) -> Bools:
        """(K,) whether the service repeats an earlier one."""
        found: Bools = self.original != np.arange(len(self.original))
        return found

    @property
    def own(self) -> Ints:
        """Positions of the services that repeat nobody."""
        return np.flatnonzero(~self.clones)

    @property
    def n_labels(self) -> int:
        return len(self.tables.prior)

    def belief(self, answers: Ints, confidences: Floats) -> Floats:
        """(n, L) log-probabilities, each row a distribution, of items answered as in (n, K)."""
        own = self.own
        answers, confidences = answers[:, own], confidences[:, own]
        return _belief(answers, confidences, self.bins, self.tables, self.reliability[own])

    def odds(self, answers: Ints, confidences: Floats, standing: Ints) -> Floats:
        """(n,) log-odds that the standing answers (n,) are wrong, 0 without one."""
        belief = self.belief(answers, confidences)
        own = self.own
        right = self.agreement.odds(answers[:, own], confidences[:, own], standing)
        found = 0.5 * (error_odds(belief, standing) - right)
        return np.where(standing == MISSING, 0.0, found)


def learn(answers: Ints, confidences: Floats, n_labels: int, *, by_item: bool = False) -> LabelFree:
    """From answers (n, K), ``MISSING`` where none was given, and confidences (n, K) in [0, 1].

    With ``by_item`` labels mean nothing beyond their item, so each service has one accuracy
    instead of a table of confusions, and all labels are equally likely beforehand. The same holds
    where no service states a confidence.
    """
    kappa = pairwise_kappa(answers, n_labels)
    original = _originals(answers, confidences, kappa)
    own = np.flatnonzero(original == np.arange(len(original)))
    reliability = one_factor(kappa[np.ix_(own, own)])
    answers, confidences = answers[:, own], confidences[:, own]
    bins = fit_bins(confidences, _BINS)
    one_coin = by_item or bool(np.isnan(confidences).all())
    tables = _leave_one_out(answers, confidences, bins, reliability, n_labels, one_coin)
    belief = _belief(answers, confidences, bins, tables, reliability)
    every = np.empty(len(original))
    every[own] = reliability
    agreement = _taught(answers, confidences, belief)
    return LabelFree(every[original], original, bins, tables, agreement)


def pairwise_kappa(answers: Ints, n_labels: int) -> Floats:
    """(K, K) Cohen's kappa of each pair of services over the items that both answered.

    At most 1; 0 is the agreement that their marginals give by chance, and stands where they
    share no item.
    """
    n_services = answers.shape[1]
    found = np.eye(n_services)
    for one in range(n_services):
        for other in range(one):
            both = (answers[:, one] != MISSING) & (answers[:, other] != MISSING)
            if not both.any():
                continue
            a, b = answers[both, one], answers[both, other]
            shares = [np.bincount(x, minlength=n_labels) / len(x) for x in (a, b)]
            chance = float(shares[0] @ shares[1])
            agreed = float((a == b).mean())
            value = (agreed - chance) / (1.0 - chance) if chance < 1.0 else 0.0
            found[one, other] = found[other, one] = value
    return found


def one_factor(kappa: Floats) -> Floats:
    """(K,) reliabilities r in [0.02, 0.98] with kappa_jk near r_j r_k.

    By alternating least squares. One service alone gets one half; of two, both get the root of
    their agreement.
    """
    n_services = len(kappa)
    if n_services == 1:
        return np.array([0.5])
    found = np.full(n_services, 0.5)
    if n_services == 2:
        return np.full(2, np.clip(np.sqrt(max(kappa[0, 1], 0.0)), _LEAST, _MOST))
    for _ in range(_FACTOR_ROUNDS):
        for k in range(n_services):
            others = np.arange(n_services) != k
            fitted = kappa[k, others] @ found[others] / max((found[others] ** 2).sum(), _TINY)
            found[k] = np.clip(fitted, _LEAST, _MOST)
    return found


def _originals(answers: Ints, confidences: Floats, kappa: Floats) -> Ints:
    """(K,) the earlier service that each one repeats, itself when none."""
    n_services = answers.shape[1]
    original = np.arange(n_services)
    for k in range(n_services):
        for j in range(k):
            if original[j] == j and _repeats(answers, confidences, kappa[j, k], j, k):
                original[k] = j
                break
    return original


def _repeats(answers: Ints, confidences: Floats, kappa: float, j: int, k: int) -> bool:
    """Whether two services agree where either contradicts all others, and are alike in confidence.

    Where all agree, two good services cannot be told from one; so it takes a third, and items on
    which they differ from it.
    """
    if kappa < _CLONE_KAPPA:
        return False
    others = np.delete(answers, [j, k], axis=1)
    heard = (answers[:, [j, k]] != MISSING).all(axis=1) & (others != MISSING).any(axis=1)
    odd = np.zeros(len(answers), dtype=np.bool_)
    for one in (j, k):
        differs = (others != answers[:, [one]]) | (others == MISSING)
        odd |= heard & differs.all(axis=1)
    if odd.sum() < _FEW or (answers[odd, j] == answers[odd, k]).mean() < _CLONE_ODD:
        return False
    stated = confidences[:, [j, k]]
    stated = stated[~np.isnan(stated).any(axis=1)]
    if len(stated) < _FEW or (stated == stated[0]).all(axis=0).any():
        return kappa >= _CLONE_KAPPA_ALONE
    ranks = stated.argsort(axis=0, kind="stable").argsort(axis=0, kind="stable")
    return float(np.asarray(np.corrcoef(ranks.T))[0, 1]) >= _CLONE_CONFIDENCE


def _leave_one_out(
    answers: Ints,
    confidences: Floats,
    bins: Bins,
    reliability: Floats,
    n_labels: int,
    one_coin: bool,
) -> Likelihoods:
    """The tables of all services, each learnt from what the others believe."""
    n_services = answers.shape[1]
    coded = bins.of(confidences)
    elsewhere = (1.0 - reliability) / max(n_labels, 2)
    right, wrong = np.log(reliability + elsewhere), np.log(elsewhere)
    said = np.broadcast_to(wrong[:, None, None], (n_services, n_labels, n_labels)).copy()
    said[:, np.arange(n_labels), np.arange(n_labels)] = right[:, None]
    sure = np.zeros((n_services, n_labels, bins.n_bins, 2))
    prior = np.full(n_labels, -np.log(n_labels))
    strength = _ONE_COIN if one_coin else None
    if n_services == 1:  # which has no others to judge it
        return Likelihoods(prior, said, sure)
    stated = _stated(answers, confidences, n_labels, reliability)
    stated_by_others = []
    for k in range(n_services):
        rest = np.arange(n_services) != k
        heard = (answers[:, rest], confidences[:, rest])
        stated_by_others.append(_stated(*heard, n_labels, reliability[rest]))
    for _ in range(ITERATIONS):
        scores = answer_scores(answers, said) + bin_scores(answers, coded, sure)
        total = prior + scores.sum(axis=1)
        for k in range(n_services):
            others = _judged(total - scores[:, k], stated_by_others[k])
            alone = answers[:, [k]]
            said[k] = answer_likelihoods(alone, others, strength)[0]
            sure[k] = bin_likelihoods(alone, coded[:, [k]], others, bins.n_bins)[0]
        if not one_coin:
            prior = log_prior(_judged(total, stated))
    return Likelihoods(prior, said, sure)


def _judged(scores: Floats, stated: Floats) -> Floats:
    """(n, L) distributions: the product of likelihoods, pooled with the stated mean."""
    return softmax(0.5 * (np.log(softmax(scores) + _TINY) + stated))


def _belief(
    answers: Ints, confidences: Floats, bins: Bins, tables: Likelihoods, reliability: Floats
) -> Floats:
    """(n, L) the logarithmic pool of a product and two means, as log-probabilities."""
    said, sure = tables.scores(answers, bins.of(confidences))
    each = said + sure
    product = np.log(softmax(tables.prior + each.sum(axis=1)) + _TINY)
    weights = _weights(reliability)
    learnt = np.full(product.shape, _TINY)
    for k, weight in enumerate(weights):
        learnt += weight * softmax(tables.prior + each[:, k])
    stated = _stated(answers, confidences, len(tables.prior), reliability)
    return np.log(softmax((product + np.log(learnt) + stated) / 3.0) + _TINY)


def _taught(answers: Ints, confidences: Floats, belief: Floats) -> AgreementModel:
    """From every answer that was given, right with the probability that is believed."""
    step = max(1, len(answers) // _TAUGHT)
    answers, confidences, belief = answers[::step], confidences[::step], np.exp(belief[::step])
    rows, columns = np.nonzero(answers != MISSING)
    standing = answers[rows, columns]
    return fit_agreement(answers[rows], confidences[rows], standing, belief[rows, standing])


def _weights(reliability: Floats) -> Floats:
    found: Floats = reliability**4 / (reliability**4).sum()
    return found


def _stated(answers: Ints, confidences: Floats, n_labels: int, reliability: Floats) -> Floats:
    """(n, L) logarithm of the mean of what services state, weighted by reliability to the fourth.

    A stated confidence goes to the answer and the rest evenly to the others; where none is
    stated, the accuracy that the reliability implies stands for it.
    """
    total = np.full((len(answers), n_labels), _TINY)
    weights = _weights(reliability)
    for k in range(answers.shape[1]):
        given = np.flatnonzero(answers[:, k] != MISSING)
        usual = reliability[k] + (1.0 - reliability[k]) / n_labels
        sure = np.where(np.isnan(confidences[given, k]), usual, confidences[given, k])
        sure = np.clip(sure, 1.0 / n_labels, 1.0 - _SURE)
        rest = (1.0 - sure) / max(n_labels - 1, 1)
        total[given] += weights[k] * rest[:, None]
        total[given, answers[given, k]] += weights[k] * (sure - rest)
    found: Floats = np.log(total)
    return found


def error_odds(belief: Floats, answers: Ints) -> Floats:
    """(n,) log-odds that each answer is wrong, 0 without one, from log-probabilities (n, L).

    Odds end at e to the 40: where no other label is possible, an answer is as sure as can be.
    """
    from scipy.special import logsumexp

    every = np.arange(len(answers))
    given = np.where(answers == MISSING, 0, answers)
    chosen = belief[every, given]
    others = belief.copy()
    others[every, given] = -np.inf
    found = np.clip(logsumexp(others, axis=1) - chosen, -_SUREST, _SUREST)
    return np.where(answers == MISSING, 0.0, found)


def majority(answers: Ints, confidences: Floats, n_labels: int) -> Ints:
    """(n,) the label with most votes; ties go to the higher sum of confidences, then the first.

    An unstated confidence counts one half; ``MISSING`` where nobody answered.
    """
    votes = np.zeros((len(answers), n_labels))
    for k in range(answers.shape[1]):
        given = np.flatnonzero(answers[:, k] != MISSING)
        sure = np.nan_to_num(confidences[given, k], nan=0.5)
        # below one vote in all
        votes[given, answers[given, k]] += 1.0 + sure / (answers.shape[1] + 1.0)
    return np.where(votes.any(axis=1), votes.argmax(axis=1), MISSING).astype(np.int64)
