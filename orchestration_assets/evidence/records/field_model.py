"""How probable each value of a field is, from how its services agree over many items.

A model of the values of one field without gold, after Dawid and Skene (1979) with one accuracy a
service (the one-coin model), and two things that extraction has beyond labelling: a service may
leave a value out, and may give one where there is none. Where the item has a value, service s gives
it with probability a_s, leaves it out with m_s, and gives a wrong one with w_s, which together are
1; where it has none, s gives something with h_s. Services trip over the same places: some cells are
harder than others for all of them, and a further wrong value is the same as the first with
probability q. How much harder, and the prior of q, cannot be learned from agreement alone (who
agrees in error looks like who is right), so they are set, by judgement, q to one half. The rest is
estimated by expectation maximisation. Dirichlet and beta priors keep the estimates of few items
near the prior. What verdicts have said of a field is counted to these priors, which makes two
services identifiable too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]

NOT_ASKED: Final = -1
ABSENT: Final = 0
_ITERATIONS: Final = 30
_SETTLED: Final = 1e-5
# pseudo-counts: right, left out, wrong
_PRIOR: Final = np.array([6.0, 1.0, 1.5])
_INVENTED: Final = np.array([1.0, 5.0])
_COINCIDE: Final = np.array([10.0, 10.0])
_EXISTS: Final = np.array([4.0, 1.0])
_INVENTED_SHARE: Final = 0.1
_MOST_INVENTED: Final = 0.35
# share of the cells, and what multiplies the odds of a wrong value there: on average one
_DIFFICULTIES: Final = ((0.75, 0.6), (0.25, 2.6))
_FLOOR: Final = 1e-6
# values without which one service is taken to make values up as often as the others
_ALIKE: Final = 10.0


@dataclass(frozen=True, slots=True)
class FieldPrior:
    """What verdicts have said of K services and one field, as counts of values, at least 0.

    ``given`` (K, 3): right, left out and wrong where the item has a value. ``made_up`` (K, 2):
    given and not given where it has none. ``met`` (2,): further wrong values that were the same as
    another one, and others. ``exists`` (2,): values that items have, and have not.
    """

    given: Floats
    made_up: Floats
    met: Floats
    exists: Floats

    @property
    def known(self) -> Floats:
        """(K,) how many values of each service were judged."""
        total: Floats = self.given.sum(axis=1) + self.made_up.sum(axis=1)
        return total

    def take(self, services: Sequence[int]) -> "FieldPrior":
        """The prior of some of the services."""
        places = list(services)
        return FieldPrior(self.given[places], self.made_up[places], self.met, self.exists)


def no_prior(services: int) -> FieldPrior:
    """Nothing is known of so many services."""
    return FieldPrior(np.zeros((services, 3)), np.zeros((services, 2)), np.zeros(2), np.zeros(2))


@dataclass(frozen=True, slots=True)
class FieldModel:
    """What is known of K services and one field; every figure is a probability in (0, 1).

    ``right``, ``left_out``, ``wrong`` (K,) add up to 1 for each service; ``invented`` (K,): it
    gives a value where there is none; ``coincide``: two wrong values are the same one;
    ``exists``: an item has a value. ``cells``: how many taught it, 0 for the prior.
    """

    right: Floats
    left_out: Floats
    wrong: Floats
    invented: Floats
    coincide: float
    exists: float
    cells: int = 0

    def posterior(
        self, codes: Ints, confidences: Floats | None = None, shifts: Floats | None = None
    ) -> Floats:
        """(n, K + 2) probabilities that the truth is: no value; each group of equal values, in
        the order of their codes; a value that nobody gave.

        ``codes`` (n, K): :data:`NOT_ASKED`, :data:`ABSENT`, or the number of the group, from 1.
        ``confidences`` (n, K), NaN where none is stated, replace what is known of being right
        among the values that are given. ``shifts`` (n, K) or (1, K) are added to the log-odds that
        values which are given are right.
        """
        right, wrong = self.of_given(codes, confidences, shifts)
        scores = np.logaddexp.reduce(
            [
                np.log(share) + self._scores(codes, *_at_odds(right, wrong, factor))
                for share, factor in _DIFFICULTIES
            ]
        )
        scores -= scores.max(axis=1, keepdims=True)
        shares: Floats = np.exp(scores)
        shares /= shares.sum(axis=1, keepdims=True)
        return shares

    def _scores(self, codes: Ints, right: Floats, wrong: Floats) -> Floats:
        """(n, K + 2) log-probabilities of each truth together with the codes, where services are
        independent."""
        n, k = codes.shape
        log_right, log_wrong = np.log(right), np.log(wrong)
        log_invented = np.broadcast_to(np.log(self.invented), codes.shape)
        missing = codes == ABSENT
        left_out = np.where(missing, np.log(self.left_out), 0.0).sum(axis=1)
        scores = np.empty((n, k + 2))
        all_wrong = np.zeros(n)
        all_invented = np.zeros(n)
        of_group = np.full((n, k), -np.inf)
        for group in range(1, k + 1):
            member = codes == group
            size = member.sum(axis=1)
            together = np.maximum(size - 1, 0) * np.log(self.coincide)
            as_wrong = np.where(member, log_wrong, 0.0).sum(axis=1) + together
            as_right = np.where(member, log_right, 0.0).sum(axis=1)
            all_wrong += as_wrong
            all_invented += np.where(member, log_invented, 0.0).sum(axis=1) + together
            of_group[:, group - 1] = np.where(size > 0, as_right - as_wrong, -np.inf)
        groups = np.isfinite(of_group).sum(axis=1)
        # each further group of wrong values is one that did not coincide with the first
        apart = np.log1p(-self.coincide)
        there = np.log(self.exists) + left_out + all_wrong
        scores[:, 0] = (
            np.log1p(-self.exists)
            + np.where(missing, np.log1p(-self.invented), 0.0).sum(axis=1)
            + all_invented
            + apart * np.maximum(groups - 1, 0)
        )
        one_right = there + apart * np.maximum(groups - 2, 0)
        scores[:, 1 : k + 1] = one_right[:, None] + of_group
        scores[:, k + 1] = there + apart * np.maximum(groups - 1, 0)
        return scores

    def of_given(
        self, codes: Ints, confidences: Floats | None, shifts: Floats | None = None
    ) -> tuple[Floats, Floats]:
        """(n, K) probabilities that a service gives the right value, and that it gives a wrong
        one, where a value is."""
        right = np.broadcast_to(self.right, codes.shape)
        wrong = np.broadcast_to(self.wrong, codes.shape)
        if shifts is not None:
            return _at_odds(right, wrong, np.exp(-np.broadcast_to(shifts, codes.shape)))
        if confidences is None:
            return right, wrong
        given = right + wrong
        share = np.clip(confidences, _FLOOR, 1.0 - _FLOOR)
        stated = ~np.isnan(confidences)
        return np.where(stated, given * share, right), np.where(stated, given * (1 - share), wrong)

    @property
    def usual(self) -> Floats:
        """(K,) the log-odds that a value which is given is right, where the item has one."""
        odds: Floats = np.log(self.right / self.wrong)
        return odds


def _at_odds(right: Floats, wrong: Floats, factor: float | Floats) -> tuple[Floats, Floats]:
    """Right and wrong, of the same sum, with the odds of wrong times the factor."""
    given = right + wrong
    worse = factor * wrong
    share = worse / (right + worse)
    return given * (1.0 - share), given * share


def prior_model(services: int) -> FieldModel:
    """What holds for services that nothing is known of."""
    return judged_model(no_prior(services))


def judged_model(prior: FieldPrior) -> FieldModel:
    """What holds for services of which verdicts alone are known: the means of Dirichlet and beta
    distributions with the counts of the verdicts."""
    none = np.zeros(2)
    return _of_counts(prior, np.zeros_like(prior.given), none, none, none, 0)


def fit_field(codes: Ints, prior: FieldPrior | None = None) -> FieldModel:
    """The model of a field by what K services said in n cells, ``codes`` (n, K), and by what
    verdicts said of them before."""
    prior = prior or no_prior(codes.shape[1])
    model = judged_model(prior)
    # few patterns recur in many cells
    distinct, times = np.unique(codes, axis=0, return_counts=True)
    for _ in range(_ITERATIONS):
        fitted = _refit(model, distinct, times.astype(np.float64), prior)
        moved = np.abs(fitted.right - model.right).max(initial=0.0)
        model = fitted
        if moved < _SETTLED:
            break
    return model


def _refit(model: FieldModel, codes: Ints, times: Floats, prior: FieldPrior) -> FieldModel:
    """The model by distinct cells (m, K), each of which occurs some ``times`` (m,)."""
    n = float(times.sum())
    told = model.posterior(codes)
    absent = told[:, 0]
    asked, gave = codes != NOT_ASKED, codes > ABSENT
    hit = np.where(gave, np.take_along_axis(told, np.maximum(codes, 0), axis=1), 0.0)
    there = (1.0 - absent)[:, None]
    missed = np.where(asked & ~gave, there, 0.0)
    failed = np.where(gave, there, 0.0) - hit
    given = np.stack([times @ one for one in (hit, missed, failed)], axis=1)
    made_up = float((times @ np.where(gave, absent[:, None], 0.0)).sum())
    silent = float((times @ np.where(asked & ~gave, absent[:, None], 0.0)).sum())
    met, chances = _coincidences(codes, told, times)
    without = float(times @ absent)
    return _of_counts(
        prior,
        given,
        np.array([made_up, silent]),
        np.array([met, max(chances - met, 0.0)]),
        np.array([n - without, without]),
        int(n),
    )


def _of_counts(
    prior: FieldPrior, given: Floats, made_up: Floats, met: Floats, exists: Floats, cells: int
) -> FieldModel:
    """The model by what verdicts counted and what agreement makes probable: ``given`` (K, 3),
    ``made_up``, ``met`` and ``exists`` (2,), over so many ``cells``."""
    counts = _PRIOR + prior.given + given
    shares = counts / counts.sum(axis=1, keepdims=True)
    strength = 1.0 + _INVENTED_SHARE * cells
    of_all = _mean(strength * _INVENTED + made_up + prior.made_up.sum(axis=0))
    judged = prior.made_up
    invented = (_ALIKE * of_all + judged[:, 0]) / (_ALIKE + judged.sum(axis=1))
    return FieldModel(
        shares[:, 0],
        shares[:, 1],
        shares[:, 2],
        np.minimum(invented, _MOST_INVENTED),
        _mean(_COINCIDE + prior.met + met),
        _mean(_EXISTS + prior.exists + exists),
        cells,
    )


def _coincidences(codes: Ints, told: Floats, times: Floats) -> tuple[float, float]:
    """How often a wrong value was one that is there already, and how often it could have been."""
    k = codes.shape[1]
    sizes = np.stack([(codes == group).sum(axis=1) for group in range(1, k + 1)], axis=1)
    given, groups = sizes.sum(axis=1), (sizes > 0).sum(axis=1)
    met = chances = 0.0
    for group in range(k + 2):
        inside = 1 <= group <= k
        wrong = given - (sizes[:, group - 1] if inside else 0)
        apart = groups - (sizes[:, group - 1] > 0 if inside else 0)
        met += float((times * told[:, group] * (wrong - apart)).sum())
        chances += float((times * told[:, group] * np.maximum(wrong - 1, 0)).sum())
    return met, chances


def _mean(counts: Floats) -> float:
    return float(counts[0] / counts.sum())
