"""Reads Python code without a grammar: its words, and its lines outside strings and comments.

Strings and comments are cut out by one pattern, in time linear in the text. What is left is read in
passes over its bytes. Code that is not plainly Python is not read: brackets or strings that do not
close, signs that the language has not, words side by side that no keyword joins; nor are several
statements in one line.
"""

import re
from itertools import accumulate
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.int64]

# Each match succeeds from where it starts: a string that is not closed ends with its line, a long
# one with the text, which ends with a newline.
_TOKEN: Final = re.compile(
    "("
    r"#[^\n]*+"
    + "".join(
        rf"|{q * 3}[^{q}\\]*+(?:(?:\\.|{q}(?!{q * 2}))[^{q}\\]*+)*+(?:{q * 3}|\\?\Z)"
        rf"|{q}[^{q}\\\n]*+(?:\\.[^{q}\\\n]*+)*+(?:[{q}\n]|\Z)"
        for q in "\"'"
    )
    + ")",
    re.DOTALL,
)
_AT_MARGIN: Final = re.compile(r"\n(?=[^\s#})\]\"'*])")

STRING: Final = '"'
"""What stands for a string in the code that is left; a comment leaves nothing."""

_WORD_BYTES: Final = bytes(n for n in range(128) if chr(n).isalnum() or chr(n) == "_")
_OPENING: Final = b"([{"
_CLOSING: Final = b")]}"
_SIGNS: Final = b'+-*/%@&|^~<>=!:,."'
_WHITE: Final = b" \t\r\f\n"
_KNOWN: Final = _WORD_BYTES + _OPENING + _CLOSING + _SIGNS + _WHITE
_TAB_COLUMNS: Final = 8


def _table(ones: bytes, minus_ones: bytes = b"") -> bytes:
    return bytes(1 if n in ones else 255 if n in minus_ones else 0 for n in range(256))


_IN_WORD: Final = _table(_WORD_BYTES)
_IS_INK: Final = _table(bytes(set(range(256)) - set(_WHITE)))
_NESTING: Final = _table(_OPENING, _CLOSING)

# What words are, by bits.
KEYWORD: Final = 1
DECISION: Final = 2
COMPOUND: Final = 4
"""Begins a statement that has blocks."""
SOFT: Final = 8
"""A keyword only where it begins a line that ends like a statement with blocks."""
DEF: Final = 16
CLASS: Final = 32
IMPORT: Final = 64
ASYNC: Final = 128

_KIND_OF: Final[dict[str, int]] = {
    **dict.fromkeys(
        "False None True as assert await break continue del else global in is lambda nonlocal not "
        "pass raise return try with yield".split(),
        KEYWORD,
    ),
    "async": KEYWORD | ASYNC,
    "import": KEYWORD | IMPORT,
    "from": KEYWORD | IMPORT,
    "and": KEYWORD | DECISION,
    "or": KEYWORD | DECISION,
    **dict.fromkeys("if elif for while except finally".split(), KEYWORD | DECISION | COMPOUND),
    **dict.fromkeys("else try with".split(), KEYWORD | COMPOUND),
    "def": KEYWORD | COMPOUND | DEF,
    "class": KEYWORD | COMPOUND | CLASS,
    "match": SOFT,
    "case": SOFT | DECISION,
}
# The words of this table as numbers; those of more than 8 bytes are none of them.
_LONGEST: Final = 8
_WORDS_BY_CODE: Final = sorted((int.from_bytes(word.encode(), "little"), word) for word in _KIND_OF)
_CODES: Final = np.array([code for code, _ in _WORDS_BY_CODE], np.uint64)
_KINDS: Final = np.array([_KIND_OF[word] for _, word in _WORDS_BY_CODE], np.uint8)
_MASKS: Final = np.array([(1 << 8 * size) - 1 for size in range(_LONGEST + 1)], np.uint64)


class PythonWords(NamedTuple):
    """The words of some code: where they begin, and what they are."""

    starts: Places
    kinds: NDArray[np.uint8]


class PythonLines(NamedTuple):
    """The lines of some code that are not blank, each up to a newline outside all brackets.

    ``firsts`` and ``lasts``: where their first and their last sign stands; ``indents`` in columns.
    """

    firsts: Places
    lasts: Places
    indents: Places


class PythonCode(NamedTuple):
    """Some code, read.

    ``code`` is what strings and comments leave, ``tokens`` are these, and ``chars`` how many
    characters were read.
    """

    code: NDArray[np.uint8]
    words: PythonWords
    lines: PythonLines
    tokens: list[str]
    chars: int


