"""Checks of the intake: every listed entry has its row."""

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.content.feedback import accepted_verdicts
from orchestration_assets.schemas.tables import CONTENT_MANIFEST
from orchestration_assets.schemas.verdicts import GOLD_LABELS
from resources.home import HomeResource
from resources.table_checks import Balance, Stored, table_checks


def _every_entry(stored: Stored, manifest: pa.Table) -> list[Balance]:
    listed = set(stored.entries()["item_id"].to_pylist())
    found = set(manifest["item_id"].to_pylist())
    return [Balance(len(listed), len(listed & found), "listed entries with an outcome")]


def _every_verdict(stored: Stored, gold: pa.Table) -> list[Balance]:
    """Counted from the accepted files alone: what was judged, and what was said about it."""
    verdicts = accepted_verdicts(HomeResource(path=str(stored.home)).verdicts)
    judged = verdicts.group_by(["item_id", "task"]).aggregate([]).num_rows
    statement = ["item_id", "task", "said_at", "who", "kind", "verdict"]
    said = verdicts.group_by(statement).aggregate([]).num_rows
    kept = pc.sum(pc.list_value_length(gold["history"])).as_py() or 0
    return [
        Balance(judged, gold.num_rows, "judged items and tasks with a row"),
        Balance(said, kept, "verdicts kept in a history"),
    ]


content_manifest_checks = table_checks(CONTENT_MANIFEST, _every_entry)
gold_labels_checks = table_checks(GOLD_LABELS, _every_verdict, per_batch=False)
