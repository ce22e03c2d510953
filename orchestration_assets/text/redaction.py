"""Redacts credentials and personal data, and finds prompt injection."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Final, NamedTuple

from orchestration_assets.schemas.services import SensitiveKind
from orchestration_assets.text.sensitive.addresses import (
    ip_addresses,
    mail_addresses,
    url_credentials,
)
from orchestration_assets.text.sensitive.assigned_secrets import assigned_secrets
from orchestration_assets.text.sensitive.issued_tokens import issued_tokens
from orchestration_assets.text.sensitive.key_blocks import key_blocks
from orchestration_assets.text.sensitive.numbers import (
    cards,
    ibans,
    phone_numbers,
    social_security_numbers,
)
from orchestration_assets.text.sensitive.spans import Span, character_classes

# the more certain kinds first: they name what several find
_FINDERS: Final[tuple[tuple[SensitiveKind, Callable[[str], Iterator[Span]]], ...]] = (
    (SensitiveKind.SECRET, key_blocks),
    (SensitiveKind.SECRET, url_credentials),
    (SensitiveKind.SECRET, issued_tokens),
    (SensitiveKind.SECRET, assigned_secrets),
    (SensitiveKind.EMAIL, mail_addresses),
    (SensitiveKind.IP_ADDRESS, ip_addresses),
)
_NUMBER_FINDERS: Final[tuple[tuple[SensitiveKind, Callable[[str, bytes], Iterator[Span]]], ...]] = (
    (SensitiveKind.IBAN, ibans),
    (SensitiveKind.CARD, cards),
    (SensitiveKind.SOCIAL_SECURITY, social_security_numbers),
    (SensitiveKind.PHONE, phone_numbers),
)
_KINDS: Final = tuple(kind for kind, _ in (*_FINDERS, *_NUMBER_FINDERS))
_MAX_PASSES: Final = 4
"""A secret may be recognisable only once its neighbour is replaced."""


class RedactedText(NamedTuple):
    """A redacted text, and the number of replacements by kind."""

    text: str
    counts: Mapping[str, int]


def redact(text: str, kinds: Collection[SensitiveKind]) -> RedactedText:
    """Replaces every sensitive span by its kind in brackets, such as ``[EMAIL]``.

    Of an assignment the value is replaced and the name stays.
    """
    counts: dict[str, int] = {}
    for _ in range(_MAX_PASSES):
        spans = sensitive_spans(text, kinds)
        if not spans:
            break
        text = _with_placeholders(text, spans)
        for _, _, kind in spans:
            counts[kind.value] = counts.get(kind.value, 0) + 1
    return RedactedText(text, counts)


def sensitive_spans(
    text: str, kinds: Collection[SensitiveKind]
) -> list[tuple[int, int, SensitiveKind]]:
    """Sensitive spans in order; overlapping ones merge under the more certain kind."""
    spans = [
        (start, end, rank)
        for rank, (kind, finder) in enumerate(_FINDERS)
        if kind in kinds
        for start, end in finder(text)
    ]
    mask = character_classes(text)
    if b"d" in mask:
        spans += (
            (start, end, rank)
            for rank, (kind, number) in enumerate(_NUMBER_FINDERS, len(_FINDERS))
            if kind in kinds
            for start, end in number(text, mask)
        )
    found: list[tuple[int, int, int]] = []
    for start, end, rank in sorted(spans):
        if found and start < found[-1][1]:
            last = found[-1]
            found[-1] = (last[0], max(last[1], end), min(last[2], rank))
        else:
            found.append((start, end, rank))
    return [(start, end, _KINDS[rank]) for start, end, rank in found]


def _with_placeholders(text: str, spans: list[tuple[int, int, SensitiveKind]]) -> str:
    parts: list[str] = []
    done = 0
    for start, end, kind in spans:
        parts += (text[done:start], f"[{kind.value.upper()}]")
        done = end
    return "".join((*parts, text[done:]))


_INJECTION: Final = re.compile(
    r"(?i)\b(?:ignore|disregard|forget|override)\b.{0,40}\b(?:instructions?|prompts?|rules)\b"
    r"|\byou are now\b.{0,60}\b(?:assistant|ai|model|mode)\b"
    r"|\b(?:reveal|print|repeat|show)\b.{0,30}\b(?:system|hidden|initial) prompt\b"
    r"|^\s{0,8}(?:system|assistant)\s{0,4}:"
    r"|\bnew instructions?\s{0,4}:"
    r"|\b(?:answer|respond|reply) only with\b"
    r"|<\|[a-z_]{1,32}\|>|\[/?INST\]|<</?SYS>>",
    re.MULTILINE,
)
_INJECTION_LITERALS: Final = (
    *("instruction", "prompt", "rules", "you are now", "system", "assistant", " only with"),
    *("<|", "inst]", "sys>>"),
)
# the marks that separate roles in chat templates: content must not change the role
_TURN_MARKS: Final = re.compile(r"<\|([a-zA-Z_]{1,32})\|>|\[(/?INST)\]|<<(/?SYS)>>")


def injection_markers(text: str) -> int:
    """How many places of the text read like instructions to a model."""
    lower = text.lower()
    if not any(literal in lower for literal in _INJECTION_LITERALS):
        return 0
    return len(_INJECTION.findall(text))


def without_turn_marks(text: str) -> str:
    """The text with marks of chat templates made harmless."""
    if "<|" not in text and "INST]" not in text and "SYS>>" not in text:
        return text
    return _TURN_MARKS.sub(lambda match: f"({next(name for name in match.groups() if name)})", text)
