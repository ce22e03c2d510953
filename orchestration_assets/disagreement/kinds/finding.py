"""What every kind's rule returns."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """``score`` in [0, 1] orders findings of one kind by how plain they are; it is no probability.

    ``evidence`` describes what was seen; ``outlier_position`` is the position of the outlying
    reading, where there is one.
    """

    score: float
    evidence: str
    outlier_position: int | None = None
