"""What of a message may stand for it: a sentence that tells most, or its beginning.

Pieces of messages are redacted by themselves before they are shown, so that no cut may hide what a
secret is recognised by: of a message that holds one no piece is made, and no cut is made within
anything else that is sensitive.
"""

from collections.abc import Sequence
from typing import Final

from orchestration_assets.conversations.statements import MAX_SENTENCES
from orchestration_assets.schemas.services import SensitiveKind
from orchestration_assets.text.redaction import sensitive_spans
from orchestration_assets.text.sentences import MAX_SENTENCE, sentences_of
from orchestration_assets.text.token_estimates import token_estimate

_LONG: Final = 48
"""A message of fewer tokens is shown whole or not at all."""
_BEGINNING: Final = 160
"""Characters of a beginning, at most."""
_READ: Final = 16_384
_BEHIND: Final = 8_192
"""Characters behind a cut that tell whether it falls into something sensitive."""


def remembered(text: str, characters: int) -> str:
    """So many characters of a message at most: fewer where something sensitive spans the cut, since
    half of a key or of an address is not recognised any more."""
    if len(text) <= characters:
        return text
    cut = characters
    for start, end, _ in sensitive_spans(text[: characters + _BEHIND], tuple(SensitiveKind)):
        if start < characters < end:
            cut = start
    return text[:cut]


def whole_sentences(text: str) -> list[str]:
    """The sentences of a message that are not cut; none of one that holds a secret."""
    if sensitive_spans(text, (SensitiveKind.SECRET,)):
        return []
    return [one for one in sentences_of(text[:_READ], MAX_SENTENCES) if len(one) < MAX_SENTENCE]


def brief_of(text: str, sentences: Sequence[str], scores: Sequence[float]) -> str:
    """The sentence of the highest score, else the beginning; "" for a message that is short, or
    that must not be cut."""
    if token_estimate(text[:_READ]) < _LONG:
        return ""
    best = max(zip(scores, sentences, strict=False), key=lambda one: one[0], default=(0.0, ""))[1]
    if best and token_estimate(best) <= _LONG:
        return best
    return beginning(text, _BEGINNING)


def beginning(text: str, characters: int) -> str:
    """The beginning of a text in whole words, of at most so many characters; "" where a secret
    stands in it."""
    if len(text) <= characters:
        return text
    spans = sensitive_spans(text[:_READ], tuple(SensitiveKind))
    if any(kind is SensitiveKind.SECRET for _, _, kind in spans):
        return ""
    cut = text.rfind(" ", 0, characters)
    for start, end, _ in spans:
        if start < cut < end:
            cut = start
    return f"{text[:cut].rstrip()} ..." if cut > 0 else ""
