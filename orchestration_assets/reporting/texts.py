"""Measures of text tasks: how long answers are, and what a distance between two looks like."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.reporting.counts import (
    CappedCounts,
    Count,
    capped_counts,
    few,
    frame,
    value_counts,
)
from orchestration_assets.reporting.text_differences import TextPiece, mark_words
from orchestration_assets.schemas.enums import AnswerKind

_PAIRS = 6
_MAX_TERMS = 8


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
class TextFigures:
    """The answers of a text task. ``pairs`` runs from the nearest that differ to the farthest."""

    services: tuple[TextService, ...]
    pairs: CappedCounts[TextPair]
    kind: AnswerKind = AnswerKind.TEXT


def text_figures(
    services: tuple[str, ...], readings: pa.Table, resolved: pa.Table, disputes: pa.Table
) -> TextFigures:
    """The measures of one task's answers and disputes."""
    rows = frame(readings, "service")
    rows["words"] = pc.list_value_length(
        pc.utf8_split_whitespace(pc.utf8_trim_whitespace(readings.column("answer")))
    ).to_pandas()
    figures = []
    for service in services:
        counts = rows.loc[rows["service"] == service, "words"]
        if len(counts):
            exclusive_terms = _exclusive_terms(service, disputes)
            figures.append(
                TextService(service, len(counts), float(counts.median()), exclusive_terms)
            )
    return TextFigures(tuple(figures), _pairs(disputes))


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
    return capped_counts(value_counts(every.to_pandas()), _MAX_TERMS)


def _pairs(disputes: pa.Table) -> CappedCounts[TextPair]:
    """A few pairs spread evenly over the distances: what the measure means to the eye."""
    rows = frame(disputes, "distance", "path", "service_a", "service_b")
    ordered = rows.sort_values(["distance", "path", "service_a", "service_b"], kind="stable").index
    count = min(_PAIRS, len(ordered))
    chosen = [
        int(ordered[place]) for place in np.linspace(0, len(ordered) - 1, count).round().astype(int)
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
        len(rows),
    )
