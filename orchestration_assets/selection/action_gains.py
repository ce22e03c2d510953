"""How far expected gains may differ between actions and items, beyond what was expected before.

What was expected before any call is joined with what was learned from answers; where the latter is
noise, it may set neither actions nor items apart.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np

from orchestration_assets.evidence.recorded_answers import Bools, Floats

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


def slopes_on(plain: Floats, gains: Floats) -> Floats:
    """(actions,) least-squares slopes in [0, 1] of the gains (n, actions) on the plain ones."""
    centred = plain - plain.mean(axis=0)
    spread = (centred**2).sum(axis=0)
    slopes = (centred * gains).sum(axis=0) / np.maximum(spread, 1e-12)
    return np.where(spread > 1e-12, np.clip(slopes, 0.0, 1.0), 0.0)


def gain_models_of(
    slopes: Floats, plain: Floats, corrections: Floats, able: Bools
) -> Iterator[ActionGains]:
    """What was expected before any call; then what was learned, from no difference between items
    in what sets the actions apart to all of it.

    The largest of several noisy estimates is too large: where what is known of an item does not
    tell which action is better for it, differences only mislead.
    """
    never = np.where(able, 0.0, -np.inf)
    if not able.any():
        yield ActionGains(slopes, 0.0, 0.0, 0.0, never)
        return
    yield ActionGains(np.ones_like(slopes), 1.0, 0.0, 0.0, never)
    of_plain, of_corrections = _apart(slopes * plain, able), _apart(corrections, able)
    for part, other in product(_PARTS, _PARTS):
        left_out = (1.0 - part) * of_plain + (1.0 - other) * of_corrections
        yield ActionGains(slopes, part, other, 1.0, left_out.mean(axis=0) + never)


def _apart(gains: Floats, able: Bools) -> Floats:
    """(n, actions) by how much each action exceeds the mean of those that are able to be taken."""
    apart: Floats = gains - gains[:, able].mean(axis=1, keepdims=True)
    return apart
