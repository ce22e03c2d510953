"""What stands of a task about an item, without all that is said of how it came."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ResolvedAnswer:
    """The columns of ``resolutions`` that hold what stands."""

    item_id: str
    answer: str | None
    answer_set: tuple[str, ...] | None
    answer_score: float | None
    answer_vector: tuple[float, ...] | None
    answer_record: str | None
