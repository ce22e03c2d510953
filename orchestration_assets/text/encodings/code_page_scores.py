"""Scores how likely bytes are text in each code page and language.

A reading's cost is minus the logarithm of its probability, in nats, summed over the pairs of
neighbouring characters of which one is beyond ASCII: other pairs read alike in every code page and
only say, with less weight, which language it is. Every reading explains the same bytes, so costs
compare. Code pages that read the bytes as the same text are one reading.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from orchestration_assets.text.encodings.code_pages import (
    MULTI_BYTE,
    SINGLE_BYTE,
    WESTERN,
    CodePage,
    declared_page,
)
from orchestration_assets.text.encodings.letter_statistics import (
    LetterClass,
    PairModel,
    lowercase,
    models,
)

SAMPLE_BYTES: Final = 4096
"""How many bytes are scored at most."""
_SEARCHED_BYTES: Final = 512 * 1024
_LINE_BYTES: Final = 1024
_BEYOND: Final = re.compile(rb"[\x80-\xff]")
# Characters of several bytes that a sample of cut lines may have halves of.
_MAX_HALVES: Final = 8

# How much a pair of ASCII characters counts.
_ASCII_WEIGHT: Final = 0.4
# At most so many of them count for each pair that is not plain.
_MAX_ASCII_PAIRS: Final = 40.0
# A language can be in a code page that lacks this share of its letters.
_MAX_LACKING: Final = 0.002

# Nats that one language may be likelier than another without being told apart.
_SAME_LANGUAGE: Final = 2.0

# Up to this often, each occurrence of a pair counts in full.
_FULL_COUNT: Final = 8
# The same byte four times and more, and what it costs to read that as no line.
_RUN: Final = re.compile(rb"([\x80-\xff])\1{3,}")
_PLAIN_RUN: Final = re.compile(rb"([\x00-\x7f])\1{3,}")
_RULE_COST: Final = 5.0
_MAX_RULES_COST: Final = 40.0
# Words are shorter.
_WORD: Final = re.compile(r"[^\W\d_]{41,}")
_UNSPACED: Final = frozenset(("th", "ja", "ko", "zh_CN", "zh_TW"))

# What it costs that a language of Western Europe is in the code page of another region.
_FOREIGN_PAGE_COST: Final = 4.5

# Costs of case within pairs, in nats: [first][second] of neither, lower, upper.
_NEITHER, _LOWER, _UPPER = 0, 1, 2
_CASES: Final = np.array([[0.0, 0.15, 2.0], [0.0, 0.0, 6.0], [0.0, 0.6, 0.8]], dtype=np.float32)


# Costs of an ideograph next to ASCII, in nats: by the class of its neighbour; of a letter.
_BORDERS: Final = np.full(256, 3.5, dtype=np.float32)
_BORDERS[[LetterClass.SPACE, LetterClass.MARK, LetterClass.DIGIT]] = (1.2, 0.8, 1.5)


@dataclass(frozen=True, slots=True)
class CodePageCandidate:
    """One reading of the bytes."""

    encodings: tuple[str, ...]
    """The encodings that decode the sample to this text, the likeliest first."""
    language: str
    cost: float
    """Nats, of the whole sample."""
    surprise: float
    """Nats a pair of neighbouring bytes of which one is beyond ASCII. Noise has 5.5 or more."""
    pairs: float
    """How many such pairs there are."""
    density: float
    """The share of bytes beyond ASCII."""
    text: str
    """The sample as these encodings read it."""


def has_words(found: CodePageCandidate) -> bool:
    """Whether letters come in words: in most scripts, none has more than 40."""
    if found.language in _UNSPACED:
        return True
    letters = sum(map(str.isalpha, found.text))
    return 2 * sum(map(len, _WORD.findall(found.text))) <= letters


def sample_of(data: bytes, telling_at: int = 0) -> bytes:
    """Up to 4,096 bytes of the lines that are not ASCII: they alone tell code pages apart.

    The lines are spread over the first half megabyte, or over that from ``telling_at`` on, a place
    with a byte beyond ASCII, when it lies behind; and over the last quarter megabyte.
    """
    if len(data) <= SAMPLE_BYTES:
        return data
    start = 0 if telling_at < _SEARCHED_BYTES else max(0, telling_at - SAMPLE_BYTES // 2)
    parts = [data[start : start + _SEARCHED_BYTES]]
    if len(data) > start + _SEARCHED_BYTES:
        parts.append(data[max(start + _SEARCHED_BYTES, len(data) - _SEARCHED_BYTES // 2) :])
    lines = [line for part in parts for line in part.split(b"\n") if not line.isascii()]
    # an odd step: the lines of many a file alternate
    step = max(1, sum(min(len(line), _LINE_BYTES) for line in lines) // SAMPLE_BYTES) | 1
    taken = b"\n".join(map(_around, lines[::step]))
    if len(taken) < SAMPLE_BYTES:
        taken = b"\n".join(map(_around, lines[: max(len(lines) // step, SAMPLE_BYTES // 64)]))
    return taken[:SAMPLE_BYTES]


def _around(line: bytes) -> bytes:
    """At most 1,024 bytes of a line, from a little before its first byte beyond ASCII.

    What comes before that byte are whole characters in every code page; the end may be half a one.
    """
    if len(line) <= _LINE_BYTES:
        return line
    first = _BEYOND.search(line)
    start = max(0, first.start() - _LINE_BYTES // 4) if first else 0
    return line[start : start + _LINE_BYTES]


def candidates(sample: bytes, declared: str | None = None) -> list[CodePageCandidate]:
    """The readings of a sample that is not ASCII, the likeliest first.

    ``declared`` names an encoding to try besides the usual ones.
    """
    pages = [*SINGLE_BYTE, *MULTI_BYTE]
    if declared is not None and all(page.name != declared for page in pages):
        pages.append(declared_page(declared))
    alike: dict[str, list[CodePageCandidate]] = {}
    for candidate in _scored(sample, pages):
        alike.setdefault(candidate.text, []).append(candidate)
    return sorted(map(_merge_candidates, alike.values()), key=lambda candidate: candidate.cost)


def _merge_candidates(alike: Sequence[CodePageCandidate]) -> CodePageCandidate:
    """Readings of the same text as one. Their encodings can differ in what was not sampled: those
    that hold the likeliest language come first, and among them the commonest."""
    best = min(alike, key=lambda candidate: candidate.cost)
    if not any(character.isalpha() for character in best.text if character > "\x7f"):
        # signs belong to no language
        return replace(best, encodings=tuple(candidate.encodings[0] for candidate in alike))
    named = sorted(alike, key=lambda candidate: candidate.cost > best.cost + _SAME_LANGUAGE)
    return replace(best, encodings=tuple(candidate.encodings[0] for candidate in named))


def _scored(sample: bytes, pages: Sequence[CodePage]) -> Iterator[CodePageCandidate]:
    sample = _PLAIN_RUN.sub(rb"\1", sample)
    shortened, drawn = _without_rules(sample)
    pairs, counts, telling = _pair_counts(shortened)
    number = float(counts[telling].sum())
    share = _ascii_weight(float(counts[~telling].sum()), number)
    plainly = share * _ascii_costs(pairs[:, ~telling], counts[~telling])
    pairs, counts = pairs[:, telling], counts[telling]
    density = sum(byte >= 0x80 for byte in shortened) / len(shortened)
    beyond = {byte for byte in sample if byte >= 0x80}
    for page in pages:
        if page.languages is None:
            table = _page_table(page)
            if not table.holds(beyond):
                continue
            costs = table.costs(pairs, counts)
            around = plainly[table.places] + table.foreign_costs
            best = int((costs + around).argmin())
            telling_cost = float(costs[best])
            ascii_cost = float(around[best]) + table.rules_cost(drawn)
            language, text = table.languages[best], sample.decode(page.name)
        else:
            whole = _nearly_decoded(sample, page.name)
            if whole is None:
                continue
            readings = _character_costs(whole, page.languages, share)
            language, telling_cost, ascii_cost = min(
                readings, key=lambda costs: (costs[1] + costs[2], costs[0])
            )
            text = whole
        cost = telling_cost + ascii_cost + page.cost
        yield CodePageCandidate(
            (page.name,), language, cost, telling_cost / number, number, density, text
        )


def _nearly_decoded(sample: bytes, encoding: str) -> str | None:
    """A sample in which a few characters are cut in half; None when it is not in the encoding."""
    text = sample.decode(encoding, "replace")
    most = _MAX_HALVES if len(sample) >= _LINE_BYTES else 0
    return text if text.count("\ufffd") <= most else None


def _pair_counts(
    sample: bytes,
) -> tuple[NDArray[np.intp], NDArray[np.float32], NDArray[np.bool_]]:
    """The different pairs of neighbouring bytes, how often each occurs, and which tell."""
    # a text begins and ends as if between spaces
    row = np.frombuffer(b" " + sample + b" ", dtype=np.uint8).astype(np.intp)
    found, counts = np.unique(row[:-1] * 256 + row[1:], return_counts=True)
    pairs = np.stack([found // 256, found % 256])
    # what comes again and again says less each time: lines repeat, and so do words
    often = np.maximum(counts / _FULL_COUNT, 1.0)
    heard = np.minimum(counts, _FULL_COUNT) * (1.0 + np.log(often))
    telling = np.logical_or(pairs[0] >= 0x80, pairs[1] >= 0x80)
    return pairs.astype(np.intp), heard.astype(np.float32), telling


def _without_rules(sample: bytes) -> tuple[bytes, list[int]]:
    """A sample with runs of one byte cut short, and the bytes of which there were such runs."""
    drawn = [run[0] for run in _RUN.findall(sample)]
    return (_RUN.sub(rb"\1", sample), drawn) if drawn else (sample, drawn)


def _ascii_weight(plain: float, others: float) -> float:
    """How much a pair of ASCII characters counts: together they must not drown the others."""
    return min(_ASCII_WEIGHT, _ASCII_WEIGHT * _MAX_ASCII_PAIRS * others / max(plain, 1.0))


class _PageTable:
    """A code page of one byte a character, as classes of its bytes in every language it holds."""

    def __init__(self, page: CodePage) -> None:
        characters = _characters(page.name)
        fitting = [model for model in models()[0] if _covers(page.name, model)]
        self.foreign_costs = np.array(
            [
                0.0 if page.western or not _covers(WESTERN.name, model) else _FOREIGN_PAGE_COST
                for model in fitting
            ]
        )
        self.languages = [model.language for model in fitting]
        self._undefined = frozenset(
            byte for byte, character in enumerate(characters) if character is None
        )
        self._is_line = [
            character is not None and _is_line_drawing(character) for character in characters
        ]
        self._cases = np.array([_case(character) for character in characters], dtype=np.intp)
        self._classes = np.array(
            [
                [
                    LetterClass.CONTROL if character is None else model.class_of(character)
                    for character in characters
                ]
                for model in fitting
            ],
            dtype=np.intp,
        )
        # where in the flattened table the row of a first character begins
        size = _costs().shape[1]
        self.places = np.array(
            [_language_index()[model.language] for model in fitting], dtype=np.intp
        )
        self._rows = (self.places[:, None] * size + self._classes) * size

    def holds(self, beyond: AbstractSet[int]) -> bool:
        """Whether all bytes have a character."""
        return self._undefined.isdisjoint(beyond)

    def rules_cost(self, drawn: Sequence[int]) -> float:
        """What runs of the same byte cost that no lines are drawn with."""
        strange = [byte for byte in drawn if not self._is_line[byte]]
        return min(_RULE_COST * len(strange), _MAX_RULES_COST)

    def costs(self, pairs: NDArray[np.intp], counts: NDArray[np.float32]) -> NDArray[np.float32]:
        """For each language, the cost of the pairs in nats."""
        first, second = pairs
        cases = _CASES[self._cases[first], self._cases[second]] @ counts
        letters = _flat_costs().take(self._rows[:, first] + self._classes[:, second])
        summed: NDArray[np.float32] = letters @ counts + cases
        return summed


def _ascii_costs(pairs: NDArray[np.intp], counts: NDArray[np.float32]) -> NDArray[np.float32]:
    """For each language, the cost of pairs of ASCII in nats: alike in every code page."""
    classes = _ascii_classes()
    places = np.arange(len(classes))[:, None]
    summed: NDArray[np.float32] = (
        _costs()[places, classes[:, pairs[0]], classes[:, pairs[1]]] @ counts
    )
    return summed


@cache
def _ascii_classes() -> NDArray[np.intp]:
    return np.array(
        [[model.class_of(chr(byte)) for byte in range(128)] for model in models()[0]], dtype=np.intp
    )


@cache
def _page_table(page: CodePage) -> _PageTable:
    return _PageTable(page)


@cache
def _language_index() -> Mapping[str, int]:
    return {model.language: place for place, model in enumerate(models()[0])}


@cache
def _costs() -> NDArray[np.float32]:
    """[language, first, second], padded to the longest alphabet."""
    found = models()[0]
    size = max(len(model.costs) for model in found)
    costs = np.zeros((len(found), size, size), dtype=np.float32)
    for place, model in enumerate(found):
        length = len(model.costs)
        costs[place, :length, :length] = model.costs
    return costs


@cache
def _characters(encoding: str) -> tuple[str | None, ...]:
    """The character of each byte, None where there is none."""
    return tuple(_decoded(byte, encoding) for byte in range(256))


def _covers(encoding: str, model: PairModel) -> bool:
    """Whether a language can be written in a code page, but for a few letters."""
    held = {lowercase(character) for character in _characters(encoding) if character is not None}
    lacking = sum(share for letter, share in model.shares.items() if letter not in held)
    return lacking <= _MAX_LACKING


@cache
def _flat_costs() -> NDArray[np.float32]:
    return np.ascontiguousarray(_costs()).reshape(-1)


def _decoded(byte: int, encoding: str) -> str | None:
    try:
        text = bytes([byte]).decode(encoding)
    except UnicodeDecodeError:
        return None
    return text if len(text) == 1 else None


def _is_line_drawing(character: str) -> bool:
    """Whether a character is for lines, boxes, bars or leaders."""
    return "\u2500" <= character <= "\u25ff" or character in "–—…·¯\xa0"  # noqa: RUF001


def _case(character: str | None) -> int:
    if character is None or not (character.isupper() or character.islower()):
        return _NEITHER
    return _UPPER if character.isupper() else _LOWER


def _character_costs(
    text: str, languages: frozenset[str], share: float
) -> Iterator[tuple[str, float, float]]:
    """For each language, what a text of many characters costs, and the ASCII in between."""
    english = _language_index()["en"]
    codes = np.fromiter(map(ord, f" {text} "), dtype=np.intp, count=len(text) + 2)
    beyond = codes >= 0x80
    row = np.where(beyond, LetterClass.FOREIGN_LETTER, _ascii_classes()[english][codes & 0x7F])
    first, second = row[:-1], row[1:]
    plain = ~(beyond[:-1] | beyond[1:])
    between = share * float(_costs()[english, first[plain], second[plain]].sum())
    borders = beyond[:-1] != beyond[1:]
    sides = np.where(beyond[:-1], second, first)[borders]
    bordering = float(_BORDERS[sides].sum())
    characters, counts = np.unique(codes[beyond], return_counts=True)
    counted = list(zip(map(chr, characters.tolist()), counts.tolist(), strict=True))
    for model in models()[1]:
        if model.language in languages:
            character_cost = sum(count * model.cost_of(character) for character, count in counted)
            yield model.language, bordering + character_cost, between


# What a character of Chinese, Japanese or Korean costs on average at most, in nats.
_LIKELY_CHARACTERS: Final = 9.0


def is_cjk_text(text: str) -> bool:
    """Whether what is beyond ASCII is Chinese, Japanese or Korean, by how common it is."""
    beyond = [character for character in text[:SAMPLE_BYTES] if character > "\x7f"]
    if not beyond:
        return False
    least = min(sum(map(model.cost_of, beyond)) for model in models()[1])
    return least <= _LIKELY_CHARACTERS * len(beyond)
