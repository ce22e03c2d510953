"""The models of alerts in the policy file: what is to be told, and when."""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field, model_validator

from orchestration_assets.schemas.services import Name
from orchestration_assets.schemas.services import Strict as _Strict
from orchestration_assets.schemas.signals import (
    LEFT_OPEN,
    OF_SERVICES,
    OF_TASKS,
    WAITING,
    Signal,
)

MAX_BATCHES: Final = 100
_MAX_HOURS: Final = 24.0 * 400
_Hours = Annotated[float, Field(gt=0.0, le=_MAX_HOURS)]
_Runbook = Annotated[str, Field(min_length=1, max_length=500)]


class Severity(StrEnum):
    """How soon somebody should look: at once, within the day, or when there is time."""

    PAGE = "page"
    TICKET = "ticket"
    NOTE = "note"


class AlertRule(_Strict):
    """A signal that is told of while it lies on the wrong side of a threshold."""

    name: Name = Field(description="name of the alert; each has its own")
    signal: Signal = Field(description="what is looked at")
    service: Name | None = Field(default=None, description="of one service; without it, of all")
    task: Name | None = Field(default=None, description="of one task; without it, of all")
    tier: Name | None = Field(
        default=None, description="of one tier of the cache: memory, lmdb, redis, durable, answers"
    )
    above: float | None = Field(default=None, description="it is told of above this value")
    below: float | None = Field(default=None, description="it is told of below this value")
    batches: Annotated[int, Field(ge=1, le=MAX_BATCHES)] = Field(
        default=1, description="so many of the newest batches in a row must lie there"
    )
    window_h: _Hours | None = Field(
        default=None,
        description="hours: over all batches of this time together, rather than batch by batch",
    )
    least: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        default=1,
        description="a value that rests on fewer attempts, lookups, questions or verdicts says "
        "nothing, and is passed over",
    )
    severity: Severity = Field(default=Severity.TICKET, description="how soon to look")
    runbook: _Runbook | None = Field(
        default=None, description="what to do about it; each signal has a line of its own"
    )

    @model_validator(mode="after")
    def _can_be_evaluated(self) -> "AlertRule":
        if (self.above is None) == (self.below is None):
            raise ValueError("give one of above and below")
        if self.window_h is not None and self.batches > 1:
            raise ValueError("give batches or window_h: a window is one value, not several")
        if self.signal in WAITING | LEFT_OPEN and (self.window_h is not None or self.batches > 1):
            raise ValueError(
                f"{self.signal.value} is what waits now: leave out batches and window_h"
            )
        for given, name, has in (
            (self.service, "service", self.signal in OF_SERVICES),
            (self.task, "task", self.signal in OF_TASKS),
            (self.tier, "tier", self.signal is Signal.CACHE_HIT_RATE),
        ):
            if given is not None and not has:
                raise ValueError(f"{self.signal.value} is not measured by {name}: leave it out")
        if self.service is not None and self.task is not None:
            raise ValueError("give service or task: nothing is measured by both")
        if self.signal is Signal.CACHE_HIT_RATE and self.tier is None:
            raise ValueError("cache_hit_rate is measured by tier: give one, such as answers")
        return self


class BurnWindow(_Strict):
    """A speed of spending that is told of: so many times what the budget allows."""

    factor: Annotated[float, Field(gt=0.0, le=10_000.0)] = Field(
        description="times the speed at which the budget lasts just for its period"
    )
    window_h: _Hours = Field(
        description="hours over which it is held; the last twelfth of them must be as fast"
    )


class BudgetAlert(_Strict):
    """Spending that would use up a budget before its time (burn rate over two windows)."""

    name: Name = Field(description="name of the alert; each has its own")
    usd: Annotated[float, Field(gt=0.0, le=1e9)] = Field(description="the budget, in US dollars")
    period_h: _Hours = Field(default=720.0, description="hours that it is for: 720 are 30 days")
    service: Name | None = Field(default=None, description="of one service; without it, of all")
    fast: BurnWindow | None = Field(
        default=BurnWindow(factor=14.4, window_h=1.0),
        description="a sudden burst; null: not looked at. As it stands, 2 % of 30 days in an hour",
    )
    slow: BurnWindow | None = Field(
        default=BurnWindow(factor=3.0, window_h=24.0),
        description="a steady excess; null: not looked at. As it stands, 10 % of 30 days in a day",
    )
    severity: Severity = Field(default=Severity.PAGE, description="how soon to look")
    runbook: _Runbook | None = Field(default=None, description="what to do about it")

    @model_validator(mode="after")
    def _looks_at_something(self) -> "BudgetAlert":
        if self.fast is None and self.slow is None:
            raise ValueError("give fast or slow: without both nothing is looked at")
        for window in (self.fast, self.slow):
            if window is not None and window.window_h > self.period_h:
                raise ValueError("window_h is longer than period_h: give a shorter window")
        return self
