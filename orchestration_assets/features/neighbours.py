"""The nearest earlier items of each item, by the cosine of their vectors."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

# cosines of one block: some MB, which the next one finds free again
_BLOCK_CELLS: Final = 1 << 20
_LEAST_ROWS: Final = 32
_DECIMALS: Final = 5
_STEP: Final = np.float32(10.0**-_DECIMALS)
# as many columns, far apart, have one maximum: fewer are to be sorted, more are to be looked at
_RUN: Final = 32


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
    transposed = earlier.T.astype(np.float32, order="C")
    block = max(_BLOCK_CELLS // len(earlier), _LEAST_ROWS)
    # one place for all blocks: to take new pages for each costs a fifth of the multiplication
    held = np.empty((min(block, len(names)), len(earlier)), np.result_type(vectors, transposed))
    for start in range(0, len(names), block):
        rows_at_once = vectors[start : start + block]
        cosines = np.matmul(rows_at_once, transposed, out=held[: len(rows_at_once)])
        for row in range(len(cosines)):
            if others := rows_of.get(names[start + row]):
                cosines[row, others] = 0.0
        # what rounds to the same cosine as the worst that is kept: ties are settled by row below
        least = np.maximum(_lower_bounds(cosines, limit) - _STEP, _STEP / 2)
        for row, minimum in enumerate(least):
            rows = np.flatnonzero(cosines[row] >= minimum)
            near = np.round(cosines[row, rows], _DECIMALS)
            best = np.argsort(-near, kind="stable")[:limit]
            pairs = zip(rows[best].tolist(), near[best].tolist(), strict=True)
            neighbours[start + row] = [(n, cosine) for n, cosine in pairs if cosine >= _STEP]
    return neighbours


def _lower_bounds(cosines: Any, limit: int) -> Any:
    """Of each row a value that at least ``limit`` of it reach, and few more; -1 where it is short.

    The maxima of so many groups of columns are as many of its values. Columns of a group are not
    neighbours: then the maxima of many groups are found at once.
    """
    count, columns = cosines.shape
    runs = columns // _RUN
    if runs < limit:
        return np.full(count, -1.0, cosines.dtype)
    maxima = cosines[:, : runs * _RUN].reshape(count, _RUN, runs).max(axis=1)
    return np.partition(maxima, -limit, axis=1)[:, -limit]
