"""Reads Python code without a grammar: its words, and its lines outside strings and comments.

Strings and comments are cut out by one pattern, in time linear in the text. What is left is read in
passes over its bytes. Code that is not plainly Python is not read: brackets or strings that do not
close, signs that the language has not, words side by side that no keyword joins. Nor are strings
within strings in the same quotation marks.
"""

import re
from bisect import bisect_right
from itertools import accumulate, product
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

# What stands before a string that has code in braces.
_FORMAT: Final = re.compile(r"\b(?:[fF][rR]?|[rR][fF])\Z")
# In a string that does not close: a line of code. In braces: code that decides.
_STATEMENT: Final = re.compile(
    r"^[ \t]*+(?:def|class|return|import|from \S+ import)\b", re.MULTILINE
)
_DECISION: Final = re.compile(r"\b(?:if|for|and|or)\b")
_DECIDES: Final = re.compile(rf"\{{[^{{}}]*{_DECISION.pattern}")
_FIELD: Final = re.compile(r"\{[^{}]*")
_QUOTED_BRACE: Final = re.compile(r"""'[{}]'|"[{}]\"""")
_INNER_STRING: Final = re.compile(r"'[^']*'|\"[^\"]*\"")

WORD_BYTES: Final = bytes(n for n in range(128) if chr(n).isalnum() or chr(n) == "_")
OPENING: Final = b"([{"
CLOSING: Final = b")]}"
_SIGNS: Final = b'+-*/%@&|^~<>=!:,.;"'
WHITE: Final = b" \t\r\f\n"
_KNOWN: Final = WORD_BYTES + OPENING + CLOSING + _SIGNS + WHITE
_TAB_COLUMNS: Final = 8
# brackets that are open where a text is cut; code has few within each other
_MOST_OPEN: Final = 16


def _table(ones: bytes) -> bytes:
    return bytes(n in ones for n in range(256))


_IN_WORD: Final = _table(WORD_BYTES)
IS_INK: Final = _table(bytes(set(range(256)) - set(WHITE)))
_IS_BRACKET: Final = _table(OPENING + CLOSING)
_NESTING: Final = np.zeros(256, np.int64)
_NESTING[list(OPENING)] = 1
_NESTING[list(CLOSING)] = -1

_BRACKET_KIND: Final = np.zeros(256, np.uint8)
_BRACKET_KIND[list(OPENING)] = _BRACKET_KIND[list(CLOSING)] = range(len(OPENING))

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
JOINS: Final = 256
"""Wants something after it."""
STATEMENT: Final = 512
"""Begins a statement, and stands nowhere else but in "from a import b"."""
PREFIX: Final = 1024
"""Says, right before a string, what kind it is."""
PRINT: Final = 2048
"""Stands before a string in Python 2."""
CONTINUES: Final = 4096
"""Begins what goes on with the statement before it."""

_KIND_OF: Final[dict[str, int]] = {
    **dict.fromkeys("False None True lambda yield".split(), KEYWORD),
    **dict.fromkeys("as await from in is not".split(), KEYWORD | JOINS),
    **dict.fromkeys("assert del global nonlocal".split(), KEYWORD | JOINS | STATEMENT),
    **dict.fromkeys("break continue pass raise return".split(), KEYWORD | STATEMENT),
    "async": KEYWORD | ASYNC | JOINS,
    "import": KEYWORD | IMPORT | JOINS | STATEMENT,
    "and": KEYWORD | DECISION | JOINS,
    "or": KEYWORD | DECISION | JOINS,
    **dict.fromkeys("if for".split(), KEYWORD | DECISION | COMPOUND | JOINS),
    "while": KEYWORD | DECISION | COMPOUND | JOINS | STATEMENT,
    "elif": KEYWORD | DECISION | COMPOUND | JOINS | STATEMENT | CONTINUES,
    "else": KEYWORD | COMPOUND | CONTINUES,
    **dict.fromkeys(
        "except finally".split(), KEYWORD | DECISION | COMPOUND | STATEMENT | CONTINUES
    ),
    "try": KEYWORD | COMPOUND | STATEMENT,
    "with": KEYWORD | COMPOUND | JOINS | STATEMENT,
    "def": KEYWORD | COMPOUND | DEF | JOINS | STATEMENT,
    "class": KEYWORD | COMPOUND | CLASS | JOINS | STATEMENT,
    "match": SOFT,
    "case": SOFT | DECISION,
    **dict.fromkeys("print exec".split(), PRINT),
    **{
        "".join(prefix): PREFIX
        for one in ("b", "f", "r", "u", "br", "rb", "fr", "rf")
        for prefix in product(*((letter, letter.upper()) for letter in one))
    },
}
# The words of this table as numbers; those of more than 8 bytes are none of them.
_LONGEST: Final = 8
_WORDS_BY_CODE: Final = sorted((int.from_bytes(word.encode(), "little"), word) for word in _KIND_OF)
_CODES: Final = np.array([code for code, _ in _WORDS_BY_CODE], np.uint64)
_KINDS: Final = np.array([_KIND_OF[word] for _, word in _WORDS_BY_CODE], np.uint16)
_MASKS: Final = np.array([(1 << 8 * size) - 1 for size in range(_LONGEST + 1)], np.uint64)


