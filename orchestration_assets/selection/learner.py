"""Learning which services to ask from recorded answers, and never trusting more than was shown.

Four families compete at every exchange rate of accuracy and price: one service, a cascade on
plain confidence, FrugalML's class, and the stack with backward induction. Each is judged on items
that its own fit has not seen, and the one that is worth most there is taken.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from orchestration_assets.evidence.belief import MAX_SERVICES, BeliefModel, fit_belief
from orchestration_assets.evidence.recorded_answers import Floats, Ints, RecordedAnswers
from orchestration_assets.selection.backward_induction import PolicySimulator, StepPolicy, fit_steps
from orchestration_assets.selection.baselines import Cascade, SingleService, fit_cascade, fit_single
from orchestration_assets.selection.frugal import AddOn, fit_frugal
from orchestration_assets.selection.policy_outcomes import (
    PolicyOutcome,
    best_single,
    exchange_rates,
)

FEW_LABELS: Final = 300
RATES: Final = 32
_FOLDS = 5

SINGLE, CASCADE, ADD_ON, STACK = "single", "cascade", "add_on", "stack"


Fixed = SingleService | Cascade | AddOn
Fit = Callable[[RecordedAnswers, Floats], Sequence[Fixed]]
FAMILIES: Final[Mapping[str, Fit]] = {
    SINGLE: fit_single,
    CASCADE: fit_cascade,
    ADD_ON: fit_frugal,
}


@dataclass(frozen=True)
class FamilyResult:
    """What one family showed at each of ``P`` exchange rates, on items that it had not seen:
    mean ``worth``, ``accuracies`` and ``prices`` (P,), and ``asked`` (P, K) how often each
    service was asked."""

    worth: Floats
    accuracies: Floats
    prices: Floats
    asked: Floats


@dataclass(frozen=True)
class Selector:
    """A fitted selector of one task.

    ``services`` and ``labels`` name the positions. At each exchange rate (P,) ``families`` names
    the family that is followed; ``fixed`` holds the simple families' policies by rate, ``belief``
    and ``steps`` the stack where there are labels enough. ``shown`` is what each family showed
    out of fold, ``single`` the service that is best alone, ``words`` how the fit came about.
    """

    services: tuple[str, ...]
    labels: tuple[str, ...]
    exchange: Floats
    families: tuple[str, ...]
    fixed: Mapping[str, Sequence[Fixed]]
    belief: BeliefModel | None
    steps: StepPolicy | None
    shown: Mapping[str, FamilyResult]
    single: int
    n_gold: int
    words: str

    def expected(self, at: int) -> tuple[float, float]:
        """Accuracy and mean price at one rate, as shown on items that the fit had not seen."""
        shown = self.shown[self.families[at]]
        return float(shown.accuracies[at]), float(shown.prices[at])

    def run(self, recorded: RecordedAnswers) -> list[PolicyOutcome]:
        """The outcomes on recorded answers, one an exchange rate."""
        rehearsal = None
        if self.belief is not None and self.steps is not None and STACK in self.families:
            rehearsal = PolicySimulator(self.belief, self.steps, recorded)
        found = []
        for at, family in enumerate(self.families):
            if family == STACK and rehearsal is not None:
                found.append(rehearsal.run(at))
            else:
                found.append(self.fixed[family][at].run(recorded))
        return found

    def matching(self, accuracy: float) -> int:
        """The cheapest rate that showed at least this accuracy; the most accurate when none."""
        expected = [self.expected(at) for at in range(len(self.exchange))]
        enough = [(price, at) for at, (right, price) in enumerate(expected) if right >= accuracy]
        if enough:
            return min(enough)[1]
        return max(range(len(expected)), key=lambda at: (expected[at][0], -expected[at][1]))


def fit_selector(
    train: RecordedAnswers, prices: Floats | None = None, rates: int = RATES, seed: int = 0
) -> Selector:
    """Fits and judges every family on items of known gold that every service was asked about.

    ``prices`` (K,) is what a call takes in whatever unit is to be saved; USD a call by default.
    Below ``FEW_LABELS`` items only single services are considered. Raises ValueError for an empty
    or incomplete record.
    """
    if not train.n_items or not train.asked.all():
        raise ValueError(f"{train.name}: needs items of which every service was asked")
    cost = train.prices if prices is None else prices
    exchange = exchange_rates(cost, rates)
    if train.n_items <= FEW_LABELS:
        return _few(train, exchange, cost)
    belief, steps = None, None
    shown: dict[str, FamilyResult] = {}
    if train.correct is None and 1 < train.n_services <= MAX_SERVICES:
        belief, standings = fit_belief(train, seed)
        steps, outcomes = fit_steps(train, standings, cost, exchange, seed, 2 * rates)
        exchange = steps.exchange
        shown[STACK] = _shown(outcomes, exchange, cost)
    folds = np.random.default_rng(seed).permutation(train.n_items) % _FOLDS
    for family, fit in FAMILIES.items():
        shown[family] = _cross_validated(train, fit, exchange, cost, folds)
    fixed = {family: fit(train, exchange) for family, fit in FAMILIES.items()}
    names = list(shown)
    worth = np.stack([shown[family].worth for family in names])
    families = tuple(names[best] for best in worth.argmax(axis=0))
    if STACK not in families:
        belief, steps = None, None
    return Selector(
        train.services,
        train.labels,
        exchange,
        families,
        fixed,
        belief,
        steps,
        shown,
        best_single(train),
        train.n_items,
        f"{train.n_items:,} gold labels: every family was judged on items that it had not seen",
    )


def _few(train: RecordedAnswers, exchange: Floats, prices: Floats) -> Selector:
    fixed: dict[str, Sequence[Fixed]] = {SINGLE: fit_single(train, exchange)}
    outcomes = [one.run(train) for one in fixed[SINGLE]]
    best = best_single(train)
    return Selector(
        train.services,
        train.labels,
        exchange,
        (SINGLE,) * len(exchange),
        fixed,
        None,
        None,
        {SINGLE: _shown(outcomes, exchange, prices)},
        best,
        train.n_items,
        f"{train.n_items} gold labels are too few to learn from (more than {FEW_LABELS} are "
        f"needed): the best single service, {train.services[best]}, is called alone",
    )


def _cross_validated(
    train: RecordedAnswers, fit: Fit, exchange: Floats, prices: Floats, folds: Ints
) -> FamilyResult:
    right = np.zeros(len(exchange))
    asked = np.zeros((len(exchange), train.n_services))
    for fold in range(_FOLDS):
        held_out = folds == fold
        inside, outside = train.take(~held_out), train.take(held_out)
        for at, policy in enumerate(fit(inside, exchange)):
            done = policy.run(outside)
            right[at] += done.right.sum()
            asked[at] += done.asked.sum(axis=0)
    return _show(right / train.n_items, asked / train.n_items, exchange, prices)


def _shown(outcomes: Sequence[PolicyOutcome], exchange: Floats, prices: Floats) -> FamilyResult:
    accuracies = np.array([one.accuracy for one in outcomes])
    asked = np.array([one.asked.mean(axis=0) for one in outcomes])
    return _show(accuracies, asked, exchange, prices)


def _show(accuracies: Floats, asked: Floats, exchange: Floats, prices: Floats) -> FamilyResult:
    spent = asked @ prices
    return FamilyResult(accuracies - exchange * spent, accuracies, spent, asked)


def single_service(recorded: RecordedAnswers, service: int) -> PolicyOutcome:
    """The outcome of always asking one service."""
    return SingleService(service).run(recorded)
