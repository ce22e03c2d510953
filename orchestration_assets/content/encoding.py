"""How bytes become text: which encoding, and what that choice rests on."""

import codecs
import re
from dataclasses import dataclass
from typing import Final

from orchestration_assets.schemas.enums import RejectReason

_SNIFFED_BYTES: Final = 8192
_BOMS: Final = (
    # UTF-32 first: its little-endian mark begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# PEP 263 source cookies (first two lines), XML declarations and HTML meta tags
_DECLARATIONS: Final = (
    re.compile(rb"\A(?:[^\n]*\n)?[ \t\f]*#[^\n]*?coding[:=][ \t]*([-\w.]+)"),
    re.compile(rb"\A\s*<\?xml[^>]{0,200}?encoding=[\"']([-\w.]+)[\"']"),
    re.compile(rb"<meta[^>]{0,200}?charset=[\"']?([-\w.]+)", re.IGNORECASE),
)
# what text was written in before UTF-8, as far as its letters tell the encodings apart
_LEGACY: Final = ("cp1251", "koi8_r", "cp932", "euc_jp", "gb18030", "big5", "cp949")
_WESTERN: Final = "cp1252"
_TYPOGRAPHY: Final = "€‚„…‘’“”•–—™›‹¡¢£§©«®°±²³´·»¼½¾¿×÷\xa0"  # noqa: RUF001
_FEW: Final = 0.15
# share of a language's most frequent letters that must be there, as charset-normalizer counts
_COHERENT: Final = 0.1
# control characters that text does not hold: all but \t \n \v \f \r and escape
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


@dataclass(frozen=True, slots=True)
class Encoding:
    """A codec that decodes the whole content, and the evidence for it."""

    name: str
    source: str


def detect_encoding(data: bytes) -> Encoding | RejectReason:
    """The encoding of text content, or why it is not text.

    In order: a byte order mark; UTF-8; the NUL pattern of UTF-16 without a mark; an encoding that
    the content itself declares; a single-byte encoding that its letters fit. Content with other
    NUL bytes, or many control characters in no known encoding, is binary.
    """
    for mark, name in _BOMS:
        if data.startswith(mark):
            return Encoding(name, "bom") if _decodes(data, name) else RejectReason.UNDECODABLE
    head = data[:_SNIFFED_BYTES]
    if b"\x00" in head:
        wide = _wide(head)
        if wide is not None and _decodes(data, wide):
            return Encoding(wide, "nul pattern")
        return RejectReason.BINARY
    if _decodes(data, "utf-8"):
        return Encoding("utf-8", "utf-8")
    declared = _declared(head)
    if declared is not None and _decodes(data, declared):
        return Encoding(declared, "declared")
    if len(_CONTROL.findall(head)) > len(head) // 100:
        return RejectReason.BINARY
    detected = _detected(data)
    return Encoding(detected, "detected") if detected else RejectReason.UNDECODABLE


def _wide(head: bytes) -> str | None:
    """UTF-16 in Latin script without a mark: every other byte is NUL, and on one side only."""
    even, odd = head[::2].count(0), head[1::2].count(0)
    half = len(head) / 2
    if odd > 0.4 * half and even <= 0.02 * half:
        return "utf-16-le"
    if even > 0.4 * half and odd <= 0.02 * half:
        return "utf-16-be"
    return None


def _detected(data: bytes) -> str | None:
    """The legacy encoding that gives words of a language, or plainly Western text; else None.

    A wrong guess is worse than none: letters would be silently swapped for others.
    """
    from charset_normalizer import from_bytes

    telling = _telling(data)
    if _western(telling) and _decodes(data, _WESTERN):
        return _WESTERN
    best = from_bytes(telling, cp_isolation=list(_LEGACY), threshold=0.2).best()
    if best is None or best.coherence < _COHERENT or not _decodes(data, best.encoding):
        return None
    return codecs.lookup(best.encoding).name


def _western(data: bytes) -> bool:
    """Whether few characters are beyond ASCII, and all of them Western letters or typography."""
    high = [byte for byte in data if byte >= 0x80]
    if len(high) > _FEW * len(data) or not _decodes(data, _WESTERN):
        return False
    beyond = bytes(high).decode(_WESTERN)
    return all(character.isalpha() or character in _TYPOGRAPHY for character in beyond)


def _telling(data: bytes) -> bytes:
    """Up to so many bytes around the places that are not ASCII: they alone decide."""
    if len(data) <= _SNIFFED_BYTES:
        return data
    lines = [line for line in data[: 64 * _SNIFFED_BYTES].split(b"\n") if not line.isascii()]
    return b"\n".join(lines)[:_SNIFFED_BYTES] or data[:_SNIFFED_BYTES]


def _declared(head: bytes) -> str | None:
    for pattern in _DECLARATIONS:
        if found := pattern.search(head):
            try:
                codec = codecs.lookup(found.group(1).decode("ascii", "replace"))
            except LookupError:
                return None
            # codecs such as rot13 or zip are transformations, not text encodings
            return codec.name if getattr(codec, "_is_text_encoding", True) else None
    return None


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except (UnicodeError, ValueError):
        return False
    return True
