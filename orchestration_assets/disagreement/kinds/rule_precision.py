"""How far each kind's rule can be relied on, where it was measured on cases by another hand.

``python -m benchmarks dispute_kinds`` measures them again; a test holds the two together. Figures
of a rule on the cases that it was written against say nothing about other cases: None.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from orchestration_assets.schemas.enums import DisputeKind


@dataclass(frozen=True, slots=True)
class RulePrecision:
    """Recall, precision, and the lower end of the 95 % interval of the precision, in [0, 1]."""

    recall: float
    precision: float
    lower_bound: float


MEASURED: Final[Mapping[DisputeKind, RulePrecision | None]] = {
    DisputeKind.OPPOSED_TONE: None,
    DisputeKind.FIGURATIVE: RulePrecision(0.067, 0.700, 0.397),
    DisputeKind.ENTITY_CONFLICT: RulePrecision(0.961, 0.883, 0.810),
    DisputeKind.TYPE_CONFLICT: None,
    DisputeKind.OUTLIER_SERVICE: None,
    DisputeKind.VIOLATION: None,
    DisputeKind.UNSUPPORTED_CITATION: None,
}
"""Figures on the labelled set of the project for rules that were not written against it."""
