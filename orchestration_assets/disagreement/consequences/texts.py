"""Texts: two of them are a dispute when a reader could accept at most one, at any word distance.

Other words for the same, a part of the other, another subject: all of these lie far apart and
exclude nothing (:mod:`~orchestration_assets.evidence.contradiction.relation`).
"""

from typing import Final

from orchestration_assets.disagreement.consequences.judgement import Judgement, harmless
from orchestration_assets.evidence.contradiction.relation import RelationKind, relation
from orchestration_assets.evidence.single_values import (
    are_forms_of_one,
    exclude_each_other,
)
from orchestration_assets.schemas.enums import Consequence
from orchestration_assets.schemas.items import Reading

HESITATES_BELOW: Final = 0.4
"""The confidence below which a service hardly stands by its own text. Set by judgement."""


def judge_texts(
    first: tuple[str, Reading], second: tuple[str, Reading], *, in_values: bool = False
) -> Judgement:
    """What the difference of the texts of two (service, reading) pairs comes to; ``in_values``: the
    question is answered with values
    (:func:`~orchestration_assets.evidence.single_values.answers_in_values`)."""
    texts = str(first[1].answer), str(second[1].answer)
    found = _judge(*texts, in_values)
    if found.consequence is Consequence.NONE:
        return found
    for name, reading in (first, second):
        if reading.confidence is not None and reading.confidence < HESITATES_BELOW:
            return harmless(
                f"{found.sentence}; but {name} is no more than {reading.confidence:.0%} sure"
            )
    return found


def _judge(first: str, second: str, in_values: bool) -> Judgement:
    if in_values and are_forms_of_one(first, second):
        return harmless("they are two forms of one value")
    seen = relation(first, second)
    if seen.kind is RelationKind.CONTRADICTION:
        return Judgement(Consequence.CONTRADICTION, seen.severity, seen.sentence)
    if in_values and exclude_each_other(first, second):
        sentence = f"they give different values: \u201c{first}\u201d against \u201c{second}\u201d"
        return Judgement(Consequence.CONTRADICTION, 1.0, sentence)
    return harmless(seen.sentence)
