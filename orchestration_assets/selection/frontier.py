"""Cost and accuracy of policies on recorded answers, on outcomes that none was fitted to."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from orchestration_assets.evidence.recorded_answers import (
    Bools,
    Floats,
    RecordedAnswers,
    random_halves,
)
from orchestration_assets.evidence.verdict_weights import VerdictWeights
from orchestration_assets.evidence.weighted_estimates import (
    Estimate,
    difference_estimate,
    share_estimate,
    weighted_mean,
)
from orchestration_assets.schemas.selection import FrontierRow
from orchestration_assets.selection.baselines import fit_cascade
from orchestration_assets.selection.frugal import fit_frugal
from orchestration_assets.selection.known_items import KnownItems, fit_expectations
from orchestration_assets.selection.learner import fit_selector, single_service
from orchestration_assets.selection.policy_outcomes import (
    PolicyOutcome,
    best_single,
    call_costs,
    exchange_rates,
    majority_vote,
    outcome_of_answers,
)

if TYPE_CHECKING:
    import pandas as pd

_SEED = 1
_RATES = 20
_LABELS: Final = (100, 300, 500, 1_000, 2_000, 5_000, 10_000)
_FEWEST = 20


def frontier_rows(
    task: str, recorded: RecordedAnswers, items: KnownItems | None = None
) -> Iterator[FrontierRow]:
    """Every policy on one half of the complete items, fitted on the other half.

    ``items`` (n) are what was known of them before any call, for what is learned.
    """
    if recorded.n_items < 2 * _FEWEST:
        return
    inside, outside = random_halves(recorded.n_items, _SEED)
    train, test = recorded.take(inside), recorded.take(outside)
    yield from _fixed_policy_rows(task, train, test)
    rates = exchange_rates(_prices(train), _RATES)
    described, new = (None if items is None else items.take(rows) for rows in (inside, outside))
    known, ahead = _expected(train, described, new)
    learned = fit_selector(train, _prices(train), _RATES, _SEED, expected=known)
    curves: dict[str, Sequence[PolicyOutcome]] = {
        "cascade on confidence": [one.run(test) for one in fit_cascade(train, rates)],
        "add-on class": [one.run(test) for one in fit_frugal(train, rates)],
        "learned": learned.run(test, ahead),
    }
    for policy, outcomes in curves.items():
        for place, one in enumerate(_distinct_prices(outcomes, test)):
            yield _row(task, "frontier", policy, place, one, test, train.n_items, "")
    best = curves["learned"][learned.cheapest_rate(1.0)]
    yield from _label_count_rows(task, train, test, described, new)
    yield from _service_rows(task, train, test, best, known, ahead)


def _expected(
    train: RecordedAnswers, items: KnownItems | None, new: KnownItems | None
) -> tuple[Floats | None, Floats | None]:
    """(n, K) what is expected of the items of ``train``, each as one that was not seen, and of
    ``new`` ones before any call; None where too little is known of them."""
    fitted = fit_expectations(train, items)
    if fitted is None or new is None:
        return None, None
    return fitted.out_of_fold, fitted.of(new)


def _prices(recorded: RecordedAnswers) -> Floats:
    """(K,) the price of a call: in dollars where calls cost any, else in time, else in calls."""
    for prices in (recorded.prices, np.nan_to_num(recorded.milliseconds.mean(axis=0))):
        if prices.any():
            return prices
    return np.ones(recorded.n_services)


def _fixed_policy_rows(
    task: str, train: RecordedAnswers, test: RecordedAnswers
) -> Iterator[FrontierRow]:
    every = np.ones(test.answers.shape, dtype=np.bool_)
    for service, name in enumerate(test.services):
        words = "best alone on the other half" if service == best_single(train) else ""
        one = single_service(test, service)
        yield _row(task, "frontier", f"always {name}", 0, one, test, 0, words)
    chance = np.random.default_rng(_SEED).integers(0, test.n_services, test.n_items)
    one_each = np.zeros(test.answers.shape, dtype=np.bool_)
    one_each[np.arange(test.n_items), chance] = True
    right = test.scores[np.arange(test.n_items), chance]
    at_random = PolicyOutcome(one_each, right, call_costs(test, one_each), test.weights)
    yield _row(task, "frontier", "random", 0, at_random, test, 0, "")
    if test.correct is None:
        voted = outcome_of_answers(test, every, majority_vote(test))
        yield _row(task, "frontier", "majority", 0, voted, test, 0, "every service, one vote each")
    yield _row(task, "frontier", "oracle", 0, _oracle(test), test, 0, "the cheapest right service")


def _oracle(test: RecordedAnswers) -> PolicyOutcome:
    """The cheapest of the services that are most right."""
    best = test.scores.max(axis=1)
    chosen = np.where(test.scores == best[:, None], _prices(test), np.inf).argmin(axis=1)
    asked = np.zeros(test.answers.shape, dtype=np.bool_)
    asked[np.arange(test.n_items), chosen] = True
    cost = call_costs(test, asked)
    return PolicyOutcome(asked, best, cost, test.weights)


def _distinct_prices(
    outcomes: Sequence[PolicyOutcome], test: RecordedAnswers
) -> list[PolicyOutcome]:
    """The points of a curve from cheap to dear, each price once."""
    prices = _prices(test)
    found: dict[float, PolicyOutcome] = {}
    for one in outcomes:
        found.setdefault(round(float(one.ask_shares @ prices), 12), one)
    return [found[price] for price in sorted(found)]


def _label_count_rows(
    task: str,
    train: RecordedAnswers,
    test: RecordedAnswers,
    items: KnownItems | None,
    new: KnownItems | None,
) -> Iterator[FrontierRow]:
    """What is learned from fewer outcomes, its expectations too; ``items`` are what is known of
    those of ``train``, ``new`` of those of ``test``."""
    order = np.random.default_rng(_SEED).permutation(train.n_items)
    for labels in _LABELS:
        if labels < train.n_items:
            rows = np.sort(order[:labels])
            part = train.take(rows)
            known, ahead = _expected(part, None if items is None else items.take(rows), new)
            fitted = fit_selector(part, _prices(part), _RATES, _SEED, expected=known)
            one = fitted.run(test, ahead)[fitted.cheapest_rate(1.0)]
            yield _row(task, "labels", "learned", 0, one, test, labels, fitted.description)


def _service_rows(
    task: str,
    train: RecordedAnswers,
    test: RecordedAnswers,
    best: PolicyOutcome,
    known: Floats | None,
    ahead: Floats | None,
) -> Iterator[FrontierRow]:
    """The most accurate learned policy without each service: change of cost and accuracy.

    ``known`` and ``ahead`` are what is expected of the items of both halves before any call.
    """
    if train.n_services < 2:
        return
    for left_out, name in enumerate(train.services):
        kept = [k for k in range(train.n_services) if k != left_out]
        part = train.only(kept)
        expected, later = (None if one is None else one[:, kept] for one in (known, ahead))
        fitted = fit_selector(part, _prices(part), _RATES, _SEED, expected=expected)
        rest = test.only(kept)
        one = fitted.run(rest, later)[fitted.cheapest_rate(1.0)]
        change = accuracy_change(best, one)
        words = service_value(name, best, one, test, rest)
        row = _row(task, "service", name, 0, one, rest, train.n_items, words)
        yield replace(row, change=change.mean, change_low=change.low, change_high=change.high)


def accuracy_change(best: PolicyOutcome, other: PolicyOutcome) -> Estimate:
    """How much more often ``other`` is right than ``best`` on the same items, at least one."""
    change = difference_estimate(other.scores - best.scores, best.weights)
    assert change is not None
    return change


def service_value(
    name: str,
    best: PolicyOutcome,
    without: PolicyOutcome,
    test: RecordedAnswers,
    rest: RecordedAnswers,
) -> str:
    """The value of a service, such as "without it: cost -38 %, accuracy -0.3 points"."""
    before = float(best.ask_shares @ _prices(test))
    after = float(without.ask_shares @ _prices(rest))
    cost = f"{(after - before) / before:+.0%}" if before > 0.0 else "the same"
    return f"without {name}: cost {cost}, accuracy {accuracy_change(best, without).in_points}"


def rule_rows(
    task: str,
    plans: pa.Table,
    resolutions: pa.Table,
    gold: pa.Table,
    recorded: RecordedAnswers,
    weights: VerdictWeights,
) -> Iterator[FrontierRow]:
    """The accuracy of each rule's items, and its regret against the best single service on them.

    The regret counts complete items only, the accuracy all items of the rule with gold that
    ``weights`` count.
    """
    # an item may be decided otherwise in each batch, and hold something else
    keys = ["batch", "item_id", "task", "content_hash"]
    frame = plans.select([*keys, "option"]).to_pandas()
    answers = resolutions.select([*keys, "answer"]).to_pandas()
    truth = gold.select(["item_id", "task", "answer"]).to_pandas()
    rows = frame[frame["task"] == task].merge(answers, on=keys)
    rows = rows.merge(truth, on=["item_id", "task"], suffixes=("", "_gold"))
    rows = rows.drop_duplicates("item_id", keep="last")
    rows = rows[rows["content_hash"].isin(list(weights.weights))]
    position = {name: n for n, name in enumerate(recorded.items)}
    best = best_single(recorded) if recorded.n_items else 0
    for option, part in rows.groupby("option"):
        right = (part["answer"] == part["answer_gold"]).to_numpy(bool)
        counts = weights.of(part["content_hash"].tolist())
        yield _rule_row(task, str(option), right, counts, part, position, recorded, best)


def _rule_row(
    task: str,
    option: str,
    right: Bools,
    weights: Floats,
    part: "pd.DataFrame",
    position: dict[str, int],
    recorded: RecordedAnswers,
    best: int,
) -> FrontierRow:
    complete = part["content_hash"].isin(list(position)).to_numpy(bool)
    regret: Estimate | None = None
    words = "no complete items: regret is not answerable from the log"
    if complete.any():
        at = part["content_hash"][complete].map(position).to_numpy(int)
        solo_correct = recorded.scores[at, best]
        ahead = solo_correct.astype(np.float64) - right[complete]
        regret = difference_estimate(ahead, weights[complete])
        accuracy = f"{weighted_mean(solo_correct, weights[complete]):.1%}"
        words = f"{recorded.services[best]} alone: {accuracy} on {len(at)} of the same items"
    share = share_estimate(right, weights)
    assert share is not None
    return FrontierRow(
        task=task,
        view="rule",
        policy=option,
        place=0,
        items=len(right),
        labels=0,
        accuracy=share.mean,
        accuracy_low=share.low,
        accuracy_high=share.high,
        effective=share.effective,
        usd=0.0,
        ms=0.0,
        calls=0.0,
        regret=regret.mean if regret else None,
        change=None,
        change_low=regret.low if regret else None,
        change_high=regret.high if regret else None,
        words=words,
    )


def _row(
    task: str,
    view: str,
    policy: str,
    place: int,
    one: PolicyOutcome,
    test: RecordedAnswers,
    labels: int,
    words: str,
) -> FrontierRow:
    share = share_estimate(one.scores, one.weights)
    assert share is not None
    ms = np.where(one.asked, np.nan_to_num(test.milliseconds), 0.0).sum(axis=1)
    return FrontierRow(
        task=task,
        view=view,
        policy=policy,
        place=place,
        items=len(one.scores),
        labels=labels,
        accuracy=share.mean,
        accuracy_low=share.low,
        accuracy_high=share.high,
        effective=share.effective,
        usd=one.price,
        ms=float(test.mean(ms)),
        calls=float(one.ask_shares.sum()),
        regret=None,
        change=None,
        change_low=None,
        change_high=None,
        words=words,
    )
