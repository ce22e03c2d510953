"""How fast a budget is spent, over a long and a short window (Beyer et al. 2018, The Site
Reliability Workbook, 5: multiwindow, multi-burn-rate alerts).

The long window says that it matters, the short one that it still goes on: so an alert begins soon,
and ends soon after the spending does.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.schemas.alert_config import BudgetAlert, BurnWindow
from orchestration_assets.signals.words import dollars
from resources.home import Home

SPENDING_COLUMNS: Final = ("at", "service", "usd")
_SHORT: Final = 12
"""The short window is so small a part of the long one."""
_US_PER_S: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Spending:
    """What was spent since the earliest moment that any budget looks at: the columns
    ``SPENDING_COLUMNS`` of the ledger."""

    rows: pa.Table

    def usd(self, since: datetime, service: str | None) -> float:
        """What was spent from a moment on."""
        rows = self.rows
        own = pc.greater_equal(rows["at"], int(since.timestamp() * _US_PER_S))
        if service is not None:
            own = pc.and_(own, pc.equal(rows["service"], service))
        return float(pc.sum(rows.filter(own)["usd"]).as_py() or 0.0)


_TYPES: Final = (("at", pa.int64()), ("service", pa.string()), ("usd", pa.float64()))
NOTHING: Final = Spending(pa.schema(list(_TYPES)).empty_table())


def read_spending(home: Home, budgets: Iterable[BudgetAlert]) -> Spending:
    """The spending that budgets look at; nothing is read where there is no budget."""
    if not tuple(budgets) or not home.spending.folder.exists():
        return NOTHING
    return Spending(home.spending.rows(SPENDING_COLUMNS))


@dataclass(frozen=True, slots=True)
class Burn:
    """How fast a budget is spent, as a multiple of the speed at which it lasts for its period,
    over the window that is furthest beyond its ``threshold``."""

    too_fast: bool
    factor: float
    threshold: float
    words: str


def burn(budget: BudgetAlert, spending: Spending, now: datetime) -> Burn:
    """The speed over each window of the budget; the one that is too fast counts first."""
    moment = now.astimezone(UTC)
    found = [
        _over(budget, window, name, spending, moment)
        for name, window in (("fast", budget.fast), ("slow", budget.slow))
        if window is not None
    ]
    return max(found, key=lambda one: (one.too_fast, one.factor / one.threshold))


def _over(
    budget: BudgetAlert, window: BurnWindow, name: str, spending: Spending, now: datetime
) -> Burn:
    long_h, short_h = window.window_h, window.window_h / _SHORT
    spent, lately = (
        spending.usd(now - timedelta(hours=hours), budget.service) for hours in (long_h, short_h)
    )
    even = budget.usd / budget.period_h
    factor, short = spent / (even * long_h), lately / (even * short_h)
    words = (
        f"{dollars(spent)} spent{f' on {budget.service}' if budget.service else ''} in "
        f"{long_h:g} hours, {factor:.3g} times the speed at which {dollars(budget.usd)} last "
        f"{budget.period_h:g} hours, and {short:.3g} times in the last {short_h * 60:.3g} minutes; "
        f"the {name} limit is {window.factor:g}"
    )
    too_fast = min(factor, short) > window.factor
    return Burn(too_fast, factor, window.factor, words)
