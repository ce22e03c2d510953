"""How values are written for people: numbers, shares, times, and text that nobody vouches for."""

import re
from decimal import Decimal
from typing import Any, Final

from markupsafe import Markup

_UNITS = ("bytes", "KB", "MB", "GB", "TB")

# Characters that would change what stands around them, or hide: controls, line separators,
# bidirectional overrides, zero-width and tag characters, halves of surrogate pairs,
# non-characters. The joiners that emoji and several scripts need (U+200C, U+200D) stay.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufdd0-\ufdef\ufeff\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e0fff]"
)
_BLANK_LINES = re.compile(r"\n[ \t]*\n\s*\n")
_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def visible(text: str) -> str:
    """The text with every unsafe character written out, such as ``\\n`` or ``\\u202e``."""
    return _UNSAFE.sub(_written, text)


def _written(match: re.Match[str]) -> str:
    code = ord(match[0])
    return _NAMED.get(match[0]) or (f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}")


def shown(value: Any) -> Any:
    """What a template may write of a value: text made visible, markup as it is."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def lines(text: str) -> Markup:
    """The text escaped and made visible, with its line breaks as they are and spaces for tabs."""
    return Markup("\n").join(visible(line) for line in text.replace("\t", "    ").split("\n"))


def cut(text: str, limit: int) -> str:
    """The text, cut at its end to at most ``limit`` characters as shown."""
    text = visible(text[: limit + 1])
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def middle(text: str, limit: int) -> str:
    """The text, cut in its middle: both ends of a path say what it is."""
    text = visible(text)
    if len(text) <= limit:
        return text
    head = (limit - 1) // 2
    return f"{text[:head]}…{text[-(limit - 1 - head) :]}"


def number(value: float) -> str:
    """A count with thousands set apart, or a measurement to three significant digits."""
    if float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def percent(part: float) -> str:
    """A share in per cent; only nothing is 0 % and only all is 100 %."""
    if part <= 0:
        return "0%"
    if part >= 1:
        return "100%"
    if part < 0.001:
        return "<0.1%"
    if part > 0.999:
        return ">99.9%"
    return f"{part:.1%}" if part < 0.1 or part > 0.99 else f"{part:.0%}"


ENOUGH: Final = 20
"""What a share must rest on to be written in per cent."""


def proportion(part: int, whole: int) -> str:
    """A share in per cent where it rests on enough, else both its counts."""
    return percent(part / whole) if whole >= ENOUGH else f"{part:,} of {whole:,}"


def content_words(feature: str, value: str) -> str:
    """Items by one of their features, in words, such as ``.rst files``."""
    match feature:
        case "extension":
            return f".{value} files" if value else "files without an extension"
        case "folder":
            return "items at the top" if value == "." else f"items in {value}/"
        case "length":
            return f"items of {value}"
        case "language":
            return f"items in language {value}"
        case "family":
            return f"{words(value)} items"
        case _:
            return f"records with {feature.removeprefix('metadata ')} {value}"


def size(value: float) -> str:
    """Bytes in the unit that leaves fewest digits."""
    for unit in _UNITS:
        if value < 1000 or unit == _UNITS[-1]:
            return f"{number(round(value, 1) if value < 10 else round(value))} {unit}"
        value /= 1000
    raise AssertionError("the last unit takes every size")


def duration(milliseconds: float | None) -> str:
    """Milliseconds as people say them."""
    if milliseconds is None:
        return "-"
    if milliseconds < 1000:
        return f"{milliseconds:.2g} ms" if milliseconds < 10 else f"{milliseconds:.0f} ms"
    seconds = milliseconds / 1000
    if seconds < 120:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.3g} min" if seconds < 7200 else f"{seconds / 3600:,.3g} h"


def dollars(value: float) -> str:
    """A price; small ones to two significant digits, nothing as $0."""
    if not value:
        return "$0"
    return f"${value:,.2f}" if abs(value) >= 0.1 else f"${Decimal(f'{value:.2g}'):f}"


def change_of(before: float, after: float, form: str) -> str:
    """A value before and after, as one where nothing changed; below 0 it is not known, and nothing
    is written where neither is. ``form``: pct, usd or ms."""
    if before < 0 and after < 0:
        return ""
    write = {"pct": percent, "usd": dollars, "ms": duration}[form]
    was, now = ("unknown" if value < 0 else write(value) for value in (before, after))
    return was if was == now else f"{was} → {now}"


def plural(count: int, one: str, many: str | None = None) -> str:
    """The noun that goes with the count."""
    return one if count == 1 else many or f"{one}s"


def squeezed(text: str) -> str:
    """The text with at most one blank line between two that are not, and spaces for tabs."""
    return _BLANK_LINES.sub("\n\n", text).replace("\t", "    ")


def one_line(text: str) -> str:
    """The text with spaces for its line breaks and tabs, where there is room for one line only."""
    return re.sub(r"\s*[\r\n\t]\s*", " ", text)


def words(name: str) -> str:
    """An identifier as words: ``too_large`` becomes ``too large``."""
    return name.replace("_", " ")


def capitalised(text: str) -> str:
    """The text with a capital first letter; names within it stay as they are written."""
    return text[:1].upper() + text[1:]


def clause(text: str) -> str:
    """The first clause of a column's meaning: what fits beneath a plot."""
    return re.split(r"(?<=.{12})[,;:.](?:\s|$)", text, maxsplit=1)[0]


def axis(value: float, unit: str) -> str:
    """A value on an axis, with its unit."""
    if unit == "bytes":
        return size(value)
    return f"{number(value)} {unit}".rstrip()
