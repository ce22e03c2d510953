"""PageRank of small graphs: of words for key words, of sentences for titles."""

from typing import Any, Final

_DAMPING: Final = 0.85
_ITERATIONS: Final = 24


def pagerank(links: Any) -> Any:
    """PageRank of a symmetric matrix of link weights, by power iteration; the ranks add up to 1.

    Mihalcea and Tarau 2004: r = (1 - d) / n + d * W r, with W's columns normalised, d = 0.85.
    """
    import numpy as np

    count = len(links)
    out = links.sum(axis=0)
    steps = links / np.where(out > 0, out, 1.0)
    without_links = out == 0
    rank = np.full(count, 1.0 / count)
    for _ in range(_ITERATIONS):
        # What has no links gives its rank to all, so that none is lost.
        rank = (1 - _DAMPING) / count + _DAMPING * (
            steps @ rank + rank[without_links].sum() / count
        )
    return rank
