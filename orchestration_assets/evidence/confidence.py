"""What a reading's confidence counts for."""

from typing import Final

from orchestration_assets.schemas.items import Reading

UNSTATED: Final = 0.5


def stated(reading: Reading) -> float:
    """The service's own confidence in [0, 1]; one half when it offers none."""
    return UNSTATED if reading.confidence is None else reading.confidence
