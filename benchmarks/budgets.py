"""What budgets of 10, 30, 50 and 80 % of the full price buy, beside a solver that knows it all.

Every service is in the plan of every item; the full price asks all of them about all items.
Accuracy is the share of all items whose answer is right. The solver knows the true expected value
of each next call, given all that was answered before: the share that is right in each cell of
answers and confidences, over all items of the set, and it mixes the policies of two exchange
rates so that the budget is spent exactly. Beside it, with the code that carries out plans:
"learned" follows operating points that were learned from --labels items of the training half; "by
value" orders the calls of a parallel plan by the gain in accuracy a dollar that is expected of
each, with reliabilities and a calibration from the same items; "unknown" does so without any
knowledge of the services, which it compares on a few items first; both are resolved as a batch is.
"first come" asks everything about one item after the other. Generated services come first; DIR (or
ORCHESTRATION_EVAL_DATA) adds recorded ones in FrugalML's layout. The solver's values hold over the
whole set, its accuracy is that of the batch: with few --items chance moves all columns.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks._output import table, write_json
from orchestration_assets.disagreement.label_weights import PromotedCalibration, weigh
from orchestration_assets.disagreement.resolution import resolve_plans
from orchestration_assets.evidence.consensus import consensus
from orchestration_assets.evidence.few_labels import fit_few_labels
from orchestration_assets.evidence.label_free import fit_label_free
from orchestration_assets.evidence.label_model import LabelModel
from orchestration_assets.evidence.recorded_answer_files import (
    RecordedAnswersError,
    find_frugalml_folders,
    load_frugalml,
)
from orchestration_assets.evidence.recorded_answers import (
    MISSING,
    Floats,
    Ints,
    RecordedAnswers,
    random_halves,
)
from orchestration_assets.processing.asker import CALLED, NOT_CALLED, AskResult
from orchestration_assets.processing.funding import Ask, Funding
from orchestration_assets.processing.plan_execution import execute
from orchestration_assets.processing.plan_result import PlanResult, lead
from orchestration_assets.processing.question_gains import FundingRules
from orchestration_assets.processing.selector_execution import run_learned
from orchestration_assets.schemas.enums import AnswerKind, ProcessingModel, Status
from orchestration_assets.schemas.items import Item, Question, Reading, Task
from orchestration_assets.schemas.policy import Choice, Learned
from orchestration_assets.schemas.tables import PlanRow
from orchestration_assets.selection.active_selector import (
    ActiveSelector,
    ChosenPoint,
    CurrentPrices,
    LearnedItems,
    choose_points,
)
from orchestration_assets.selection.forecast import Price
from orchestration_assets.selection.learned_model import LearnedModel
from orchestration_assets.selection.learner import fit_selector
from orchestration_assets.selection.strategies import is_sampled
from orchestration_assets.selection.trained_selector import build_trained_selector

SHARES: Final = (0.1, 0.3, 0.5, 0.8)
BAR: Final = 0.97
_RATES: Final = 60
_BINS: Final = 4
_LEARN_FROM: Final = 200
_TASK: Final = "label"


def main(arguments: Sequence[str]) -> int:
    """``[DIR] [--items N] [--labels N] [--sets NAME,...] [--json FILE]``"""
    parser = argparse.ArgumentParser(prog="python -m benchmarks budgets", description=__doc__)
    parser.add_argument(
        "dir", nargs="?", type=Path, default=os.environ.get("ORCHESTRATION_EVAL_DATA")
    )
    parser.add_argument("--items", type=int, default=2000, help="items of each batch (2,000)")
    parser.add_argument("--labels", type=int, default=2000, help="gold to learn from (2,000)")
    parser.add_argument("--sets", help="comma-separated names; all by default")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(arguments)
    try:
        folders = find_frugalml_folders(Path(given.dir)) if given.dir else []
    except RecordedAnswersError as error:
        parser.error(str(error))
    wanted = given.sets.split(",") if given.sets else None
    sets = [*generated_sets(), *(_renamed(load_frugalml(folder)) for folder in folders)]
    rows: list[dict[str, Any]] = []
    for recorded in sets:
        if wanted is None or recorded.name in wanted:
            rows += measure(recorded, given.items, given.labels)
            print(f"{recorded.name}: done", file=sys.stderr, flush=True)
    _show(rows)
    write_json(given.json, {"rows": rows})
    return 0


def _renamed(recorded: RecordedAnswers) -> RecordedAnswers:
    """The services by names that a policy may give them."""
    return replace(recorded, services=tuple(f"s{k}" for k in range(recorded.n_services)))


def _show(rows: Sequence[Mapping[str, Any]]) -> None:
    names = ("learned", "by value", "unknown", "first come")
    shown = []
    for row in rows:
        ratios = [row[name] / row["solver"] for name in names[:2]]
        accuracies = [row[name] for name in ("solver", *names)]
        shown.append([row["set"], f"{row['share']:.0%}", *accuracies, *ratios])
    header = ("set", "budget", "solver", *names, "learned / solver", "by value / solver")
    print(table("Accuracy at a share of the full price", header, shown))
    for name in ("learned", "by value"):
        ratios = [row[name] / row["solver"] for row in rows]
        reached = sum(ratio >= BAR for ratio in ratios)
        print(f"{name}: at least {BAR:g} of the solver's in {reached} of {len(rows)} cases, "
              f"lowest {min(ratios):.3f}")  # fmt: skip


def generated_sets(n_items: int = 20_000) -> list[RecordedAnswers]:
    """Services of known accuracy: alike or far apart in price, with confidences that are true."""
    return [
        _generated("steep", (0.72, 0.86, 0.95), (1.0, 6.0, 30.0), n_items, 1),
        _generated("even", (0.7, 0.8, 0.9), (1.0, 1.0, 1.0), n_items, 2),
        _generated("four", (0.6, 0.75, 0.85, 0.93), (0.5, 2.0, 5.0, 20.0), n_items, 3),
    ]


def _generated(
    name: str, accuracies: Sequence[float], prices: Sequence[float], n_items: int, seed: int
) -> RecordedAnswers:
    """Items differ in difficulty, which all services share; a wrong answer is any other label."""
    rng, n_labels = np.random.default_rng(seed), 4
    gold = rng.integers(0, n_labels, n_items)
    difficulty = rng.normal(0.0, 1.5, n_items)
    answers, confidences = [], []
    for accuracy in accuracies:
        own = difficulty + rng.normal(0.0, 1.0, n_items)
        # the offset at which the mean over items is the accuracy
        offsets = np.linspace(-8.0, 8.0, 400)
        means = [(1.0 / (1.0 + np.exp(own - offset))).mean() for offset in offsets]
        chance = 1.0 / (1.0 + np.exp(own - np.interp(accuracy, means, offsets)))
        right = rng.random(n_items) < chance
        other = (gold + rng.integers(1, n_labels, n_items)) % n_labels
        answers.append(np.where(right, gold, other))
        confidences.append(np.clip(chance, 1.0 / n_labels, 0.99))
    shape = (n_items, len(accuracies))
    return RecordedAnswers(
        name,
        tuple(f"s{k}" for k in range(len(accuracies))),
        tuple("abcd"),
        tuple(f"i{n:05}" for n in range(n_items)),
        np.stack(answers, axis=1),
        np.stack(confidences, axis=1),
        np.ones(shape, dtype=np.bool_),
        gold,
        np.broadcast_to(np.array(prices) / 1000.0, shape).copy(),
        np.full(shape, np.nan),
    )


def measure(recorded: RecordedAnswers, n_items: int, n_labels: int) -> list[dict[str, Any]]:
    """A row a budget, with the accuracy of each way to spend it."""
    inside, outside = random_halves(recorded.n_items, 1)
    rng = np.random.default_rng(1)
    train = recorded.take(np.sort(rng.permutation(inside)[:n_labels]))
    test = recorded.take(np.sort(rng.permutation(outside)[:n_items]))
    curve = solver_curve(recorded, test)
    solo = train.scores.mean(axis=0)
    known = {(_TASK, name): float(solo[k]) for k, name in enumerate(test.services)}
    model = _learned(train)
    calibration = _calibration(train)
    rows = []
    for share in SHARES:
        usd = share * float(test.prices.sum()) * test.n_items
        batch = _Batch(test, usd)
        rows.append(
            {
                "set": recorded.name,
                "share": share,
                "solver": float(np.interp(usd / test.n_items, *curve)),
                "learned": batch.accuracy(FundingRules(reliabilities=known), model),
                "by value": batch.accuracy(
                    FundingRules(reliabilities=known, calibrations={_TASK: calibration})
                ),
                "unknown": batch.accuracy(FundingRules()),
                "first come": batch.first_come(),
            }
        )
    return rows


def _learned(train: RecordedAnswers) -> ActiveSelector:
    selector = fit_selector(train, seed=1)
    solo = train.scores.mean(axis=0)
    ms = np.ones(train.n_services)
    deployed = build_trained_selector({"usd": selector}, solo, train.prices, ms)
    return ActiveSelector("v", LearnedModel(deployed))


def _calibration(train: RecordedAnswers) -> LabelModel:
    """What the gold teaches about how all services' answers are to be weighed."""
    answers, confidences = train.answers, train.confidences
    free = fit_label_free(answers, confidences, len(train.labels))
    few = fit_few_labels(answers, confidences, train.gold, free)
    return LabelModel(train.services, ("1",) * train.n_services, train.labels, free, few)


