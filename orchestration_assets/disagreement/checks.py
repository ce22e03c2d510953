"""Checks of disagreement: every plan is resolved, and every contradiction is a row."""

from collections import Counter
from math import comb

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.policy.pinned import pinned
from orchestration_assets.processing.batch import build_tasks
from orchestration_assets.schemas.enums import AnswerKind, DisagreementKind, Status
from orchestration_assets.schemas.tables import (
    DISAGREEMENTS,
    INTERPRETATIONS,
    PROCESSING_PLANS,
    RESOLUTIONS,
)
from resources.home import HomeResource
from resources.table_checks import Balance, Stored, table_checks

_Side = tuple[str, str, str, str]  # item, task, service, its answer
_COLUMNS = (("service_a", "answer_a"), ("service_b", "answer_b"))


def _every_plan(stored: Stored, resolutions: pa.Table) -> list[Balance]:
    plans = stored.table(PROCESSING_PLANS.name)
    planned, resolved = (
        set(zip(table["item_id"].to_pylist(), table["task"].to_pylist(), strict=True))
        for table in (plans, resolutions)
    )
    return [
        Balance(len(planned), len(planned & resolved), "plans with a resolution"),
        Balance(0, len(resolved - planned), "resolutions without a plan"),
    ]


def _every_contradiction(stored: Stored, disagreements: pa.Table) -> list[Balance]:
    """Labels: all pairs of answers less the pairs that agree, counted from the kept readings.

    How far other answers lie apart is not counted a second time; of their rows it is checked
    that both services really said so, in the interpretations, and that it is far enough.
    """
    labels = pc.equal(disagreements["kind"], DisagreementKind.LABEL_CONFLICT.value)
    others = disagreements.filter(pc.invert(labels))
    conflicts = disagreements.num_rows - others.num_rows
    return [
        Balance(_label_contradictions(stored), conflicts, "contradicting pairs with a row"),
        Balance(others.num_rows, _founded(stored, others), "rows founded on two far answers"),
    ]


def _label_contradictions(stored: Stored) -> int:
    plans = stored.table(PROCESSING_PLANS.name)
    columns = (plans[name].to_pylist() for name in ("item_id", "task", "judge"))
    judges = {(item, task): judge for item, task, judge in zip(*columns, strict=True)}
    resolutions = stored.table(RESOLUTIONS.name)
    of_labels = resolutions.filter(pc.equal(resolutions["kind"], AnswerKind.LABEL.value))
    found = 0
    for row in of_labels.select(["item_id", "task", "readings"]).to_pylist():
        judge = judges.get((row["item_id"], row["task"]))
        answers = Counter(
            one["answer"]
            for one in row["readings"]
            if one["status"] == Status.OK and one["service"] != judge
        )
        found += comb(answers.total(), 2) - sum(comb(n, 2) for n in answers.values())
    return found


def _founded(stored: Stored, rows: pa.Table) -> int:
    policies = HomeResource(path=str(stored.home)).policies
    tasks = build_tasks(pinned(policies, stored.table(PROCESSING_PLANS.name)))
    said = _said(stored)
    sides = [_sides(rows, service, answer) for service, answer in _COLUMNS]
    far = zip(rows["task"].to_pylist(), rows["distance"].to_pylist(), strict=True)
    return sum(
        a in said and b in said and a[2] != b[2] and distance >= tasks[task].disagree_at
        for a, b, (task, distance) in zip(*sides, far, strict=True)
    )


def _said(stored: Stored) -> set[_Side]:
    """Every final answer of the batch."""
    found: set[_Side] = set()
    for table in INTERPRETATIONS.values():
        rows = stored.table(table.name)
        ok = rows.filter(pc.and_(rows["final"], pc.equal(rows["status"], Status.OK.value)))
        found.update(_sides(ok, "service", "answer"))
    return found


def _sides(rows: pa.Table, service: str, answer: str) -> list[_Side]:
    columns = (rows[name].to_pylist() for name in ("item_id", "task", service, answer))
    return list(zip(*columns, strict=True))


resolutions_checks = table_checks(RESOLUTIONS, _every_plan)
disagreements_checks = table_checks(DISAGREEMENTS, _every_contradiction)
