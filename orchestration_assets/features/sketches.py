"""MinHash sketches of an item's word runs, which estimate the Jaccard similarity of two items."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import numpy as np

PERMUTATIONS: Final = 128
MAX_CHARS: Final = 131_072
RUN_TOKENS: Final = 3
MIN_RUNS: Final = 8
SKETCH_MASK: Final = 0xFFFF

_SEED: Final = 1
_SECTIONS: Final = 8
_TOKEN: Final = re.compile(r"\w+|[^\w\s]+")
# of ASCII, where white space is what it is in other texts: the separators of files and records too
_ASCII_TOKEN: Final = re.compile(rb"\w+|[^\w\s\x1c-\x1f]+")
# shorter texts are cut sooner token by token
_CUT_AT_ONCE_BYTES: Final = 2_048
_SPACE: Final = 32
# classes of the characters of ASCII: white space is 0, what words consist of 1, other signs 2
_CLASSES: Final = bytes(
    0 if chr(n).isspace() else 1 if chr(n).isalnum() or chr(n) == "_" else 2 for n in range(128)
).ljust(256, b"\0")
# so many runs of ordinary texts hold more than MIN_RUNS distinct ones
_FIRST_RUNS: Final = 64


def word_runs(text: str) -> list[str]:
    """The distinct runs of three tokens, sorted; tokens are words and runs of other signs.

    A text of more than 131,072 characters is read in eight evenly spaced sections of together as
    many.
    """
    return sorted({run if isinstance(run, str) else run.decode() for run in _runs(text)})


def _runs(text: str) -> Sequence[str | bytes]:
    """Every run, as often as it occurs: tokens with a space between. Of ASCII they are bytes."""
    if len(text) > MAX_CHARS:
        size = MAX_CHARS // _SECTIONS
        step = (len(text) - size) / (_SECTIONS - 1)
        starts = [round(n * step) for n in range(_SECTIONS)]
        text = "\n".join(text[start : start + size] for start in starts)
    if text.isascii():
        return _ascii_runs(text.encode())
    tokens = _TOKEN.findall(text)
    runs = zip(*(tokens[shift:] for shift in range(RUN_TOKENS)), strict=False)
    return [" ".join(run) for run in runs]


def _ascii_runs(text: bytes) -> list[bytes]:
    """The tokens are written one behind the other with a space between: runs are slices of it."""
    if len(text) < _CUT_AT_ONCE_BYTES:
        tokens = _ASCII_TOKEN.findall(text)
        shifted = (tokens[shift:] for shift in range(RUN_TOKENS))
        return list(map(b" ".join, zip(*shifted, strict=False)))
    classes = np.frombuffer(text.translate(_CLASSES), np.uint8)
    kept = classes != 0
    begins = np.append(True, classes[1:] != classes[:-1])[kept]
    # each token moves what stands behind it by a space, which is before the first one too
    places = np.arange(len(begins)) + np.cumsum(begins)
    spaced = np.full(len(begins) + np.count_nonzero(begins), _SPACE, np.uint8)
    spaced[places] = np.frombuffer(text, np.uint8)[kept]
    starts = places[begins]
    ends = np.append(starts[RUN_TOKENS:] - 1, len(spaced))
    written = spaced.tobytes()
    pairs = zip(starts[: 1 - RUN_TOKENS].tolist(), ends.tolist(), strict=False)
    return [written[start:end] for start, end in pairs]


def minhash(text: str) -> list[int] | None:
    """128 minima of hashes over the word runs (Broder 1997), or None for fewer than eight runs.

    The share of equal numbers in two sketches estimates the Jaccard similarity of the runs, with
    a standard deviation of at most .045. Of each minimum the lowest 16 bits are kept (Li and Koenig
    2010, b-bit minwise hashing): two that differ look equal once in 65,536 times.
    """
    minima = _minima(text)
    return None if minima is None else [minimum & SKETCH_MASK for minimum in minima]


def minhashes(texts: Iterable[str]) -> Iterator[Any]:
    """The :func:`minhash` of each text, uint32; without numbers where that is None."""
    for text in texts:
        yield np.array(_minima(text) or (), np.uint32) & np.uint32(SKETCH_MASK)


def _minima(text: str) -> list[int] | None:
    """The minima with all of their bits."""
    # they depend neither on the order nor on what comes again
    runs = _runs(text)
    if len(set(runs[:_FIRST_RUNS])) < MIN_RUNS and len(set(runs)) < MIN_RUNS:
        return None
    from rensa import RMinHash

    minima = RMinHash(num_perm=PERMUTATIONS, seed=_SEED)
    minima.update(runs)
    found: list[int] = minima.digest()
    return found


def jaccard_estimates(sketch: Any, others: Any) -> Any:
    """The estimated similarity of a sketch to each row of ``others``, in [0, 1]."""
    return (others == sketch).mean(axis=1)


def sketch_matrix(sketches: Sequence[Sequence[int]]) -> Any:
    """Sketches as rows, shape (sketches, 128), uint32."""
    return np.array(sketches, np.uint32).reshape(len(sketches), PERMUTATIONS)
