"""Labels: two services dispute a label when each prefers its own clearly to the other's, and all
readings together leave it open which one it is.

A service that itself gives the other's label nearly as much probability (an extension that two
formats share, two classes that a model cannot tell apart), or that is less than half sure of its
own, contradicts nothing. A guess that the other readings settle changes nothing either: the
probabilities that all of them give to each of the two labels are pooled. Nor do labels that the
policy declares to be near-synonyms.
"""

import math
import re
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from orchestration_assets.disagreement.consequences.judgement import Judgement, harmless
from orchestration_assets.evidence.contradiction.lexicon import folded
from orchestration_assets.evidence.distances.folding import fold
from orchestration_assets.schemas.enums import Consequence
from orchestration_assets.schemas.items import Reading

LEAST_LEAD: Final = 0.3
"""By how much a service must prefer its label to the other's. Set by judgement: below, two readings
of the same service under small changes of the text often exchange their places."""
LEFT_OPEN_FROM: Final = 0.1
"""The probability of the less likely label from which on it is open which one it is: the one in ten
that :class:`~orchestration_assets.schemas.policy.Review` lets pass by default."""
LIKELY_FROM: Final = 0.5
"""The confidence below which a service itself holds its label for more likely wrong than right."""
FIRM_FROM: Final = 0.7
"""The confidence from which on a service that stands alone is heard all the same: nobody has
checked the others' confidences. Chosen on disputes that readers had labelled."""
RELIED_ON_FROM: Final = 0.6
"""The confidence that one of the two must reach: below it nobody should rely on an answer
(``reject_below`` by default), and two guesses contradict nothing."""
_WORD: Final = re.compile(r"[^\W_]+|[+#]")
_OPEN_SET: Final = 10
"""Labels that an open set is taken to have beside those that a service names."""
_LEAST: Final = 0.005
"""No service is surer than this that a label does not hold."""


def judge_labels(
    first: tuple[str, Reading],
    second: tuple[str, Reading],
    near_synonyms: Sequence[Collection[str]] = (),
    labels: Collection[str] = (),
    others: Iterable[Reading] = (),
) -> Judgement:
    """What the difference of two (service, reading) pairs with other labels comes to; ``labels`` is
    the closed set, if there is one, and ``others`` are the other readings of the question."""
    (name_a, a), (name_b, b) = first, second
    label_a, label_b = str(a.answer), str(b.answer)
    sentence = f"{name_a} says {_quoted(label_a)}, {name_b} says {_quoted(label_b)}"
    if are_near_synonyms(label_a, label_b, near_synonyms):
        return harmless(f"{sentence}: the policy takes the two for near-synonyms")
    if not labels and are_spellings_of_one(label_a, label_b):
        return harmless(f"{sentence}: two spellings of one label")
    lead_a, lead_b = _lead(a, label_b), _lead(b, label_a)
    for name, lead, other in ((name_a, lead_a, label_b), (name_b, lead_b, label_a)):
        if lead < LEAST_LEAD:
            return harmless(f"{sentence}: {name} holds {_quoted(other)} to be nearly as likely")
    for name, reading in (first, second):
        if _stated(reading) < LIKELY_FROM:
            return harmless(f"{sentence}: {name} is no more than {_stated(reading):.0%} sure")
    if max(_stated(a), _stated(b)) < RELIED_ON_FROM:
        return harmless(f"{sentence}: both are no more than guesses")
    doubt, settled = _doubt([a, b, *others], label_a, label_b, len(labels))
    loser = b if settled == label_a else a
    if doubt < LEFT_OPEN_FROM and _stated(loser) < FIRM_FROM:
        return harmless(f"{sentence}: all readings together make it {_quoted(settled)}")
    # what severity multiplies by both confidences: the share of each that is no hesitation, times
    # how open the question is left: what others have settled costs little. The root, because
    # nobody has checked the confidences that settle it
    strength = (lead_a / _stated(a)) * (lead_b / _stated(b)) * math.sqrt(2.0 * doubt)
    return Judgement(Consequence.OTHER_LABEL, strength, sentence)


def are_near_synonyms(first: str, second: str, groups: Iterable[Collection[str]]) -> bool:
    """Whether two labels stand together in one of the groups."""
    return any(first in group and second in group for group in groups)


def are_spellings_of_one(first: str, second: str) -> bool:
    """Whether two labels of an open set differ in nothing but case, accents, plural or what joins
    their words."""
    return _spelling(first) == _spelling(second) != ""


def _spelling(label: str) -> str:
    return " ".join(map(fold, _WORD.findall(folded(label))))


def _lead(reading: Reading, other: str) -> float:
    """Probability of its own label less that of the other one, in [-1, 1]; the other's is nought
    where the service does not name it."""
    beside = (one.confidence for one in reading.alternatives if one.answer == other)
    return _stated(reading) - next(beside, 0.0)


def _stated(reading: Reading) -> float:
    return 1.0 if reading.confidence is None else reading.confidence


def _doubt(
    readings: Sequence[Reading], label_a: str, label_b: str, labels: int
) -> tuple[float, str]:
    """The probability of the less likely of two labels by all readings, in [0, 1/2], and the other
    label.

    The geometric mean of what the readings say (Genest and Zidek 1986), squared: however many they
    are, they count as two that err independently, for services of one kind err together. One that
    states no confidence is taken to be as sure as the surest.
    """
    surest = max((one.confidence for one in readings if one.confidence is not None), default=0.5)
    log_odds = 0.0
    for reading in readings:
        sure = surest if reading.confidence is None else reading.confidence
        for_a, for_b = (_given(reading, sure, label, labels) for label in (label_a, label_b))
        log_odds += math.log(for_a / for_b)
    log_odds *= 2.0 / len(readings)
    doubt = min(0.5, 1.0 / (1.0 + math.exp(abs(log_odds))))
    return doubt, label_a if log_odds >= 0.0 else label_b


def _given(reading: Reading, sure: float, label: str, labels: int) -> float:
    """The probability that a reading gives to a label: stated, or its part of the rest."""
    named = {one.answer: one.confidence for one in reading.alternatives} | {reading.answer: sure}
    if label in named:
        return max(named[label], _LEAST)
    unnamed = labels - len(named) if labels else _OPEN_SET
    return max((1.0 - sum(named.values())) / max(unnamed, 1), _LEAST)


def _quoted(label: str) -> str:
    return f"\u201c{label}\u201d"