@dataclass
class _Batch:
    """A batch of recorded items, carried out with a budget as in a run."""

    test: RecordedAnswers
    usd: float
    spent: float = field(default=0.0, init=False)

    def accuracy(self, rules: FundingRules, model: ActiveSelector | None = None) -> float:
        """With the order of :class:`Funding`, by the parallel plan or what was learned."""
        return asyncio.run(self._carried_out(rules, model))

    def first_come(self) -> float:
        """All services for each item in turn, until the money is spent."""
        n = int(self.usd / self.test.prices.sum())
        votes = [self._told(item) for item in range(n)]
        task = self._task()
        right = [
            consensus([(result.service, result.reading) for result in told], task).answer
            == self.test.labels[self.test.gold[item]]
            for item, told in enumerate(votes)
        ]
        return float(np.sum(right)) / self.test.n_items

    def _task(self) -> Task:
        return Task(_TASK, "1", AnswerKind.LABEL, self.test.labels)

    def _told(self, item: int) -> list[AskResult]:
        return [
            self._result(name, self._reading(item, k)) for k, name in enumerate(self.test.services)
        ]

    def _reading(self, item: int, k: int) -> Reading:
        code, confidence = self.test.answers[item, k], self.test.confidences[item, k]
        if code == MISSING:
            return Reading(Status.ABSTAINED, reason="no answer")
        stated = None if np.isnan(confidence) else float(confidence)
        return Reading(Status.OK, self.test.labels[code], stated)

    def _result(self, name: str, reading: Reading) -> AskResult:
        return AskResult(name, "1", "", reading, CALLED, 0.0, datetime.now(UTC), 0.0)

    async def _carried_out(self, rules: FundingRules, model: ActiveSelector | None) -> float:
        test, task, self.spent = self.test, self._task(), 0.0
        prices = dict(zip(test.services, map(float, test.prices), strict=True))
        place = {name: n for n, name in enumerate(test.items)}
        services = {name: _Named(name) for name in test.services}

        async def ask(name: str, question: Question) -> AskResult:
            if self.spent + prices[name] > self.usd + 1e-9:
                reading = Reading(Status.OVER_BUDGET, reason="over budget")
                now = datetime.now(UTC)
                return AskResult(name, "1", "", reading, NOT_CALLED, 0.0, now, 0.0)
            self.spent += prices[name]
            k = test.services.index(name)
            return self._result(name, self._reading(place[question.item.item_id], k))

        funding = Funding(
            rules,
            services,  # type: ignore[arg-type]
            lambda: self.usd - self.spent,
            lambda name, question: prices[name],
        )
        choice = Choice(model=ProcessingModel.PARALLEL, services=test.services)
        points = {} if model is None else _points(model, test, prices, self.usd)
        done: dict[str, PlanResult] = {}
        waiting = set(test.items)
        while waiting:
            for item_id in test.items:
                if item_id in waiting:
                    plan = _plan(item_id, test.services, None if model is None else "v")
                    question = Question(task, Item(item_id, item_id, item_id, item_id))
                    asking = funding.asking(plan, ask)
                    done[item_id] = await _execution(choice, points.get(item_id), question, asking)
            waiting = funding.next_round()
        if model is None:
            answers = self._resolved(done, rules.calibrations.get(_TASK))
        else:
            answers = {item_id: _answer(one, task, item_id) for item_id, one in done.items()}
        right = [
            answers[item_id] == test.labels[test.gold[n]] for n, item_id in enumerate(test.items)
        ]
        return float(np.mean(right))

    def _resolved(
        self, done: Mapping[str, PlanResult], calibration: LabelModel | None
    ) -> dict[str, Any]:
        """The answers that stand when all are in, as a batch is resolved."""
        readings = {
            (item_id, _TASK): tuple((told.service, told.reading) for told in one.answered)
            for item_id, one in done.items()
        }
        task, names = self._task(), self.test.services
        promoted = None if calibration is None else PromotedCalibration(calibration, "v")
        weighed, _ = weigh(task, readings, dict.fromkeys(names, "1"), promoted, _LEARN_FROM)
        plans = [_plan(item_id, names, None) for item_id in done]
        resolved = resolve_plans(plans, readings, {_TASK: task}, weighed=weighed)
        return {row.item_id: row.answer for row in resolved}


