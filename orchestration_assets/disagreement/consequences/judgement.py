"""What the difference of two answers comes to."""

from dataclasses import dataclass

from orchestration_assets.schemas.enums import Consequence


@dataclass(frozen=True, slots=True)
class Judgement:
    """What would change by the other answer, and the ``sentence`` that says how the two differ, or
    why nothing would.

    ``strength`` in [0, 1] orders consequences of a kind; 0 where there is none.
    """

    consequence: Consequence
    strength: float
    sentence: str


def harmless(sentence: str) -> Judgement:
    """A difference that changes nothing, and why."""
    return Judgement(Consequence.NONE, 0.0, sentence)
