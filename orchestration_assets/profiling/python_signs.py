"""Whether signs and words of Python code stand where Python has them.

A grammar knows what each statement is; here only neighbours are looked at, in passes over all of
them: what never stands beside each other in Python, or at either end of a line, is out of place.
"""

import re
from typing import Final

import numpy as np
from numpy.typing import NDArray

from orchestration_assets.profiling.python_tokens import (
    ASYNC,
    CLASS,
    CLOSING,
    COMPOUND,
    DEF,
    IMPORT,
    IS_INK,
    JOINS,
    KEYWORD,
    OPENING,
    PREFIX,
    PRINT,
    SOFT,
    STATEMENT,
    WHITE,
    WORD_BYTES,
    PythonCode,
    places,
)

_END: Final = 1
"""Stands for the end of a line."""

_OPERATORS: Final = b"*/%&|^<>=@+-!"
_UNARY: Final = b"+-~"
_KINDS: Final = {
    "end": bytes([_END]),
    "word": WORD_BYTES,
    "opening": OPENING,
    "closing": CLOSING,
    **{chr(sign): bytes([sign]) for sign in b'",:;.~' + _OPERATORS},
}
_NUMBER_OF: Final = {name: number for number, name in enumerate(_KINDS)}
_KIND_OF: Final = bytes(
    next((n for n, signs in enumerate(_KINDS.values()) if byte in signs), 0) for byte in range(256)
)
# What may stand between: before each the kinds of sign that it is for, after it those that may
# follow; the names of kinds are written out, signs are themselves.
_VALUES: Final = ("word", "opening", '"', ".")
_ENDS_OF_VALUES: Final = ("end", "closing", ",", ":", ".", "!", *map(chr, _OPERATORS))
_FOLLOWERS: Final = (
    ("end", ("end", *_VALUES, *"+-~*@")),
    ("word", (*_VALUES, *_ENDS_OF_VALUES, "~")),
    ('"', (*_VALUES, *_ENDS_OF_VALUES)),
    ("closing", (*_VALUES, *_ENDS_OF_VALUES)),
    ("opening", (*_VALUES, "closing", *":+-~*")),
    (",", (*_VALUES, "end", "closing", *":=+-~*/")),
    (":", (*_VALUES, "end", "closing", *",:=+-~*")),
    (".", ("word", "opening", *_ENDS_OF_VALUES)),
    ("~", (*_VALUES, *"+-~")),
    *((sign, (*_VALUES, *"+-~")) for sign in "*/%&|^<>=@+-"),
    *((sign, ("=",)) for sign in "*/%&|^<>=@+-!"),
    ("*", (*"*,:", "closing", "end")),
    ("/", (*"/,:", "closing")),
    ("<", (*"<>",)),
    (">", (">",)),
    ("-", (">",)),
    ("=", ("*",)),
)
_MAY_FOLLOW: Final = np.zeros(len(_KINDS) ** 2, np.bool_)
for _sign, _followers in _FOLLOWERS:
    for _follower in _followers:
        _MAY_FOLLOW[_NUMBER_OF[_sign] * len(_KINDS) + _NUMBER_OF[_follower]] = True
_STAR_AT_END: Final = bytes([_NUMBER_OF["*"], _NUMBER_OF["end"]])
_POINT_AT_END: Final = bytes([_NUMBER_OF["."], _NUMBER_OF["end"]])
# no number and no dots
_UNFINISHED: Final = re.compile(rb"[A-Za-z_]\.[ \t\r\f]*[\n;]")


def _any_of(*names: str) -> NDArray[np.bool_]:
    return np.array([name in names for name in _KINDS])


_IS_END: Final = _any_of("end")
_IS_WORD: Final = _any_of("word")
_IS_STRING: Final = _any_of('"')
_ENDS_VALUE: Final = _any_of("closing", '"')
_BEFORE_STATEMENT: Final = _any_of("end", ":")
_BEFORE_IMPORT: Final = _any_of("end", ":", ".", "word")
_NOTHING_JOINED: Final = _any_of("end", "closing", ",", ":", "=")


def stand_well(read: PythonCode) -> bool:
    """Whether nothing in the code that was read is out of place."""
    array = np.frombuffer(read.code, np.uint8).copy()
    array[read.ends] = _END
    marked = array.tobytes()
    # an end of a line is before the first sign, and after the last
    kinds = b"\0%b\0" % marked.translate(_KIND_OF, WHITE)
    signs = np.frombuffer(kinds, np.uint8)
    numbers = np.cumsum(np.frombuffer(marked.translate(IS_INK), np.uint8), dtype=np.int32)
    return _signs_fit(read.code, kinds, signs) and _words_fit(
        read, signs[numbers[read.words.starts] - 1], signs[numbers[read.words.ends - 1] + 1]
    )


def _signs_fit(code: bytes, kinds: bytes, signs: NDArray[np.uint8]) -> bool:
    """Whether each sign may follow the one before it, and lines may begin and end with theirs."""
    pairs = signs[:-1].astype(np.uint16)
    pairs *= len(_KINDS)
    pairs += signs[1:]
    return (
        bool(_MAY_FOLLOW[pairs].all())
        and (_STAR_AT_END not in kinds or kinds.count(_STAR_AT_END) <= code.count(b"import *"))
        and (_POINT_AT_END not in kinds or not _UNFINISHED.search(code))
    )


def _words_fit(read: PythonCode, before: NDArray[np.uint8], after: NDArray[np.uint8]) -> bool:
    """Whether words that are no keywords have neither each other nor strings nor brackets right
    beside them, and keywords stand at the beginning of a line or have what they join.

    ``before`` and ``after``: the kind of sign before and after each word.
    """
    starts, ends, kinds = read.words
    array = np.frombuffer(read.code, np.uint8)
    is_keyword = kinds & KEYWORD != 0
    is_prefix = array[ends] == ord('"')
    wrong = _ENDS_VALUE[before] & ~is_prefix
    wrong |= is_prefix & (kinds & PREFIX == 0)
    wrong |= ~is_prefix & _IS_STRING[after] & (kinds & (PRINT | SOFT) == 0)
    wrong[:-1] |= _IS_WORD[after[:-1]] & ~is_keyword[1:] & (kinds[:-1] & SOFT == 0)
    wrong &= ~is_keyword
    wrong |= is_keyword & (array[starts - 1] == ord("."))
    wrong |= (kinds & JOINS != 0) & _NOTHING_JOINED[after]
    wrong |= (kinds & COMPOUND != 0) & _IS_END[after]
    if wrong.any():
        return False
    begins = places(kinds & STATEMENT != 0)
    is_import = kinds[begins] & IMPORT != 0
    fits = np.where(is_import, _BEFORE_IMPORT[before[begins]], _BEFORE_STATEMENT[before[begins]])
    # nothing is defined in the line of another statement
    fits &= (kinds[begins] & (DEF | CLASS) == 0) | _IS_END[before[begins]]
    return bool((fits | (kinds[begins - 1] & ASYNC != 0)).all())
