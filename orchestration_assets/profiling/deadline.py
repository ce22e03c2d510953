"""The clock of one item's profile: what each stage may take, and when the rest must be left out.

Only the clock and the budgets belong here. The clock is a brake for the unforeseen: every step
bounds its own input by what a KiB of it costs, so ordinary items come nowhere near their budgets
and equal items get equal profiles on every machine. Where the clock did cut, the profile says so.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Final


class Stage(StrEnum):
    """The stages of a profile, in their order."""

    PREPROCESS = "preprocess"
    FEATURES = "features"
    COMPLEXITY = "complexity"
    AGGREGATION = "aggregation"


BUDGET_MS: Final[dict[Stage, float]] = {
    Stage.PREPROCESS: 5.0,
    Stage.FEATURES: 30.0,
    Stage.COMPLEXITY: 10.0,
    Stage.AGGREGATION: 5.0,
}
"""What each stage may take, in milliseconds; what one leaves over, those after it may take."""

HARD_LIMIT_MS: Final = 50.0
"""What an item may take, in milliseconds."""


class Deadline:
    """Measures the stages of one item. ``clock`` returns seconds and never goes back.

    A stage has to be over when its budget and those of the stages before it are used up: a slow
    machine then has as much time for the last stages as it did not need for the first.
    ``ran_out`` is whether that was found to be so, so that something was left out.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._start = clock()
        self._stage_start_ms = 0.0
        self._end_ms = 0.0
        self.ran_out = False
        self.elapsed_ms: dict[Stage, float] = dict.fromkeys(Stage, 0.0)

    @contextmanager
    def stage(self, stage: Stage) -> Iterator[None]:
        """Times one stage, in ``elapsed_ms``, and makes its end the current one."""
        self._stage_start_ms = self._now_ms()
        self._end_ms += BUDGET_MS[stage]
        try:
            yield
        finally:
            self.elapsed_ms[stage] = self._now_ms() - self._stage_start_ms

    def passed(self, share: float = 1.0) -> bool:
        """Whether ``share`` of the time that the current stage had when it began is used up, or the
        item's hard limit."""
        now = self._now_ms()
        left = max(min(self._end_ms, HARD_LIMIT_MS) - self._stage_start_ms, 0.0)
        out = now - self._stage_start_ms >= left * share
        self.ran_out = self.ran_out or out
        return out

    def _now_ms(self) -> float:
        return (self._clock() - self._start) * 1000
