"""What is believed about the right label after any subset of the services has answered.

Tables and stack carry few labels far. From ``BOOST_FROM`` labels on, boosted trees look at each
label that some service gave, with the raw confidences, and are believed as far as that helps on
items that they have not seen.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np

from orchestration_assets.evidence.bins import Bins, bins_for, fit_bins
from orchestration_assets.evidence.boosting import BoostedTrees, fit_boosted
from orchestration_assets.evidence.calibration import Platt, fit_platt, logit
from orchestration_assets.evidence.likelihoods import Likelihoods, fit_likelihoods
from orchestration_assets.evidence.recorded_answers import (
    MISSING,
    Bools,
    Floats,
    Ints,
    RecordedAnswers,
    one_hot,
)
from orchestration_assets.evidence.stacking import Stack, fit_stack

Subset = tuple[int, ...]

BOOST_FROM: Final = 1_000
MOST_SERVICES: Final = 6
# with more folds, trees could tell folds apart by their tables and learn what each left out
_TABLE_FOLDS = 2
_BOOST_FOLDS = 3
_STACK_ROWS = 8_000
_BLENDS = (0.0, 0.25, 0.5, 0.75, 1.0)
_FEW_LABELS = 8
_UNSTATED = -1.0
_TINY = 1e-6


def subsets(n_services: int) -> list[Subset]:
    """All subsets of the services, smaller ones first, the empty one included."""
    every = range(n_services)
    return [chosen for size in range(n_services + 1) for chosen in combinations(every, size)]


@dataclass(frozen=True)
class SubsetPosterior:
    """What is believed about ``n`` items after one subset of the services.

    ``p`` (n, L) distributions; ``answer`` (n,) the most probable label that can be right and
    ``sure`` (n,) its calibrated probability; ``rows`` (n, features) the evidence as numbers.
    """

    p: Floats
    answer: Ints
    sure: Floats
    rows: Floats


@dataclass(frozen=True)
class Belief:
    """A fitted model of one task; services and labels by position.

    ``can_be`` (L,) labels that occurred as gold; ``boosted`` holds the models of a subset, whose
    mean is pooled with the stack by the share ``blends``.
    """

    bins: Bins
    tables: Likelihoods
    can_be: Bools
    stacks: Mapping[Subset, Stack]
    boosted: Mapping[Subset, tuple[BoostedTrees, ...]]
    blends: Mapping[Subset, float]
    calibrations: Mapping[Subset, Platt]

    def scores(self, recorded: RecordedAnswers) -> tuple[Floats, Floats]:
        """(n, K, L) scores of the answers and of their confidence bins."""
        return self.tables.scores(recorded.answers, self.bins.of(recorded.confidences))

    def standing(
        self, recorded: RecordedAnswers, asked: Subset, scores: tuple[Floats, Floats] | None = None
    ) -> SubsetPosterior:
        """The standing after the services in ``asked``; answers of others are not looked at."""
        said, sure = self.scores(recorded) if scores is None else scores
        p = self.stacks[asked](self.tables.prior, said, sure)
        if models := self.boosted.get(asked):
            candidates = candidates_of(recorded.answers, p, asked)
            rows = candidate_rows(recorded, sure, p, asked, candidates)
            view: Floats = np.mean([model(rows) for model in models], axis=0)
            p = blended(p, candidates, view, self.blends[asked])
        answer, top = _best(p, self.can_be)
        rows = evidence_rows(recorded, sure, p, asked)
        return SubsetPosterior(p, answer, self.calibrations[asked](top), rows)


def _best(p: Floats, can_be: Bools) -> tuple[Ints, Floats]:
    possible = np.where(can_be, p, 0.0)
    answer = possible.argmax(axis=1)
    return answer, possible[np.arange(len(p)), answer]


def evidence_rows(recorded: RecordedAnswers, sure: Floats, p: Floats, asked: Subset) -> Floats:
    """(n, features) what is known after the services in ``asked``, as numbers without NaN."""
    n_items, n_labels = p.shape
    every = np.arange(n_items)
    top = np.sort(p, axis=1)
    columns = [top[:, -1], top[:, -2] if n_labels > 1 else np.zeros(n_items)]
    columns += list(p.T) if n_labels <= _FEW_LABELS else [p.argmax(axis=1).astype(np.float64)]
    for service in asked:
        said = recorded.answers[:, service]
        given = said != MISSING
        code = np.where(given, said, 0)
        columns.append(np.where(given, p[every, code], 0.0))
        columns.append(np.where(given, sure[every, service, code], 0.0))
        columns.append(_stated(recorded, service))
    for one, other in combinations(asked, 2):
        columns.append((recorded.answers[:, one] == recorded.answers[:, other]).astype(np.float64))
    return np.stack(columns, axis=1)


def _stated(recorded: RecordedAnswers, service: int) -> Floats:
    stated = recorded.confidences[:, service]
    return np.where(np.isnan(stated), _UNSTATED, stated)


def candidates_of(answers: Ints, p: Floats, asked: Subset) -> Bools:
    """(n, L) the labels worth a closer look: every answer given, and the most probable label."""
    found = np.zeros(p.shape, dtype=np.bool_)
    found[np.arange(len(p)), p.argmax(axis=1)] = True
    for service in asked:
        given = np.flatnonzero(answers[:, service] != MISSING)
        found[given, answers[given, service]] = True
    return found


def candidate_rows(
    recorded: RecordedAnswers, sure: Floats, p: Floats, asked: Subset, candidates: Bools
) -> Floats:
    """(candidates, features) one row a marked label, in the order of ``np.nonzero``."""
    items, labels = np.nonzero(candidates)
    here = p[items, labels]
    order = np.sort(p, axis=1)
    top = order[items, -1]
    second = order[items, -2] if p.shape[1] > 1 else np.zeros(len(items))
    best_other = np.where(here >= top, second, top)
    columns = [logit(here), logit(best_other), labels.astype(np.float64)]
    for service in asked:
        said = recorded.answers[items, service]
        given = said != MISSING
        code = np.where(given, said, 0)
        columns.append(np.where(given, (said == labels).astype(np.float64), -1.0))
        columns.append(np.where(given, sure[items, service, code], 0.0))
        columns.append(_stated(recorded, service)[items])
    return np.stack(columns, axis=1)


def blended(p: Floats, candidates: Bools, view: Floats, blend: float) -> Floats:
    """(n, L) logarithmic pool of ``p`` with ``view``, the candidates' own probabilities.

    What the view leaves over goes to the labels that are no candidates, in proportion to ``p``.
    """
    if blend <= 0.0:
        return p
    seen = np.zeros_like(p)
    seen[candidates] = np.clip(view, _TINY, 1.0)
    others = np.where(candidates, 0.0, p) + _TINY * ~candidates
    left = others.sum(axis=1, keepdims=True)
    over = np.maximum(1.0 - seen.sum(axis=1, keepdims=True), 0.0)
    seen += np.where(left > 0.0, over * others / np.maximum(left, _TINY), 0.0)
    seen /= seen.sum(axis=1, keepdims=True)
    pooled = np.maximum(p, 1e-12) ** (1.0 - blend) * np.maximum(seen, 1e-12) ** blend
    found: Floats = pooled / pooled.sum(axis=1, keepdims=True)
    return found


def fit_belief(
    train: RecordedAnswers, seed: int = 0
) -> tuple[Belief, dict[Subset, SubsetPosterior]]:
    """Fits everything to items whose gold is known and of which every service was asked.

    Also gives each subset's standing of the training items themselves, out of fold: from tables
    and models that have not seen the item.
    """
    n_labels, n_services = train.n_labels, train.n_services
    if n_services > MOST_SERVICES:
        raise ValueError(f"{n_services} services: at most {MOST_SERVICES} can be weighed at once")
    bins = fit_bins(train.confidences, bins_for(train.n_items))
    codes, truth = bins.of(train.confidences), one_hot(train.gold, n_labels)
    tables = fit_likelihoods(train.answers, codes, truth, bins.n_bins)
    rng = np.random.default_rng(seed)
    scores = _out_of_fold_scores(train, codes, truth, bins.n_bins, rng)
    sample = rng.permutation(train.n_items)[:_STACK_ROWS]
    parts = rng.integers(0, _BOOST_FOLDS, train.n_items)
    can_be = truth.sum(axis=0) > 0.0
    stacks: dict[Subset, Stack] = {}
    boosted: dict[Subset, tuple[BoostedTrees, ...]] = {}
    blends: dict[Subset, float] = {}
    calibrations: dict[Subset, Platt] = {}
    standings: dict[Subset, SubsetPosterior] = {}
    for asked in subsets(n_services):
        said, sure = scores
        stack = fit_stack(asked, tables.prior, said[sample], sure[sample], train.gold[sample])
        stacks[asked] = stack
        p = stack(tables.prior, said, sure)
        if asked and train.n_items >= BOOST_FROM:
            boosted[asked], blends[asked], p = _boost(train, sure, p, asked, parts, seed)
        answer, top = _best(p, can_be)
        calibrations[asked] = fit_platt(top, answer == train.gold)
        rows = evidence_rows(train, sure, p, asked)
        standings[asked] = SubsetPosterior(p, answer, calibrations[asked](top), rows)
    fitted = Belief(bins, tables, can_be, stacks, boosted, blends, calibrations)
    return fitted, standings


def _out_of_fold_scores(
    train: RecordedAnswers, codes: Ints, truth: Floats, n_bins: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    shape = (train.n_items, train.n_services, train.n_labels)
    said, sure = np.zeros(shape), np.zeros(shape)
    folds = rng.integers(0, _TABLE_FOLDS, train.n_items)
    for fold in range(_TABLE_FOLDS):
        held_out = folds == fold
        known = np.where(held_out[:, None], 0.0, truth)
        tables = fit_likelihoods(train.answers, codes, known, n_bins)
        said[held_out], sure[held_out] = tables.scores(train.answers[held_out], codes[held_out])
    return said, sure


def _boost(
    train: RecordedAnswers, sure: Floats, p: Floats, asked: Subset, parts: Ints, seed: int
) -> tuple[tuple[BoostedTrees, ...], float, Floats]:
    """Models of all parts but one each, the best blend on the parts left out, and its result."""
    candidates = candidates_of(train.answers, p, asked)
    rows = candidate_rows(train, sure, p, asked, candidates)
    items, labels = np.nonzero(candidates)
    yes = labels == train.gold[items]
    view = np.empty(len(rows))
    models = []
    for part in range(_BOOST_FOLDS):
        held_out = parts[items] == part
        model = fit_boosted(rows[~held_out], yes[~held_out], seed + part)
        view[held_out] = model(rows[held_out])
        models.append(model)
    at = np.arange(train.n_items)
    best, blend, pooled = -np.inf, 0.0, p
    for share in _BLENDS:
        mixed = blended(p, candidates, view, share)
        gain = float(np.log(np.maximum(mixed[at, train.gold], _TINY)).mean())
        if gain > best:
            best, blend, pooled = gain, share, mixed
    return (tuple(models) if blend > 0.0 else ()), blend, pooled
