"""Which entries of two lists stand for the same thing.

The best one-to-one matching by content: the sum of similarities is the largest possible (the
assignment problem, solved by scipy's linear_sum_assignment after Crouse 2016), and two entries are
matched only where they are similar enough. The similarity of two entries is the weighted mean of
that of their fields: 1 or 0 for numbers, dates, labels, booleans, identifiers and addresses, the
cosine of hashed words and character n-grams for other texts, 0 where only one entry has the field.
A field weighs the share of distinct values that it has in its list: what tells entries apart also
tells which are the same, while a flag or a currency says nothing. Of matchings that are equally
good, the one that keeps the order of both lists is taken, as far as one place in the list is worth
a thousandth of the least similarity. Lists within entries take part only where two entries hold
nothing else: then what they share of all values counts.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np

from orchestration_assets.evidence.distances.folding import fold
from orchestration_assets.evidence.distances.identifiers import exact_form, is_address
from orchestration_assets.evidence.distances.texts import word_profile
from orchestration_assets.schemas.record_answers import RecordAnswer, leaves, pattern_of
from orchestration_assets.schemas.record_fields import FieldType, RecordField

LEAST_SIMILARITY: Final = 1.0 / 3.0
"""Entries that share less are two things."""
_LEAST_WEIGHT: Final = 0.01
_ORDER: Final = LEAST_SIMILARITY / 1000.0
_EXACT: Final = 1e-9
_CACHED: Final = 4_096

Floats = np.ndarray[Any, np.dtype[np.float64]]


def aligned(
    first: Sequence[RecordAnswer], second: Sequence[RecordAnswer], fields: Sequence[RecordField]
) -> list[tuple[int, int]]:
    """Pairs of positions in both lists whose entries are the same thing, by the first position.

    Each position occurs once at most.
    """
    return matched(similarities(first, second, fields))


def matched(similarity: Floats) -> list[tuple[int, int]]:
    """The best matching under similarities (n, m) in [0, 1]: pairs of a row and a column."""
    n, m = similarity.shape
    if not n or not m:
        return []
    places = np.abs(np.arange(n)[:, None] / n - np.arange(m)[None, :] / m)
    # below the least, a match is worth nothing: no good pair is given up for two bad ones
    similar = similarity >= LEAST_SIMILARITY
    if similar.sum(axis=0).max() <= 1 and similar.sum(axis=1).max() <= 1:
        # nothing to choose between
        return [(row, column) for row, column in np.argwhere(similar).tolist()]
    # a third of a second, which many a run does without
    from scipy.optimize import linear_sum_assignment

    worth = np.where(similar, similarity - _ORDER * places, 0.0)
    rows, columns = linear_sum_assignment(worth, maximize=True)
    pairs = zip(rows.tolist(), columns.tolist(), strict=True)
    return [(row, column) for row, column in pairs if similar[row, column]]


def similarities(
    first: Sequence[RecordAnswer], second: Sequence[RecordAnswer], fields: Sequence[RecordField]
) -> Floats:
    """How similar each entry of the first list is to each of the second: (n, m) in [0, 1]."""
    shape = (len(first), len(second))
    total, weights = np.zeros(shape), np.zeros(shape)
    if not first or not second:
        return total
    for field in fields:
        if field.type is FieldType.LIST:
            continue
        a, b = ([entry.get(field.name) for entry in entries] for entries in (first, second))
        held_a = np.array([value is not None for value in a], bool)
        held_b = np.array([value is not None for value in b], bool)
        weight = (_distinct(a) + _distinct(b)) / 2.0
        counted = held_a[:, None] | held_b[None, :]
        both = held_a[:, None] & held_b[None, :]
        total += weight * np.where(both, _same(a, b, field), 0.0)
        weights += weight * counted
    found: Floats = np.divide(total, weights, out=np.zeros(shape), where=weights > 0.0)
    for row, column in np.argwhere(weights == 0.0).tolist():
        found[row, column] = _shared(first[row], second[column])
    return found


@lru_cache(_CACHED)
def _shared(first: RecordAnswer, second: RecordAnswer) -> float:
    """The share of the values of two entries that both have, in [0, 1]."""
    a, b = ({(pattern_of(path), value) for path, value in leaves(one)} for one in (first, second))
    return len(a & b) / len(a | b) if a or b else 0.0


def _distinct(values: Sequence[Any]) -> float:
    """The share of distinct values among those of a field in one list."""
    held = [value for value in values if value is not None]
    return max(len(set(held)) / len(held), _LEAST_WEIGHT) if held else _LEAST_WEIGHT


def _same(first: Sequence[Any], second: Sequence[Any], field: RecordField) -> Floats:
    """How similar two columns of values are, (n, m) in [0, 1]; anything where one has none."""
    if field.type is FieldType.NUMBER:
        a, b = (np.array([0.0 if v is None else v for v in values]) for values in (first, second))
        room = np.maximum(field.tolerance, _EXACT * np.maximum(abs(a)[:, None], abs(b)[None, :]))
        near: Floats = (np.abs(a[:, None] - b[None, :]) <= room).astype(np.float64)
        return near
    if field.type is FieldType.DATE:
        a, b = (np.array([str(v) for v in values]) for values in (first, second))
        one_day = np.char.startswith(a[:, None], b[None, :])
        one_day |= np.char.startswith(b[None, :], a[:, None])
        dates: Floats = one_day.astype(np.float64)
        return dates
    folded = [
        np.array([fold(str(v)) if isinstance(v, str) else str(v) for v in values])
        for values in (first, second)
    ]
    equal: Floats = (folded[0][:, None] == folded[1][None, :]).astype(np.float64)
    if field.type is not FieldType.TEXT:
        return equal
    a, b = (np.stack([word_profile(str(v or "")) for v in values]) for values in (first, second))
    cosine = np.clip((a @ b.T).astype(np.float64), 0.0, 1.0)
    alike: Floats = np.maximum(equal, cosine)
    return _exactly(first, second, alike)


def _exactly(first: Sequence[Any], second: Sequence[Any], alike: Floats) -> Floats:
    """The similarities, 1 or 0 where two values are identifiers or addresses; an address is like no
    words."""
    rows, columns = (
        [None if v is None else exact_form(str(v)) for v in values] for values in (first, second)
    )
    held_a, held_b = (np.array([one is not None for one in forms]) for forms in (rows, columns))
    both = held_a[:, None] & held_b[None, :]
    if both.any():
        a, b = (np.array([one or "" for one in forms]) for forms in (rows, columns))
        alike = np.where(both, a[:, None] == b[None, :], alike)
    url_a, url_b = (
        np.array([v is not None and is_address(str(v)) for v in values])
        for values in (first, second)
    )
    apart = url_a[:, None] != url_b[None, :]
    exact: Floats = np.where(apart, 0.0, alike)
    return exact
