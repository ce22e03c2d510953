"""Checks of reporting: the totals on the page are those of the tables."""

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.schemas.states import ITEM_STATES
from orchestration_assets.schemas.tables import (
    CONTENT_MANIFEST,
    CORPUS_REPORT,
    DISAGREEMENT_REPORT,
    RESOLUTIONS,
    outcome_weights,
)
from orchestration_assets.table_assets import Balance, Stored, table_checks


def _check_items_ended(stored: Stored, states: pa.Table) -> list[Balance]:
    listed = set(stored.table(CONTENT_MANIFEST.name)["item_id"].to_pylist())
    ends = states.filter(pc.field("final"))["item_id"].to_pylist()
    return [
        Balance(len(listed), len(listed & set(ends)), "listed items that came to an end"),
        Balance(len(set(states["item_id"].to_pylist())), len(ends), "ends, one an item"),
    ]


def _totals(stored: Stored, report: pa.Table) -> list[Balance]:
    row = next(DISAGREEMENT_REPORT.rows(report))
    listed = pc.sum(outcome_weights(stored.table(CONTENT_MANIFEST.name))).as_py() or 0
    resolutions = stored.table(RESOLUTIONS.name).num_rows
    outcomes = row.accepted + row.rejected + row.other
    return [
        Balance(listed, outcomes, "listed entries among the outcomes reported"),
        Balance(resolutions, row.plans, "resolutions reported"),
    ]


def _check_batches_counted(stored: Stored, corpus: pa.Table) -> list[Balance]:
    store, name = stored.home.tables, DISAGREEMENT_REPORT.name
    reported = {batch for batch in store.batches(name) if store.is_whole(name, batch)}
    found = set(corpus["batch"].to_pylist())
    return [Balance(len(reported), len(reported & found), "reported batches in the index")]


item_states_checks = table_checks(ITEM_STATES, _check_items_ended)
disagreement_report_checks = table_checks(DISAGREEMENT_REPORT, _totals)
corpus_report_checks = table_checks(CORPUS_REPORT, _check_batches_counted, per_batch=False)
