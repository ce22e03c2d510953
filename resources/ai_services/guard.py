"""What must not leave the machine, and what content tries on a language model."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Final, NamedTuple

from orchestration_assets.schemas.services import SensitiveKind
from resources.credentials import ASSIGNED, ASSIGNED_NAMES, PRIVATE_KEY, TOKENS, luhn


def _iban(found: str) -> bool:
    """The check digits of account numbers (ISO 13616: remainder 1 modulo 97)."""
    plain = found.replace(" ", "")
    return int("".join(str(int(one, 36)) for one in plain[4:] + plain[:4])) % 97 == 1


def _ip_address(found: str) -> bool:
    try:
        return not IPv4Address(found).is_loopback
    except ValueError:
        return False


def _phone(found: str) -> bool:
    return 9 <= sum(one.isdigit() for one in found) <= 15


def _any(found: str) -> bool:
    return bool(found)


@dataclass(frozen=True, slots=True)
class _Sensitive:
    """``literals``: of these one must stand in the text, whose letters are made small where
    ``any_case``, for the pattern to be worth running; ``figures``: likewise a run of figures."""

    kind: SensitiveKind
    pattern: re.Pattern[str]
    literals: tuple[str, ...] = ()
    holds: Callable[[str], bool] = _any
    any_case: bool = False
    figures: bool = False


_SECRETS: Final = (
    *((literals, rf"\b{body}") for literals, body in TOKENS),
    (
        ("PRIVATE KEY-----",),
        PRIVATE_KEY + r"(?:[^-]{0,20000}-----END [A-Z ]{0,20}PRIVATE KEY-----)?",
    ),
)
# the longer and surer kinds first: what they take no later one sees
_SENSITIVE: Final = (
    *(
        _Sensitive(SensitiveKind.SECRET, re.compile(pattern), literals)
        for literals, pattern in _SECRETS
    ),
    _Sensitive(SensitiveKind.SECRET, re.compile(f"(?i:{ASSIGNED})"), ASSIGNED_NAMES, any_case=True),
    _Sensitive(
        SensitiveKind.EMAIL,
        re.compile(r"\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}\b"),
        ("@",),
    ),
    _Sensitive(
        SensitiveKind.IBAN,
        re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b"),
        holds=_iban,
        figures=True,
    ),
    _Sensitive(
        SensitiveKind.CARD,
        re.compile(r"(?<![\w.])\d(?:[ -]?\d){12,18}(?![\w.])"),
        holds=luhn,
        figures=True,
    ),
    _Sensitive(
        SensitiveKind.IP_ADDRESS,
        re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.]\d)"),
        (".",),
        _ip_address,
        figures=True,
    ),
    _Sensitive(
        SensitiveKind.SOCIAL_SECURITY,
        re.compile(r"(?<![\w.-])\d{3}-\d{2}-\d{4}(?![\w-])"),
        ("-",),
        figures=True,
    ),
    _Sensitive(
        SensitiveKind.PHONE,
        re.compile(
            r"(?<![\w.+])(?:\+\d{1,3}[ .-]?(?:\(0?\d{1,4}\)[ .-]?)?(?:\d{2,5}[ .-]?){2,4}"
            r"|\(\d{2,4}\)[ .-]?\d{3,4}[ .-]\d{3,4}|\d{3}[.-]\d{3}[.-]\d{4})(?<=\d)(?![\w-])"
        ),
        ("+", "(", "-", "."),
        _phone,
        figures=True,
    ),
)
_FIGURES: Final = re.compile(r"\d(?:(?:[ ().:/-]{0,3}\d){6}|\.\d{1,3}\.\d|\d ?[A-Z0-9]{4})")
"""Stands wherever a phone, card, account or address may: a quick look before the slow ones."""


class Redacted(NamedTuple):
    """A text without what must not leave, and how much of each kind was taken out."""

    text: str
    counts: Mapping[str, int]


def redact(text: str, kinds: Collection[SensitiveKind]) -> Redacted:
    """Replaces every match by its kind in brackets, such as ``[EMAIL]``; values are not kept."""
    counts: dict[str, int] = {}
    figures = _FIGURES.search(text) is not None
    # beyond ASCII there are letters whose small form no search for small letters finds
    lower = text.lower() if text.isascii() else None
    for one in _SENSITIVE:
        if one.kind not in kinds or (one.figures and not figures):
            continue
        searched = lower if one.any_case else text
        if one.literals and searched is not None and not _holds_any(searched, one.literals):
            continue
        text, found = _replaced(text, one)
        if found:
            counts[one.kind.value] = counts.get(one.kind.value, 0) + found
    return Redacted(text, counts)


def _holds_any(text: str, literals: tuple[str, ...]) -> bool:
    for literal in literals:  # noqa: SIM110 -- asked for every text, and a generator takes longer
        if literal in text:
            return True
    return False


def _replaced(text: str, sensitive: _Sensitive) -> tuple[str, int]:
    found = 0

    def stand_in(match: re.Match[str]) -> str:
        nonlocal found
        if not sensitive.holds(match.group()):
            return match.group()
        found += 1
        return f"[{sensitive.kind.value.upper()}]"

    return sensitive.pattern.sub(stand_in, text), found


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
