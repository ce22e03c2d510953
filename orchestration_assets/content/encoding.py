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
# control characters that text does not hold: all but \t \n \v \f \r and escape
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


@dataclass(frozen=True, slots=True)
class Encoding:
    """A codec that decodes the whole content, and the evidence for it."""

    name: str
    source: str


def detect_encoding(data: bytes) -> Encoding | RejectReason:
    """The encoding of text content, or why it is not text.

    In order: a byte order mark; UTF-8; an encoding that the content itself declares. Content
    with NUL bytes (and no mark), or many control characters in no known encoding, is binary.
    """
    for mark, name in _BOMS:
        if data.startswith(mark):
            return Encoding(name, "bom") if _decodes(data, name) else RejectReason.UNDECODABLE
    head = data[:_SNIFFED_BYTES]
    if b"\x00" in head:
        return RejectReason.BINARY
    if _decodes(data, "utf-8"):
        return Encoding("utf-8", "utf-8")
    declared = _declared(head)
    if declared is not None and _decodes(data, declared):
        return Encoding(declared, "declared")
    control = len(_CONTROL.findall(head))
    return RejectReason.BINARY if control > len(head) // 100 else RejectReason.UNDECODABLE


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
