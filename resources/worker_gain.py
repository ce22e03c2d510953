"""Whether workers save more time than it takes to start them."""

from dataclasses import dataclass
from typing import Final

# what starting takes the processors, over what it takes on the clock, is about the same again
_WORTH: Final = 2.0
# until it was measured: interpreters, imports, grammars and models of two processes
_START_SECONDS: Final = 8.0
_SENDING_SECONDS: Final = 0.2


@dataclass
class WorkerGain:
    """What is known, over all steps of a run, of work that ``workers`` could share.

    ``start_seconds`` is what starting them takes on the clock, ``here_seconds`` how long such work
    has taken so far in the run's own process. Which rows come out does not depend on any of it.
    """

    workers: int
    start_seconds: float = _START_SECONDS
    here_seconds: float = 0.0
    running: bool = False

    def pays(self, rest_seconds: float) -> bool:
        """Whether workers should do the rest, which would take this process so many seconds.

        What comes after this step is not known, so that the rule is that of renting or buying
        (Karlin et al. 1988): they are started when what they would have saved so far, and save
        now, is worth what starting takes. Those that run take whatever is more than a moment's
        work.
        """
        saving = 1.0 - 1.0 / max(self.workers, 1)
        if self.running:
            return rest_seconds * saving > _SENDING_SECONDS
        return (self.here_seconds + rest_seconds) * saving > _WORTH * self.start_seconds

    def took_here(self, seconds: float) -> None:
        """Notes work of the run's own process."""
        self.here_seconds += seconds

    def started(self, seconds: float) -> None:
        """Notes that workers run, and how long that took."""
        self.start_seconds, self.running = seconds, True

    def stopped(self) -> None:
        self.running = False
