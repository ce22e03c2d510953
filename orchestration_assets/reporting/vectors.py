"""Measures of vector tasks: what vectors look like, and how far neighbourhoods overlap."""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.reporting.counts import Histogram, histogram, numbers
from orchestration_assets.schemas.enums import AnswerKind


@dataclass(frozen=True, slots=True)
class VectorService:
    """One service's vectors: how many, how long, and how sure it was of them."""

    service: str
    given: int
    dimensions: tuple[int, ...]
    confidence: Histogram | None


@dataclass(frozen=True, slots=True)
class VectorFigures:
    """The answers of a vector task.

    ``overlaps`` is over the pairs of services that disagree about an item: the share of its
    nearest items that both find. ``bases`` says in words what makes them disputes.
    """

    services: tuple[VectorService, ...]
    overlaps: Histogram | None
    bases: tuple[str, ...] = ()
    kind: AnswerKind = AnswerKind.VECTOR


def vector_figures(
    services: tuple[str, ...], readings: pa.Table, resolved: pa.Table, disputes: pa.Table
) -> VectorFigures:
    """The measures of one task's answers and disputes."""
    figures = []
    for service in services:
        own = readings.filter(pc.equal(readings["service"], service))
        if own.num_rows:
            lengths = pc.unique(pc.list_value_length(own["answer_vector"])).to_pylist()
            figures.append(
                VectorService(
                    service,
                    own.num_rows,
                    tuple(sorted(length for length in lengths if length is not None)),
                    histogram(
                        service,
                        numbers(own["confidence"]),
                        meaning="its own confidence",
                        span=(0.0, 1.0),
                    ),
                )
            )
    return VectorFigures(
        tuple(figures),
        histogram(
            "overlap",
            1.0 - numbers(disputes["distance"]),
            meaning="share of the nearest items in common",
            span=(0.0, 1.0),
        ),
        tuple(sorted(set(disputes.column("basis").to_pylist()))),
    )
