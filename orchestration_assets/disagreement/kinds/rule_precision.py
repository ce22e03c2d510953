"""How far each kind's rule can be relied on: its figures on the labelled set.

``python -m benchmarks dispute_kinds`` measures them again; a test holds the two together.
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


MEASURED: Final[Mapping[DisputeKind, RulePrecision]] = {
    DisputeKind.OPPOSED_TONE: RulePrecision(0.606, 0.840, 0.741),
    DisputeKind.FIGURATIVE: RulePrecision(0.788, 0.921, 0.846),
    DisputeKind.ENTITY_CONFLICT: RulePrecision(0.853, 0.956, 0.892),
    DisputeKind.TYPE_CONFLICT: RulePrecision(0.750, 0.963, 0.897),
    DisputeKind.OUTLIER_SERVICE: RulePrecision(0.981, 0.962, 0.907),
}