class PythonWords(NamedTuple):
    """The words of some code: where they begin and end, and what they are."""

    starts: Places
    ends: Places
    kinds: NDArray[np.uint16]


class PythonLines(NamedTuple):
    """The lines of some code that are not blank, each up to a newline or a semicolon outside all
    brackets.

    ``firsts`` and ``lasts``: where their first and their last sign stands; ``indents`` in columns,
    after a semicolon that of the line before; ``follows`` is whether they stand after one.
    """

    firsts: Places
    lasts: Places
    indents: Places
    follows: NDArray[np.bool_]


class PythonBrackets(NamedTuple):
    """Where the brackets of some code are, and how deep it is before the first and after each."""

    places: Places
    depths: Places


class PythonCode(NamedTuple):
    """Some code, read.

    ``code`` is what strings and comments leave, ``tokens`` are these, and ``chars`` how many
    characters were read; ``ends``: where the lines end, the blank ones too;
    ``deciding``: which strings, by their number, have decisions in braces, and how many.
    """

    code: bytes
    words: PythonWords
    lines: PythonLines
    brackets: PythonBrackets
    ends: Places
    tokens: list[str]
    deciding: list[tuple[int, int]]
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
    though a bracket is still open. A string that is open for longer than half of it, or that seems
    to hold statements, may as well be one that was never closed.
    """
    is_cut = len(text) > max_chars
    parts = _TOKEN.split(f"{text[:max_chars]}\n")
    if is_cut and len(parts) > 1 and _is_open(parts[-2]):
        if len(parts[-2]) > max_chars // 2 or _STATEMENT.search(parts[-2]):
            return None
        parts[-3:] = [f"{parts[-3]}\n"]
    if any(map(_is_open, parts[1::2])):
        return None
    deciding = _deciding_strings(parts)
    if deciding is None:
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
    if b"\r" in code and code.count(b"\r") != code.count(b"\r\n"):
        return None
    if not code or code.translate(None, _KNOWN) or code.count(b"!") != code.count(b"!="):
        return None
    array = np.frombuffer(code, np.uint8)
    brackets = _brackets(code, array, is_cut)
    if brackets is None:
        return None
    words = _words(code)
    if _has_statement_within(brackets, words):
        return None
    lines, ends = _lines(code, array, brackets)
    chars = min(len(text), max_chars)
    if is_cut and (end := _last_line(lines, len(code))) > len(code) // 2:
        count = int(lines.firsts.searchsorted(end))
        code = code[:end]
        lines = PythonLines(
            lines.firsts[:count], lines.lasts[:count], lines.indents[:count], lines.follows[:count]
        )
        ends = ends[ends < end]
        count = int(words.starts.searchsorted(end))
        words = PythonWords(words.starts[:count], words.ends[:count], words.kinds[:count])
        parts, chars = _parts_within(parts, left, end)
    return PythonCode(code, words, lines, brackets, ends, parts[1::2], deciding, chars)


def _is_open(token: str) -> bool:
    """Whether it is a string that does not close."""
    return token[0] != token[-1] and token[0] != "#"


def _deciding_strings(parts: list[str]) -> list[tuple[int, int]] | None:
    """Which strings, by their number, have code in braces that decides, and how often; None where
    a string has others in the same quotation marks, so that it seems to end within braces."""
    found: list[tuple[int, int]] = []
    comments = 0
    for number in range(1, len(parts), 2):
        one = parts[number]
        if one[0] == "#":
            comments += 1
        elif "{" in one and _FORMAT.search(parts[number - 1][-3:]):
            if one.count("{") != one.count("}"):
                one = _QUOTED_BRACE.sub("", one)
                if one.count("{") != one.count("}"):
                    return None
            if _DECIDES.search(one):
                # two of them stand for one that is text
                fields = _FIELD.findall(one.replace("{{", ""))
                fields = [_INNER_STRING.sub("", field) for field in fields]
                count = sum(len(_DECISION.findall(field)) for field in fields)
                found.append((number // 2 - comments, count))
    return found


def _has_statement_within(brackets: PythonBrackets, words: PythonWords) -> bool:
    """Whether a statement begins within brackets, one of which was then never closed."""
    begins = words.starts[words.kinds & STATEMENT != 0]
    return bool(brackets.depths[brackets.places.searchsorted(begins)].any())


def _last_line(lines: PythonLines, length: int) -> int:
    """Where the last line at the margin begins in the second half of some code, or its last line;
    0 without a line."""
    starts = (lines.firsts - lines.indents)[~lines.follows]
    margins = starts[(lines.indents[~lines.follows] == 0) & (starts > length // 2)]
    last = (margins if len(margins) else starts)[-1:]
    return int(last[0]) if len(last) else 0


def _parts_within(parts: list[str], left: list[str], end: int) -> tuple[list[str], int]:
    """The parts of a text within the first ``end`` characters of what is ``left`` of them, and how
    many characters these have in the text."""
    ends = list(accumulate(map(len, left)))
    number = bisect_right(ends, end)
    start = ends[number - 1] if number else 0
    return parts[:number], sum(map(len, parts[:number])) + end - start


def _words(code: bytes) -> PythonWords:
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
    return PythonWords(starts, ends, kinds)


def _brackets(code: bytes, array: NDArray[np.uint8], is_cut: bool) -> PythonBrackets | None:
    """The brackets; None where they do not close, but for those of a text that is cut."""
    found = places(np.frombuffer(code.translate(_IS_BRACKET), np.bool_))
    signs = array[found]
    nesting = _NESTING[signs]
    depths = np.zeros(len(found) + 1, np.int64)
    np.cumsum(nesting, out=depths[1:])
    if depths[-1] > (_MOST_OPEN if is_cut else 0) or depths.min() < 0:
        return None
    # of one depth, each that closes comes after the one that opens
    order = np.maximum(depths[1:], depths[:-1]).astype(np.int16).argsort(kind="stable")
    kinds, closes = _BRACKET_KIND[signs[order]], nesting[order] < 0
    if (closes[1:] & (kinds[1:] != kinds[:-1])).any():
        return None
    return PythonBrackets(found, depths)


def _lines(
    code: bytes, array: NDArray[np.uint8], brackets: PythonBrackets
) -> tuple[PythonLines, Places]:
    """The lines, and where all end, the blank ones too."""
    is_end = array == ord("\n")
    if b";" in code:
        is_end |= array == ord(";")
    ends = places(is_end)
    ends = ends[brackets.depths[brackets.places.searchsorted(ends)] == 0]
    starts = np.zeros_like(ends)
    starts[1:] = ends[:-1] + 1
    ink = places(np.frombuffer(code.translate(IS_INK), np.bool_))
    after, before = ink.searchsorted(starts), ink.searchsorted(ends)
    written = places(after < before)
    firsts = ink[after[written]]
    indents = firsts - starts[written]
    follows = array[starts[written] - 1] == ord(";")
    if b";" in code:
        for number in places(follows[1:]).tolist():
            indents[number + 1] = indents[number]
    return PythonLines(firsts, ink[before[written] - 1], indents, follows), ends
