"""What the bytes of a record file say of themselves: encoding, line ends, separator."""

import codecs
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from orchestration_assets.content.record_files import Dialect, RecordFile
from orchestration_assets.schemas.enums import RejectReason
from orchestration_assets.schemas.listings import ContentError
from orchestration_assets.text.encodings.detection import MARKS, Encoding, NotText, detect_encoding

UTF8: Final = Encoding("utf-8", "format")
_HEAD_BYTES: Final = 64 << 10
_BLOCK_BYTES: Final = 1 << 20
# what lies beyond is taken to be in the encoding of what comes before
_LOOKED_AT_BYTES: Final = 256 << 20
_TELLING_BYTES: Final = 256 << 10
_BOM: Final = codecs.BOM_UTF8
_SEP_LINE: Final = re.compile(rb'"?sep=([^\r\n"\x00\x80-\xff])"?(?:\r\n|\n|\r|\Z)', re.IGNORECASE)
_LINE_END: Final = re.compile(rb"\r\n|\n|\r")
_QUOTED: Final = re.compile(rb'"[^"]*(?:"|\Z)')
_ASCII: Final = bytes(range(128))
# lines that are tried before a file without line feeds is taken for one of carriage returns
_TRIED: Final = 5


@dataclass(frozen=True, slots=True)
class Rewriting:
    """How a plain copy is made that can be cut by bytes: UTF-8, a line ends with a line feed.

    ``encoding`` is what the file is in; ``carriage_returns`` is true when they alone end lines.
    """

    encoding: str
    carriage_returns: bool


def refuse_empty(stream: BinaryIO) -> None:
    """Raises ContentError for a file in which there is nothing but a mark and white space."""
    stream.seek(0)
    if all(not block.removeprefix(_BOM).strip() for block in _blocks(stream)):
        raise ContentError(RejectReason.EMPTY, "no content")


def look(stream: BinaryIO, records: RecordFile) -> Dialect | Rewriting:
    """The dialect of a CSV or JSON Lines file, or how it is to be rewritten before it is cut.

    In UTF-16, UTF-32 and the encodings of two bytes a character a byte may look like a separator
    and be none.
    """
    head = _head(stream)
    encoding = _wide(head)
    found: Encoding | NotText = UTF8
    if encoding is None and records.format == "csv":
        found = _file_encoding(stream)
        if isinstance(found, Encoding) and not cuts_by_bytes(found.name):
            encoding = found.name
    if encoding is not None:
        head = head.decode(encoding, "replace").removeprefix("\ufeff").encode("utf-8", "replace")
    returns = _only_returns(head, records)
    if encoding is not None or returns:
        name = found.name if isinstance(found, Encoding) else "latin-1"
        return Rewriting(encoding or name, returns)
    delimiter, begin = records.delimiter, 0
    if records.format == "csv":
        begin = len(_BOM) if head.startswith(_BOM) else 0
        if said := _SEP_LINE.match(head, begin):
            delimiter, begin = said.group(1).decode("latin-1"), said.end()
    if isinstance(found, NotText):
        return Dialect(None, found.detail, delimiter, begin)
    return Dialect(found.name, found.source, delimiter, begin)


def dialect(stream: BinaryIO, records: RecordFile) -> Dialect:
    """The dialect of a plain file. Raises ContentError when it must be rewritten first."""
    found = look(stream, records)
    if isinstance(found, Rewriting):
        words = f"is in {found.encoding}" if not found.carriage_returns else "has no line feeds"
        raise ContentError(RejectReason.UNDECODABLE, f"{words}: save it as UTF-8 with line feeds")
    return found