@dataclass(frozen=True)
class _Named:
    """As much of a service as the key of a refused question is made of."""

    name: str
    version: str = "1"
    fingerprint: str = ""
    reads: frozenset[str] = frozenset()


def _points(
    model: ActiveSelector, test: RecordedAnswers, prices: Mapping[str, float], usd: float
) -> dict[str, ChosenPoint]:
    """The operating point of each item, as selection chooses it for this budget."""
    learned = Learned(services=test.services, aim="accuracy", explore=0.0)
    now = CurrentPrices({name: Price(1.0, price) for name, price in prices.items()})
    chosen = choose_points(
        {_TASK: (model, learned)}, {_TASK: LearnedItems(test.n_items)}, now, usd, None
    )[_TASK]
    return {
        item: chosen.of_share(better=is_sampled(f"{_TASK} better", item, chosen.better_share))
        for item in test.items
    }


async def _execution(
    choice: Choice, point: ChosenPoint | None, question: Question, ask: Ask
) -> PlanResult:
    if point is None:
        return await execute(choice, question, ask, {})
    return await run_learned(point.model.selector, point.point, question, ask)


def _answer(done: PlanResult, task: Task, item_id: str) -> Any:
    """The answer of the last decision: what was learned decides by itself."""
    last = done.decisions[-1].answer
    question = Question(task, Item(item_id, item_id, item_id, ""))
    return lead(done.answered, question).answer if last is None else last


