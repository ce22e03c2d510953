"""What a few gold labels add: which answer is right, and how probably a given answer is wrong.

Two models share the labels, since each fails elsewhere: a stack of the services' shrunken
likelihoods in which the label-free belief is one more witness, and the regression on who agrees
with the answer and how sure they are. Both begin where nothing but the label-free model is
believed, and labels move them from there. Their log-odds are averaged and brought to
probabilities by Platt scaling on predictions of items that neither has seen.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from orchestration_assets.evidence.agreement import AgreementModel, fit_agreement
from orchestration_assets.evidence.bins import Bins, fit_bins
from orchestration_assets.evidence.calibration import Platt, fit_platt
from orchestration_assets.evidence.label_free import LabelFree, error_odds
from orchestration_assets.evidence.likelihoods import Likelihoods, fit_likelihoods, log_prior
from orchestration_assets.evidence.logistic import sigmoid
from orchestration_assets.evidence.recorded_answers import MISSING, Floats, Ints, one_hot
from orchestration_assets.evidence.stacking import Stack, fit_stack, softmax

FEWEST: Final = 50
"""Below so many labels there is no such model."""

_FOLDS: Final = 5
_BINS: Final = 6  # more than so few labels fill, but the stack weighs them, and belief helps
_TINY: Final = 1e-9
# pseudo-labels a label that the label-free belief puts into the tables
_BELIEVED: Final = 2.0
_MARGINS: Final = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0, float("inf"))
_UNLABELLED: Final = 4_000
_HALF_TAUGHT: Final = 200.0  # labels at which the stack counts as much as the label-free belief


@dataclass(frozen=True)
class Witnesses:
    """The services' evidence and the label-free belief, weighed by a stack."""

    bins: Bins
    tables: Likelihoods
    stack: Stack

    def belief(self, answers: Ints, confidences: Floats, free: Floats) -> Floats:
        """(n, L) log-probabilities of items answered as in (n, K), of which ``free`` (n, L) is
        the label-free belief."""
        said, sure = _scores(self.tables, answers, self.bins.of(confidences), free)
        return np.log(self.stack(self.tables.prior, said, sure) + _TINY)


@dataclass(frozen=True)
class FewLabels:
    """What a few labels taught; ``answers`` and ``confidences`` (n, K) are of all services, in
    the order of the label-free model, which drops the clones.

    There is a model for each fifth of the labels that was left out, and their mean is used: with
    few labels one fit differs from the next in scale, which the scaling of one would not survive
    in another.
    """

    free: LabelFree
    witnesses: tuple[Witnesses, ...]
    agreement: tuple[AgreementModel, ...]
    platt: Platt
    n_gold: int
    weight: float
    best: int
    margin: float

    def answer(self, answers: Ints, confidences: Floats) -> Ints:
        """(n,) the answer to rely on.

        That of the service that was right most often, at ``best``, unless another is more
        probable by more than ``margin`` log-odds: the largest margin whose accuracy on unseen
        labels is within a standard error of the highest. So what stands loses to the best single
        service no more than the labels can tell; infinite, the service stands alone.
        """
        belief = self.belief(answers, confidences)
        return _guarded(belief, answers[:, self.best], self.margin)

    def belief(self, answers: Ints, confidences: Floats) -> Floats:
        """(n, L) log-probabilities: what the labels taught, with the label-free belief in it.

        The stack's ``weight`` in [0, 1] is ``n / (n + 200)``, so that few labels cannot overturn
        what agreement shows; it is 1 where, on labels that it has not seen, the stack alone was
        right more often by two standard errors.
        """
        own = self.free.own
        free = self.free.belief(answers, confidences)
        taught = self._taught(answers[:, own], confidences[:, own], free)
        return _blended(taught, free, self.weight)

    def risk(self, answers: Ints, confidences: Floats, standing: Ints) -> Floats:
        """(n,) probability that the standing answers are wrong."""
        own = self.free.own
        free = self.free.belief(answers, confidences)
        answers, confidences = answers[:, own], confidences[:, own]
        belief = self._taught(answers, confidences, free)
        every = [one.odds(answers, confidences, standing) for one in self.agreement]
        odds = np.mean(every, axis=0)
        return 1.0 - self.platt(sigmoid(_pooled(belief, odds, standing)))

    def _taught(self, answers: Ints, confidences: Floats, free: Floats) -> Floats:
        every = [one.belief(answers, confidences, free) for one in self.witnesses]
        mean: Floats = np.mean(every, axis=0)
        return mean


