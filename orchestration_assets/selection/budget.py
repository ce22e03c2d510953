"""Allocation of a budget over a batch: one exchange rate for all tasks (Everett 1963)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

_RATES = 40


@dataclass(frozen=True, slots=True)
class Offer:
    """An operating point as the budget sees it: accuracy in [0, 1], USD and ms, an item."""

    accuracy: float
    usd: float
    ms: float


def allocate_budget(
    offers: Mapping[str, Sequence[Offer]],
    counts: Mapping[str, int],
    usd: float | None,
    ms: float | None,
) -> dict[str, int] | None:
    """The offer of each task by position: the most correct answers within both limits.

    Lagrangian relaxation: for each pair of exchange rates of a dollar and a millisecond every task
    takes the offer of the highest net value, and the best pair within the limits is taken. The
    remainder is spent on the single changes that gain most. Without limits every task takes its
    most accurate offer. None when even the cheapest offers break a limit.
    """
    best: tuple[float, float, float] | None = None
    allocation: dict[str, int] | None = None
    every = [offer for task_offers in offers.values() for offer in task_offers]
    for usd_rate in _exchange_rates([offer.usd for offer in every], usd):
        for ms_rate in _exchange_rates([offer.ms for offer in every], ms):
            chosen = {task: _best_offer(some, usd_rate, ms_rate) for task, some in offers.items()}
            correct, spent, duration = _totals(offers, counts, chosen)
            if (usd is not None and spent > usd) or (ms is not None and duration > ms):
                continue
            score = (correct, -spent, -duration)
            if best is None or score > best:
                best, allocation = score, chosen
    return None if allocation is None else _spend_remainder(offers, counts, allocation, usd, ms)


@dataclass(frozen=True, slots=True)
class Step:
    """A better offer for a ``share`` of the items of one task, in [0, 1]."""

    task: str
    position: int
    share: float


def fractional_step(
    offers: Mapping[str, Sequence[Offer]],
    counts: Mapping[str, int],
    chosen: Mapping[str, int],
    usd: float | None,
    ms: float | None,
) -> Step | None:
    """What the rest of the limits buys: the step of one task that gains most, for some items.

    A linear programme with one limit has a solution in which at most one task is divided.
    """
    _, spent, duration = _totals(offers, counts, chosen)
    best: tuple[float, Step] | None = None
    for task, at in chosen.items():
        for position, offer in enumerate(offers[task]):
            before, count = offers[task][at], counts[task]
            shares = [
                (limit - used) / (count * step)
                for limit, used, step in (
                    (usd, spent, offer.usd - before.usd),
                    (ms, duration, offer.ms - before.ms),
                )
                if limit is not None and count and step > 0.0
            ]
            share = min([1.0, *shares])
            gain = count * share * (offer.accuracy - before.accuracy)
            if gain > 1e-12 and (best is None or gain > best[0]):
                best = gain, Step(task, position, share)
    return None if best is None else best[1]


def _spend_remainder(
    offers: Mapping[str, Sequence[Offer]],
    counts: Mapping[str, int],
    chosen: Mapping[str, int],
    usd: float | None,
    ms: float | None,
) -> dict[str, int]:
    """The allocation with the rest of the limits spent, one task's better offer at a time."""
    allocation = dict(chosen)
    while True:
        correct, _, _ = _totals(offers, counts, allocation)
        improved = None
        for task, task_offers in offers.items():
            for position in range(len(task_offers)):
                changed = allocation | {task: position}
                gain, spent, duration = _totals(offers, counts, changed)
                fits = (usd is None or spent <= usd) and (ms is None or duration <= ms)
                if fits and gain > correct + 1e-12:
                    correct, improved = gain, changed
        if improved is None:
            return allocation
        allocation = improved


def _exchange_rates(prices: Sequence[float], limit: float | None) -> list[float]:
    """Accuracy that a unit is worth, from 0 to where no offer is worth its price."""
    dearest = max(prices, default=0.0)
    if limit is None or dearest <= 0.0:
        return [0.0]
    cheapest_step = 1e-4 / dearest
    return [0.0, *np.geomspace(cheapest_step, 1e4 / dearest, _RATES).tolist()]


def _best_offer(offers: Sequence[Offer], usd_rate: float, ms_rate: float) -> int:
    def value(position: int) -> tuple[float, float, float]:
        offer = offers[position]
        return offer.accuracy - usd_rate * offer.usd - ms_rate * offer.ms, -offer.usd, -offer.ms

    return max(range(len(offers)), key=value)


def _totals(
    offers: Mapping[str, Sequence[Offer]], counts: Mapping[str, int], chosen: Mapping[str, int]
) -> tuple[float, float, float]:
    taken = [(counts[task], offers[task][position]) for task, position in chosen.items()]
    return (
        sum(count * offer.accuracy for count, offer in taken),
        sum(count * offer.usd for count, offer in taken),
        sum(count * offer.ms for count, offer in taken),
    )
