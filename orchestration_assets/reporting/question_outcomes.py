"""What came of each question of a batch: answer, risk, cost and time, as its tables have it."""

from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from orchestration_assets.reporting.disputed import (
    DISPUTE_COLUMNS,
    QuestionKey,
    disputed_questions,
    disputes_of,
)
from orchestration_assets.reporting.intake import NO_FAMILY
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.tables import (
    CALL_LOG,
    CONTENT_PROFILES,
    DISAGREEMENTS,
    RESOLUTIONS,
)
from resources.table_store import TableStore

_RESOLVED: Final = (
    *("item_id", "task", "content_hash", "path", "kind", "status", "answer", "answer_set"),
    *("answer_vector", "error_risk"),
)
_CALLED: Final = "called"
_NOTHING: Final = (0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class QuestionOutcome:
    """One item and task, and what came of it.

    ``vector``: of a vector its components, which its text does not tell apart. ``usd`` and ``ms``
    are what its calls cost and took, one after the other; what the cache answers costs and takes
    nothing. ``error_risk`` and ``disputed`` are None where nobody can say.
    """

    item_id: str
    task: str
    content_hash: str
    path: str
    kind: AnswerKind
    family: str
    status: str
    answer: str | None
    answer_set: tuple[str, ...] | None
    vector: tuple[float, ...] | None
    error_risk: float | None
    disputed: bool | None
    calls: int
    usd: float
    ms: float

    @property
    def key(self) -> QuestionKey:
        """Its item and task."""
        return self.item_id, self.task

    def same_answer(self, other: "QuestionOutcome") -> bool:
        """Whether both have the same answer, or none."""
        return (self.answer, self.vector) == (other.answer, other.vector)


def recorded_outcomes(tables: TableStore, batch: str) -> list[QuestionOutcome]:
    """What came of every question of a batch, as it was stored last.

    Raises TableMissingError when it is not finished, DamagedFileError.
    """
    return outcomes(
        tables.read(RESOLUTIONS.name, batch, _RESOLVED),
        tables.read(DISAGREEMENTS.name, batch, DISPUTE_COLUMNS),
        tables.read(CALL_LOG.name, batch, ["item_id", "task", "origin", "cost_usd", "elapsed_ms"]),
        tables.read(CONTENT_PROFILES.name, batch, ["item_id", "family"]),
    )


def outcomes(
    resolutions: pa.Table, disagreements: pa.Table, calls: pa.Table, profiles: pa.Table
) -> list[QuestionOutcome]:
    """The outcome of every question that was resolved, in the order of the table."""
    disputed = disputed_questions(disputes_of(disagreements))
    families = dict(values(profiles, "item_id", "family"))
    spent: dict[QuestionKey, tuple[int, float, float]] = {}
    for item, task, origin, usd, ms in values(
        calls, "item_id", "task", "origin", "cost_usd", "elapsed_ms"
    ):
        if origin == _CALLED:
            number, dollars, clock = spent.get((item, task), _NOTHING)
            spent[item, task] = number + 1, dollars + usd, clock + ms
    found = []
    for item, task, content, path, kind, status, answer, members, vector, risk in values(
        resolutions, *_RESOLVED
    ):
        number, dollars, clock = spent.get((item, task), _NOTHING)
        found.append(
            QuestionOutcome(
                *(item, task, content, path, AnswerKind(kind)),
                family=families.get(item) or NO_FAMILY,
                status=status,
                answer=answer,
                answer_set=None if members is None else tuple(members),
                vector=None if vector is None else tuple(vector),
                error_risk=risk,
                disputed=(item, task) in disputed,
                calls=number,
                usd=dollars,
                ms=clock,
            )
        )
    return found
