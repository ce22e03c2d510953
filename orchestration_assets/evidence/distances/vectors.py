"""Vectors of one service differ by their angle.

Only for vectors of the SAME service, such as the rounds of an iterative plan: cosines do not
carry from one service's space to another's. Across services, ``disagreement`` compares which
items each of them holds to be neighbours.
"""

from collections.abc import Sequence

import numpy as np


def vector_distance(first: Sequence[float], second: Sequence[float]) -> float:
    """(1 - cosine) / 2, in [0, 1]: 0 same direction, 1/2 at right angles, 1 opposite.

    A zero vector has no direction: it stands at right angles to every other vector. Vectors of
    different length lie in different spaces: 1.
    """
    if first == second:
        return 0.0
    if len(first) != len(second):
        return 1.0
    a, b = _direction(first), _direction(second)
    return min(1.0, max(0.0, (1.0 - float(a @ b)) / 2.0))


def _direction(vector: Sequence[float]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    values = np.asarray(vector, dtype=np.float64)
    largest = float(np.abs(values).max(initial=0.0))
    if largest == 0.0:
        return values
    values = values / largest  # squares of very large or small components leave the range
    return values / np.linalg.norm(values)