def rewrite(stream: BinaryIO, how: Rewriting, target: BinaryIO) -> None:
    """Writes the plain copy. What cannot be decoded becomes U+FFFD."""
    newline = None if how.carriage_returns else ""
    stream.seek(0)
    text = io.TextIOWrapper(stream, how.encoding, "replace", newline)
    try:
        first = True
        while block := text.read(_BLOCK_BYTES):
            # such as utf-16-le the name of a codec may leave the mark in
            told = block.removeprefix("\ufeff") if first else block
            target.write(told.encode("utf-8", "replace"))
            first = False
    finally:
        text.detach()


def cuts_by_bytes(encoding: str) -> bool:
    """Whether every ASCII byte in the encoding stands for that character."""
    if codecs.lookup(encoding).name == "utf-8":
        return True
    try:
        one_byte_each = len(bytes(range(256)).decode(encoding, "replace")) == 256
        return one_byte_each and _ASCII.decode(encoding) == _ASCII.decode("ascii")
    except (UnicodeError, ValueError):
        return False


def _head(stream: BinaryIO) -> bytes:
    stream.seek(0)
    return stream.read(_HEAD_BYTES)


def _blocks(stream: BinaryIO) -> Iterator[bytes]:
    """The file from where it stands, as far as it is looked at."""
    looked = 0
    while looked < _LOOKED_AT_BYTES and (block := stream.read(_BLOCK_BYTES)):
        looked += len(block)
        yield block


def _wide(head: bytes) -> str | None:
    """UTF-16 or UTF-32, by its mark or by its NUL bytes."""
    found = detect_encoding(head[: len(head) // 4 * 4])
    if isinstance(found, Encoding) and found.name.startswith(("utf-16", "utf-32", "utf_16")):
        return found.name
    # cut in the middle of a character, or damaged further on: the mark counts
    name = next((name for mark, name in MARKS if head.startswith(mark)), "")
    return name if name in ("utf-16", "utf-32") else None


def _file_encoding(stream: BinaryIO) -> Encoding | NotText:
    """The one encoding of a whole file, as far as it is looked at."""
    stream.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")()
    marked = False
    try:
        for number, block in enumerate(_blocks(stream)):
            marked = marked or (number == 0 and block.startswith(_BOM))
            decoder.decode(block)
    except UnicodeDecodeError:
        return _bom_less(detect_encoding(_telling(stream)))
    return Encoding("utf-8", "bom" if marked else "utf-8")


def _bom_less(found: Encoding | NotText) -> Encoding | NotText:
    """The mark is passed over when the header is read."""
    if isinstance(found, Encoding) and found.name in ("utf-8-sig", "utf_8_sig"):
        return Encoding("utf-8", found.source)
    return found


def _telling(stream: BinaryIO) -> bytes:
    """The file when it is small, else its first lines that are not ASCII: they alone decide."""
    stream.seek(0)
    start = stream.read(_TELLING_BYTES)
    if len(start) < _TELLING_BYTES:
        return start
    stream.seek(0)
    lines: list[bytes] = []
    held, rest = 0, b""
    for block in _blocks(stream):
        if held >= _TELLING_BYTES:
            break
        *whole, rest = (rest[-_TELLING_BYTES:] + block).split(b"\n")
        for line in whole:
            if not line.isascii():
                lines.append(line)
                held += len(line)
    return b"\n".join([*lines, rest] if held < _TELLING_BYTES else lines)[:_TELLING_BYTES]


def _only_returns(head: bytes, records: RecordFile) -> bool:
    """Whether lines end with a carriage return alone, as old spreadsheets write them."""
    if b"\r" not in head:
        return False
    if records.format == "csv":
        bare = _QUOTED.sub(b"", head)
        first = _LINE_END.search(bare)
        # after the last byte of the head a line feed may follow
        cut = len(head) >= _HEAD_BYTES and first is not None and first.end() == len(bare)
        return first is not None and first.group() == b"\r" and not cut
    if b"\n" in head:
        return False
    lines = [line for line in head.removeprefix(_BOM).split(b"\r") if line.strip()]
    return len(lines) > 1 and any(map(_is_object, lines[:_TRIED]))


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False
