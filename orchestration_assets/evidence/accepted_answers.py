"""Which of the answers given so far is best accepted, and how right it is expected to be.

One model for every set of services that may have answered: it looks at how right each service was
expected to be of this item before any call, at who agrees with whom, and at stated confidences.
Where answers cannot be compared (free text), each stands for itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from orchestration_assets.evidence.boosting import BoostedTrees, fit_boosted
from orchestration_assets.evidence.forest import pack_forest, unpack_forest
from orchestration_assets.evidence.logistic import fit_logistic, sigmoid
from orchestration_assets.evidence.recorded_answers import (
    MISSING,
    Bools,
    Floats,
    Ints,
    RecordedAnswers,
)

_EDGE: Final = 0.01
_MOST_TABLED_LABELS: Final = 40
_LABEL_PSEUDO_COUNT: Final = 20.0
_MIN_ITEMS_FOR_TREES: Final = 600
# log-odds of an answer, before any outcome is seen: the service's own, those of the services that
# agree and of the strongest that contradict (both discounted: services err together), confidence
_PRIOR: Final = (1.0, 0.4, -0.6, 0.0, 0.0, 0.0, 0.0, 0.0)
_AS_EXPECTED: Final = (1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
_RIDGE: Final = 6.0
_SETS_PER_ITEM: Final = 6


@dataclass(frozen=True)
class Accepted:
    """Of ``n`` items: the ``service`` (n,) whose answer is best accepted, ``MISSING`` where none
    answered; its expected score ``probability`` (n,), 0 where none answered; and that of the best
    answer that contradicts it, ``runner_up`` (n,), 0 where there is none."""

    service: Ints
    probability: Floats
    runner_up: Floats

    def take(self, rows: Ints) -> "Accepted":
        """The items at ``rows`` (positions)."""
        return Accepted(self.service[rows], self.probability[rows], self.runner_up[rows])


@dataclass(frozen=True)
class AcceptedAnswers:
    """A fitted model over ``K`` services and ``L`` labels.

    ``comparable``: equal answers agree. ``marked``: a service that failed is told by its missing
    answer. ``label_odds`` (K, L) are added to the log-odds of a service that gave a label;
    ``middle`` and ``coefficients`` are of the logistic regression, ``boosted`` corrects it where
    outcomes are many.
    """

    comparable: bool
    marked: bool
    label_odds: Floats
    middle: Floats
    coefficients: Floats
    boosted: BoostedTrees | None

    def answered(self, answers: Ints, asked: Bools) -> Bools:
        """(n, K) which of the services asked gave an answer."""
        return asked & (answers != MISSING) if self.marked else asked

    def agreeing(self, answers: Ints, asked: Bools, service: Ints) -> Floats:
        """(n, K) 1 for each service that gave the same answer as ``service`` (n,), -1 for another
        answer, 0 for none."""
        given = self.answered(answers, asked)
        rows = np.arange(len(service))
        if self.comparable:
            same = answers == answers[rows, service][:, None]
        else:
            same = np.arange(answers.shape[1])[None, :] == service[:, None]
        codes: Floats = np.where(given, np.where(same, 1.0, -1.0), 0.0)
        codes[service == MISSING] = 0.0
        return codes

    def __call__(
        self, expected: Floats, answers: Ints, confidences: Floats, asked: Bools
    ) -> Accepted:
        """The answers to accept after ``asked`` (n, K) gave ``answers`` and ``confidences``.

        ``expected`` (n, K) are the scores in [0, 1] expected before any call.
        """
        rows, services, features = self._candidates(expected, answers, confidences, asked)
        scores = np.full(expected.shape, -1.0)
        if len(rows):
            scores[rows, services] = self._probabilities(features)
        service = scores.argmax(axis=1)
        best = scores[np.arange(len(scores)), service]
        scores[np.arange(len(scores)), service] = -1.0
        second = scores.max(axis=1)
        return Accepted(
            np.where(best >= 0.0, service, MISSING),
            np.maximum(best, 0.0),
            np.maximum(second, 0.0),
        )

    def _probabilities(self, features: Floats) -> Floats:
        log_odds = self._log_odds(features)
        if self.boosted is None:
            return sigmoid(log_odds)
        return self.boosted(np.column_stack([features, log_odds]))

    def _log_odds(self, features: Floats) -> Floats:
        design = _design(features) - self.middle
        log_odds: Floats = design @ self.coefficients[:-1] + self.coefficients[-1]
        return log_odds

    def _candidates(
        self, expected: Floats, answers: Ints, confidences: Floats, asked: Bools
    ) -> tuple[Ints, Ints, Floats]:
        """Items, services and features of the answers that can be accepted: of several services
        that agree, the one that is expected to be best speaks for them."""
        columns = np.flatnonzero(asked.any(axis=0))
        given = self.answered(answers, asked)[:, columns]
        said, known = answers[:, columns], expected[:, columns]
        odds = _logit(known) + self._label_odds(said, columns)
        if self.comparable:
            same = said[:, :, None] == said[:, None, :]
        else:
            same = np.broadcast_to(
                np.eye(len(columns), dtype=np.bool_), (*given.shape, len(columns))
            )
        pairs = given[:, :, None] & given[:, None, :]
        same = same & pairs
        chance = np.log(max(self.label_odds.shape[1] - 1, 1)) if self.comparable else 0.0
        votes = np.where(given, odds + chance, 0.0)
        support = np.einsum("nkl,nl->nk", same, votes)
        against = np.where(pairs & ~same, support[:, None, :], -np.inf).max(axis=2, initial=-np.inf)
        agreeing = same.sum(axis=2)
        # of equals the first speaks
        rank = known - 1e-9 * np.arange(len(columns))
        speaks = given & (np.where(same, rank[:, None, :], -1.0).max(axis=2, initial=-1.0) <= rank)
        rows, at = np.nonzero(speaks)
        codes = np.zeros((len(rows), expected.shape[1]))
        codes[:, columns] = np.where(given[rows], np.where(same[rows, at], 1.0, -1.0), 0.0)
        stated = confidences[:, columns][rows, at]
        features = np.column_stack(
            [
                odds[rows, at],
                support[rows, at] - votes[rows, at],
                np.where(np.isfinite(against), against, 0.0)[rows, at],
                agreeing[rows, at] - 1.0,
                (given.sum(axis=1)[:, None] - agreeing)[rows, at],
                (asked.sum(axis=1) - given.sum(axis=1))[rows],
                expected.mean(axis=1)[rows],
                np.where(np.isnan(stated), -1.0, stated),
                codes,
            ]
        )
        return rows, columns[at], features

    def _label_odds(self, said: Ints, columns: Ints) -> Floats:
        n_labels = self.label_odds.shape[1]
        known = (said >= 0) & (said < n_labels)
        odds: Floats = np.where(
            known, self.label_odds[columns[None, :], np.where(known, said, 0)], 0.0
        )
        return odds


def answers_tell(recorded: RecordedAnswers) -> bool:
    """Whether answers tell anything but that they were given: what they say, who failed, or how
    sure a service is of them."""
    return bool((recorded.answers != MISSING).any() or not np.isnan(recorded.confidences).all())


def fit_accepted_answers(
    train: RecordedAnswers, expected: Floats, candidates: Ints, most_asked: int, seed: int = 0
) -> AcceptedAnswers:
    """Fits to random sets of up to ``most_asked`` of the ``candidates`` (positions of services).

    ``expected`` (n, K) as they are before any call, of predictors that have not seen the items.
    """
    comparable = train.n_labels > 1 and bool((train.answers != MISSING).any())
    marked = bool((train.answers != MISSING).any())
    width = len(_PRIOR)
    blank = AcceptedAnswers(
        comparable,
        marked,
        _fit_label_odds(train) if comparable else np.zeros((train.n_services, 1)),
        np.zeros(width),
        np.append(_PRIOR, 0.0),
        None,
    )
    if not answers_tell(train):
        return replace(blank, coefficients=np.append(_AS_EXPECTED, 0.0))
    random = np.random.default_rng(seed)
    blocks, targets, weights = [], [], []
    for _ in range(_SETS_PER_ITEM):
        asked = _random_sets(random, train.n_items, train.n_services, candidates, most_asked)
        rows, services, features = blank._candidates(
            expected, train.answers, train.confidences, asked
        )
        blocks.append(features)
        targets.append(train.scores[rows, services])
        weights.append(train.weights[rows])
    features, target, weight = np.vstack(blocks), np.concatenate(targets), np.concatenate(weights)
    if not len(features):
        return blank
    design = _design(features)
    middle, scale = design.mean(axis=0), design.std(axis=0)
    # an item counts once, however many sets of it are drawn
    coefficients = fit_logistic(
        np.column_stack([design - middle, np.ones(len(design))]),
        target,
        np.append(_RIDGE * np.maximum(scale, 1e-3) ** 2, 1e-3),
        np.append(_PRIOR, _logit(np.array([target @ weight / weight.sum()]))[0]),
        weight / _SETS_PER_ITEM,
    )
    fitted = AcceptedAnswers(comparable, marked, blank.label_odds, middle, coefficients, None)
    if train.n_effective < _MIN_ITEMS_FOR_TREES:
        return fitted
    with_odds: Floats = np.column_stack([features, fitted._log_odds(features)])
    boosted = _fit_graded(with_odds, target, weight, seed)
    return AcceptedAnswers(comparable, marked, blank.label_odds, middle, coefficients, boosted)


def _fit_graded(rows: Floats, target: Floats, weight: Floats, seed: int) -> BoostedTrees:
    """Boosted trees for scores in [0, 1]: a share stands for as many of both sides."""
    up, down = target > 0.0, target < 1.0
    return fit_boosted(
        np.vstack([rows[up], rows[down]]),
        np.repeat([True, False], [up.sum(), down.sum()]),
        seed,
        np.concatenate([(weight * target)[up], (weight * (1.0 - target))[down]]),
    )


def _fit_label_odds(train: RecordedAnswers) -> Floats:
    odds = np.zeros((train.n_services, train.n_labels))
    if train.n_labels > _MOST_TABLED_LABELS:
        return odds
    overall, weights = train.mean(train.scores), train.weights
    for k in range(train.n_services):
        given = np.flatnonzero(train.answers[:, k] != MISSING)
        labels = train.answers[given, k]
        right = np.bincount(labels, weights[given] * train.scores[given, k], train.n_labels)
        count = np.bincount(labels, weights[given], train.n_labels)
        share = (right + _LABEL_PSEUDO_COUNT * overall[k]) / (count + _LABEL_PSEUDO_COUNT)
        odds[k] = _logit(share) - _logit(overall[k : k + 1])
    return odds


def _random_sets(
    random: np.random.Generator, n_items: int, n_services: int, candidates: Ints, most: int
) -> Bools:
    """(n, K) a random set of 1 to ``most`` of the candidates for each item."""
    sizes = random.integers(1, min(most, len(candidates)) + 1, n_items)
    ranks = random.random((n_items, len(candidates))).argsort(axis=1).argsort(axis=1)
    asked = np.zeros((n_items, n_services), dtype=np.bool_)
    asked[:, candidates] = ranks < sizes[:, None]
    return asked


def _design(features: Floats) -> Floats:
    return features[:, : len(_PRIOR)]


def _logit(shares: Floats) -> Floats:
    clipped = np.clip(shares, _EDGE, 1.0 - _EDGE)
    odds: Floats = np.log(clipped / (1.0 - clipped))
    return odds


def pack_accepted_answers(
    name: str, model: AcceptedAnswers, arrays: dict[str, NDArray[Any]]
) -> dict[str, Any]:
    """Puts the model's arrays under names that begin with ``name``; gives the facts beside."""
    arrays[f"{name}.label_odds"] = model.label_odds
    arrays[f"{name}.middle"], arrays[f"{name}.coefficients"] = model.middle, model.coefficients
    if model.boosted is not None:
        pack_forest(f"{name}.boosted", model.boosted.forest, arrays)
        arrays[f"{name}.boosted.values"] = model.boosted.values
        arrays[f"{name}.boosted.start"] = np.array(model.boosted.start)
    return {
        "comparable": model.comparable,
        "marked": model.marked,
        "boosted": model.boosted is not None,
    }


def unpack_accepted_answers(
    name: str, arrays: Mapping[str, NDArray[Any]], facts: Mapping[str, Any]
) -> AcceptedAnswers:
    """What :func:`pack_accepted_answers` stored."""
    boosted = None
    if facts["boosted"]:
        boosted = BoostedTrees(
            unpack_forest(f"{name}.boosted", arrays),
            arrays[f"{name}.boosted.values"],
            float(arrays[f"{name}.boosted.start"]),
        )
    return AcceptedAnswers(
        facts["comparable"],
        facts["marked"],
        arrays[f"{name}.label_odds"],
        arrays[f"{name}.middle"],
        arrays[f"{name}.coefficients"],
        boosted,
    )
