"""Measures of vector tasks: what vectors look like, and how far neighbourhoods overlap."""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.reporting.counts import Histogram, frame, histogram
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
    rows = frame(readings, "service", "confidence")
    rows["length"] = pc.list_value_length(readings.column("answer_vector")).to_pandas()
    figures = []
    for service in services:
        own = rows[rows["service"] == service]
        if len(own):
            figures.append(
                VectorService(
                    service,
                    len(own),
                    tuple(sorted(int(length) for length in own["length"].dropna().unique())),
                    histogram(
                        service, own["confidence"], meaning="its own confidence", span=(0.0, 1.0)
                    ),
                )
            )
    return VectorFigures(
        tuple(figures),
        histogram(
            "overlap",
            1.0 - frame(disputes, "distance")["distance"],
            meaning="share of the nearest items in common",
            span=(0.0, 1.0),
        ),
        tuple(sorted(set(disputes.column("basis").to_pylist()))),
    )
