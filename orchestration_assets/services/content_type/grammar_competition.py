"""Content type from the content alone: plain signs, then words, then parse errors."""

import math
from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

from orchestration_assets.schemas.items import Question, Reading
from orchestration_assets.services.content_type.ecmascript import typescript_share
from orchestration_assets.services.content_type.lexical_evidence import (
    LexicalEvidence,
    fitted_model,
    lexical_evidence,
)
from orchestration_assets.services.content_type.parse_evidence import (
    GRAMMARS,
    error_class,
    error_share,
    opens_as,
    parsed_prefix,
)
from orchestration_assets.services.content_type.plain_signs import (
    PROSE_TYPES,
    find_sign,
    split_prose_types,
)
from orchestration_assets.services.content_type.shared_extension_formats import told_format
from orchestration_assets.services.contract import EmbeddedService
from orchestration_assets.services.readings import abstention, label_reading, quoted

_MAX_CANDIDATES: Final = 3
_MIN_CANDIDATE: Final = 0.01
_MIN_CHARS: Final = 12
_MIN_KNOWN: Final = 3
_QUOTED_WORDS: Final = 2
_MIN_CONFIDENCE: Final = 0.3
# Formats that the words know are told from rarer ones by their marks where the words are less sure.
_SURE: Final = 0.9
_MARKED_CHARS: Final = 4096
# No content is ever quite certain: a file may quote another language from end to end.
_MAX_CONFIDENCE: Final = 0.995

# The evidence of a text with few known features is worth less; classes by their number.
_LENGTH_ENDS: Final = (8, 20, 50, 120, 300)
LENGTH_CLASSES: Final = len(_LENGTH_ENDS) + 1


def length_class(known: int) -> int:
    """The class of a text by its number of known features."""
    return sum(known >= end for end in _LENGTH_ENDS)


def merged_label(label: str) -> str:
    """The label for lexical evidence: TypeScript and JavaScript share one."""
    return "javascript" if label == "typescript" else label


def softmax(logits: Mapping[str, float]) -> dict[str, float]:
    """Probabilities from logits."""
    peak = max(logits.values())
    odds = {label: math.exp(logit - peak) for label, logit in logits.items()}
    total = sum(odds.values())
    return {label: part / total for label, part in odds.items()}


def parse_candidates(evidence: LexicalEvidence) -> list[str]:
    """The labels worth parsing for: the likeliest ones that have a grammar."""
    shares = softmax(evidence.logits)
    ranked = sorted(shares, key=shares.__getitem__, reverse=True)[:_MAX_CANDIDATES]
    return [label for label in ranked if label in GRAMMARS and shares[label] >= _MIN_CANDIDATE]


class GrammarCompetition(EmbeddedService):
    """Reads the start of the content, never the name.

    Plain signs (a shebang, an XML prologue, a patch header, ...) decide where there are any.
    Otherwise the words and marks nominate up to three languages, and how well each one's
    grammar parses the text shifts the odds between them. Where that leaves doubt, marks that only a
    format with a shared extension has decide: MATLAB, Prolog, Verilog, Visual Basic and others.
    """

    name: ClassVar[str] = "grammar"
    expected_ms: ClassVar[float] = 1.3

    def answer(self, question: Question) -> Reading:
        text = question.item.text.removeprefix("\ufeff")
        if len(text.strip()) < _MIN_CHARS:
            return abstention("too little content to tell")
        if sign := find_sign(text):
            return label_reading(question, [(sign.label, sign.confidence)], sign.evidence)
        evidence = lexical_evidence(text)
        if evidence.known < _MIN_KNOWN:
            if told := told_format(text[:_MARKED_CHARS]):
                return label_reading(question, [told[:2]], told[2])
            return abstention("hardly any telling words and marks")
        shares, parses = _parse_candidates(text, evidence)
        shares, reasons = _split_related_types(text, shares)
        ranked = sorted(shares.items(), key=lambda entry: (-entry[1], entry[0]))
        ranked = [(label, min(share, _MAX_CONFIDENCE)) for label, share in ranked]
        if ranked[0][1] < _SURE and (told := told_format(text[:_MARKED_CHARS])):
            return label_reading(question, [told[:2]], told[2])
        if ranked[0][1] < _MIN_CONFIDENCE:
            return abstention(f"no content type stands out; the nearest is {ranked[0][0]}")
        lexical = f"{evidence.known} telling words and marks"
        # of prose, the marks decide and no words
        if len(ranked) > 1 and ranked[0][0] not in PROSE_TYPES:
            words = evidence.telling_words(ranked[0][0], ranked[1][0])[:_QUOTED_WORDS]
            lexical += f" such as {quoted(words)}" if words else ""
        return label_reading(question, ranked, "; ".join([lexical, *parses, *reasons]))


def _parse_candidates(text: str, evidence: LexicalEvidence) -> tuple[dict[str, float], list[str]]:
    scale = fitted_model()["lengths"][length_class(evidence.known)]
    content = parsed_prefix(text)
    logits = {
        label: scale * logit if opens_as(content, label) else -math.inf
        for label, logit in evidence.logits.items()
    }
    reasons = []
    for label in parse_candidates(evidence):
        if not opens_as(content, label):
            continue
        share = error_share(content, label)
        logits[label] += fitted_model()["parse"][label][error_class(share)]
        reasons.append(f"parse errors as {label} {share:.0%}")
    return softmax(logits), reasons


def _split_related_types(
    text: str, shares: Mapping[str, float]
) -> tuple[dict[str, float], Sequence[str]]:
    """Splits what lexical evidence cannot: JavaScript by types, prose by its markup."""
    split = dict(shares)
    best = max(split, key=lambda label: split[label])
    if best == "javascript":
        share, reason = typescript_share(text)
        split["typescript"] = split["javascript"] * share
        split["javascript"] *= 1.0 - share
        return split, [reason]
    return split_prose_types(text, split)
