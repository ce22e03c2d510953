"""Labels: two services dispute a label when each prefers its own clearly to the other's, and the
two readings together leave it open which one it is.

A service that itself gives the other's label nearly as much probability (an extension that two
formats share, two classes that a model cannot tell apart) contradicts nothing. A guess against
near-certainty changes nothing either: the two probabilities of each label, multiplied as those of
services that err independently, settle the question. Nor do labels that the policy declares to be
near-synonyms.
"""

from collections.abc import Collection, Sequence
from typing import Final

from orchestration_assets.disagreement.consequences.judgement import Judgement, harmless
from orchestration_assets.schemas.enums import Consequence
from orchestration_assets.schemas.items import Reading

LEAST_LEAD: Final = 0.2
"""By how much a service must prefer its label to the other's. Set by judgement: below, two readings
of the same service under small changes of the text often exchange their places."""
LEFT_OPEN_FROM: Final = 0.1
"""The probability of the less likely label from which on it is open which one it is: the one in ten
that :class:`~orchestration_assets.schemas.policy.Review` lets pass by default."""
_OPEN_SET: Final = 10
"""Labels that an open set is taken to have beside those that a service names."""
_LEAST: Final = 0.005
"""No service is surer than this that a label does not hold."""


def judge_labels(
    first: tuple[str, Reading],
    second: tuple[str, Reading],
    near_synonyms: Sequence[Collection[str]] = (),
    labels: Collection[str] = (),
) -> Judgement:
    """What the difference of two (service, reading) pairs with other labels comes to; ``labels`` is
    the closed set, if there is one."""
    (name_a, a), (name_b, b) = first, second
    label_a, label_b = str(a.answer), str(b.answer)
    sentence = f"{name_a} says {_quoted(label_a)}, {name_b} says {_quoted(label_b)}"
    if any(label_a in group and label_b in group for group in near_synonyms):
        return harmless(f"{sentence}: the policy takes the two for near-synonyms")
    lead_a, lead_b = _lead(a, label_b), _lead(b, label_a)
    for name, lead, other in ((name_a, lead_a, label_b), (name_b, lead_b, label_a)):
        if lead < LEAST_LEAD:
            return harmless(f"{sentence}: {name} holds {_quoted(other)} to be nearly as likely")
    doubt, settled = _doubt(a, b, len(labels))
    if doubt < LEFT_OPEN_FROM:
        return harmless(f"{sentence}: both readings together make it {_quoted(settled)}")
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


def _doubt(a: Reading, b: Reading, labels: int) -> tuple[float, str]:
    """The probability of the less likely of two labels by both readings, in [0, 1/2], and the other
    label. A service that states no confidence is taken to be as sure as the other one."""
    label_a, label_b = str(a.answer), str(b.answer)
    sure_a = b.confidence if a.confidence is None else a.confidence
    sure_b = a.confidence if b.confidence is None else b.confidence
    if sure_a is None or sure_b is None:
        return 0.5, label_a
    for_a = max(sure_a, _LEAST) * _of_other(b, sure_b, label_a, labels)
    for_b = max(sure_b, _LEAST) * _of_other(a, sure_a, label_b, labels)
    return min(for_a, for_b) / (for_a + for_b), label_a if for_a >= for_b else label_b


def _of_other(reading: Reading, sure: float, other: str, labels: int) -> float:
    """The probability that a reading leaves to another label: stated, or its part of the rest."""
    named = {one.answer: one.confidence for one in reading.alternatives}
    if other in named:
        return max(named[other], _LEAST)
    rest = 1.0 - sure - sum(named.values())
    unnamed = labels - 1 - len(named) if labels else _OPEN_SET
    return max(rest / max(unnamed, 1), _LEAST)


def _quoted(label: str) -> str:
    return f"\u201c{label}\u201d"