def _plan(item_id: str, services: tuple[str, ...], artefact: str | None) -> PlanRow:
    return PlanRow(
        batch="b",
        item_id=item_id,
        content_hash=item_id,
        path=item_id,
        task=_TASK,
        kind=AnswerKind.LABEL,
        model=ProcessingModel.PARALLEL,
        option="default",
        services=services,
        artefact=artefact,
        stop_at=None,
        strategy="default",
        rule=None,
        inputs=(),
        reason="",
        calls_min=1,
        calls_max=len(services),
        expected_ms=0.0,
        cost_usd_max=0.0,
        rejected=(),
        policy_hash="",
    )


def solver_curve(recorded: RecordedAnswers, test: RecordedAnswers) -> tuple[Floats, Floats]:
    """Prices (USD an item) and accuracies that the solver reaches on ``test``, the upper hull.

    Backward induction over the sets of services asked, in cells of their answers (which are
    alike) and confidences in quarters; values are means over all items of the set.
    """
    subsets = [
        subset
        for size in range(recorded.n_services + 1)
        for subset in combinations(range(recorded.n_services), size)
    ]
    bins = _confidence_bins(recorded)
    cells = {subset: _cells(recorded, bins, subset) for subset in subsets}
    stops = {subset: _stop_values(recorded, cells[subset], subset) for subset in subsets}
    prices = recorded.prices
    rows = _rows_of(recorded, test)
    points = [(0.0, 0.0)]
    top = 2.0 / max(float(prices[prices > 0.0].min()), 1e-12)
    for rate in [0.0, *np.geomspace(top * 1e-5, top, _RATES)]:
        usd, right = _policy(subsets, cells, stops, prices, float(rate))
        points.append((float(usd[rows].mean()), float(right[rows].mean())))
    return _hull(points)


