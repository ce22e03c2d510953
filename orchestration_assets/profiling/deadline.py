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
"""What each stage may take, in milliseconds."""

HARD_LIMIT_MS: Final = 50.0
"""What an item may take, in milliseconds."""


class Deadline:
    """Measures the stages of one item. ``clock`` returns seconds and never goes back.

    ``ran_out`` is whether a budget was found used up, so that something was left out.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._start = self._stage_start = clock()
        self._budget = 0.0
        self.ran_out = False
        self.elapsed_ms: dict[Stage, float] = dict.fromkeys(Stage, 0.0)

    @contextmanager
    def stage(self, stage: Stage) -> Iterator[None]:
        """Times one stage, in ``elapsed_ms``, and makes its budget the current one."""
        self._stage_start, self._budget = self._clock(), BUDGET_MS[stage]
        try:
            yield
        finally:
            self.elapsed_ms[stage] = (self._clock() - self._stage_start) * 1000

    def passed(self, share: float = 1.0) -> bool:
        """Whether ``share`` of the current stage's budget, or the item's hard limit, is used up."""
        now = self._clock()
        out = (now - self._stage_start) * 1000 >= self._budget * share or (
            now - self._start
        ) * 1000 >= HARD_LIMIT_MS
        self.ran_out = self.ran_out or out
        return out
