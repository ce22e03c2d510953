"""Redacts credentials and personal data, and finds prompt injection."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from hashlib import blake2b
from typing import Final, NamedTuple

from orchestration_assets.schemas.services import SensitiveKind
from orchestration_assets.text.sensitive.addresses import (
    ip_addresses,
    mail_addresses,
    url_credentials,
)
from orchestration_assets.text.sensitive.assigned_secrets import assigned_secrets
from orchestration_assets.text.sensitive.issued_tokens import issued_tokens
from orchestration_assets.text.sensitive.key_blocks import NEEDED_BY_KEY_BLOCKS, key_blocks
from orchestration_assets.text.sensitive.numbers import (
    cards,
    ibans,
    phone_numbers,
    social_security_numbers,
)
from orchestration_assets.text.sensitive.spans import Span, character_classes

# the more certain kinds first: they name what several find; each finds nothing where a text holds
# none of its literals, if it has some
_FINDERS: Final[
    tuple[tuple[SensitiveKind, Callable[[str], Iterator[Span]], tuple[str, ...]], ...]
] = (
    (SensitiveKind.SECRET, key_blocks, NEEDED_BY_KEY_BLOCKS),
    (SensitiveKind.SECRET, url_credentials, ("://",)),
    (SensitiveKind.SECRET, issued_tokens, ("",)),
    (SensitiveKind.SECRET, assigned_secrets, ("",)),
    (SensitiveKind.EMAIL, mail_addresses, ("@",)),
    (SensitiveKind.IP_ADDRESS, ip_addresses, (".", ":")),
)
# with the digits that a text must hold in all
_NUMBER_FINDERS: Final[
    tuple[tuple[SensitiveKind, Callable[[str, bytes], Iterator[Span]], int], ...]
] = (
    (SensitiveKind.IBAN, ibans, 2),
    (SensitiveKind.CARD, cards, 13),
    (SensitiveKind.SOCIAL_SECURITY, social_security_numbers, 9),
    (SensitiveKind.PHONE, phone_numbers, 7),
)
_KINDS: Final = tuple(finder[0] for finder in (*_FINDERS, *_NUMBER_FINDERS))
_MAX_PASSES: Final = 4
"""A secret may be recognisable only once its neighbour is replaced."""
_MARK_BYTES: Final = 2
_KIND: Final = "|".join(kind.upper() for kind in SensitiveKind)
_MARK: Final = re.compile(rf"\[({_KIND})-[0-9a-f]{{4}}\]")


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


def mark(text: str, kinds: Collection[SensitiveKind]) -> str:
    """The text with every sensitive span replaced by its kind and a mark of what stood there, such
    as ``[SECRET-3fa2]``: equal ones are replaced by equal ones, and others almost always by others.

    The mark is 16 bits of blake2b, hex: it tells two apart, and says next to nothing of either.
    """
    for _ in range(_MAX_PASSES):
        spans = sensitive_spans(text, kinds)
        if not spans:
            break
        text = _with_placeholders(text, spans, _marked)
    return text


def marks_in(text: str) -> Mapping[str, int]:
    """How many spans of each kind :func:`mark` took out of a text, by kind."""
    found = Counter(match[1].lower() for match in _MARK.finditer(text))
    return dict(sorted(found.items()))


def without_marks(text: str) -> str:
    """The text as :func:`redact` has it: every mark without what tells it from others."""
    return _MARK.sub(r"[\1]", text)


def _marked(kind: SensitiveKind, held: str) -> str:
    told = blake2b(held.encode("utf-8", "surrogatepass"), digest_size=_MARK_BYTES).hexdigest()
    return f"[{kind.value.upper()}-{told}]"


def _named(kind: SensitiveKind, held: str) -> str:
    return f"[{kind.value.upper()}]"


def sensitive_spans(
    text: str, kinds: Collection[SensitiveKind]
) -> list[tuple[int, int, SensitiveKind]]:
    """Sensitive spans in order; overlapping ones merge under the more certain kind."""
    spans: list[tuple[int, int, int]] = []
    for rank, (kind, finder, literals) in enumerate(_FINDERS):
        if kind in kinds:
            for literal in literals:
                if literal in text:
                    spans += [(start, end, rank) for start, end in finder(text)]
                    break
    mask = character_classes(text)
    if digits := mask.count(b"d"):
        for rank, (kind, number, least) in enumerate(_NUMBER_FINDERS, len(_FINDERS)):
            if digits >= least and kind in kinds:
                spans += [(start, end, rank) for start, end in number(text, mask)]
    if not spans:
        return []
    found: list[tuple[int, int, int]] = []
    for start, end, rank in sorted(spans):
        if found and start < found[-1][1]:
            last = found[-1]
            found[-1] = (last[0], max(last[1], end), min(last[2], rank))
        else:
            found.append((start, end, rank))
    return [(start, end, _KINDS[rank]) for start, end, rank in found]


def _with_placeholders(
    text: str,
    spans: list[tuple[int, int, SensitiveKind]],
    placeholder: Callable[[SensitiveKind, str], str] = _named,
) -> str:
    parts: list[str] = []
    done = 0
    for start, end, kind in spans:
        parts += (text[done:start], placeholder(kind, text[start:end]))
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
    if not text:
        return 0
    lower = text.lower()
    for literal in _INJECTION_LITERALS:
        if literal in lower:
            return len(_INJECTION.findall(text))
    return 0


def without_turn_marks(text: str) -> str:
    """The text with marks of chat templates made harmless."""
    if "<|" not in text and "INST]" not in text and "SYS>>" not in text:
        return text
    return _TURN_MARKS.sub(lambda match: f"({next(name for name in match.groups() if name)})", text)
