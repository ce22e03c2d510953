"""The confidence of a reading, also where none is stated."""

from typing import Final

from orchestration_assets.schemas.items import Reading

UNSTATED_CONFIDENCE: Final = 0.5


def confidence_of(reading: Reading) -> float:
    """The service's own confidence in [0, 1]; one half when it offers none."""
    return UNSTATED_CONFIDENCE if reading.confidence is None else reading.confidence
