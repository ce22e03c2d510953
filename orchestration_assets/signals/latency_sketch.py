"""Quantiles of times that can be put together over batches: DDSketch (Masson, Rim and Lee 2019).

Bucket i counts times in (g^(i-1), g^i] ms with g = (1 + a) / (1 - a): whatever is added up, a
quantile is off by at most the share a of its value.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from orchestration_assets.schemas.signals import LatencyBucket

ACCURACY: Final = 0.02
"""The share of its value by which a quantile may be off."""
_GROWTH: Final = (1 + ACCURACY) / (1 - ACCURACY)
_LEAST_MS: Final = 1e-3


def sketch(times_ms: NDArray[np.float64]) -> tuple[LatencyBucket, ...]:
    """The times (n,) in ms by bucket, in order; below a microsecond they count as one."""
    numbers = np.ceil(np.log(np.maximum(times_ms, _LEAST_MS)) / math.log(_GROWTH) - 1e-9)
    buckets, counts = np.unique(numbers.astype(np.int64), return_counts=True)
    return tuple(map(LatencyBucket, buckets.tolist(), counts.tolist()))


def merged(sketches: Iterable[Sequence[LatencyBucket]]) -> tuple[LatencyBucket, ...]:
    """What one sketch of all their times would be."""
    counts: Counter[int] = Counter()
    for one in sketches:
        for held in one:
            counts[held.bucket] += held.attempts
    return tuple(LatencyBucket(bucket, counts[bucket]) for bucket in sorted(counts))


def quantile_ms(held: Sequence[LatencyBucket], share: float) -> float | None:
    """The time that so large a share of the attempts stayed within, in ms; None without any.

    Buckets must be in order, as :func:`sketch` and :func:`merged` give them.
    """
    total = sum(one.attempts for one in held)
    if not total:
        return None
    rank = max(math.ceil(share * total), 1)
    seen = 0
    for one in held:
        seen += one.attempts
        if seen >= rank:
            return 2 * _GROWTH**one.bucket / (_GROWTH + 1)
    raise AssertionError("ranks end with the last bucket")


def plain(held: Sequence[LatencyBucket]) -> list[list[int]]:
    """A sketch as JSON holds it; :func:`of_plain` reads it."""
    return [[one.bucket, one.attempts] for one in held]


def of_plain(held: Iterable[Sequence[int]]) -> tuple[LatencyBucket, ...]:
    """A sketch from pairs of bucket and count."""
    return tuple(LatencyBucket(bucket, attempts) for bucket, attempts in held)
