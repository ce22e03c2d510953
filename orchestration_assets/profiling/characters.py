"""Counts of words, tokens, numbers and lines, by class of character, over a whole text at once.

A text is an array of code points, and each code point has one class from a table: the counts that
a regular expression would find one match at a time are here comparisons of neighbours. What
counts as a word or a number is in the docstrings of :mod:`orchestration_assets.profiling.text`,
whose patterns find the same.
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import Final
from unicodedata import category

import numpy as np
from numpy.typing import NDArray

from orchestration_assets.profiling.text import CJK, MARKS, Values, per_100, word_pattern

_Classes = NDArray[np.uint8]
_Mask = NDArray[np.bool_]

# The classes: each character has exactly one.
_SPACE: Final = 0
_ASCII_LOWER: Final = 1
_ASCII_UPPER: Final = 2
_DIGIT: Final = 3
_UPPER: Final = 4
_LETTER: Final = 5
_IDEOGRAPH: Final = 6
_APOSTROPHE: Final = 7
_POINT: Final = 8
_PUNCTUATION: Final = 9
_OTHER: Final = 10

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_LIKE_A_SURROGATE: Final = "\ue000"
"""A character of private use: of the same class, and of as many bytes of UTF-8."""

_BMP: Final = 0x10000
_TAB_COLUMNS: Final = 4
_BEYOND_ASCII: Final = (0x80, 0x800, _BMP)
"""From these code points on UTF-8 takes two, three and four bytes."""


def _class_of(character: str) -> int:
    if character.isspace():
        return _SPACE
    if character in "'\u2019":
        return _APOSTROPHE
    if character in ".,":
        return _POINT
    kind = category(character)
    if kind == "Nd":
        return _DIGIT
    if word_pattern().fullmatch(character):
        if CJK.fullmatch(character):
            return _IDEOGRAPH
        if kind == "Lu":
            return _ASCII_UPPER if character.isascii() else _UPPER
        return _ASCII_LOWER if character.isascii() else _LETTER
    if MARKS.fullmatch(character):
        return _LETTER
    return _PUNCTUATION if kind[0] in "PS" else _OTHER


@cache
def _ascii_table() -> bytes:
    return bytes(_class_of(chr(code)) for code in range(256))


@cache
def _table() -> _Classes:
    """The classes of the basic plane: 0.1 s, once a process, and only for text beyond ASCII."""
    return np.array([_class_of(chr(code)) for code in range(_BMP)], np.uint8)


@cache
def _class_beyond(code: int) -> int:
    return _class_of(chr(code))


def load_classes(text: str) -> None:
    """Builds the tables that ``text`` needs, so that no item's clock pays for all that follow."""
    _ascii_table()
    if not text.isascii():
        _table()


def _encoded(text: str) -> bytes:
    try:
        return text.encode("utf-32-le")
    except UnicodeEncodeError:
        # an error handler takes a microsecond a surrogate; what counts like one is put in its place
        return _SURROGATE.sub(_LIKE_A_SURROGATE, text).encode("utf-32-le")


