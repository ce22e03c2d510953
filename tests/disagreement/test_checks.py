from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from orchestration_assets.disagreement.checks import _check_contradictions
from orchestration_assets.disagreement.pairs import disagreements
from orchestration_assets.disagreement.readings import group_readings
from orchestration_assets.disagreement.resolution import resolve
from orchestration_assets.policy.load import load_policy
from orchestration_assets.policy.pinned_policy import pin_policy
from orchestration_assets.policy.tasks import build_tasks
from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import (
    DISAGREEMENTS,
    INTERPRETATIONS,
    PARALLEL_INTERPRETATIONS,
    PROCESSING_PLANS,
    RESOLUTIONS,
)
from resources.home import Home
from tests.disagreement.batches import PLAN, interpretation, interpretations
from tests.evidence.answers import ok

ANSWERS = {
    AnswerKind.LABEL: ("a", "b", "a"),
    AnswerKind.SET: (("a", "b"), ("c",), ("a", "b")),
    AnswerKind.TEXT: ("tax", "fuel", "tax"),
    AnswerKind.SCORE: (-1.0, 1.0, -1.0),
}


@dataclass
class Kept:
    """What a check reads of a batch."""

    home: Home
    tables: dict[str, pa.Table]

    def table(self, name: str) -> pa.Table:
        return self.tables[name]


@pytest.fixture
def batch(home):
    """One item with a task of each kind: of three services the second contradicts the others."""
    packaged = load_policy(None)
    pin_policy(Home(home).policies, packaged)
    by_kind = {task.kind: task for task in build_tasks(packaged.policy).values()}
    tasks = {by_kind[kind].name: by_kind[kind] for kind in ANSWERS}
    plans = [replace(PLAN, task=name, policy_hash=packaged.hash) for name in tasks]
    said = interpretations(
        *(
            interpretation(service, ok(answer), task=name, step=step)
            for name, task in tasks.items()
            for step, (service, answer) in enumerate(zip("xyz", ANSWERS[task.kind], strict=True))
        )
    )
    readings = group_readings([said])
    resolved = [resolve(plan, readings["i", plan.task], tasks[plan.task]) for plan in plans]
    kept = {table.name: table.schema.empty_table() for table in INTERPRETATIONS.values()}
    kept |= {
        PARALLEL_INTERPRETATIONS.name: said,
        RESOLUTIONS.name: rows_to_arrow(RESOLUTIONS, resolved),
        PROCESSING_PLANS.name: rows_to_arrow(PROCESSING_PLANS, plans),
    }
    return Kept(Home(home), kept), rows_to_arrow(
        DISAGREEMENTS, disagreements(plans, readings, tasks)
    )


def counted(kept, rows) -> list[tuple[int, int]]:
    return [(one.expected, one.found) for one in _check_contradictions(kept, rows)]


def test_check_contradictions_is_counted_and_founded(batch) -> None:
    kept, rows = batch
    assert rows.num_rows == 2 * len(ANSWERS)
    assert counted(kept, rows) == [(2, 2), (6, 6)]


def test_a_lost_label_conflict_is_noticed(batch) -> None:
    kept, rows = batch
    lost = pc.and_(pc.equal(rows["kind"], "label_conflict"), pc.equal(rows["service_b"], "z"))
    assert counted(kept, rows.filter(pc.invert(lost)))[0] == (2, 1)


@pytest.mark.parametrize(
    ("column", "value"), [("answer_a", "never said"), ("service_b", "nobody"), ("distance", 0.01)]
)
def test_a_row_that_no_reading_bears_out_is_noticed(batch, column, value) -> None:
    kept, rows = batch
    altered = rows.to_pylist()
    one = next(row for row in altered if row["kind"] == "set_mismatch")
    one |= {column: value} | ({"consequence": "none"} if column == "distance" else {})
    assert counted(kept, rows_to_arrow(DISAGREEMENTS, altered))[1] == (6, 5)
