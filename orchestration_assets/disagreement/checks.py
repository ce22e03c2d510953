"""Checks of disagreement: every plan is resolved, and every contradiction is a row."""

from collections import Counter
from math import comb

import pyarrow as pa

from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.tables import DISAGREEMENTS, PROCESSING_PLANS, RESOLUTIONS
from resources.table_checks import Balance, Stored, table_checks


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
    """All pairs of answers less the pairs that agree, counted from the kept readings."""
    expected = 0
    for readings in stored.table(RESOLUTIONS.name)["readings"].to_pylist():
        answers = Counter(one["answer"] for one in readings if one["status"] == Status.OK)
        expected += comb(answers.total(), 2) - sum(comb(n, 2) for n in answers.values())
    return [Balance(expected, disagreements.num_rows, "contradicting pairs with a row")]


resolutions_checks = table_checks(RESOLUTIONS, _every_plan)
disagreements_checks = table_checks(DISAGREEMENTS, _every_contradiction)
