"""Counts of Python code from its words and the indentation of its lines, without a grammar.

They are what a grammar's tree says of it, in half of the time. Code whose indentation or
colons are not plainly Python's is left to the grammar, as is what
:mod:`orchestration_assets.profiling.python_tokens` does not read and what
:mod:`orchestration_assets.profiling.python_signs` finds out of place.
"""

import re
from bisect import bisect_right
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from orchestration_assets.profiling.python_signs import stand_well
from orchestration_assets.profiling.python_tokens import (
    ASYNC,
    CLASS,
    COMPOUND,
    CONTINUES,
    DECISION,
    DEF,
    IMPORT,
    KEYWORD,
    SOFT,
    STRING,
    PythonCode,
    places,
    read_python,
)

# What each goes on with, by their first two or three letters.
_GOES_ON: Final = {
    b"eli": (b"if", b"eli"),
    b"els": (b"if", b"eli", b"for", b"whi", b"asy", b"exc"),
    b"exc": (b"try", b"exc"),
    b"fin": (b"try", b"exc", b"els"),
}
_STRING: Final = ord(STRING)
_AT: Final = ord("@")
_COLON: Final = ord(":")
_CASE: Final = SOFT | DECISION
_CASE_IN_LINE: Final = re.compile(rb"case [\w\"-][^=\[;\n]*:[^=\n]")
_NO_CASE_IN_LINE: Final = re.compile(rb"case(?: ?[-+*/%@&|^=.,<>!:]|[^:;\n]*[;\n])")
_STRING_ALONE: Final = re.compile(rb" *[A-Za-z]{0,2}\"")
# letters before a string's quotation mark say what kind it is
_MOST_PREFIXES: Final = 2


class PythonCounts(NamedTuple):
    """What a piece of Python code has.

    ``functions``: begin and end of each; ``decisions``: where each stands, in the same measure.
    ``depths``: how deep each block lies, a block of the top level being 1. ``comments``: the
    comments and the strings that document a module, a class or a function. ``chars``: how many
    characters were read.
    """

    functions: list[tuple[int, int]]
    classes: int
    imports: int
    decisions: list[int]
    depths: list[int]
    comments: list[str]
    chars: int


class _Blocks(NamedTuple):
    """The blocks of lines that are indented deeper, and the functions whose bodies they are."""

    functions: list[tuple[int, int]]
    depths: list[int]
    changes: list[int]
    levels: list[int]


def python_counts(text: str, max_chars: int) -> PythonCounts | None:
    """What the first ``max_chars`` characters of ``text`` have of the things that features of code
    count; None unless they are plainly Python. What is read of a longer text:
    :func:`orchestration_assets.profiling.python_tokens.read_python`."""
    read = read_python(text, max_chars)
    if read is None:
        return None
    words, lines, tokens, chars = read.words, read.lines, read.tokens, read.chars
    comments = [one for one in tokens if one[0] == "#"]
    if not len(lines.firsts):
        return PythonCounts([], 0, 0, [], [], comments, chars)
    kinds = _leading_kinds(read)
    opens = np.frombuffer(read.code, np.uint8)[lines.lasts] == _COLON
    if not (_plain(read, kinds, opens) and stand_well(read)):
        return None
    functions_begin = (kinds & DEF) != 0
    blocks = _blocks(read, kinds, places(functions_begin & opens))
    cases = kinds & _CASE == _CASE
    if cases.any():
        cases = _cases(read, cases, opens)
    if blocks is None or cases is None:
        return None
    functions, depths = blocks.functions, blocks.depths
    in_line: list[int] = []
    texts = [*lines.firsts[~lines.follows].tolist(), len(read.code)]
    # blocks in the line of their statement
    for number in places((kinds & COMPOUND != 0) & ~opens | cases & ~opens).tolist():
        first = int(lines.firsts[number])
        if read.code.find(b":", first, lines.lasts[number]) < 0:
            return None
        depths.append(blocks.levels[bisect_right(blocks.changes, number) - 1] + 1)
        if functions_begin[number]:
            functions.append((first, texts[bisect_right(texts, first)]))
        before = read.code[first : lines.lasts[number] + 1].rpartition(b":")[0]
        if _STRING_ALONE.fullmatch(read.code, first + len(before) + 1, lines.lasts[number] + 1):
            if b":" in before:
                return None
            in_line.append(number)
    if opens[-1]:
        # what follows was cut off
        depths.append(blocks.levels[-1] + 1)
    hard = KEYWORD | DECISION
    return PythonCounts(
        functions,
        int(np.count_nonzero(kinds & CLASS)),
        int(np.count_nonzero(words.kinds & IMPORT)),
        [
            *words.starts[words.kinds & hard == hard].tolist(),
            *lines.firsts[cases].tolist(),
            *_decisions_in_strings(read),
        ],
        depths,
        comments + _docstrings(read, opens, in_line),
        chars,
    )


def _decisions_in_strings(read: PythonCode) -> list[int]:
    """Where the strings begin that have decisions in braces, as often as they decide."""
    if not read.deciding:
        return []
    starts = places(np.frombuffer(read.code, np.uint8) == _STRING).tolist()
    return [
        starts[number]
        for number, count in read.deciding
        if number < len(starts)
        for _ in range(count)
    ]


