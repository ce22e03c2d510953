"""Measures of text tasks: how long answers are, and what a distance between two looks like."""

from collections.abc import Iterator
from dataclasses import dataclass
from operator import itemgetter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.evidence.text_support import TextSupport, text_supports
from orchestration_assets.reporting.counts import (
    CappedCounts,
    Count,
    capped_counts,
    column_counts,
    few,
    numbers,
)
from orchestration_assets.reporting.text_differences import TextPiece, mark_places, mark_words
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.enums import AnswerKind

_PAIRS = 6
_MAX_TERMS = 8
_ALONE = 6
_ENOUGH_TEXTS = 3
"""Of two texts that differ neither is the one that stands alone."""
_COMPARED = 2_000
"""Characters of a text that are compared: the cost of an item is bounded."""


@dataclass(frozen=True, slots=True)
class TextService:
    """One service's texts: how many, how long at the median, and the terms that only it names."""

    service: str
    given: int
    median_words: float
    exclusive_terms: CappedCounts[Count]


@dataclass(frozen=True, slots=True)
class TextPair:
    """Two answers about one item that differ, with what only one side says marked."""

    item_id: str
    path: str
    service_a: str
    pieces_a: tuple[TextPiece, ...]
    service_b: str
    pieces_b: tuple[TextPiece, ...]
    distance: float


@dataclass(frozen=True, slots=True)
class LoneText:
    """The text of an item that the others bear out least: ``support`` in [0, 1], and the words that
    fewer than half of them write in that place are marked."""

    item_id: str
    path: str
    service: str
    pieces: tuple[TextPiece, ...]
    support: float


@dataclass(frozen=True, slots=True)
class TextFigures:
    """The answers of a text task. ``pairs`` runs from the nearest that differ to the farthest,
    ``alone`` from the text that surprises most, one of each item that three services answered
    without each other, and not all alike."""

    services: tuple[TextService, ...]
    pairs: CappedCounts[TextPair]
    alone: CappedCounts[LoneText]
    kind: AnswerKind = AnswerKind.TEXT


def text_figures(
    services: tuple[str, ...], readings: pa.Table, resolved: pa.Table, disputes: pa.Table
) -> TextFigures:
    """The measures of one task's answers and disputes."""
    words = pc.list_value_length(
        pc.utf8_split_whitespace(pc.utf8_trim_whitespace(readings.column("answer")))
    )
    figures = []
    for service in services:
        counts = numbers(words.filter(pc.equal(readings["service"], service)))
        if counts.size:
            exclusive_terms = _exclusive_terms(service, disputes)
            figures.append(
                TextService(service, counts.size, float(np.median(counts)), exclusive_terms)
            )
    return TextFigures(tuple(figures), _pairs(disputes), _alone(readings, resolved))


def _alone(readings: pa.Table, resolved: pa.Table) -> CappedCounts[LoneText]:
    """The texts that surprise most, given what others say of the same item."""
    found = sorted(
        (-support.surprise, item, service, text, support)
        for item, service, text, support in _least_supported(readings)
    )
    paths = dict(values(resolved, "item_id", "path"))
    return CappedCounts(
        tuple(
            LoneText(
                item,
                paths.get(item, item),
                service,
                mark_places(text, support.unsupported),
                support.support,
            )
            for _, item, service, text, support in found[:_ALONE]
        ),
        len(found),
    )


def _least_supported(readings: pa.Table) -> Iterator[tuple[str, str, str, TextSupport]]:
    """(item, service, text, how the others bear it out) of each item's most surprising text.

    Whoever was shown an answer does not bear it out.
    """
    unaided = readings.filter(pc.equal(pc.list_value_length(readings["saw"]), 0))
    by_item: dict[str, list[tuple[str, str]]] = {}
    for item, service, text in values(unaided, "item_id", "service", "answer"):
        by_item.setdefault(item, []).append((service, text))
    for item, given in by_item.items():
        if len(given) < _ENOUGH_TEXTS or len({text for _, text in given}) == 1:
            continue
        given.sort(key=itemgetter(0))
        supports = text_supports([text[:_COMPARED] for _, text in given])
        # the first of equals, by the names of services
        place = max(range(len(given)), key=lambda at: (supports[at].surprise, -at))
        yield (item, *given[place], supports[place])


def _exclusive_terms(service: str, disputes: pa.Table) -> CappedCounts[Count]:
    terms = [
        pc.list_flatten(
            disputes.filter(pc.equal(disputes.column(f"service_{side}"), service)).column(
                f"only_{side}"
            )
        )
        for side in "ab"
    ]
    every = pa.chunked_array([chunk for part in terms for chunk in part.chunks], pa.string())
    return capped_counts(column_counts(every), _MAX_TERMS)


def _pairs(disputes: pa.Table) -> CappedCounts[TextPair]:
    """A few pairs spread evenly over the distances: what the measure means to the eye."""
    keys = list(values(disputes, "distance", "path", "service_a", "service_b"))
    ordered = sorted(range(len(keys)), key=keys.__getitem__)
    count = min(_PAIRS, len(ordered))
    chosen = [
        ordered[place] for place in np.linspace(0, len(ordered) - 1, count).round().astype(int)
    ]
    columns = ("item_id", "path", "service_a", "answer_a", "service_b", "answer_b", "distance")
    return CappedCounts(
        tuple(
            TextPair(
                item,
                path,
                a,
                mark_words(text_a, [text_b]),
                b,
                mark_words(text_b, [text_a]),
                distance,
            )
            for item, path, a, text_a, b, text_b, distance in few(disputes, chosen, *columns)
        ),
        len(keys),
    )
