"""Reads Python code without a grammar: its words, and its lines outside strings and comments.

Strings and comments are cut out by one pattern, in time linear in the text. What is left is read in
passes over its bytes. Code that is not plainly Python is not read: brackets or strings that do not
close, signs that the language has not, words side by side that no keyword joins.
"""

import re
from bisect import bisect_right
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

STRING: Final = '"'
"""What stands for a string in the code that is left; a comment leaves nothing."""

_WORD_BYTES: Final = bytes(n for n in range(128) if chr(n).isalnum() or chr(n) == "_")
_OPENING: Final = b"([{"
_CLOSING: Final = b")]}"
_SIGNS: Final = b'+-*/%@&|^~<>=!:,.;"'
_WHITE: Final = b" \t\r\f\n"
_KNOWN: Final = _WORD_BYTES + _OPENING + _CLOSING + _SIGNS + _WHITE
_TAB_COLUMNS: Final = 8
# brackets that are open where a text is cut; code has few within each other
_MOST_OPEN: Final = 16


def _table(ones: bytes) -> bytes:
    return bytes(n in ones for n in range(256))


_IN_WORD: Final = _table(_WORD_BYTES)
_IS_INK: Final = _table(bytes(set(range(256)) - set(_WHITE)))
_IS_BRACKET: Final = _table(_OPENING + _CLOSING)
_NESTING: Final = np.zeros(256, np.int64)
_NESTING[list(_OPENING)] = 1
_NESTING[list(_CLOSING)] = -1

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
"""In every import once."""
ASYNC: Final = 128

_KIND_OF: Final[dict[str, int]] = {
    **dict.fromkeys(
        "False None True as assert await break continue del else global in is lambda nonlocal not "
        "pass raise return try with yield from".split(),
        KEYWORD,
    ),
    "async": KEYWORD | ASYNC,
    "import": KEYWORD | IMPORT,
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
    """The lines of some code that are not blank, each up to a newline or a semicolon outside all
    brackets.

    ``firsts`` and ``lasts``: where their first and their last sign stands; ``indents`` in columns,
    after a semicolon that of the line before.
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


def places(mask: NDArray[np.bool_]) -> Places:
    """Where a one-dimensional mask is true; numpy.flatnonzero takes as long again to ask what it
    was given."""
    found: Places = mask.nonzero()[0]
    return found


def read_python(text: str, max_chars: int) -> PythonCode | None:
    """The first ``max_chars`` characters of ``text``; None unless they are plainly Python.

    A longer text is read up to a line that starts at the margin, in the second half of its code if
    there is one, so that no function is cut; else up to the last line that begins there; else all,
    though a bracket is still open.
    """
    is_cut = len(text) > max_chars
    parts = _TOKEN.split(f"{text[:max_chars]}\n")
    if is_cut and len(parts) > 1 and _is_open(parts[-2]):
        parts[-2:] = []
    if any(map(_is_open, parts[1::2])):
        return None
    left = parts.copy()
    left[1::2] = ["" if one[0] == "#" else STRING for one in parts[1::2]]
    code = "".join(left).encode("ascii", "replace")
    if b"\\" in code:
        code = code.replace(b"\\\n", b"  ").replace(b"\\\r\n", b"   ")
    if b"\t" in code:
        if is_cut:
            # a place in what is left would tell none in the text
            return None
        code = code.expandtabs(_TAB_COLUMNS)
    if not code or code.translate(None, _KNOWN) or code.count(b"!") != code.count(b"!="):
        return None
    lines = _lines(code, is_cut)
    if lines is None:
        return None
    chars = min(len(text), max_chars)
    if is_cut and (end := _last_line(lines, len(code))) > len(code) // 2:
        whole = lines.firsts < end
        code, lines = code[:end], PythonLines(*(one[whole] for one in lines))
        parts, chars = _parts_within(parts, left, end)
    words = _words(code)
    if words is None:
        return None
    return PythonCode(np.frombuffer(code, np.uint8), words, lines, parts[1::2], chars)


def _is_open(token: str) -> bool:
    """Whether it is a string that does not close."""
    return token[0] != token[-1] and token[0] != "#"


def _last_line(lines: PythonLines, length: int) -> int:
    """Where the last line at the margin begins in the second half of some code, or its last line;
    0 without a line."""
    starts = lines.firsts - lines.indents
    margins = starts[(lines.indents == 0) & (starts > length // 2)]
    last = (margins if len(margins) else starts)[-1:]
    return int(last[0]) if len(last) else 0


def _parts_within(parts: list[str], left: list[str], end: int) -> tuple[list[str], int]:
    """The parts of a text within the first ``end`` characters of what is ``left`` of them, and how
    many characters these have in the text."""
    ends = list(accumulate(map(len, left)))
    number = bisect_right(ends, end)
    start = ends[number - 1] if number else 0
    return parts[:number], sum(map(len, parts[:number])) + end - start


def _words(code: bytes) -> PythonWords | None:
    """The words; None where two stand side by side that no keyword joins."""
    inside = np.frombuffer(b"\0%b" % code.translate(_IN_WORD), np.uint8)
    # the code ends with a newline, so that each word has an end
    edges = places(inside[1:] != inside[:-1])
    starts, ends = edges[::2], edges[1::2]
    windows: NDArray[np.uint64] = np.ndarray(
        (len(code),), "<u8", code + bytes(_LONGEST), strides=(1,)
    )
    sizes = ends - starts
    codes = windows[starts] & _MASKS[np.minimum(sizes, _LONGEST)]
    numbers = np.minimum(_CODES.searchsorted(codes), len(_CODES) - 1)
    kinds = _KINDS[numbers]
    kinds[(_CODES[numbers] != codes) | (sizes > _LONGEST)] = 0
    plain = (kinds & KEYWORD) == 0
    beside = places(plain[1:] & plain[:-1] & (starts[1:] == ends[:-1] + 1))
    for number, end in zip(beside.tolist(), ends[beside].tolist(), strict=True):
        if code[end] == ord(" ") and not kinds[number] & SOFT:
            return None
    return PythonWords(starts, kinds)


def _lines(code: bytes, is_cut: bool) -> PythonLines | None:
    """The lines; None where brackets do not close, but for those of a text that is cut."""
    array = np.frombuffer(code, np.uint8)
    brackets = places(np.frombuffer(code.translate(_IS_BRACKET), np.bool_))
    # how deep the code is before the first bracket, and after each
    depths = np.zeros(len(brackets) + 1, np.int64)
    np.cumsum(_NESTING[array[brackets]], out=depths[1:])
    if depths[-1] > (_MOST_OPEN if is_cut else 0) or depths.min() < 0:
        return None
    is_end = array == ord("\n")
    if b";" in code:
        is_end |= array == ord(";")
    ends = places(is_end)
    ends = ends[depths[brackets.searchsorted(ends)] == 0]
    starts = np.zeros_like(ends)
    starts[1:] = ends[:-1] + 1
    ink = places(np.frombuffer(code.translate(_IS_INK), np.bool_))
    after, before = ink.searchsorted(starts), ink.searchsorted(ends)
    written = places(after < before)
    firsts = ink[after[written]]
    indents = firsts - starts[written]
    if b";" in code:
        joined = array[starts[written] - 1] == ord(";")
        for number in places(joined[1:]).tolist():
            indents[number + 1] = indents[number]
    return PythonLines(firsts, ink[before[written] - 1], indents)
