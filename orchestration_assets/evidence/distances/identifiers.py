"""Addresses and identifiers: texts of which one other letter or digit makes another thing."""

import re
from functools import lru_cache
from typing import Final

_ADDRESS: Final = re.compile(
    r"(?:[a-z][a-z0-9+.-]{1,15}://|www\.)\S+|[^\s@]+@[^\s@]+\.[^\s@]+", re.I
)
# an address with words or signs around it: Documentation: https://example.org/, <https://e.org>.
_INSIDE: Final = re.compile(r"https?://[^\s<>\"'(){}\[\]]+", re.I)
_MOST_BESIDE: Final = 4
_CODE: Final = re.compile(r"(?=\S*\d)[^\W_][\w.+#:/-]*", re.ASCII)
_SPACED_CODE: Final = re.compile(r"[A-Za-z]{1,5} \d{2,}")
_DECIMAL: Final = re.compile(r"[-+]?\d+[.,]\d+")
_SCHEME: Final = re.compile(r"^(?:https?://)?(?:www\.)?")
_ENDS: Final = re.compile(r"(?:\.git)?/*$")
# between letters and digits a hyphen is a matter of taste: LS-4711, LS 4711, LS4711
_JOINED: Final = re.compile(r"(?<=[a-z])[-_ #/]+(?=\d)")
_LEADING: Final = re.compile(r"^(?:#|no\.?|v(?=\d))")
_CLOSING: Final = ".,;:!?"
_LONGEST: Final = 2_000
_CACHED: Final = 65_536


@lru_cache(_CACHED)
def exact_form(text: str) -> str | None:
    """What an address or identifier is compared by, None for any other text.

    Addresses without scheme, *www.*, final slash and case, and without the few words and signs that
    stand beside the only one; identifiers (one word with a digit in
    it) without case, and without a sign between letters and digits. Numbers with decimals are
    amounts.
    """
    plain = text.strip()
    if len(plain) > _LONGEST:
        return None
    if (address := _address_in(plain)) is not None:
        return _ENDS.sub("", _SCHEME.sub("", address.casefold()))
    if _DECIMAL.fullmatch(plain):
        return None
    if _CODE.fullmatch(plain) or _SPACED_CODE.fullmatch(plain):
        return _JOINED.sub("", _LEADING.sub("", plain.casefold()))
    return None


def is_address(text: str) -> bool:
    """Whether a text is an address of the web or of mail, with a few words beside it at most."""
    return _address_in(text.strip()) is not None


def _address_in(text: str) -> str | None:
    found: set[str] = {one.rstrip(_CLOSING) for one in _INSIDE.findall(text)}
    if len(found) == 1 and len(_INSIDE.sub(" ", text).split()) <= _MOST_BESIDE:
        return found.pop()
    return text if _ADDRESS.fullmatch(text) else None


def same_identifier(first: str, second: str) -> bool | None:
    """Whether two identifiers or addresses are one; None where not both texts are any.

    Digits alone are what another one ends with, written without its letters: 4711 and LS-4711.
    """
    a, b = exact_form(first), exact_form(second)
    if a is None or b is None:
        return None
    short, long = sorted((a, b), key=len)
    if short.isdigit() and not long.isdigit():
        return re.fullmatch(rf"[a-z]+{short}", long) is not None
    return a == b
