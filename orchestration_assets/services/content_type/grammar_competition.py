"""Content type from the content alone: plain signs, then lexical evidence, then a parse-off."""

import math
from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

from orchestration_assets.schemas.items import Question, Reading
from orchestration_assets.services.content_type.ecmascript import typescript_share
from orchestration_assets.services.content_type.lexical_evidence import (
    LexicalEvidence,
    fitted,
    weigh,
)
from orchestration_assets.services.content_type.parse_evidence import (
    GRAMMARS,
    error_class,
    error_share,
    parsed_prefix,
)
from orchestration_assets.services.content_type.plain_signs import plain_sign, refined
from orchestration_assets.services.contract import EmbeddedService
from orchestration_assets.services.readings import abstained, answered

_MAX_CANDIDATES: Final = 3
_MIN_CANDIDATE: Final = 0.01
_MIN_CHARS: Final = 12
_MIN_KNOWN: Final = 3
_MIN_CONFIDENCE: Final = 0.3
# No content is ever quite certain: a file may quote another language from end to end.
_BEST: Final = 0.995

# The evidence of a text with few known features is worth less; classes by their number.
_LENGTH_ENDS: Final = (8, 20, 50, 120, 300)
LENGTHS: Final = len(_LENGTH_ENDS) + 1


def length_class(known: int) -> int:
    """The class of a text by its number of known features."""
    return sum(known >= end for end in _LENGTH_ENDS)


def merged_label(label: str) -> str:
    """The label that lexical evidence can tell: TypeScript and JavaScript share their words."""
    return "javascript" if label == "typescript" else label


def shares_of(logits: Mapping[str, float]) -> dict[str, float]:
    """Probabilities from logits."""
    peak = max(logits.values())
    odds = {label: math.exp(logit - peak) for label, logit in logits.items()}
    total = sum(odds.values())
    return {label: part / total for label, part in odds.items()}


def candidates_of(evidence: LexicalEvidence) -> list[str]:
    """The labels worth parsing for: the likeliest ones that have a grammar."""
    shares = shares_of(evidence.logits)
    ranked = sorted(shares, key=shares.__getitem__, reverse=True)[:_MAX_CANDIDATES]
    return [label for label in ranked if label in GRAMMARS and shares[label] >= _MIN_CANDIDATE]


class GrammarCompetition(EmbeddedService):
    """Reads the start of the content, never the name.

    Plain signs (a shebang, an XML prologue, a patch header, ...) decide where there are any.
    Otherwise the words and marks nominate up to three languages, and how well each one's
    grammar parses the text shifts the odds between them.
    """

    name: ClassVar[str] = "grammar"
    expected_ms: ClassVar[float] = 1.3

    def answer(self, question: Question) -> Reading:
        text = question.item.text.removeprefix("\ufeff")
        if len(text.strip()) < _MIN_CHARS:
            return abstained("too little content to tell")
        if sign := plain_sign(text):
            return answered(question, [(sign.label, sign.confidence)], sign.evidence)
        evidence = weigh(text)
        if evidence.known < _MIN_KNOWN:
            return abstained("hardly any telling words and marks")
        shares, parses = _compete(text, evidence)
        shares, told = _told_apart(text, shares)
        ranked = sorted(shares.items(), key=lambda entry: (-entry[1], entry[0]))
        ranked = [(label, min(share, _BEST)) for label, share in ranked]
        if ranked[0][1] < _MIN_CONFIDENCE:
            return abstained(f"no content type stands out; the nearest is {ranked[0][0]}")
        words = f"{evidence.known} telling words and marks"
        return answered(question, ranked, "; ".join([words, *parses, *told]))


def _compete(text: str, evidence: LexicalEvidence) -> tuple[dict[str, float], list[str]]:
    scale = fitted()["lengths"][length_class(evidence.known)]
    logits = {label: scale * logit for label, logit in evidence.logits.items()}
    content = parsed_prefix(text)
    said = []
    for label in candidates_of(evidence):
        share = error_share(content, label)
        logits[label] += fitted()["parse"][label][error_class(share)]
        said.append(f"parse errors as {label} {share:.0%}")
    return shares_of(logits), said


def _told_apart(text: str, shares: Mapping[str, float]) -> tuple[dict[str, float], Sequence[str]]:
    """Splits what lexical evidence cannot: JavaScript by types, prose by its markup."""
    split = dict(shares)
    best = max(split, key=lambda label: split[label])
    if best == "javascript":
        share, why = typescript_share(text)
        split["typescript"] = split["javascript"] * share
        split["javascript"] *= 1.0 - share
        return split, [why]
    return refined(text, split)
