"""The nearest earlier items of each item, by the cosine of their vectors."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

_BLOCK: Final = 1_024
_DECIMALS: Final = 5


def nearest_earlier(
    vectors: Any, names: Sequence[str], earlier: Any, earlier_names: Sequence[str], limit: int
) -> list[list[tuple[int, float]]]:
    """For each row of ``vectors`` up to ``limit`` rows of ``earlier`` with their cosine.

    Nearest first; on equal cosines the lower row. Never an earlier item of the same name, and
    nothing with a cosine of 0 or less. Vectors have length 1 or 0. Exact: every pair is compared,
    in blocks, so the window over earlier items bounds the work.
    """
    neighbours: list[list[tuple[int, float]]] = [[] for _ in names]
    if not limit or not len(earlier):
        return neighbours
    rows_of: dict[str, list[int]] = {}
    for row, name in enumerate(earlier_names):
        rows_of.setdefault(name, []).append(row)
    transposed = np.ascontiguousarray(earlier.astype(np.float32).T)
    for start in range(0, len(names), _BLOCK):
        cosines = np.round(vectors[start : start + _BLOCK] @ transposed, _DECIMALS)
        for row in range(len(cosines)):
            cosines[row, rows_of.get(names[start + row], [])] = 0.0
        kept = min(limit, cosines.shape[1])
        # the worst that is still kept, and whatever equals it: ties are settled by row below
        kth_best = np.partition(cosines, -kept, axis=1)[:, -kept]
        for row, minimum in enumerate(kth_best):
            rows = np.flatnonzero(cosines[row] >= max(minimum, 10.0**-_DECIMALS))
            best = rows[np.argsort(-cosines[row, rows], kind="stable")][:kept]
            neighbours[start + row] = [(int(n), float(cosines[row, n])) for n in best]
    return neighbours
