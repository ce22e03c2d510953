"""What the words of a sentence say of its weight: whether it asserts, corrects, decides, denies.

Cue words are English; a sentence in another language shows none and is taken as an assertion.
Whether what is said holds is graded as in FactBank (Sauri and Pustejovsky 2009): certain, merely
believed, or not asserted at all (asked, wished, supposed, or of another time).
"""

import re
from enum import StrEnum
from typing import Final


class Factuality(StrEnum):
    """How far a speaker commits to what a sentence says."""

    CERTAIN = "certain"
    BELIEVED = "believed"
    NOT_ASSERTED = "not_asserted"


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE)


_ASKED: Final = re.compile(
    r"[?\uff1f\u061f]\W*\Z"
    r"|^\W*(?:(?:and|so|ok|but|well|hey|hi)\W+)*(?:who|what|when|where|which|why|how|whose"
    r"|(?:is|are|was|were|do|does|did|can|could|would|will|shall|should|has|have)"
    r" (?:the|a|an|it|there|that|this|these|any|some|i|you|we|he|she|they|my|our|your)"
    r"|(?:please |could you )?(?:tell|remind) me"
    r"|let me know)\b",
    re.IGNORECASE,
)
_UNREAL: Final = _words(
    r"if|unless|suppose|supposing|imagine|wish|wished|hope|hopes|hoping|would|could|might|joke|joking"
    r"|kidding|pretend|for example|an example|for instance|whether|in case|wonder|wondering"
    # of somebody else
    r"|for comparison|unlike|some(?:body|one) else|some other|others (?:have|has|had|use|go)"
    r"|(?:has|have|had) nothing to do with|nothing to do with"
)
_POLITE: Final = _words(
    r"(?:in case|if) (?:you|anybody|anyone|someone|somebody|they|people)"
    r"(?: (?:still|ever|might|may))? (?:needs?|wants?|asks?|wonders?|forgot|missed|cares?)"
    r"|(?:that|it|this) would be"
)
_OTHER_TIME: Final = _words(
    r"last (?:year|month|week|summer|winter|spring|autumn|time)|used to|once|back then|formerly"
    r"|previously|in the past|years? ago|months? ago|originally|at first|at the time"
)
_BELIEVED: Final = _words(
    r"i (?:think|guess|believe|suppose|assume|heard|thought)|as far as i (?:know|remember)|afaik"
    r"|probably|perhaps|maybe|possibly|presumably|apparently|not sure|unsure|in my notes|or so"
    r"|i am (?:fairly|pretty) sure|should be|seems?|someone|somebody|rumou?r"
)
_CHANGE: Final = re.compile(
    r"\b(?:now|actually|instead|correction|no longer|not any ?more|anymore|sorry|scratch that"
    r"|i meant|make (?:that|it)|new|updated?|changed?|changes|moved?|moves|switched|renamed"
    r"|rescheduled|postponed|pushed|raised|lowered|increased|reduced|cut|replaced|from now on|as of"
    r"|rather than|wrong|mistake|mistaken|superseded|revised|different|after all|from here on"
    r"|(?:differ|shift|slip|swap|delay|extend|reset|replace|supersede|amend|bump|adjust)(?:s|ed|d"
    r"|ped|ping|ted)?|went (?:up|down)|goes (?:up|down)|rebooked|forget)\b|^\W*no\b[,.:]"
    r"|->|\u2192",
    re.IGNORECASE,
)
_DECISION: Final = _words(
    r"agreed?|agreement|decided?|decision|settled|approved|confirmed|chose|chosen|signed"
    r"|will go with|going with|we(?:'ll| will| shall)|must|promised?|committed|deadline|final"
)
_NEGATION: Final = re.compile(
    r"\b(?:not|never|no|none|nobody|nothing|without|cannot)\b|n['\u2019]t\b", re.IGNORECASE
)


def factuality(sentence: str) -> Factuality:
    """How far the speaker commits to what the sentence says.

    "In case you need it", "if anybody asks" say whom it concerns, and suppose nothing (relevance
    conditionals, Austin 1956, Ifs and Cans); "that would be" is a polite "that is".
    """
    sentence = _POLITE.sub(" ", sentence)
    if asks(sentence) or _UNREAL.search(sentence) or _OTHER_TIME.search(sentence):
        return Factuality.NOT_ASSERTED
    return Factuality.BELIEVED if _BELIEVED.search(sentence) else Factuality.CERTAIN


def without_cues(sentence: str) -> str:
    """The sentence without the words that say how far it holds, or that something changed: they
    tell nothing of what it is about."""
    return _BELIEVED.sub(" ", _CHANGE.sub(" ", sentence))


def asks(sentence: str) -> bool:
    """Whether the sentence is a question, or begs to be told."""
    return bool(_ASKED.search(sentence))


def changes(sentence: str) -> bool:
    """Whether the words say that something is otherwise than it was said to be."""
    return bool(_CHANGE.search(sentence))


def decides(sentence: str) -> bool:
    """Whether the words are those of a decision or an obligation."""
    return bool(_DECISION.search(sentence))


def denies(sentence: str) -> bool:
    """Whether a negation stands in the sentence."""
    return bool(_NEGATION.search(sentence))
