"""Answers that cite passages which do not say it: a dispute of an answer with its sources."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.disagreement.readings import Key, ServiceReadings, ok_votes
from orchestration_assets.schemas.decoding import decode
from orchestration_assets.schemas.disagreement import DisputeKindRow
from orchestration_assets.schemas.enums import DisputeKind
from orchestration_assets.schemas.knowledge import RetrievedPassage
from orchestration_assets.text.citations import unsupported_citations


@dataclass(frozen=True, slots=True)
class _Shown:
    batch: str
    item_id: str
    content_hash: str
    path: str
    task: str
    passages: tuple[RetrievedPassage, ...] | None


def citation_rows(
    plans: pa.Table, readings: Mapping[Key, ServiceReadings]
) -> Iterator[DisputeKindRow]:
    """One row an answer in words whose citations do not hold, in the order of the plans."""
    shown = plans.filter(pc.is_valid(plans["passages"]))
    for row in decode(_Shown, shown):
        texts = [f"{one.heading}\n{one.text}" for one in row.passages or ()]
        for name, reading in ok_votes(readings.get((row.item_id, row.task), ())):
            if not isinstance(reading.answer, str):
                continue
            found = list(unsupported_citations(reading.answer, texts))
            if found:
                yield DisputeKindRow(
                    batch=row.batch,
                    item_id=row.item_id,
                    content_hash=row.content_hash,
                    path=row.path,
                    task=row.task,
                    kind=DisputeKind.UNSUPPORTED_CITATION,
                    services=(name,),
                    score=max(one.missing for one in found),
                    evidence="; ".join(f"“{one.sentence}”: {one.reason}" for one in found),
                )
