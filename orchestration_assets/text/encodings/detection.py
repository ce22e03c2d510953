"""Detects the text encoding of bytes, with the evidence for it."""

import codecs
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from orchestration_assets.schemas.enums import RejectReason
from orchestration_assets.text.encodings.code_pages import SEVEN_BIT, WESTERN, declarable
from orchestration_assets.text.encodings.scripts import EAST_ASIAN, writing_system_of

if TYPE_CHECKING:
    from orchestration_assets.text.encodings.code_page_scores import CodePageCandidate

_SNIFFED_BYTES: Final = 8192
MARKS: Final = (
    # UTF-32 first: its little-endian mark begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte order marks, and the encodings that skip them."""

# PEP 263 source cookies (first two lines), XML declarations and HTML meta tags
_DECLARATIONS: Final = (
    re.compile(rb"\A(?:[^\n]*\n)?[ \t\f]*#[^\n]*?coding[:=][ \t]*([-\w.]+)"),
    re.compile(rb"\A\s*<\?xml[^>]{0,200}?encoding=[\"']([-\w.]+)[\"']"),
    re.compile(rb"<meta[^>]{0,200}?charset=[\"']?([-\w.]+)", re.IGNORECASE),
)
# control characters that text does not hold: all but \t \n \v \f \r and escape
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_MOST_CONTROLS: Final = 0.01

# UTF-8 with a byte that is none, for at least so many characters beyond ASCII that are.
_WHOLE_FOR_EACH_BROKEN: Final = 8
# In long text that is ASCII but for a few bytes in no clear encoding, they are given up.
_FEW_BROKEN: Final = 1000
# So few characters beyond ASCII, in so much of it, may be bytes astray.
_MAX_STRAY: Final = 3
_ASCII_FOR_EACH_SIGN: Final = 8
_ORDINALS: Final = "ªº"
_BROKEN: Final = re.compile("[\udc80-\udcff]")

# Nats by which the likeliest reading must beat the next one that reads another text.
_MIN_LEAD: Final = 4.0
# A declaration is believed unless its reading costs so much more than the likeliest.
_BELIEVED_NATS: Final = 8.0
_BELIEVED_SHARE: Final = 0.15
# Nats a pair that text costs at most; noise costs 5.5 and more. A few pairs alone scatter further,
# and where most is ASCII, what is not is rare in itself.
_PLAUSIBLE: Final = 4.6
_FEW_PAIRS: Final = 5.0
_SPARSE_PLAUSIBLE: Final = 1.8
_SPARSE: Final = 0.4
_DECLARED_PLAUSIBLE: Final = 1.5
_NAMED_RIVALS: Final = 3


@dataclass(frozen=True, slots=True)
class Encoding:
    """An encoding that decodes the whole content, and the evidence for it."""

    name: str
    source: str
    """The evidence; and how many bytes U+FFFD replaces, if any."""


@dataclass(frozen=True, slots=True)
class NotText:
    """Why content is rejected as text."""

    reason: RejectReason
    detail: str


_BINARY: Final = NotText(RejectReason.BINARY, "not text")
_UNKNOWN: Final = NotText(
    RejectReason.UNDECODABLE, "neither UTF-8 nor an encoding that it declares or clearly shows"
)


def decode_text(data: bytes, encoding: str) -> str:
    """The text of accepted content; every reader decodes it so.

    Bytes that are none in the encoding become U+FFFD, one for each broken sequence.
    """
    return data.decode(encoding, "replace")


def detect_encoding(data: bytes) -> Encoding | NotText:
    """The encoding of text content, or why it is not text, in words.

    In order: a byte order mark; UTF-16 by its NUL bytes; seven-bit encodings that shift; UTF-8,
    whole or with few bytes that are none; the code page whose reading is the likeliest text of a
    language. An encoding that the content declares is a hint: it must decode, and read about as
    well as the likeliest. Where several read different texts that are as likely, none is taken: a
    wrong guess is worse than none. Never raises.
    """
    for mark, name in MARKS:
        if data.startswith(mark):
            return _with_byte_order_mark(data, name)
    head = data[:_SNIFFED_BYTES]
    if b"\x00" in head:
        wide = _unmarked_utf16(head)
        if wide is not None and _decodes(data, wide):
            return Encoding(wide, "nul pattern")
        return _BINARY
    broken = _first_error(data)
    if broken is None:
        shifted = _seven_bit(data, head)
        return Encoding(shifted, "escape sequences") if shifted else Encoding("utf-8", "utf-8")
    if len(_CONTROL.findall(head)) > len(head) * _MOST_CONTROLS:
        return _BINARY
    if _is_cut(data, broken):
        return _utf8_with_replacements(data, "utf-8")
    from orchestration_assets.text.encodings.code_page_scores import sample_of

    sample = sample_of(data, broken.start)
    if _count_broken(sample, "utf-8")[0] == 0:
        # what is broken lies behind what was sampled
        return _utf8_with_replacements(data, "utf-8")
    bad, good = _count_broken(sample, "utf-8")
    if bad * _WHOLE_FOR_EACH_BROKEN <= good:
        return _utf8_with_replacements(data, "utf-8")
    encoding = _code_page(data, sample, _declared(head))
    if isinstance(encoding, NotText) and bad * _FEW_BROKEN <= len(data):
        bad, good = _count_broken(data, "utf-8")
        if bad * _FEW_BROKEN <= len(data):
            return _utf8_with_replacements(data, "utf-8")
    return encoding


def _with_byte_order_mark(data: bytes, name: str) -> Encoding | NotText:
    """Content with a byte order mark."""
    if not _decodes(data, name):
        if name == "utf-8-sig":
            bad, good = _count_broken(data, "utf-8")
            if bad * _WHOLE_FOR_EACH_BROKEN <= max(good, _WHOLE_FOR_EACH_BROKEN):
                return _utf8_with_replacements(data, name)
        return NotText(RejectReason.UNDECODABLE, f"marked as {name.removesuffix('-sig')}, but none")
    if name != "utf-8-sig" and not _is_plain(data[: _SNIFFED_BYTES // 4 * 4], name):
        return _BINARY
    return Encoding(name, "bom")


def _utf8_with_replacements(data: bytes, name: str) -> Encoding:
    bad, _ = _count_broken(data, "utf-8")
    return Encoding(name, f"utf-8, {_byte_count(bad)} replaced")


def _byte_count(number: int) -> str:
    return f"{number:,} byte{'' if number == 1 else 's'}"


def _count_broken(data: bytes, name: str) -> tuple[int, int]:
    """How many bytes are none of UTF-8, and how many characters beyond ASCII are whole."""
    text = data.decode(name, "surrogateescape")
    bad = len(_BROKEN.findall(text))
    beyond = len(text) - len(text.encode("ascii", "ignore"))
    return bad, beyond - bad


def _first_error(data: bytes) -> UnicodeDecodeError | None:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return error
    return None


def _is_cut(data: bytes, broken: UnicodeDecodeError) -> bool:
    """Whether content is UTF-8 that ends within a character, after whole ones beyond ASCII."""
    at_end = broken.reason == "unexpected end of data" and broken.end == len(data)
    return at_end and not data[: broken.start].isascii()


def _unmarked_utf16(head: bytes) -> str | None:
    """UTF-16 without a mark, by its NUL bytes: those of Latin letters, or of spaces and line ends.

    In Latin script every other byte is NUL, on one side only. In other scripts few are, and only
    one order of the bytes gives letters of one script.
    """
    even, odd = head[::2].count(0), head[1::2].count(0)
    half = len(head) / 2
    if odd > 0.4 * half and even <= 0.02 * half:
        return "utf-16-le"
    if even > 0.4 * half and odd <= 0.02 * half:
        return "utf-16-be"
    even_head = head[: len(head) // 2 * 2]
    writings = {name: _foreign_script(even_head, name) for name in ("utf-16-le", "utf-16-be")}
    fitting = [name for name, writing in writings.items() if writing is not None]
    if len(fitting) == 2:
        # an alphabet in the wrong order of bytes looks like rare ideographs, never the reverse
        fitting = [name for name in fitting if writings[name] != EAST_ASIAN]
    return fitting[0] if len(fitting) == 1 else None


def _foreign_script(head: bytes, name: str) -> str | None:
    """The script besides Latin in which nearly all of a text's letters are, if one is."""
    text = _decoded_head(head, name)
    if text is None or not _plain_text(text):
        return None
    writings = [writing_system_of(character) for character in text if character.isalpha()]
    foreign = Counter(writing for writing in writings if writing != "latin")
    if not foreign or foreign.total() < 0.3 * len(text):
        return None
    most, count = foreign.most_common(1)[0]
    return most if most != "other" and count > 0.95 * foreign.total() else None


def _is_plain(head: bytes, name: str) -> bool:
    text = _decoded_head(head, name)
    return text is not None and _plain_text(text)


def _plain_text(text: str) -> bool:
    """Whether hardly any character is a control, private or unassigned."""
    odd = sum(
        1
        for character in text
        if unicodedata.category(character) in ("Cc", "Cn", "Co")
        and character not in "\t\n\r\f\v\x1b"
    )
    return odd <= len(text) * _MOST_CONTROLS


def _decoded_head(head: bytes, name: str) -> str | None:
    """The text of a head that may end within a character."""
    for left_out in (0, 2):
        try:
            return head[: len(head) - left_out].decode(name)
        except UnicodeDecodeError:
            continue
    return None


def _seven_bit(data: bytes, head: bytes) -> str | None:
    """The seven-bit encoding whose escape sequences turn ASCII into other characters, if any."""
    if b"\x1b$" not in head and b"~{" not in head:
        return None
    from orchestration_assets.text.encodings.code_page_scores import is_cjk_text

    for name, mark in SEVEN_BIT:
        if mark in head and _decodes(data, name) and is_cjk_text(data.decode(name)):
            return name
    return None


def _code_page(data: bytes, sample: bytes, declared: str | None) -> Encoding | NotText:
    from orchestration_assets.text.encodings.code_page_scores import candidates, has_words

    ranked = candidates(sample, declared)
    if not ranked:
        return _UNKNOWN
    best = ranked[0]
    few = _FEW_PAIRS / (best.pairs + _FEW_PAIRS - 1)
    sparse = _SPARSE_PLAUSIBLE * max(0.0, 1 - best.density / _SPARSE)
    limit = _PLAUSIBLE + max(few, sparse)
    if declared is not None:
        declared_candidate = next(
            (candidate for candidate in ranked if declared in candidate.encodings), None
        )
        believed = best.cost + max(_BELIEVED_NATS, _BELIEVED_SHARE * best.cost)
        if (
            declared_candidate is not None
            and declared_candidate.surprise <= limit + _DECLARED_PLAUSIBLE
            and declared_candidate.cost <= believed
        ):
            return _first_decoding(data, (declared, *declared_candidate.encodings), "declared")
    if best.surprise > limit or not has_words(best):
        return _UNKNOWN
    rivals = [candidate for candidate in ranked[1:] if candidate.cost < best.cost + _MIN_LEAD]
    if rivals:
        names = [candidate.encodings[0] for candidate in (best, *rivals)][: _NAMED_RIVALS + 1]
        words = f"{', '.join(names[:-1])} and {names[-1]}"
        return NotText(
            RejectReason.UNDECODABLE, f"{words} fit about as well and read it differently"
        )
    if _is_inconclusive(best, sample):
        return _utf8_with_replacements(data, "utf-8")
    return _first_decoding(data, best.encodings, "detected")


def _is_inconclusive(best: "CodePageCandidate", sample: bytes) -> bool:
    """Whether the text is ASCII but for a few bytes, which every code page can decode.

    Signs without a letter tell no code page, but for the visible ones of the one page in which
    nearly all Western text is that names none; and one character of two bytes is one by chance.
    """
    beyond = [character for character in best.text if character > "\x7f"]
    few = len(beyond) <= _MAX_STRAY and len(beyond) * _ASCII_FOR_EACH_SIGN <= len(sample)
    if not few:
        return False
    letters = sum(character.isalpha() and character not in _ORDINALS for character in beyond)
    if letters:
        return len(beyond) == 1 and writing_system_of(beyond[0]) == EAST_ASIAN
    visible = all(unicodedata.category(character)[0] in "LNPS" for character in beyond)
    return not (visible and WESTERN.name in best.encodings)


def _first_decoding(data: bytes, names: tuple[str, ...], source: str) -> Encoding | NotText:
    """The first of encodings that read the sample alike and decode the whole content."""
    for name in names:
        if _decodes(data, name):
            return Encoding(name, source)
    text = decode_text(data, names[0])
    replaced = text.count("\ufffd")
    if replaced * _FEW_BROKEN <= len(text):
        return Encoding(names[0], f"{source}, {_byte_count(replaced)} replaced")
    return NotText(RejectReason.UNDECODABLE, f"begins as {names[0]}, but does not go on so")


def _declared(head: bytes) -> str | None:
    """The canonical name of the encoding that content declares; None when it cannot be true."""
    for pattern in _DECLARATIONS:
        if match := pattern.search(head):
            try:
                name = codecs.lookup(match.group(1).decode("ascii", "replace")).name
            except (LookupError, ValueError):
                return None
            if name not in declarable():
                return None
            # what could be read as ASCII is in an encoding that holds ASCII
            declaration = match.group(0)
            plain = bytes(byte for byte in declaration if byte < 0x80)
            return name if plain.decode(name, "replace") == plain.decode("ascii") else None
    return None


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except (UnicodeError, ValueError):
        return False
    return True
