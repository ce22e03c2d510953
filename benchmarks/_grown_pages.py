"""A corpus as large as wanted, grown from real pages: their form, with words drawn anew.

Half of the words of each page are drawn by Zipf and Mandelbrot's law (a word of rank r is as
frequent as 1 / (r + 2.7)): first the words of the pages by their frequency, then coined
ones, so that an index of it has the few long and many short lists of postings that a language has,
and goes on meeting new words.
"""

import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np

_WORD: Final = re.compile(r"[a-z]{3,}")
_OFFSET: Final = 2.7
_REDRAWN: Final = 0.5
_COINED_PER_PAGE: Final = 4
"""Of a language about one word in twenty of a new page is new (Heaps' law at this size)."""
_SYLLABLES: Final = tuple(
    f"{onset}{vowel}{coda}"
    for onset in ("b", "d", "f", "gr", "k", "l", "m", "n", "pr", "s", "st", "t", "v")
    for vowel in "aeiou"
    for coda in ("", "l", "n", "r", "s")
)


def grown_pages(texts: Sequence[str], pages: int, seed: int = 7) -> Iterator[str]:
    """So many pages, the same for the same texts and seed."""
    counted = Counter(word for text in texts for word in _WORD.findall(text))
    known = [word for word, _ in sorted(counted.items(), key=lambda one: (-one[1], one[0]))]
    words = known + _coined(set(known), _COINED_PER_PAGE * pages, seed)
    weights = 1.0 / (np.arange(len(words)) + 1.0 + _OFFSET)
    ends = np.cumsum(weights) / weights.sum()
    rng = np.random.default_rng(seed)
    for number in range(pages):
        text = texts[int(rng.integers(len(texts)))]
        slots = list(_WORD.finditer(text))
        redrawn = rng.random(len(slots)) < _REDRAWN
        drawn = np.searchsorted(ends, rng.random(len(slots)))
        pieces, at = [], 0
        for slot, anew, word in zip(slots, redrawn.tolist(), drawn.tolist(), strict=True):
            if anew:
                pieces += [text[at : slot.start()], words[word]]
                at = slot.end()
        # a number of its own, so that no two pages are one content
        yield f"{''.join(pieces)}{text[at:].rstrip()}\n\nPage {number}.\n"


def write_pages(pages: Iterator[str], folder: Path, per_document: int) -> None:
    """Documents of so many pages each, under numbered names."""
    held: list[str] = []
    number = 0
    for page in pages:
        held.append(page)
        if len(held) == per_document:
            _write(folder, number, held)
            held, number = [], number + 1
    if held:
        _write(folder, number, held)


def zipf_slope(texts: Sequence[str]) -> float:
    """Of the logarithm of frequency over that of rank, from the 10th word to the 10,000th; about
    -1 in a language."""
    counted = Counter(word for text in texts for word in _WORD.findall(text))
    often = np.array(sorted(counted.values(), reverse=True)[9:10_000], dtype=float)
    ranks = np.arange(10, 10 + len(often), dtype=float)
    return float(np.polyfit(np.log(ranks), np.log(often), 1, w=1.0 / ranks)[0])


def _write(folder: Path, number: int, pages: Sequence[str]) -> None:
    (folder / f"{number:07}.md").write_text("\n".join(pages), "utf-8")


def _coined(known: set[str], count: int, seed: int) -> list[str]:
    """Words that are none of the known ones, each once."""
    rng = random.Random(seed)
    coined: dict[str, None] = {}
    while len(coined) < count:
        word = "".join(rng.choices(_SYLLABLES, k=rng.choice((2, 3, 3, 4))))
        if word not in known:
            coined[word] = None
    return list(coined)