def _cases(
    read: PythonCode, cases: NDArray[np.bool_], opens: NDArray[np.bool_]
) -> NDArray[np.bool_] | None:
    """Which of the lines that begin with the word "case" are cases; None where only a grammar can
    tell."""
    found = cases & opens
    for number in places(cases & ~opens).tolist():
        first = read.lines.firsts[number]
        found[number] = _CASE_IN_LINE.match(read.code, first) is not None
        if not found[number] and not _NO_CASE_IN_LINE.match(read.code, first):
            return None
    return found


def _leading_kinds(read: PythonCode) -> NDArray[np.uint16]:
    """What the word is that each line begins with, after "async"; 0 where it begins with none."""
    starts, _, word_kinds = read.words
    firsts = read.lines.firsts
    if not len(starts):
        return np.zeros(len(firsts), np.uint16)
    last = len(starts) - 1
    numbers = np.minimum(starts.searchsorted(firsts), last)
    kinds = word_kinds[numbers]
    kinds[starts[numbers] != firsts] = 0
    for line in places(kinds & ASYNC != 0).tolist():
        kinds[line] = word_kinds[min(numbers[line] + 1, last)]
    return kinds


def _plain(read: PythonCode, kinds: NDArray[np.uint16], opens: NDArray[np.bool_]) -> bool:
    """Whether the lines are deeper after a colon and nowhere else, colons end statements with
    blocks alone, what goes on with a statement comes after a block, and what is decorated after its
    decorator."""
    lines, indents = read.lines, read.lines.indents
    decorators = places(np.frombuffer(read.code, np.uint8)[lines.firsts[:-1]] == _AT)
    goes_on = places(kinds & CONTINUES != 0)
    after_block = (indents[goes_on - 1] > indents[goes_on]) | lines.follows[goes_on - 1]
    after_block |= kinds[goes_on - 1] & COMPOUND != 0
    return (
        bool(after_block.all())
        and (not len(goes_on) or goes_on[0] > 0)
        and not (indents[decorators + 1] != indents[decorators]).any()
        and indents[0] == 0
        and not ((indents[1:] > indents[:-1]) != opens[:-1]).any()
        and not (opens & (kinds & (COMPOUND | SOFT) == 0)).any()
    )


def _blocks(
    read: PythonCode, kinds: NDArray[np.uint16], functions_begin: NDArray[np.int64]
) -> _Blocks | None:
    """The blocks; None where a line goes back to an indentation that was not there before, or goes
    on with a statement that does not go on so.

    ``functions_begin``: the lines after which a function's block begins. ``changes`` are the lines
    where the level of indentation becomes that of ``levels``.
    """
    lines = read.lines
    changes = places(lines.indents[1:] != lines.indents[:-1]) + 1
    changed = changes.tolist()
    begin = {line + 1: int(lines.firsts[line]) for line in functions_begin.tolist()}
    found = _Blocks([], [], [0, *changed], [0])
    # of each open block the indentation, where its function begins, and where its statement does
    stack: list[tuple[int, int | None, int]] = [(0, None, 0)]
    steps = zip(
        changed,
        lines.indents[changes].tolist(),
        lines.firsts[changes].tolist(),
        lines.firsts[changes - 1].tolist(),
        (kinds[changes] & CONTINUES).tolist(),
        strict=True,
    )
    for line, indent, place, place_before, goes_on in steps:
        if indent > stack[-1][0]:
            found.depths.append(len(stack))
            stack.append((indent, begin.get(line), place_before))
        else:
            statement = 0
            while stack[-1][0] > indent:
                _, function, statement = stack.pop()
                if function is not None:
                    found.functions.append((function, place))
            if stack[-1][0] != indent:
                return None
            if goes_on and not read.code.startswith(
                _GOES_ON.get(read.code[place : place + 3], ()), statement
            ):
                return None
        found.levels.append(len(stack) - 1)
    last = begin.get(len(lines.indents))
    open_at_end = [function for _, function, _ in stack] + [last]
    found.functions.extend((one, len(read.code)) for one in open_at_end if one is not None)
    return found


def _docstrings(read: PythonCode, opens: NDArray[np.bool_], in_line: list[int]) -> list[str]:
    """The strings that stand alone in the first line of the text or of a block, or are the block of
    a line that is among ``in_line``."""
    code, firsts, lasts = read.code, read.lines.firsts, read.lines.lasts
    array = np.frombuffer(code, np.uint8)
    alone = (array[lasts] == _STRING) & (lasts - firsts <= _MOST_PREFIXES)
    alone[1:] &= opens[:-1]
    ends = [
        last
        for first, last in zip(firsts[alone].tolist(), lasts[alone].tolist(), strict=True)
        if code[first:last].isalpha() or first == last
    ]
    ends += lasts[in_line].tolist()
    if not ends:
        return []
    strings = [one for one in read.tokens if one[0] != "#"]
    return [strings[number] for number in places(array == _STRING).searchsorted(ends).tolist()]
