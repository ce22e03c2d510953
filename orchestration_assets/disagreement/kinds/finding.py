"""What every kind's rule returns."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """``score`` in [0, 1] orders findings of one kind by how plain they are; it is no probability.

    ``evidence`` says in words what was seen; ``odd`` is the position of the reading that stands
    apart, where there is one.
    """

    score: float
    evidence: str
    odd: int | None = None
