"""Finds mail addresses, IP addresses, and credentials in URLs."""

import re
from collections.abc import Iterator
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final

from orchestration_assets.text.sensitive.placeholders import is_placeholder
from orchestration_assets.text.sensitive.randomness import is_random
from orchestration_assets.text.sensitive.spans import Span, find_all

_MAIL_HOST: Final = re.compile(r"@(?:[^\W_][\w-]{0,62}\.){1,8}(?:[^\W\d_]{2,24}|xn--[\w-]{2,59})\b")
_MAIL_USER: Final = re.compile(r"[\w.+%!#$&*=?^{|}~/'-]{1,64}\Z")
_MAIL_SIGNS: Final = frozenset("._+%-")
_MAX_USER_CHARS: Final = 64
_IN_ADDRESS: Final = re.compile(r"://[^\s/@:]{1,64}:\Z")
# accounts that programs share
_SERVICE_USERS: Final = frozenset(("git", "hg", "svn"))


def mail_addresses(text: str) -> Iterator[Span]:
    """Mail addresses of people: not of shared accounts such as git, nor parts of URLs."""
    for place in find_all(text, "@"):
        host = _MAIL_HOST.match(text, place)
        if host is None:
            continue
        start = place
        floor = max(0, place - _MAX_USER_CHARS)
        while start > floor and (text[start - 1].isalnum() or text[start - 1] in _MAIL_SIGNS):
            start -= 1
        while start < place and text[start] in ".-%":
            start += 1
        if text.startswith("://", start - 3) or (
            text[start - 1 : start] == ":" and _IN_ADDRESS.search(text, floor, start)
        ):
            # the user or the password of an address
            continue
        if start < place and text[start:place] not in _SERVICE_USERS:
            yield start, host.end()


_USER: Final = re.compile(
    r"://(?P<user>[^\s/?#@:'\"<>\[\]]{0,128})(?P<password>:[^\s/?#@'\"<>]{1,256})?@"
)
_MAX_NAME_DIGITS: Final = 8
_MIN_LONE_USER_CHARS: Final = 16
"""A URL user without a password is a key when it is so long and looks random."""


def url_credentials(text: str) -> Iterator[Span]:
    """The user and password of a URL (RFC 3986, 3.2.1), as one span."""
    for place in find_all(text, "://"):
        found = _USER.match(text, place)
        if found is None:
            continue
        user, password = found["user"], (found["password"] or "")[1:]
        if password:
            if not is_placeholder(password):
                yield place + 3, found.end() - 1
        elif len(user) >= _MIN_LONE_USER_CHARS and (
            is_random(user) or sum(map(str.isdigit, user)) > _MAX_NAME_DIGITS
        ):
            yield place + 3, found.end() - 1


_IPV4: Final = re.compile(
    r"(?<![\w.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?!\w|\.\w|-\d)",
    re.ASCII,
)
_IPV4_MASK: Final = re.compile(rb"\.d{1,3}\.d{1,3}\.d")
_DIGIT: Final = ord("d")
_OCTETS: Final = bytes(
    ord("d") if byte in b"0123456789" else byte if byte == ord(".") else ord("x")
    for byte in range(256)
)
# octets below 64 only are as often a version number: then the words around decide
_SMALL_OCTET: Final = 64
_ADDRESS_CONTEXT: Final = re.compile(
    r"(?:\b(?:ip|ipv4|addr|address|addresses|host|hosts|server|client|peer|dns|nameserver|gateway|"
    r"from|at|to|by|via|node|remote|remote_addr|source|src|dst|dest|destination|proxy|ssh|ping|"
    r"login|connect(?:ed|ion|ing)?|listen|bind|forwarded|for|user|visitor|router|network)\b"
    r"[^\n]{0,10}|@|//|\[)\Z",
    re.I,
)
_VERSION_CONTEXT: Final = re.compile(
    r"\b(?:version|release|v|ver|rev|section|sec|\u00a7|chapter|oid|mib|build|python|rfc|spec|clause"
    r"|see|\bat least|since|upgrade|pip)[^\n\w]{0,4}(?:to )?\Z",
    re.I,
)
_PORT_OR_PREFIX: Final = re.compile(r":\d{2,5}\b|/\d{1,2}\b")


def ip_addresses(text: str) -> Iterator[Span]:
    """IPv4 and IPv6 addresses of single machines: not loopback, multicast or broadcast."""
    if "." in text:
        mask = text.encode("ascii", "replace").translate(_OCTETS)
        for found in _IPV4_MASK.finditer(mask):
            start = found.start()
            while start > 0 and found.start() - start < 3 and mask[start - 1] == _DIGIT:
                start -= 1
            four = _IPV4.match(text, start)
            if four and _is_routable(text, *four.span()):
                yield four.span()
    if ":" in text:
        yield from _ipv6_addresses(text)


def _is_routable(text: str, start: int, end: int) -> bool:
    try:
        address = IPv4Address(text[start:end])
    except AddressValueError:
        return False
    packed = address.packed
    if packed[0] in (0, 127) or packed[0] >= 224 or packed[:2] == b"\xff\xff":
        return False
    before = text[max(0, start - 40) : start]
    if _VERSION_CONTEXT.search(before):
        return False
    if max(packed) >= _SMALL_OCTET or packed[0] == 10:
        return True
    return bool(_ADDRESS_CONTEXT.search(before) or _PORT_OR_PREFIX.match(text, end))


_IPV6: Final = re.compile(
    r"(?:[23][0-9a-f]{3}|f[cd][0-9a-f]{2}|fe[89ab][0-9a-f]|64|::ffff)"
    r"(?::{1,2}[0-9a-f]{1,4}){0,7}(?:::)?(?::(?:\d{1,3}\.){3}\d{1,3})?(?![\w:])",
    re.I | re.A,
)
_HEX: Final = frozenset("0123456789abcdefABCDEF:")
_HEX_RUN: Final = re.compile(r"[0-9A-Fa-f:]*")
_IPV6_GROUPS: Final = re.compile(r":[0-9A-Fa-f]{1,4}:[0-9A-Fa-f]{1,4}:|::")
_MAX_IPV6_CHARS: Final = 45


def _ipv6_addresses(text: str) -> Iterator[Span]:
    done = 0
    for found in _IPV6_GROUPS.finditer(text):
        start = found.start()
        if start < done:
            continue
        done = _HEX_RUN.match(text, start).end()  # type: ignore[union-attr]
        floor = max(0, start - _MAX_IPV6_CHARS)
        while start > floor and text[start - 1] in _HEX:
            start -= 1
        if start > 0 and (text[start - 1].isalnum() or text[start - 1] in "_."):
            continue
        six = _IPV6.match(text, start)
        if six is None:
            continue
        try:
            address = IPv6Address(six.group())
        except AddressValueError:
            continue
        if not address.is_loopback and not address.is_unspecified:
            yield six.span()
