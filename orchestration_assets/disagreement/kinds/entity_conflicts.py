"""Entity conflict: two texts say the same of different people, places, numbers or dates."""

from typing import Final

from orchestration_assets.disagreement.kinds.finding import Finding
from orchestration_assets.evidence.contradiction.differences import DifferenceKind
from orchestration_assets.evidence.contradiction.relation import RelationKind, relation

_LONGEST: Final = 2_000
_OF_ENTITIES: Final = frozenset(
    {
        DifferenceKind.NAME,
        DifferenceKind.DATE,
        DifferenceKind.AMOUNT,
        DifferenceKind.UNIT,
        DifferenceKind.ROLE,
    }
)


def entity_conflict(first: str, second: str) -> Finding | None:
    """Two texts that contradict each other in a name, number, unit or date, or in who did it.

    The score is the probability of a contradiction. None beyond 2,000 characters: long texts name
    many things.
    """
    if max(len(first), len(second)) > _LONGEST:
        return None
    seen = relation(first, second)
    if seen.kind is not RelationKind.CONTRADICTION or seen.difference is None:
        return None
    if seen.difference.kind not in _OF_ENTITIES:
        return None
    return Finding(seen.contradiction, seen.sentence)
