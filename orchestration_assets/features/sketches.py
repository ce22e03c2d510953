"""MinHash sketches of an item's word runs, which estimate the Jaccard similarity of two items."""

import re
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

PERMUTATIONS: Final = 128
MAX_CHARS: Final = 131_072
RUN_TOKENS: Final = 3
MIN_RUNS: Final = 8
SKETCH_MASK: Final = 0xFFFF

_SEED: Final = 1
_SECTIONS: Final = 8
_TOKEN: Final = re.compile(r"\w+|[^\w\s]+")


def word_runs(text: str) -> list[str]:
    """The distinct runs of three tokens, sorted; tokens are words and runs of other signs.

    A text of more than 131,072 characters is read in eight evenly spaced sections of together as
    many.
    """
    return sorted(_runs(text))


def _runs(text: str) -> set[str]:
    if len(text) > MAX_CHARS:
        size = MAX_CHARS // _SECTIONS
        step = (len(text) - size) / (_SECTIONS - 1)
        starts = [round(n * step) for n in range(_SECTIONS)]
        text = "\n".join(text[start : start + size] for start in starts)
    tokens = _TOKEN.findall(text)
    runs = zip(*(tokens[shift:] for shift in range(RUN_TOKENS)), strict=False)
    return {" ".join(run) for run in runs}


def minhash(text: str) -> list[int] | None:
    """128 minima of hashes over the word runs (Broder 1997), or None for fewer than eight runs.

    The share of equal numbers in two sketches estimates the Jaccard similarity of the runs, with
    a standard deviation of at most .045. Of each minimum the lowest 16 bits are kept (Li and Koenig
    2010, b-bit minwise hashing): two that differ look equal once in 65,536 times.
    """
    # minima do not depend on the order
    runs = list(_runs(text))
    if len(runs) < MIN_RUNS:
        return None
    from rensa import RMinHash

    minima = RMinHash(num_perm=PERMUTATIONS, seed=_SEED)
    minima.update(runs)
    return [minimum & SKETCH_MASK for minimum in minima.digest()]


def jaccard_estimates(sketch: Any, others: Any) -> Any:
    """The estimated similarity of a sketch to each row of ``others``, in [0, 1]."""
    return (others == sketch).mean(axis=1)


def sketch_matrix(sketches: Sequence[Sequence[int]]) -> Any:
    """Sketches as rows, shape (sketches, 128), uint32."""
    return np.array(sketches, np.uint32).reshape(len(sketches), PERMUTATIONS)
