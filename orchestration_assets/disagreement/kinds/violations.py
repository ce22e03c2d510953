"""Records that violate a rule of their task: a dispute of the record with itself."""

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.schemas.decoding import decode
from orchestration_assets.schemas.disagreement import DisputeKindRow
from orchestration_assets.schemas.enums import DisputeKind


@dataclass(frozen=True, slots=True)
class _Violating:
    batch: str
    item_id: str
    content_hash: str
    path: str
    task: str
    supporters: tuple[str, ...]
    violations: tuple[str, ...] | None


def violation_rows(resolutions: pa.Table) -> Iterator[DisputeKindRow]:
    """One row a resolution that violates rules, in the order of the resolutions."""
    violating = resolutions.filter(pc.greater(pc.list_value_length(resolutions["violations"]), 0))
    for row in decode(_Violating, violating):
        yield DisputeKindRow(
            batch=row.batch,
            item_id=row.item_id,
            content_hash=row.content_hash,
            path=row.path,
            task=row.task,
            kind=DisputeKind.VIOLATION,
            services=row.supporters,
            score=1.0,
            evidence="; ".join(row.violations or ()),
        )
