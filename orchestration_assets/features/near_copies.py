"""Which items are near-copies of which: every copy is directly similar to its representative."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from orchestration_assets.features.sketches import similarities

# 25 bands of 5 rows: a pair with similarity .8 shares a band with probability .9999, one with
# similarity .5 with .55 (Leskovec, Rajaraman, Ullman: Mining of Massive Datasets, 3.4)
BANDS: Final = 25
ROWS: Final = 5


class NearCopy(NamedTuple):
    """The representative of an item: its row among the earlier ones, or among the batch's own."""

    earlier: bool
    row: int
    similarity: float


class _Found(NamedTuple):
    similarity: float
    earlier: bool
    row: int


def near_copies(
    order: Sequence[str],
    names: Sequence[str],
    sketches: Any,
    earlier_names: Sequence[str],
    earlier_sketches: Any,
    at: float,
) -> list[NearCopy]:
    """For each row of ``sketches`` whose copy it is; its own row when it is nobody's.

    Items come in the order of ``order`` (their content hashes), wherever they stand: each joins
    the most similar representative so far from similarity ``at`` on, or becomes one itself. So
    the result does not depend on the order of the rows, and no chain links items that are unlike
    each other. On equal similarity the earlier representative wins. An item is no copy of an
    earlier one of the same name: that is what it was before.
    """
    bands, earlier_bands = _bands(sketches), _bands(earlier_sketches)
    leaders: list[dict[int, list[tuple[bool, int]]]] = [{} for _ in range(BANDS)]
    for band in range(BANDS):
        # only what shares a band with something of this batch can be met
        for row in np.flatnonzero(np.isin(earlier_bands[:, band], bands[:, band])).tolist():
            leaders[band].setdefault(int(earlier_bands[row, band]), []).append((True, row))
    found: list[NearCopy | None] = [None] * len(order)
    for row in sorted(range(len(order)), key=lambda n: (order[n], names[n])):
        keys = bands[row].tolist()
        candidates = sorted(
            {leader for band, key in enumerate(keys) for leader in leaders[band].get(key, ())}
        )
        candidates = [
            (is_earlier, other)
            for is_earlier, other in candidates
            if not (is_earlier and earlier_names[other] == names[row])
        ]
        best = _best(sketches[row], candidates, sketches, earlier_sketches, order)
        if best is not None and best.similarity >= at:
            found[row] = NearCopy(best.earlier, best.row, best.similarity)
            continue
        found[row] = NearCopy(False, row, 1.0)
        for band, key in enumerate(keys):
            leaders[band].setdefault(key, []).append((False, row))
    return [copy for copy in found if copy is not None]


def _best(
    sketch: Any,
    candidates: list[tuple[bool, int]],
    sketches: Any,
    earlier_sketches: Any,
    order: Sequence[str],
) -> _Found | None:
    if not candidates:
        return None
    others = np.array(
        [earlier_sketches[row] if is_earlier else sketches[row] for is_earlier, row in candidates]
    )
    shares = similarities(sketch, others).tolist()
    pairs = [
        _Found(share, is_earlier, row)
        for share, (is_earlier, row) in zip(shares, candidates, strict=True)
    ]
    # earlier rows come newest first, so the lowest row is the latest
    return min(
        pairs,
        key=lambda one: (-one.similarity, not one.earlier, "" if one.earlier else order[one.row]),
    )


def _bands(sketches: Any) -> Any:
    """A 64-bit key of each band, shape (sketches, bands): different bands may share one, which
    costs a comparison."""
    parts = sketches[:, : BANDS * ROWS].reshape(len(sketches), BANDS, ROWS).astype(np.uint64)
    keys = np.zeros((len(sketches), BANDS), np.uint64)
    for row in range(ROWS):
        # Fowler-Noll-Vo, a word at a time; wraps at 2^64
        keys = (keys ^ parts[:, :, row]) * np.uint64(0x100000001B3)
        keys ^= keys >> np.uint64(29)
    return keys
