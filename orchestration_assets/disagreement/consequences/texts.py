"""Texts: two of them are a dispute when a reader could accept at most one, at any word distance.

Other words for the same, a part of the other, another subject: all of these lie far apart and
exclude nothing (:mod:`~orchestration_assets.evidence.contradiction.relation`).
"""

from orchestration_assets.disagreement.consequences.judgement import Judgement, harmless
from orchestration_assets.disagreement.consequences.values import exclude_each_other
from orchestration_assets.evidence.contradiction.relation import RelationKind, relation
from orchestration_assets.schemas.enums import Consequence


def judge_texts(first: str, second: str, *, in_values: bool = False) -> Judgement:
    """What the difference of two texts comes to; ``in_values``: the question is answered with
    values (:func:`~orchestration_assets.disagreement.consequences.values.answers_in_values`)."""
    seen = relation(first, second)
    if seen.kind is RelationKind.CONTRADICTION:
        return Judgement(Consequence.CONTRADICTION, seen.severity, seen.sentence)
    if in_values and exclude_each_other(first, second):
        sentence = f"they give different values: \u201c{first}\u201d against \u201c{second}\u201d"
        return Judgement(Consequence.CONTRADICTION, 1.0, sentence)
    return harmless(seen.sentence)
