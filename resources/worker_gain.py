"""Whether workers save more time than it takes to start them."""

from dataclasses import dataclass
from typing import Final

THREADS: Final = "threads"
PROCESSES: Final = "processes"
"""Local workers; everything else that may be said in their place is a scheduler's address."""
# processor seconds of two local workers until they have computed their first chunk: interpreters,
# imports, grammars and models
START_SECONDS: Final = 8.0
# the same of two workers that are copies of a process which has loaded all of it: 0.06 beside 3.2
# of Dask's without models (python -m benchmarks dask_chunks)
FORK_SECONDS: Final = 0.1
# time that people wait less is worth so much of the processors' time
_WORTH: Final = 2.0
# sending chunks and results of a step
_SENDING_SECONDS: Final = 0.2


@dataclass
class WorkerGain:
    """What is known, over all steps of a run, of work that ``workers`` could share.

    All of it in processor seconds, which other work on the machine changes little:
    ``start_seconds`` is what starting them takes, ``here_seconds`` what such work has taken so far
    in the run's own process; without ``workers`` it all stays there. ``forked`` workers take next
    to nothing to start. Which rows come out does not depend on any of it.
    """

    workers: int
    start_seconds: float = START_SECONDS
    here_seconds: float = 0.0
    running: bool = False
    forked: bool = False

    @property
    def at_once(self) -> bool:
        """Whether workers should do all that is more than a moment's work, from its beginning."""
        return self.forked and self.workers > 1

    def pays(self, rest_seconds: float) -> bool:
        """Whether workers should do the rest, which would take this process so many seconds.

        What comes after this step is not known, so that the rule is that of renting or buying
        (Karlin et al. 1988): they are started when what they would have saved so far, and save
        now, is worth what starting takes. Those that run take whatever is more than a moment's
        work.
        """
        saving = 1.0 - 1.0 / max(self.workers, 1)
        if self.running or self.forked:
            return rest_seconds * saving > _SENDING_SECONDS
        return (self.here_seconds + rest_seconds) * saving > _WORTH * self.start_seconds

    def took_here(self, seconds: float) -> None:
        """Notes work of the run's own process."""
        self.here_seconds += seconds
