"""Checks of processing: every plan was carried out, and every reading has its call."""

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.schemas.enums import ProcessingModel
from orchestration_assets.schemas.tables import (
    CALL_LOG,
    DECISION_LOG,
    INTERPRETATIONS,
    PROCESSING_PLANS,
)
from resources.table_checks import Balance, Stored, table_checks


def _pairs(table: pa.Table) -> set[tuple[str, str]]:
    return set(zip(table["item_id"].to_pylist(), table["task"].to_pylist(), strict=True))


def _carried_out(planned: set[tuple[str, str]], found: set[tuple[str, str]]) -> list[Balance]:
    return [
        Balance(len(planned), len(planned & found), "plans carried out"),
        Balance(0, len(found - planned), "rows without a plan"),
    ]


def _every_plan_of(model: ProcessingModel, stored: Stored, readings: pa.Table) -> list[Balance]:
    plans = stored.table(PROCESSING_PLANS.name)
    planned = _pairs(plans.filter(pc.equal(plans["model"], model)))
    return _carried_out(planned, _pairs(readings))


def _every_plan(stored: Stored, log: pa.Table) -> list[Balance]:
    return _carried_out(_pairs(stored.table(PROCESSING_PLANS.name)), _pairs(log))


def _every_reading(stored: Stored, calls: pa.Table) -> list[Balance]:
    readings = sum(stored.table(table.name).num_rows for table in INTERPRETATIONS.values())
    key = ["item_id", "task", "service", "round"]
    last = calls.select(key).group_by(key)
    return [Balance(readings, last.aggregate([]).num_rows, "readings with their attempts logged")]


def _checks_of(model: ProcessingModel) -> dg.AssetChecksDefinition:
    return table_checks(
        INTERPRETATIONS[model], lambda stored, rows: _every_plan_of(model, stored, rows)
    )


sequential_checks = _checks_of(ProcessingModel.SEQUENTIAL)
parallel_checks = _checks_of(ProcessingModel.PARALLEL)
iterative_checks = _checks_of(ProcessingModel.ITERATIVE)
hybrid_checks = _checks_of(ProcessingModel.HYBRID)
decision_log_checks = table_checks(DECISION_LOG, _every_plan)
call_log_checks = table_checks(CALL_LOG, _every_reading)
