"""Opposed tone: a text that praises and condemns, or says the one and means the other.

Every clause is scored by each tone service; what stands in quotation marks is somebody else's
tone and left out.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final

from orchestration_assets.disagreement.kinds.finding import Finding

ToneOf = Callable[[str], float]
"""The tone of a clause in [-1, 1], negative to positive."""

_QUOTED: Final = re.compile(r"\"[^\"]{1,300}\"|“[^”]{1,300}”|(?<!\w)'[^']{3,300}'(?!\w)")
_CLAUSE: Final = re.compile(
    r"[.!?;:]+\s+|,\s+(?=(?:but|yet|while|though|although|and|shame|sadly|because|if|so"
    r"|or|then|which)\b)"
    r"|,\s+|\s+(?:but|yet|despite|although|though|whereas|until|while)\s+|\s+(?:and"
    r"|in spite of)\s+",
    re.I,
)
_NEGATED: Final = re.compile(
    r"\b(?:not|never|no|nothing|neither|nor|without|hardly|far from|can'?t|couldn'?t"
    r"|wasn'?t|don'?t"
    r"|isn'?t|doesn'?t|nobody)\b",
    re.I,
)
# what makes a clause of the other sign a reservation, not a verdict of its own
_SLIGHT: Final = re.compile(
    r"\b(?:slightly|a bit|a little|one small|aside|late start|i suppose)\b", re.I
)
_LOUD: Final = 0.2
_CLAUSES: Final = 40
_LONGEST: Final = 4_000

# an exclamation of pleasure or thanks that opens what follows
_DELIGHT: Final = re.compile(
    r"^(?:oh |yeah,? |so |just |truly |such |how |what (?:a|an) |wow,? |sure,? |real "
    r"|i just |i am |my |the )*"
    r"(?:great|lovely|wonderful|brilliant|fantastic|perfect|splendid|bravo"
    r"|congratulations|thanks a lot"
    r"|thoughtful|generous|clever|classy|glad|thrilled|love|joy|nice|best|glorious|happy"
    r"|delighted)\b",
    re.I,
)
_MISHAP: Final = re.compile(
    r"\b(?:delet\w+|crash\w*|los(?:e|es|ing|t)|locked|closed|cancel\w*|flood\w*|broken?|breaks?"
    r"|fail\w*|leak\w*|mould|stain\w*|late|wait\w*|fever|died|stolen|stuck|expired|worse|worst"
    r"|prison|smell\w*|insult\w*|ignored|wrong|dirt\w*|burnt|flat tyre)\b",
    re.I,
)


def opposed_tone(text: str, tones: Sequence[ToneOf]) -> Finding | None:
    """Clauses of both signs, loud enough in the mean of the services; or praise of a mishap.

    ``tones``: the tone services. None for a text beyond 4,000 characters: in a long one, both
    signs are to be expected.
    """
    if len(text) > _LONGEST:
        return None
    own = _QUOTED.sub(" ", text)
    scored = [(clause, _tone(clause, tones)) for clause in _clauses(own)]
    best = max(scored, key=lambda pair: pair[1], default=("", 0.0))
    worst = min(scored, key=lambda pair: pair[1], default=("", 0.0))
    score = min(best[1], -worst[1])
    if score >= _LOUD:
        return Finding(score, f"it praises in {best[0]!r} and condemns in {worst[0]!r}")
    return _ironic(own)


def _clauses(text: str) -> list[str]:
    parts = [part.strip(" .,;:!?") for part in _CLAUSE.split(text)]
    return [part for part in parts if part][:_CLAUSES]


def _tone(clause: str, tones: Sequence[ToneOf]) -> float:
    """The mean of the services; 0 where they oppose.

    A negated clause turns lexicons round too often to be trusted, a slight one is no verdict.
    """
    if _SLIGHT.search(clause) or _NEGATED.search(clause):
        return 0.0
    strengths = [tone_of(clause) for tone_of in tones]
    if not strengths or min(strengths) * max(strengths) < 0.0:
        return 0.0
    return sum(strengths) / len(strengths)


def _ironic(text: str) -> Finding | None:
    praise, mishap = _DELIGHT.search(text.strip()), _MISHAP.search(text)
    if praise is None or mishap is None:
        return None
    return Finding(0.35, f"it rejoices ({praise[0].strip()!r}) over a mishap ({mishap[0]!r})")
