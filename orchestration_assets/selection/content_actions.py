"""What can be asked next about an item, what that costs, and which of it is worth it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from orchestration_assets.evidence.belief import Subset
from orchestration_assets.evidence.recorded_answers import Bools, Floats, Ints, RecordedAnswers


def possible_actions(
    candidates: Subset, subset: Subset, most_asked: int, times: Floats
) -> list[Subset]:
    """Each candidate not asked yet; where time has a price, also several at once."""
    left = [service for service in candidates if service not in subset]
    most = min(most_asked - len(subset), len(left)) if times.any() else 1
    return [action for size in range(1, most + 1) for action in combinations(left, size)]


def action_prices(actions: Sequence[Subset], prices: Floats, times: Floats) -> Floats:
    """(n, actions) the sum of the prices (n, K) and the longest of the times (K,) of each."""
    return np.stack(
        [prices[:, list(action)].sum(axis=1) + times[list(action)].max() for action in actions],
        axis=1,
    )


def action_members(actions: Sequence[Subset], n_services: int) -> Bools:
    """(actions, K) the services of each action."""
    members = np.zeros((len(actions), n_services), dtype=np.bool_)
    for number, action in enumerate(actions):
        members[number, list(action)] = True
    return members


def asked_of(subset: Subset, recorded: RecordedAnswers) -> Bools:
    """(n, K) the same services asked of every item."""
    asked = np.zeros(recorded.answers.shape, dtype=np.bool_)
    asked[:, list(subset)] = True
    return asked


def union(subset: Subset, action: Subset) -> Subset:
    """The services asked after an action, in order."""
    return tuple(sorted((*subset, *action)))


def best_of(net: Floats) -> tuple[Ints, Floats]:
    """(n,) the position of the highest of the net gains (actions, n), the first of equals, and that
    gain. For few actions and many items, faster than numpy's own."""
    best, position = net[0], np.zeros(net.shape[1], dtype=np.int64)
    for action in range(1, len(net)):
        position = np.where(net[action] > best, action, position)
        best = np.maximum(best, net[action])
    return position, best


@dataclass(frozen=True)
class StepChoice:
    """(n,) each: position of the best action, its gain and price in score, whether it is taken."""

    action: Ints
    gain: Floats
    price: Floats
    goes_on: Bools


def choose(gains: Floats, prices: Floats, nothing_asked: bool) -> StepChoice:
    """The action of the highest net gain; while nothing was asked, one is taken in any case."""
    net = gains - prices
    best = net.argmax(axis=1)
    rows = np.arange(len(best))
    return StepChoice(
        best, gains[rows, best], prices[rows, best], (net[rows, best] > 0.0) | nothing_asked
    )
