"""What a selector saves: money or time, each with the prices of calls and of waiting."""

from dataclasses import dataclass

import numpy as np

from orchestration_assets.evidence.recorded_answers import Floats, RecordedAnswers


@dataclass(frozen=True)
class Currency:
    """``prices`` (K,) of a call, or (n, K) of one on each item, in the unit to be saved; ``times``
    (K,) what waiting for it costs in the same unit, None: nothing. Calls at once cost the longest
    of their times."""

    prices: Floats
    times: Floats | None = None

    def waiting(self, n_services: int) -> Floats:
        """(K,) what waiting for a call costs."""
        return np.zeros(n_services) if self.times is None else self.times

    def costs(self, n_services: int) -> Floats:
        """(K,) or (n, K) what a call by itself costs, waiting included."""
        return self.prices + self.waiting(n_services)

    def mean_prices(self, train: RecordedAnswers) -> Floats:
        """(K,) of a call, on average over the items."""
        mean: Floats = self.prices if self.prices.ndim == 1 else train.mean(self.prices)
        return mean
