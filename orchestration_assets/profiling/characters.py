"""Counts of words, tokens and numbers, by class of character, over a whole text at once.

Each character of a text has one class from a table, in one byte: the counts that a regular
expression would find one match at a time are here searches of bytes and comparisons of neighbours.
What counts as a word or a number is in the docstrings of
:mod:`orchestration_assets.profiling.words`, whose patterns find the same.
"""

import re
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Final
from unicodedata import category

import numpy as np
from numpy.typing import NDArray

from orchestration_assets.profiling.text import Values, per_100
from orchestration_assets.profiling.words import CJK, MARKS, WORD

_Mask = NDArray[np.uint8] | NDArray[np.bool_]

# The classes: each character has exactly one.
_SPACE: Final = 0
_LOWER: Final = 1
_UPPER: Final = 2
_DIGIT: Final = 3
_APOSTROPHE: Final = 4
_POINT: Final = 5
_JOINER: Final = 6
_PUNCTUATION: Final = 7
_OTHER: Final = 8
# Those beyond ASCII.
_FAR_SPACE: Final = 9
_FAR_LETTER: Final = 10
_FAR_UPPER: Final = 11
_FAR_DIGIT: Final = 12
_IDEOGRAPH: Final = 13
_FAR_APOSTROPHE: Final = 14
_FAR_PUNCTUATION: Final = 15
_FAR_OTHER: Final = 16
_FAR: Final = range(_FAR_SPACE, _FAR_OTHER + 1)

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_LIKE_A_SURROGATE: Final = "\ue000"
"""A character of private use: of the same class, and of as many bytes of UTF-8."""

_BMP: Final = 0x10000


# What classes are to a count, a table for each: bytes of its own for some, NUL for all others.
def _kinds(*kinds: tuple[bytes, tuple[int, ...]]) -> bytes:
    kind_of = {one: kind[0] for kind, classes in kinds for one in classes}
    return bytes(kind_of.get(one, 0) for one in range(256))


_SIGNS: Final = (_APOSTROPHE, _POINT, _JOINER, _PUNCTUATION, _OTHER)
_PUNCTUATION_CLASSES: Final = (_APOSTROPHE, _POINT, _JOINER, _PUNCTUATION)
_TOKEN_KINDS: Final = _kinds((b"l", (_LOWER, _UPPER)), (b"d", (_DIGIT,)), (b"s", _SIGNS))
_IN_WORD: Final = _kinds((b"\1", (_LOWER, _UPPER, _DIGIT, _FAR_LETTER, _FAR_UPPER, _FAR_DIGIT)))
_IN_TOKEN: Final = _kinds((b"\1", (_LOWER, _UPPER, _DIGIT, _FAR_DIGIT, _JOINER)))

_LETTER: Final = ord("l")
_FIGURE: Final = ord("d")
_NINE_LETTERS: Final = b"l" * 9


def _class_of(character: str) -> int:
    beyond = not character.isascii()
    if character.isspace():
        return _FAR_SPACE if beyond else _SPACE
    if character in "'\u2019":
        return _FAR_APOSTROPHE if beyond else _APOSTROPHE
    if character in ".,":
        return _POINT
    if character in "_-":
        return _JOINER
    kind = category(character)
    if kind == "Nd":
        return _FAR_DIGIT if beyond else _DIGIT
    if WORD.fullmatch(character):
        if CJK.fullmatch(character):
            return _IDEOGRAPH
        if kind == "Lu":
            return _FAR_UPPER if beyond else _UPPER
        return _FAR_LETTER if beyond else _LOWER
    if MARKS.fullmatch(character):
        return _FAR_LETTER
    if kind[0] in "PS":
        return _FAR_PUNCTUATION if beyond else _PUNCTUATION
    return _FAR_OTHER if beyond else _OTHER


@cache
def _ascii_table() -> bytes:
    return bytes(_class_of(chr(code)) for code in range(256))


@cache
def _table() -> NDArray[np.uint8]:
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


def _classes(text: str) -> bytes:
    if text.isascii():
        return text.encode("ascii").translate(_ascii_table())
    codes = np.frombuffer(_encoded(text), np.uint32)
    classes = _table()[np.minimum(codes, _BMP - 1)]
    beyond = np.flatnonzero(codes >= _BMP)
    if beyond.size:
        unique_codes, positions = np.unique(codes[beyond], return_inverse=True)
        unique_classes = np.array([_class_beyond(int(code)) for code in unique_codes], np.uint8)
        classes[beyond] = unique_classes[positions]
    return classes.tobytes()