@dataclass(frozen=True, slots=True)
class Characters:
    """The code points of a text and their classes."""

    codes: NDArray[np.uint32] | NDArray[np.uint8]
    classes: _Classes

    @staticmethod
    def from_text(text: str) -> "Characters":
        """The characters of ``text``, lone surrogates included."""
        if text.isascii():
            data = text.encode("ascii")
            classes = np.frombuffer(data.translate(_ascii_table()), np.uint8)
            return Characters(np.frombuffer(data, np.uint8), classes)
        codes = np.frombuffer(_encoded(text), np.uint32)
        classes = _table()[np.minimum(codes, _BMP - 1)]
        beyond = np.flatnonzero(codes >= _BMP)
        if beyond.size:
            unique_codes, positions = np.unique(codes[beyond], return_inverse=True)
            unique_classes = np.array([_class_beyond(int(code)) for code in unique_codes], np.uint8)
            classes[beyond] = unique_classes[positions]
        return Characters(codes, classes)

    @property
    def ascii(self) -> bool:
        """Whether no character is beyond ASCII."""
        return self.codes.dtype == np.uint8

    def shares(self) -> Values:
        """Shares of digits, upper case, punctuation, white space and non-ASCII in characters."""
        total = max(len(self.classes), 1)
        classes = self.classes
        upper = (classes == _ASCII_UPPER) | (classes == _UPPER)
        marks = (classes >= _APOSTROPHE) & (classes <= _PUNCTUATION)
        return {
            "digit_share": _count(classes == _DIGIT) / total,
            "upper_share": _count(upper) / total,
            "punctuation_share": _count(marks) / total,
            "whitespace_share": _count(classes == _SPACE) / total,
            "non_ascii_share": 0.0 if self.ascii else _count(self.codes > 127) / total,
        }

    def word_count(self) -> int:
        """How many words there are."""
        classes = self.classes
        inside = (classes >= _ASCII_LOWER) & (classes <= _LETTER)
        joints = _between(inside, classes == _APOSTROPHE)
        ideographs = 0 if self.ascii else _count(classes == _IDEOGRAPH)
        return _runs(inside) - joints + ideographs

    def number_count(self) -> int:
        """Runs of digits, with inner points and commas."""
        digits = self.classes == _DIGIT
        return _runs(digits) - _between(digits, self.classes == _POINT)

    def long_numbers(self) -> list[int]:
        """Where runs of digits begin that are followed by another after one character, or are of
        13 digits or more: where the numbers of cards and of people may stand."""
        starts, lengths = _spans(self.classes == _DIGIT)
        if not len(starts):
            return []
        gaps = np.append(starts[1:] - starts[:-1] - lengths[:-1], 0)
        found: list[int] = starts[((gaps == 1) & (lengths >= 3)) | (lengths >= 13)].tolist()
        return found

    def long_tokens(self, least: int) -> list[int]:
        """Where unbroken runs of at least ``least`` letters, digits, _ and - begin."""
        inside = (self.classes >= _ASCII_LOWER) & (self.classes <= _DIGIT)
        starts, lengths = _spans(inside | (self.codes == ord("_")) | (self.codes == ord("-")))
        found: list[int] = starts[lengths >= least].tolist()
        return found

    def token_count(self) -> int:
        """The same estimate as ``text.token_estimates``, from the classes."""
        classes = self.classes
        letters = (classes == _ASCII_LOWER) | (classes == _ASCII_UPPER)
        digits, signs = classes == _DIGIT, classes >= _APOSTROPHE
        beyond = 0
        if not self.ascii:
            inside = self.codes < _BEYOND_ASCII[0]
            digits, signs = digits & inside, signs & inside
            beyond = sum(
                _count(self.codes >= least) for least in (_BEYOND_ASCII[0], *_BEYOND_ASCII)
            )
        words, figures, marks = (_spans(mask)[1] for mask in (letters, digits, signs))
        return int(
            len(words)
            + np.sum(words // 9)
            + len(figures)
            + np.sum(figures // 4)
            + np.sum((marks + 1) // 2)
            + (beyond + 2) // 3
        )

    def lines(self) -> Values:
        """Line lengths, blank lines and indentation."""
        size = len(self.codes)
        ends = np.flatnonzero(self.codes == 10)
        if size and (not len(ends) or ends[-1] != size - 1):
            ends = np.append(ends, size)
        starts = np.concatenate(([0], ends[:-1] + 1)) if len(ends) else ends
        # A line begins after a newline, so its first ink begins a run of ink.
        ink = np.append(_spans(self.classes != _SPACE)[0], size)
        first = ink[np.searchsorted(ink, starts)]
        inked = first < ends
        lengths = ends - starts
        indents = (first - starts)[inked]
        if len(indents):
            tabs = self.codes[starts[inked]] == 9
            indents = np.where(tabs, indents * _TAB_COLUMNS, indents)
        return {
            "max_line_chars": int(lengths.max()) if len(lengths) else 0,
            "mean_line_chars": float(lengths[inked].mean()) if len(indents) else 0.0,
            "blank_line_share": float(1 - len(indents) / len(ends)) if len(ends) else 0.0,
            "indent_depth": float(indents.mean()) if len(indents) else 0.0,
        }

    def densities(self, words: int, addresses: int) -> Values:
        """Addresses and numbers per 100 of the text's ``words``; None without a word."""
        return {
            "url_density": per_100(addresses, words),
            "number_density": per_100(self.number_count(), words),
        }


def _count(mask: _Mask) -> int:
    return int(np.count_nonzero(mask))


def _spans(mask: _Mask) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where the unbroken runs of True begin, and how long each is."""
    if not len(mask):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    edges = np.flatnonzero(mask[1:] != mask[:-1]) + 1
    if mask[0]:
        edges = np.concatenate(([0], edges))
    if mask[-1]:
        edges = np.append(edges, len(mask))
    return edges[::2], edges[1::2] - edges[::2]


def _runs(mask: _Mask) -> int:
    """How many unbroken runs of True there are."""
    if not len(mask):
        return 0
    return int(mask[0]) + _count(mask[1:] > mask[:-1])


def _between(mask: _Mask, joint: _Mask) -> int:
    """How many single ``joint`` characters stand between two that are in ``mask``."""
    return _count(mask[:-2] & joint[1:-1] & mask[2:])
