"""The deadline of one item's profile: the time budget of each stage, and when steps are skipped.

Every step bounds its own input by what a KiB of it costs, so ordinary items stay far below their
budgets and equal items get equal profiles on every machine. The deadline is for the exceptions;
where it did skip a step, the profile says so.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Final, Self


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
"""The time of each stage, in milliseconds; what one leaves over is added to those after it."""

_NO_TIME: Final = dict.fromkeys(Stage, 0.0)

HARD_LIMIT_MS: Final = 50.0
"""The time of an item in all stages, in milliseconds."""


class Deadline:
    """Measures the stages of one item. ``clock`` returns seconds and never goes back.

    ``bound`` is a clock that is cheaper to read, and that ``clock`` never outruns: as long as not
    even it has reached the end of the time, ``clock`` is not read.

    A stage ends when its budget and those of the stages before it are used up. ``ran_out`` is
    whether a caller found that to be so, and skipped something.
    """

    def __init__(
        self, clock: Callable[[], float], bound: Callable[[], float] | None = None
    ) -> None:
        self._clock = clock
        self._bound = bound
        self._bound_read = 0.0
        self._now = self._start = self._stage_start = self._look()
        self._stage = Stage.PREPROCESS
        self._left_s = 0.0
        self._end_ms = 0.0
        self.ran_out = False
        self.elapsed_ms: dict[Stage, float] = _NO_TIME.copy()

    def stage(self, stage: Stage) -> Self:
        """Times one stage, in ``elapsed_ms``, from the end of the one before it, and makes its end
        the current one. To be entered and left, one stage after the other."""
        self._stage = stage
        self._stage_start = self._now
        self._end_ms += BUDGET_MS[stage]
        end_s = min(self._end_ms, HARD_LIMIT_MS) / 1000
        self._left_s = max(end_s - (self._stage_start - self._start), 0.0)
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.elapsed_ms[self._stage] = (self._look() - self._stage_start) * 1000

    def passed(self, share: float = 1.0) -> bool:
        """Whether ``share`` of the time that was left at the stage's beginning is used up, or the
        item's hard limit."""
        end = self._stage_start + self._left_s * share
        if self._bound is not None and self._bound() - self._bound_read < end - self._now:
            return False
        is_over = self._look() >= end
        self.ran_out = self.ran_out or is_over
        return is_over

    def _look(self) -> float:
        if self._bound is not None:
            # before the clock: what passes between the two readings then counts as time
            self._bound_read = self._bound()
        self._now = self._clock()
        return self._now