def learn_from(
    answers: Ints,
    confidences: Floats,
    gold: Ints,
    free: LabelFree,
    standing: Ints | None = None,
) -> FewLabels:
    """From answers and confidences (n, K), gold (n,) with ``MISSING`` where unknown, and what was
    learnt without labels about the same services.

    ``standing`` (n,) are the answers whose risk is to be told, of whatever rule; None: those that
    the model itself finds most probable. Raises ValueError below ``FEWEST`` labels.
    """
    if (n_gold := int((gold != MISSING).sum())) < FEWEST:
        raise ValueError(f"{n_gold} labels, at least {FEWEST} are needed")
    rows = _rows_to_learn_from(gold)
    answers, confidences, gold = answers[rows], confidences[rows], gold[rows]
    belief = free.belief(answers, confidences)
    # a clone adds nothing but the false impression of agreement
    answers, confidences = answers[:, free.own], confidences[:, free.own]
    labelled = np.flatnonzero(gold != MISSING)
    folds = np.arange(n_gold) % _FOLDS
    unseen = np.empty((n_gold, free.n_labels))
    witnesses = []
    for fold in range(_FOLDS):
        out = labelled[folds == fold]
        kept = gold.copy()
        kept[out] = MISSING
        witnesses.append(_witnesses(answers, confidences, kept, belief))
        unseen[folds == fold] = witnesses[-1].belief(answers[out], confidences[out], belief[out])
    weight = _stack_weight(unseen, belief[labelled], gold[labelled])
    blended = _blended(unseen, belief[labelled], weight)
    best = int((answers[labelled] == gold[labelled, None]).mean(axis=0).argmax())
    margin = _margin(blended, answers[labelled, best], gold[labelled])
    if standing is None:
        stands = _guarded(blended, answers[labelled, best], margin)
    else:
        stands = standing[rows][labelled]
    right = stands == gold[labelled]
    heard, sure = answers[labelled], confidences[labelled]
    pooled = np.empty(n_gold)
    agreement = []
    for fold in range(_FOLDS):
        out, inside = folds == fold, folds != fold
        share = right[inside].astype(np.float64)
        seen = (heard[inside], sure[inside], stands[inside])
        agreement.append(fit_agreement(*seen, share, near=free.agreement))
        odds = agreement[-1].odds(heard[out], sure[out], stands[out])
        pooled[out] = _pooled(unseen[out], odds, stands[out])
    platt = fit_platt(sigmoid(pooled), right)
    return FewLabels(
        free=free,
        witnesses=tuple(witnesses),
        agreement=tuple(agreement),
        platt=platt,
        n_gold=n_gold,
        weight=weight,
        best=int(free.own[best]),
        margin=margin,
    )


