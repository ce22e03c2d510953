"""What must not leave the machine, and what content tries on a language model."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Final, NamedTuple

from orchestration_assets.schemas.services import SensitiveKind
from orchestration_assets.text.sensitive.addresses import (
    ip_addresses,
    mail_addresses,
    url_credentials,
)
from orchestration_assets.text.sensitive.assigned import assigned_secrets
from orchestration_assets.text.sensitive.issued_tokens import issued_tokens
from orchestration_assets.text.sensitive.key_blocks import key_blocks
from orchestration_assets.text.sensitive.numbers import (
    cards,
    ibans,
    phone_numbers,
    social_security_numbers,
)
from orchestration_assets.text.sensitive.spans import Span, classes

# the surer kinds first: they name what several find
_FINDERS: Final[tuple[tuple[SensitiveKind, Callable[[str], Iterator[Span]]], ...]] = (
    (SensitiveKind.SECRET, key_blocks),
    (SensitiveKind.SECRET, url_credentials),
    (SensitiveKind.SECRET, issued_tokens),
    (SensitiveKind.SECRET, assigned_secrets),
    (SensitiveKind.EMAIL, mail_addresses),
    (SensitiveKind.IP_ADDRESS, ip_addresses),
)
_NUMBERS: Final[tuple[tuple[SensitiveKind, Callable[[str, bytes], Iterator[Span]]], ...]] = (
    (SensitiveKind.IBAN, ibans),
    (SensitiveKind.CARD, cards),
    (SensitiveKind.SOCIAL_SECURITY, social_security_numbers),
    (SensitiveKind.PHONE, phone_numbers),
)
_KINDS: Final = tuple(kind for kind, _ in (*_FINDERS, *_NUMBERS))
_MOST_PASSES: Final = 4
"""What stood beside something that was taken out may be seen only once it is gone."""


class RedactedText(NamedTuple):
    """A text without what must not leave, and how much of each kind was taken out."""

    text: str
    counts: Mapping[str, int]


def redact(text: str, kinds: Collection[SensitiveKind]) -> RedactedText:
    """Replaces every match by its kind in brackets, such as ``[EMAIL]``; values are not kept.

    Of an assignment the value is taken out and the name stays.
    """
    counts: dict[str, int] = {}
    for _ in range(_MOST_PASSES):
        found = found_in(text, kinds)
        if not found:
            break
        text = _without(text, found)
        for _, _, kind in found:
            counts[kind.value] = counts.get(kind.value, 0) + 1
    return RedactedText(text, counts)


def found_in(text: str, kinds: Collection[SensitiveKind]) -> list[tuple[int, int, SensitiveKind]]:
    """What must not leave, in its order; what overlaps is one, named by the surer kind."""
    spans = [
        (start, end, rank)
        for rank, (kind, finder) in enumerate(_FINDERS)
        if kind in kinds
        for start, end in finder(text)
    ]
    mask = classes(text)
    if b"d" in mask:
        spans += (
            (start, end, rank)
            for rank, (kind, number) in enumerate(_NUMBERS, len(_FINDERS))
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


def _without(text: str, found: list[tuple[int, int, SensitiveKind]]) -> str:
    parts: list[str] = []
    done = 0
    for start, end, kind in found:
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
# the marks with which chat templates tell who speaks: content must not speak for anybody
_TURN_MARKS: Final = re.compile(r"<\|([a-zA-Z_]{1,32})\|>|\[(/?INST)\]|<<(/?SYS)>>")


def injection_markers(text: str) -> int:
    """Places that read like instructions to a model instead of content to be judged."""
    lower = text.lower()
    if not any(literal in lower for literal in _INJECTION_LITERALS):
        return 0
    return len(_INJECTION.findall(text))


def without_turn_marks(text: str) -> str:
    """The text with chat template marks made harmless; the words stay."""
    if "<|" not in text and "INST]" not in text and "SYS>>" not in text:
        return text
    return _TURN_MARKS.sub(lambda match: f"({next(one for one in match.groups() if one)})", text)
