"""How far expected gains may differ between actions and items, beyond what was expected before.

What was expected before any call is joined with what was learned from answers; where the latter is
noise, it may set neither actions nor items apart.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from orchestration_assets.evidence.recorded_answers import Floats, Ints

_PARTS: Final = (0.0, 0.5, 1.0)


@dataclass(frozen=True)
class ActionGains:
    """How plain gains and learned corrections make the expected gain of each action.

    ``slopes`` (actions,): the part of the plain gain that the expectation takes. What sets the
    actions apart counts with ``of_plain`` and ``of_corrections`` in [0, 1], about ``offset``
    (actions,), what sets them apart on average; an action whose offset is -inf is never taken. Of
    what they have in common, plain gains count in
    full, and corrections with ``of_level``.
    """

    slopes: Floats
    of_plain: float
    of_corrections: float
    of_level: float
    offset: Floats

    def __call__(self, plain: Floats, corrections: Floats) -> Floats:
        """(n, actions) expected gains of plain gains and corrections (n, actions)."""
        able = np.isfinite(self.offset)
        own = self.slopes[able] * plain[:, able]
        learned = corrections[:, able]
        if not able.any():
            return np.full(plain.shape, -np.inf)
        own_mean = own.mean(axis=1, keepdims=True)
        learned_mean = learned.mean(axis=1, keepdims=True)
        gains = np.full(plain.shape, -np.inf)
        gains[:, able] = (
            own_mean
            + self.of_level * learned_mean
            + self.of_plain * (own - own_mean)
            + self.of_corrections * (learned - learned_mean)
            + self.offset[able]
        )
        return gains

    def spread(self, positions: Ints, n_actions: int) -> "ActionGains":
        """The same for ``n_actions``, of which those at ``positions`` are these, and the others are
        never taken."""
        slopes, offset = np.zeros(n_actions), np.full(n_actions, -np.inf)
        slopes[positions], offset[positions] = self.slopes, self.offset
        return replace(self, slopes=slopes, offset=offset)


def never_taken(n_actions: int) -> ActionGains:
    """Where no action is ever taken."""
    return ActionGains(np.zeros(n_actions), 0.0, 0.0, 0.0, np.full(n_actions, -np.inf))


def slopes_on(plain: Floats, gains: Floats) -> Floats:
    """(actions,) least-squares slopes in [0, 1] of the gains (actions, n) on the plain ones."""
    centred = plain - plain.mean(axis=1, keepdims=True)
    spread = (centred**2).sum(axis=1)
    slopes = (centred * gains).sum(axis=1) / np.maximum(spread, 1e-12)
    return np.where(spread > 1e-12, np.clip(slopes, 0.0, 1.0), 0.0)


def gain_models_of(
    slopes: Floats, plain: Floats, corrections: Floats
) -> Iterator[tuple[ActionGains, Floats]]:
    """What was expected before any call; then what was learned, from no difference between items
    in what sets the actions apart to all of it: each with the gains (actions, n) that it expects,
    of plain ones and corrections (actions, n).

    The largest of several noisy estimates is too large: where what is known of an item does not
    tell which action is better for it, differences only mislead.
    """
    yield ActionGains(np.ones_like(slopes), 1.0, 0.0, 0.0, np.zeros_like(slopes)), plain
    own = slopes[:, None] * plain
    level = own.mean(axis=0) + corrections.mean(axis=0)
    own_apart, learned_apart = own - own.mean(axis=0), corrections - corrections.mean(axis=0)
    own_mean, learned_mean = own_apart.mean(axis=1), learned_apart.mean(axis=1)
    for part in _PARTS:
        with_own = level + part * own_apart
        for other in _PARTS:
            offset = (1.0 - part) * own_mean + (1.0 - other) * learned_mean
            gains = with_own + (other * learned_apart + offset[:, None])
            yield ActionGains(slopes, part, other, 1.0, offset), gains
