"""Labels: two services dispute a label when each prefers its own clearly to the other's.

A service that itself gives the other's label nearly as much probability (an extension that two
formats share, two classes that a model cannot tell apart) leaves the question open. Nor do labels
that the policy declares to be near-synonyms change anything.
"""

from collections.abc import Collection, Sequence
from typing import Final

from orchestration_assets.disagreement.consequences.judgement import Judgement, harmless
from orchestration_assets.schemas.enums import Consequence
from orchestration_assets.schemas.items import Reading

LEAST_LEAD: Final = 0.2
"""By how much a service must prefer its label to the other's. Set by judgement: below, two readings
of the same service under small changes of the text often exchange their places."""


def judge_labels(
    first: tuple[str, Reading],
    second: tuple[str, Reading],
    near_synonyms: Sequence[Collection[str]] = (),
) -> Judgement:
    """What the difference of two (service, reading) pairs with other labels comes to."""
    (name_a, a), (name_b, b) = first, second
    label_a, label_b = str(a.answer), str(b.answer)
    sentence = f"{name_a} says {_quoted(label_a)}, {name_b} says {_quoted(label_b)}"
    if any(label_a in group and label_b in group for group in near_synonyms):
        return harmless(f"{sentence}: the policy takes the two for near-synonyms")
    lead_a, lead_b = _lead(a, label_b), _lead(b, label_a)
    for name, lead, other in ((name_a, lead_a, label_b), (name_b, lead_b, label_a)):
        if lead < LEAST_LEAD:
            return harmless(f"{sentence}: {name} holds {_quoted(other)} to be nearly as likely")
    # what severity multiplies by both confidences: the share of each that is no hesitation
    strength = (lead_a / _stated(a)) * (lead_b / _stated(b))
    return Judgement(Consequence.OTHER_LABEL, strength, sentence)


def _lead(reading: Reading, other: str) -> float:
    """Probability of its own label less that of the other one, in [-1, 1]; the other's is nought
    where the service does not name it."""
    beside = (one.confidence for one in reading.alternatives if one.answer == other)
    return _stated(reading) - next(beside, 0.0)


def _stated(reading: Reading) -> float:
    return 1.0 if reading.confidence is None else reading.confidence


def _quoted(label: str) -> str:
    return f"\u201c{label}\u201d"
