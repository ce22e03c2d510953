"""The signals as figures with names of their own, as the Dagster UI plots them."""

from collections.abc import Mapping

import pyarrow.compute as pc

from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.signals import Signal
from orchestration_assets.signals.batch_measures import BatchMeasures
from orchestration_assets.signals.history import SignalHistory
from orchestration_assets.signals.measures import ALL
from orchestration_assets.signals.windows import stocks


def batch_figures_of(measured: BatchMeasures) -> dict[str, float]:
    """The signals of one batch over all services and tasks, and the cache by tier."""
    figures: dict[str, float] = {}
    for one in measured.measures:
        if one.subject == ALL:
            figures[one.signal.value] = one.value
        elif one.signal is Signal.CACHE_HIT_RATE:
            figures[f"{one.signal.value}_{one.subject.tier}"] = one.value
    return figures


def newest_figures(history: SignalHistory) -> Mapping[str, float]:
    """The signals of the newest batch over all services and tasks, and what waits in the home.

    Accuracy is that of the newest batch of which any answer was judged.
    """
    if history.newest is None:
        return {}
    table = history.table
    over_all = table.filter(pc.and_(pc.equal(table["service"], ""), pc.equal(table["task"], "")))
    figures: dict[str, float] = {}
    newest = over_all.filter(pc.equal(over_all["batch"], history.newest))
    for signal, tier, value in values(newest, "signal", "tier", "value"):
        figures[f"{signal}_{tier}" if tier else signal] = value
    judged = over_all.filter(pc.equal(over_all["signal"], Signal.ACCURACY.value))
    figures |= dict(list(values(judged, "signal", "value"))[-1:])
    for one in stocks(table):
        figures[one.signal.value] = one.value
    return {name: figures[name] for name in sorted(figures)}
