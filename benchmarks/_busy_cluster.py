"""Many workers that one scheduler serves, as a closed queue: whoever is done asks for the next."""

import heapq
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BusyCluster:
    """What came of it: the share of the workers' time that they worked, and of the scheduler's."""

    worked: float
    scheduling: float


def simulate(workers: int, chunk_s: float, scheduler_s: float, chunks: int) -> BusyCluster:
    """``chunks`` of ``chunk_s`` seconds on a worker, each after ``scheduler_s`` of the scheduler.

    The scheduler does one thing at a time. Chunks take from half to one and a half times as long,
    evenly spread and always the same. All of ``workers`` and ``chunks`` are 1 or more, times are
    above 0.
    """
    free = [0.0] * workers
    scheduler_free = end = 0.0
    for number in range(chunks):
        asked = heapq.heappop(free)
        scheduler_free = max(asked, scheduler_free) + scheduler_s
        # golden section: even over any run of chunks
        share = number * 0.6180339887498949 % 1.0
        done = scheduler_free + chunk_s * (0.5 + share)
        heapq.heappush(free, done)
        end = max(end, done)
    work = sum(chunk_s * (0.5 + n * 0.6180339887498949 % 1.0) for n in range(chunks))
    return BusyCluster(work / (end * workers), chunks * scheduler_s / end)
