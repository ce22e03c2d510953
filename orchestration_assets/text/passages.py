"""Passages: what of a document is found and shown by itself."""

import re
from collections.abc import Iterator
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import numpy as np

from orchestration_assets.text.parts.chunks import chunk_spans
from orchestration_assets.text.parts.sections import section_spans
from orchestration_assets.text.parts.spans import Span
from orchestration_assets.text.token_estimates import token_estimate
from orchestration_assets.text.words import ideographs_split

_WORD: Final = re.compile(r"[^\W_]+")
_GRAM: Final = 4
_MOST_LETTERS: Final = 32
"""A longer run of letters and digits is data, no word: its beginning tells it."""
GRAM_BIT: Final = 1 << 32
"""Set in the terms that are parts of words."""
_NONE: Final = np.zeros(0, dtype=np.uint64)


class PassageTerms(NamedTuple):
    """The terms of a passage, uint64: hashes of its words, and of the parts of its words with
    :data:`GRAM_BIT`, repeated as often as they occur."""

    words: Any
    grams: Any


def passage_spans(text: str, max_tokens: int) -> list[Span]:
    """The passages of a document in their order, without what is white space only.

    A passage is a section; small neighbouring ones are taken together while they fit into
    ``max_tokens`` estimated tokens, and longer ones are cut at paragraphs and sentences.
    """
    spans: list[Span] = []
    tokens = 0
    for section in section_spans(text):
        own = token_estimate(text[section.start : section.end])
        if own > max_tokens:
            pieces = chunk_spans(text, max_tokens, section.start, section.end)
            spans += [piece._replace(heading=section.heading) for piece in pieces]
            tokens = max_tokens
        elif spans and tokens + own <= max_tokens:
            # as one, they are known by the heading of the first
            before = spans.pop()
            spans.append(Span(before.heading or section.heading, before.start, section.end))
            tokens += own
        else:
            spans.append(section)
            tokens = own
    return [span for span in spans if text[span.start : span.end].strip()]


def passage_terms(text: str) -> PassageTerms:
    """The terms that a passage, or what is sought, is known by.

    Words are runs of letters and digits, case folded; Chinese and Japanese come in overlapping
    pairs. The parts of a word are its runs of 4 characters with its ends marked: they find other
    forms of a word, in any language that writes with letters.
    """
    found = [_hashes(word[:_MOST_LETTERS]) for word in _words(text)]
    if not found:
        return PassageTerms(_NONE, _NONE)
    words = np.array([own for own, _ in found], dtype=np.uint64)
    return PassageTerms(words, np.concatenate([parts for _, parts in found]))


def _words(text: str) -> Iterator[str]:
    folded = text.casefold()
    yield from ideographs_split(folded, _WORD.findall(folded))


@lru_cache(maxsize=1 << 18)
def _hashes(word: str) -> tuple[int, Any]:
    marked = f"#{word}#"
    parts = {marked[place : place + _GRAM] for place in range(max(1, len(marked) - _GRAM + 1))}
    return _hash(word), np.array([GRAM_BIT | _hash(part) for part in parts], dtype=np.uint64)


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode("utf-8", "replace"), digest_size=4).digest(), "big")
