"""A budget over a whole batch: one exchange rate for everybody spends it where it buys most."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

_RATES = 40


@dataclass(frozen=True, slots=True)
class Offer:
    """One way to process the ``count`` items of a task: what it shows and takes, an item."""

    accuracy: float
    usd: float
    ms: float


def solve_batch(
    offers: Mapping[str, Sequence[Offer]],
    counts: Mapping[str, int],
    usd: float | None,
    ms: float | None,
) -> dict[str, int] | None:
    """The offer of each task by position, so that the batch keeps both limits and is most right.

    Lagrangian relaxation: for each pair of prices of a dollar and a millisecond every task takes
    what is worth most, and of the pairs that keep the limits the best is taken. Without limits
    every task takes its most accurate offer. None when even the cheapest offers break a limit.
    """
    best: tuple[float, float, float] | None = None
    found: dict[str, int] | None = None
    for dollar in _rates([one.usd for many in offers.values() for one in many], usd):
        for second in _rates([one.ms for many in offers.values() for one in many], ms):
            taken = {task: _worth_most(many, dollar, second) for task, many in offers.items()}
            right, spent, took = _totals(offers, counts, taken)
            if (usd is not None and spent > usd) or (ms is not None and took > ms):
                continue
            score = (right, -spent, -took)
            if best is None or score > best:
                best, found = score, taken
    return found


def _rates(prices: Sequence[float], limit: float | None) -> list[float]:
    """Prices of a unit in accuracy, from nothing to where nothing is worth it."""
    dearest = max(prices, default=0.0)
    if limit is None or dearest <= 0.0:
        return [0.0]
    cheapest_step = 1e-4 / dearest
    return [0.0, *np.geomspace(cheapest_step, 1e4 / dearest, _RATES).tolist()]


def _worth_most(offers: Sequence[Offer], dollar: float, second: float) -> int:
    def worth(position: int) -> tuple[float, float, float]:
        one = offers[position]
        return one.accuracy - dollar * one.usd - second * one.ms, -one.usd, -one.ms

    return max(range(len(offers)), key=worth)


def _totals(
    offers: Mapping[str, Sequence[Offer]], counts: Mapping[str, int], taken: Mapping[str, int]
) -> tuple[float, float, float]:
    chosen = [(counts[task], offers[task][position]) for task, position in taken.items()]
    return (
        sum(count * one.accuracy for count, one in chosen),
        sum(count * one.usd for count, one in chosen),
        sum(count * one.ms for count, one in chosen),
    )
