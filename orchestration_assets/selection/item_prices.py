"""What a call costs on each item: as earlier calls cost, by the tokens of what they were about."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from orchestration_assets.evidence.item_inputs import ItemInputs
from orchestration_assets.evidence.recorded_answers import Floats

_LEAST_OF_LEAST: Final = 0.5
_NOTHING: Final = 1e-6  # of the mean price, a standard deviation of tokens further


@dataclass(frozen=True)
class ItemPrices:
    """Prices of calls to ``K`` services as straight lines over the estimated tokens of an item.

    ``mean_tokens`` of an item cost ``mean`` (K,), each token more ``slopes`` (K,) more, and no call
    less than ``least`` (K,); all in US dollars.
    """

    mean_tokens: float
    mean: Floats
    slopes: Floats
    least: Floats

    def __call__(self, tokens: Floats) -> Floats:
        """(n, K) USD of a call on items of ``tokens`` (n,); of NaN, what calls cost on average."""
        more = np.nan_to_num(tokens - self.mean_tokens)[:, None] * self.slopes
        prices: Floats = np.maximum(self.mean + more, self.least)
        return prices


def item_tokens(inputs: ItemInputs) -> Floats:
    """(n,) estimated tokens of each item; NaN where they are not known."""
    tokens: Floats = inputs.numbers(("token_estimate",))[:, 0]
    return tokens


def fit_item_prices(costs: Floats, tokens: Floats, weights: Floats) -> ItemPrices:
    """Least-squares lines through the ``costs`` (n, K) of calls on items of ``tokens`` (n,).

    Each item counts by its weight (n,); one of unknown tokens (NaN) tells of the mean alone. More
    tokens never cost less, and where they tell nothing the line is level.
    """
    known = np.isfinite(tokens) & (weights > 0.0)
    mean: Floats = np.average(costs, axis=0, weights=weights)
    level = np.zeros_like(mean)
    if not known.any():
        return ItemPrices(0.0, mean, level, level)
    mean_tokens = float(np.average(tokens[known], weights=weights[known]))
    apart = weights[known] * (tokens[known] - mean_tokens)
    spread = float(apart @ (tokens[known] - mean_tokens))
    slopes = np.maximum(apart @ (costs[known] - mean), 0.0) / max(spread, 1e-12)
    deviation = np.sqrt(spread / weights[known].sum())
    slopes = np.where(slopes * deviation > _NOTHING * mean, slopes, 0.0)
    return ItemPrices(mean_tokens, mean, slopes, _LEAST_OF_LEAST * costs.min(axis=0))


def pack_item_prices(prices: ItemPrices) -> dict[str, Any]:
    """Facts that JSON can hold; :func:`unpack_item_prices` turns them back."""
    return {
        "mean_tokens": prices.mean_tokens,
        "mean": prices.mean.tolist(),
        "slopes": prices.slopes.tolist(),
        "least": prices.least.tolist(),
    }


def unpack_item_prices(facts: Mapping[str, Any]) -> ItemPrices:
    """What :func:`pack_item_prices` stored."""
    mean, slopes, least = (np.array(facts[name]) for name in ("mean", "slopes", "least"))
    return ItemPrices(facts["mean_tokens"], mean, slopes, least)