def _rows_to_learn_from(gold: Ints) -> Ints:
    """Every labelled item, and unlabelled ones at even steps: a few thousand fill the tables."""
    unknown = np.flatnonzero(gold == MISSING)
    step = max(1, len(unknown) // _UNLABELLED)
    return np.sort(np.concatenate([np.flatnonzero(gold != MISSING), unknown[::step]]))


def _stack_weight(unseen: Floats, free: Floats, gold: Ints) -> float:
    cautious = len(gold) / (len(gold) + _HALF_TAUGHT)
    right = [
        (_blended(unseen, free, weight).argmax(axis=1) == gold).astype(np.float64)
        for weight in (1.0, cautious)
    ]
    gain = right[0] - right[1]
    return 1.0 if gain.mean() > 2.0 * gain.std() / len(gain) ** 0.5 else cautious


def _guarded(belief: Floats, best: Ints, margin: float) -> Ints:
    """(n,) the best service's answer, unless the most probable one is ahead by the margin."""
    every = np.arange(len(belief))
    leading = belief.argmax(axis=1)
    ahead = belief[every, leading] - belief[every, np.maximum(best, 0)]
    return np.where((best == MISSING) | (ahead > margin), leading, best).astype(np.int64)


def _margin(belief: Floats, best: Ints, gold: Ints) -> float:
    right = [(_guarded(belief, best, one) == gold).astype(np.float64) for one in _MARGINS]
    highest = max(range(len(right)), key=lambda k: (right[k].mean(), k))
    for k in reversed(range(len(right))):
        lost = right[highest] - right[k]
        if lost.mean() <= lost.std() / len(gold) ** 0.5:
            return _MARGINS[k]
    return _MARGINS[highest]


def _blended(taught: Floats, free: Floats, weight: float) -> Floats:
    return np.log(softmax(weight * taught + (1.0 - weight) * free) + _TINY)


def _pooled(belief: Floats, odds: Floats, standing: Ints) -> Floats:
    """(n,) the mean of both models' log-odds that the answer is right."""
    found: Floats = 0.5 * (odds - error_odds(belief, standing))
    return found


def _witnesses(answers: Ints, confidences: Floats, gold: Ints, free: Floats) -> Witnesses:
    labelled = np.flatnonzero(gold != MISSING)
    binning = fit_bins(confidences, _BINS)
    bins = binning.of(confidences)
    tables = _tables(answers, bins, gold, free, binning.n_bins)
    # tables that have seen the item would make its services look better than they are
    folds = np.arange(len(labelled)) % _FOLDS
    shape = (len(labelled), answers.shape[1] + 1, free.shape[1])
    said, sure = np.empty(shape), np.empty(shape)
    for fold in range(_FOLDS):
        out = labelled[folds == fold]
        kept = gold.copy()
        kept[out] = MISSING
        without = _tables(answers, bins, kept, free, binning.n_bins)
        inside = folds == fold
        said[inside], sure[inside] = _scores(without, answers[out], bins[out], free[out])
    belief_alone = np.zeros(1 + 2 * shape[1])
    belief_alone[shape[1]] = 1.0  # of the prior, then all answers: the last is the belief
    stack = fit_stack(
        range(shape[1]), tables.prior, said, sure, gold[labelled], centre=belief_alone
    )
    return Witnesses(binning, tables, stack)


def _tables(answers: Ints, bins: Ints, gold: Ints, free: Floats, n_bins: int) -> Likelihoods:
    """Filled by gold, and lightly by belief: most labels hardly occur in few items, so a table of
    confusions from gold alone is mostly empty."""
    unknown = gold == MISSING
    n_labels = free.shape[1]
    truth = one_hot(gold, n_labels)
    truth[unknown] = np.exp(free[unknown]) * min(1.0, _BELIEVED * n_labels / max(unknown.sum(), 1))
    fitted = fit_likelihoods(answers, bins, truth, n_bins)
    return Likelihoods(log_prior(truth), fitted.answers, fitted.bins)


def _scores(tables: Likelihoods, answers: Ints, bins: Ints, free: Floats) -> tuple[Floats, Floats]:
    """(n, K + 1, L) scores of answers and of confidences; the label-free belief comes last."""
    said, sure = tables.scores(answers, bins)
    belief = free[:, None, :]
    return (
        np.concatenate([said, belief], axis=1),
        np.concatenate([sure, np.zeros_like(belief)], axis=1),
    )
