"""Near-copies by locality-sensitive hashing: each is directly similar to its representative."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from orchestration_assets.features.sketches import jaccard_estimates

# 25 bands of 5 rows: a pair with similarity .8 shares a band with probability .9999, one with
# similarity .5 with .55 (Leskovec, Rajaraman, Ullman: Mining of Massive Datasets, 3.4)
BANDS: Final = 25
ROWS: Final = 5


class NearCopy(NamedTuple):
    """The representative of an item: its row among the earlier ones, or among the batch's own."""

    earlier: bool
    row: int
    similarity: float


class _Match(NamedTuple):
    similarity: float
    earlier: bool
    row: int


def near_copies(
    order: Sequence[str],
    names: Sequence[str],
    sketches: Any,
    earlier_names: Sequence[str],
    earlier_sketches: Any,
    threshold: float,
) -> list[NearCopy]:
    """The representative of each row of ``sketches``; its own row when it is no copy.

    Items come in the order of ``order`` (their content hashes), wherever they stand: each joins
    the most similar representative so far from similarity ``threshold`` on, or becomes one itself.
    So the result does not depend on the order of the rows, and no chain links items that are unlike
    each other. On equal similarity the earlier representative wins. An item is no copy of an
    earlier one of the same name: that is what it was before.
    """
    bands, earlier_bands = _bands(sketches), _bands(earlier_sketches)
    buckets: list[dict[int, list[tuple[bool, int]]]] = [{} for _ in range(BANDS)]
    for band in range(BANDS):
        # only what shares a band with something of this batch can be met
        for row in np.flatnonzero(np.isin(earlier_bands[:, band], bands[:, band])).tolist():
            buckets[band].setdefault(int(earlier_bands[row, band]), []).append((True, row))
    copies = [NearCopy(False, row, 1.0) for row in range(len(order))]
    # whoever shares no band with another can neither be a copy nor have one
    shared = _shared_bands(bands, earlier_bands)
    meeting = np.flatnonzero(shared.any(axis=1)).tolist()
    for row in sorted(meeting, key=lambda n: (order[n], names[n])):
        at = np.flatnonzero(shared[row])
        keys = list(zip(at.tolist(), bands[row, at].tolist(), strict=True))
        candidates = sorted(
            {candidate for band, key in keys for candidate in buckets[band].get(key, ())}
        )
        candidates = [
            (is_earlier, other)
            for is_earlier, other in candidates
            if not (is_earlier and earlier_names[other] == names[row])
        ]
        best = _best(sketches[row], candidates, sketches, earlier_sketches, order)
        if best is not None and best.similarity >= threshold:
            copies[row] = NearCopy(best.earlier, best.row, best.similarity)
            continue
        for band, key in keys:
            buckets[band].setdefault(key, []).append((False, row))
    return copies


def _shared_bands(bands: Any, earlier_bands: Any) -> Any:
    """Which of the ``bands`` of each row another row has too, or an earlier one."""
    shared = np.zeros(bands.shape, dtype=bool)
    for band, (own, others) in enumerate(zip(bands.T, earlier_bands.T, strict=True)):
        _, place, times = np.unique(own, return_inverse=True, return_counts=True)
        shared[:, band] = (times > 1)[place] | np.isin(own, others)
    return shared


def _best(
    sketch: Any,
    candidates: list[tuple[bool, int]],
    sketches: Any,
    earlier_sketches: Any,
    order: Sequence[str],
) -> _Match | None:
    if not candidates:
        return None
    others = np.array(
        [earlier_sketches[row] if is_earlier else sketches[row] for is_earlier, row in candidates]
    )
    shares = jaccard_estimates(sketch, others).tolist()
    matches = [
        _Match(share, is_earlier, row)
        for share, (is_earlier, row) in zip(shares, candidates, strict=True)
    ]
    # earlier rows come newest first, so the lowest row is the latest
    return min(
        matches,
        key=lambda match: (
            -match.similarity,
            not match.earlier,
            "" if match.earlier else order[match.row],
        ),
    )


def _bands(sketches: Any) -> Any:
    """A 64-bit key of each band, shape (sketches, bands): different bands may share one, which
    costs a comparison."""
    parts = sketches[:, : BANDS * ROWS].reshape(len(sketches), BANDS, ROWS)
    keys = np.zeros((len(sketches), BANDS), np.uint64)
    for row in range(ROWS):
        # Fowler-Noll-Vo, a word at a time; wraps at 2^64
        keys = (keys ^ parts[:, :, row].astype(np.uint64)) * np.uint64(0x100000001B3)
        keys ^= keys >> np.uint64(29)
    return keys