def _policy(
    subsets: Sequence[tuple[int, ...]],
    cells: Mapping[tuple[int, ...], Ints],
    stops: Mapping[tuple[int, ...], tuple[Floats, Floats]],
    prices: Floats,
    rate: float,
) -> tuple[Floats, Floats]:
    """(n,) USD and (n,) whether the answer is right, where a dollar is worth ``rate``."""
    value: dict[tuple[int, ...], Floats] = {}
    usd: dict[tuple[int, ...], Floats] = {}
    right: dict[tuple[int, ...], Floats] = {}
    for subset in reversed(subsets):
        best, outcome = stops[subset]
        best, spent, outcome = best.copy(), np.zeros_like(best), outcome.copy()
        for k in range(len(prices)):
            if k in subset:
                continue
            after = tuple(sorted((*subset, k)))
            later = value[after] - rate * prices[k]
            expected = _means(later, cells[subset])
            better = expected > best + 1e-12
            best = np.where(better, expected, best)
            spent = np.where(better, usd[after] + prices[k], spent)
            outcome = np.where(better, right[after], outcome)
        value[subset], usd[subset], right[subset] = best, spent, outcome
    return usd[()], right[()]


def _means(values: Floats, cell: Ints) -> Floats:
    sums, counts = np.bincount(cell, values), np.bincount(cell)
    means: Floats = (sums / np.maximum(counts, 1))[cell]
    return means


def _confidence_bins(recorded: RecordedAnswers) -> Ints:
    bins = np.zeros(recorded.answers.shape, dtype=np.int64)
    for k in range(recorded.n_services):
        stated = np.nan_to_num(recorded.confidences[:, k], nan=-1.0)
        edges = np.unique(np.quantile(stated, np.linspace(0.0, 1.0, _BINS + 1)[1:-1]))
        bins[:, k] = np.searchsorted(edges, stated, side="right")
    return bins


def _cells(recorded: RecordedAnswers, bins: Ints, subset: tuple[int, ...]) -> Ints:
    """(n,) the cell of each item: which answers are alike, and all confidences in bins."""
    codes = np.zeros(recorded.n_items, dtype=np.int64)
    for place, k in enumerate(subset):
        first = np.full(recorded.n_items, place)
        for earlier in range(place - 1, -1, -1):
            alike = recorded.answers[:, k] == recorded.answers[:, subset[earlier]]
            first = np.where(alike, earlier, first)
        missing = (recorded.answers[:, k] == MISSING).astype(np.int64)
        codes = ((codes * recorded.n_services + first) * _BINS + bins[:, k]) * 2 + missing
    found: Ints = np.unique(codes, return_inverse=True)[1]
    return found


def _stop_values(
    recorded: RecordedAnswers, cell: Ints, subset: tuple[int, ...]
) -> tuple[Floats, Floats]:
    """(n,) the share right of the best answer of each cell, and (n,) whether it is right."""
    best, outcome = np.zeros(recorded.n_items), np.zeros(recorded.n_items)
    for k in subset:
        right = recorded.scores[:, k].astype(np.float64)
        share = _means(right, cell)
        outcome = np.where(share > best, right, outcome)
        best = np.maximum(best, share)
    return best, outcome


def _rows_of(recorded: RecordedAnswers, test: RecordedAnswers) -> Ints:
    place = {item: n for n, item in enumerate(recorded.items)}
    return np.array([place[item] for item in test.items])


def _hull(points: Sequence[tuple[float, float]]) -> tuple[Floats, Floats]:
    """The upper concave hull of (price, accuracy), which mixtures of two policies reach."""
    hull: list[tuple[float, float]] = []
    for point in sorted(points):
        while len(hull) > 1 and _turns_left(hull[-2], hull[-1], point):
            hull.pop()
        hull.append(point)
    prices, accuracies = np.array(hull).T
    return prices, np.maximum.accumulate(accuracies)


def _turns_left(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> bool:
    return (b[0] - a[0]) * (c[1] - a[1]) >= (b[1] - a[1]) * (c[0] - a[0])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
