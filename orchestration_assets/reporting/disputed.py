"""What is disputed, for every page, count and picture: the one definition.

A question (an item and a task) is disputed when two services differ on it with a consequence: when
``disagreements`` holds a row of it whose ``consequence`` is not none. Rows without one are
differences, and no dispute.
"""

from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.enums import Consequence

QuestionKey = tuple[str, str]
DISPUTE_COLUMNS: Final = ("item_id", "task", "consequence")


def disputes_of(disagreements: pa.Table) -> pa.Table:
    """The rows that have a consequence."""
    return disagreements.filter(
        pc.not_equal(disagreements.column("consequence"), Consequence.NONE.value)
    )


def disputed_questions(disputes: pa.Table) -> frozenset[QuestionKey]:
    """(item_id, task) of every question in dispute."""
    return frozenset(values(disputes, "item_id", "task"))


def is_disputed(questions: pa.Table, disputes: pa.Table) -> "np.ndarray[Any, np.dtype[np.bool_]]":
    """For each row of ``questions``, which has ``item_id`` and ``task``, whether it is disputed."""
    if not disputes.num_rows:
        return np.zeros(questions.num_rows, dtype=bool)
    disputed = disputed_questions(disputes)
    return np.fromiter(
        (key in disputed for key in values(questions, "item_id", "task")),
        dtype=bool,
        count=questions.num_rows,
    )
