"""Which code page bytes are in: each one's reading scored as text of every language it can hold.

A reading's cost is minus the logarithm of its probability, in nats, summed over the pairs of
neighbouring characters of which one is beyond ASCII: other pairs read alike in every code page and
only say, with less weight, which language it is. Every reading explains the same bytes, so costs
compare. Code pages that read the bytes as the same text are one reading.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from orchestration_assets.content.code_pages import MULTI_BYTE, SINGLE_BYTE, CodePage
from orchestration_assets.content.letters import (
    Class,
    folded,
    models,
)

SAMPLE_BYTES: Final = 4096
"""How many bytes are scored at most."""
_SEARCHED_BYTES: Final = 512 * 1024

# How much a pair of ASCII characters counts.
_PLAIN: Final = 0.12
# At most so many of them count for each pair that is not plain.
_PLAIN_PAIRS: Final = 40.0
# A language can be in a code page that lacks this share of its letters.
_LACKING: Final = 0.002

# Costs of case within pairs, in nats: [first][second] of neither, lower, upper.
_NEITHER, _LOWER, _UPPER = 0, 1, 2
_CASES: Final = np.array(
    [[0.0, 0.15, 2.0], [0.0, 0.0, 6.0], [0.0, 0.6, 0.8]], dtype=np.float32
)


# Costs of an ideograph next to ASCII, in nats: by the class of its neighbour; of a letter.
_BORDERS: Final = {Class.SPACE: 1.2, Class.MARK: 0.8, Class.DIGIT: 1.5}
_BORDER_LETTER: Final = 3.5


@dataclass(frozen=True, slots=True)
class Candidate:
    """One reading of the bytes."""

    encoding: str
    language: str
    cost: float
    """Nats, of the whole sample."""
    text: str
    """The sample as this encoding reads it."""


def sample_of(data: bytes) -> bytes:
    """Up to 4,096 bytes of the lines that are not ASCII: they alone tell code pages apart."""
    if len(data) <= SAMPLE_BYTES:
        return data
    found: list[bytes] = []
    length = 0
    for line in data[:_SEARCHED_BYTES].split(b"\n"):
        if not line.isascii():
            found.append(line)
            length += len(line) + 1
            if length >= SAMPLE_BYTES:
                break
    if not found:
        return data[:SAMPLE_BYTES]
    return b"\n".join(found)[:SAMPLE_BYTES]


def candidates(sample: bytes, also: Sequence[str] = ()) -> list[Candidate]:
    """The readings of a sample that is not ASCII, the likeliest first.

    ``also`` names encodings to try besides the usual ones. A sample may end amid a character.
    """
    pairs, counts, telling = _pair_counts(sample)
    found: dict[str, Candidate] = {}
    pages = [*SINGLE_BYTE, *MULTI_BYTE]
    for one in _scored(sample, pages, pairs, counts, telling):
        best = found.get(one.text)
        if best is None or one.cost < best.cost:
            found[one.text] = one
    return sorted(found.values(), key=lambda one: (one.cost, one.encoding))


def _scored(
    sample: bytes,
    pages: Sequence[CodePage],
    pairs: NDArray[np.intp],
    counts: NDArray[np.float32],
    telling: NDArray[np.bool_],
) -> Iterator[Candidate]:
    share = _plain_share(counts, telling)
    weights = np.where(telling, counts, counts * share).astype(np.float32)
    beyond = bytes(sorted({byte for byte in sample if byte >= 0x80}))
    for page in pages:
        if page.languages is None:
            table = _table(page.name)
            if not table.holds(beyond):
                continue
            costs = table.costs(pairs, weights)
            best = int(costs.argmin())
            text = sample.decode(page.name)
            yield Candidate(
                page.name, table.languages[best], float(costs[best]) + page.cost, text
            )
        elif (text_or_none := whole_characters(sample, page.name)) is not None:
            for language, cost in _character_costs(text_or_none, page.languages, share):
                yield Candidate(page.name, language, cost + page.cost, text_or_none)


def whole_characters(sample: bytes, encoding: str) -> str | None:
    """A sample without a last character that is cut off; None when it is not in the encoding."""
    for left_out in range(4 if len(sample) >= SAMPLE_BYTES else 1):
        try:
            return sample[: len(sample) - left_out].decode(encoding)
        except UnicodeDecodeError:
            continue
    return None


def _pair_counts(
    sample: bytes,
) -> tuple[NDArray[np.intp], NDArray[np.float32], NDArray[np.bool_]]:
    """The different pairs of neighbouring bytes, how often each occurs, and which tell."""
    # a text begins and ends as if between spaces
    row = np.frombuffer(b" " + sample + b" ", dtype=np.uint8).astype(np.intp)
    found, counts = np.unique(row[:-1] * 256 + row[1:], return_counts=True)
    pairs = np.stack([found // 256, found % 256])
    return pairs, counts.astype(np.float32), (pairs >= 0x80).any(axis=0)


def _plain_share(counts: NDArray[np.float32], telling: NDArray[np.bool_]) -> float:
    """How much a pair of ASCII characters counts: together they must not drown the others."""
    plain, others = float(counts[~telling].sum()), float(counts[telling].sum())
    return min(_PLAIN, _PLAIN * _PLAIN_PAIRS * others / max(plain, 1.0))


class _Table:
    """A code page of one byte a character, as classes of its bytes in every language it holds."""

    def __init__(self, encoding: str) -> None:
        characters = [_decoded(byte, encoding) for byte in range(256)]
        held = {folded(one) for one in characters if one is not None}
        fitting = [
            model
            for model in models()[0]
            if sum(share for letter, share in model.shares.items() if letter not in held)
            <= _LACKING
        ]
        self.languages = [model.language for model in fitting]
        self._undefined = frozenset(
            byte for byte, character in enumerate(characters) if character is None
        )
        self._cases = np.array([_case(character) for character in characters], dtype=np.intp)
        self._classes = np.array(
            [
                [Class.CONTROL if one is None else model.class_of(one) for one in characters]
                for model in fitting
            ],
            dtype=np.intp,
        )
        self._models = np.array([_index()[model.language] for model in fitting], dtype=np.intp)

    def holds(self, beyond: bytes) -> bool:
        """Whether all bytes have a character."""
        return self._undefined.isdisjoint(beyond)

    def costs(
        self, pairs: NDArray[np.intp], weights: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """For each language, the cost of the pairs in nats."""
        first, second = pairs
        cases = _CASES[self._cases[first], self._cases[second]]
        letters = _costs()[
            self._models[:, None], self._classes[:, first], self._classes[:, second]
        ]
        summed: NDArray[np.float32] = (letters + cases) @ weights
        return summed


@cache
def _table(encoding: str) -> _Table:
    return _Table(encoding)


@cache
def _index() -> Mapping[str, int]:
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


def _decoded(byte: int, encoding: str) -> str | None:
    try:
        return bytes([byte]).decode(encoding)
    except UnicodeDecodeError:
        return None


def _case(character: str | None) -> int:
    if character is None or not (character.isupper() or character.islower()):
        return _NEITHER
    return _UPPER if character.isupper() else _LOWER


def _character_costs(
    text: str, languages: frozenset[str], share: float
) -> Iterator[tuple[str, float]]:
    """For each language, the cost of a text of many characters with ASCII in between."""
    english = models()[0][_index()["en"]]
    classes = [Class.FOREIGN_LETTER if c > "\x7f" else english.class_of(c) for c in f" {text} "]
    row = np.array(classes, dtype=np.intp)
    plain = (row[:-1] != Class.FOREIGN_LETTER) & (row[1:] != Class.FOREIGN_LETTER)
    around = share * float(english.costs[row[:-1][plain], row[1:][plain]].sum())
    for first, second in zip(row[:-1][~plain], row[1:][~plain], strict=True):
        if first != second:
            side = int(second if first == Class.FOREIGN_LETTER else first)
            around += _BORDERS.get(side, _BORDER_LETTER)
    beyond = [character for character in text if character > "\x7f"]
    for model in models()[1]:
        if model.language in languages:
            yield model.language, around + sum(map(model.cost_of, beyond))
