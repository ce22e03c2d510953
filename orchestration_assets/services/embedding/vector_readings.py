"""How the vector services word their answers."""

from typing import Any, Final

from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Reading
from orchestration_assets.services.readings import abstention

DIMENSIONS: Final = 256
# Set by judgement, not measured: the fewer words, the more a vector is their accident.
_HALF_SURE: Final = 20


def vector_reading(vector: Any, words: int, evidence: str) -> Reading:
    """The vector at length 1 in single precision; none when it has no length.

    ``words`` is the number of distinct words that it rests on: confidence is n / (n + 20).
    """
    import numpy as np

    length = float(np.linalg.norm(vector))
    if not length > 0:
        return abstention("nothing in the content has a direction")
    single = (vector / length).astype(np.float32)
    return Reading(
        Status.OK,
        answer=tuple(single.tolist()),
        confidence=round(words / (words + _HALF_SURE), 4),
        evidence=evidence,
    )