# Without slots: what several counts need is kept in the instance.
@dataclass(frozen=True)
class Characters:
    """The classes of a text's characters, a byte each; ``far_bytes`` is how many bytes those
    beyond ASCII take in UTF-8, ``digit_count`` how many digits there are, in any script."""

    classes: bytes
    far_bytes: int
    digit_count: int

    @staticmethod
    def from_text(text: str) -> "Characters":
        """The characters of ``text``, lone surrogates included."""
        classes = _classes(text)
        digits = classes.count(_DIGIT)
        if text.isascii():
            return Characters(classes, 0, digits)
        near = len(classes) - sum(map(classes.count, _FAR))
        far_bytes = len(text.encode("utf-8", "surrogatepass")) - near
        return Characters(classes, far_bytes, digits + classes.count(_FAR_DIGIT))

    @cached_property
    def _digit_runs(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where the runs of digits begin, and where they end."""
        array = np.frombuffer(self.classes, np.uint8)
        digits = array == _DIGIT
        if self.far_bytes:
            digits |= array == _FAR_DIGIT
        edges = np.flatnonzero(digits[1:] != digits[:-1]) + 1
        first, last = [0] if digits[0] else [], [len(digits)] if digits[-1] else []
        if first or last:
            edges = np.concatenate((first, edges, last)).astype(np.int64)
        return edges[::2], edges[1::2]

    def shares(self) -> Values:
        """Shares of digits, upper case, punctuation, white space and non-ASCII in characters."""
        count = self.classes.count
        total = max(len(self.classes), 1)
        upper, spaces, far = count(_UPPER), count(_SPACE), 0
        marks = sum(map(count, _PUNCTUATION_CLASSES))
        if self.far_bytes:
            upper += count(_FAR_UPPER)
            spaces += count(_FAR_SPACE)
            marks += count(_FAR_APOSTROPHE) + count(_FAR_PUNCTUATION)
            far = sum(map(count, _FAR))
        return {
            "digit_share": self.digit_count / total,
            "upper_share": upper / total,
            "punctuation_share": marks / total,
            "whitespace_share": spaces / total,
            "non_ascii_share": far / total,
        }

    def word_count(self) -> int:
        """How many words there are."""
        classes = self.classes
        inside = np.frombuffer(classes.translate(_IN_WORD), np.uint8)
        words = _runs(inside)
        marks = (_APOSTROPHE, _FAR_APOSTROPHE) if self.far_bytes else (_APOSTROPHE,)
        for mark in marks:
            if mark in classes:
                joint = np.frombuffer(classes, np.uint8)[1:-1] == mark
                words -= int(np.count_nonzero(inside[:-2] & joint & inside[2:]))
        return words + classes.count(_IDEOGRAPH) if self.far_bytes else words

    def number_count(self) -> int:
        """Runs of digits, with inner points and commas."""
        if not self.digit_count:
            return 0
        starts, ends = self._digit_runs
        between = ends[:-1][starts[1:] - ends[:-1] == 1].tolist()
        return len(starts) - [self.classes[place] for place in between].count(_POINT)

    def long_numbers(self) -> list[int]:
        """Where runs of digits begin that are followed by another after one character, or are of
        13 digits or more: where the numbers of cards and of people may stand."""
        if not self.digit_count:
            return []
        starts, ends = self._digit_runs
        lengths = ends - starts
        gaps = np.append(starts[1:] - ends[:-1], 0)
        found: list[int] = starts[((gaps == 1) & (lengths >= 3)) | (lengths >= 13)].tolist()
        return found

    def long_tokens(self, least: int) -> list[int]:
        """Where unbroken runs of at least ``least`` letters, digits, _ and - begin."""
        inside = self.classes.translate(_IN_TOKEN)
        if b"\1" * least not in inside:
            return []
        begins = np.frombuffer(inside, np.uint8)
        length = 1
        while length < least:
            # where ``length`` of them follow, and after some of these as many again
            more = min(length, least - length)
            begins = begins[:-more] & begins[more:]
            length += more
        found: list[int] = (np.flatnonzero(begins[1:] > begins[:-1]) + 1).tolist()
        return [0, *found] if begins[0] else found

    def token_count(self) -> int:
        """The same estimate as ``text.token_estimates``, from the classes."""
        kinds = self.classes.translate(_TOKEN_KINDS)
        signs = kinds.count(b"s")
        array = np.frombuffer(kinds, np.uint8)
        # Counting sequences without overlaps divides the length of each run.
        tokens = _runs(array == _LETTER) + kinds.count(_NINE_LETTERS)
        if _DIGIT in self.classes:
            tokens += _runs(array == _FIGURE) + kinds.count(b"dddd")
        # of a run of signs every two are one, and one that is left over
        return tokens + signs - kinds.count(b"ss") + (self.far_bytes + 2) // 3

    def densities(self, words: int, addresses: int) -> Values:
        """Addresses and numbers per 100 of the text's ``words``; None without a word."""
        return {
            "url_density": per_100(addresses, words),
            "number_density": per_100(self.number_count(), words),
        }


def _runs(mask: _Mask) -> int:
    """How many unbroken runs of ones there are."""
    return int(mask[0]) + int(np.count_nonzero(mask[1:] > mask[:-1])) if len(mask) else 0