def read_python(text: str, max_chars: int) -> PythonCode | None:
    """The first ``max_chars`` characters of ``text``; None unless they are plainly Python.

    A longer text is read up to a line that starts at the margin, in the second half of that if
    there is one, so that no function is cut.
    """
    if len(text) <= max_chars:
        parts, chars = _TOKEN.split(f"{text}\n"), len(text)
    else:
        parts, chars = _cut(_TOKEN.split(f"{text[:max_chars]}\n"), max_chars)
    tokens = parts[1::2]
    if [one for one in tokens if one[0] != one[-1] and one[0] != "#"]:
        return None
    parts[1::2] = ["" if one[0] == "#" else STRING for one in tokens]
    code = "".join(parts).encode("ascii", "replace")
    if b"\\" in code:
        code = code.replace(b"\\\n", b"  ").replace(b"\\\r\n", b"   ")
    if b"\t" in code:
        code = code.expandtabs(_TAB_COLUMNS)
    if code.translate(None, _KNOWN) or code.count(b"!") != code.count(b"!="):
        return None
    words = _words(code)
    lines = None if words is None else _lines(code)
    if words is None or lines is None:
        return None
    return PythonCode(np.frombuffer(code, np.uint8), words, lines, tokens, chars)


def _cut(parts: list[str], chars: int) -> tuple[list[str], int]:
    """The parts of a text of ``chars`` characters up to a line of code at the margin, else up to
    the last line of code, and how many characters that is."""
    ends = list(accumulate(map(len, parts)))
    pieces = [
        (number, ends[number - 1] if number else 0) for number in range(len(parts) - 1, -1, -2)
    ]
    for number, start in pieces:
        if ends[number] < chars // 2:
            break
        margins = [match.end() for match in _AT_MARGIN.finditer(parts[number])]
        if margins and start + margins[-1] >= chars // 2:
            return [*parts[:number], parts[number][: margins[-1]]], start + margins[-1]
    for number, start in pieces:
        end = parts[number].rfind("\n", 0, chars - start) + 1
        if end:
            return [*parts[:number], parts[number][:end]], start + end
    return parts, chars


def _words(code: bytes) -> PythonWords | None:
    """The words; None where two stand side by side that no keyword joins."""
    inside = np.frombuffer(b"\0%b" % code.translate(_IN_WORD), np.uint8)
    # the code ends with a newline, so that each word has an end
    edges = np.flatnonzero(inside[1:] != inside[:-1])
    starts, ends = edges[::2], edges[1::2]
    windows: NDArray[np.uint64] = np.ndarray(
        (len(code),), "<u8", code + bytes(_LONGEST), strides=(1,)
    )
    sizes = ends - starts
    codes = windows[starts] & _MASKS[np.minimum(sizes, _LONGEST)]
    places = np.minimum(np.searchsorted(_CODES, codes), len(_CODES) - 1)
    kinds = _KINDS[places]
    kinds[(_CODES[places] != codes) | (sizes > _LONGEST)] = 0
    plain = (kinds & KEYWORD) == 0
    beside = np.flatnonzero(plain[1:] & plain[:-1] & (starts[1:] == ends[:-1] + 1))
    for number, end in zip(beside.tolist(), ends[beside].tolist(), strict=True):
        if code[end] == ord(" ") and not kinds[number] & SOFT:
            return None
    return PythonWords(starts, kinds)


def _lines(code: bytes) -> PythonLines | None:
    """The lines; None where brackets do not close."""
    depths = np.add.accumulate(np.frombuffer(code.translate(_NESTING), np.int8), dtype=np.int32)
    if len(depths) and (depths[-1] or depths.min() < 0):
        return None
    newlines = np.flatnonzero(np.frombuffer(code, np.uint8) == ord("\n"))
    ends = newlines[depths[newlines] == 0]
    starts = np.zeros_like(ends)
    starts[1:] = ends[:-1] + 1
    ink = np.flatnonzero(np.frombuffer(code.translate(_IS_INK), np.bool_))
    bounds = np.searchsorted(ink, ends)
    after = np.zeros_like(bounds)
    after[1:] = bounds[:-1]
    written = np.flatnonzero(after < bounds)
    firsts = ink[after[written]]
    return PythonLines(firsts, ink[bounds[written] - 1], firsts - starts[written])
