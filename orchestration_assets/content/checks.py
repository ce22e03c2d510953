"""Checks of the intake: every listed entry, and every record in it, has its row."""

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.content.corpus_view import manifests_of
from orchestration_assets.content.ledger_items import part_items
from orchestration_assets.content.manifest_items import distinct, manifest_items
from orchestration_assets.content.verdict_folder import accepted_verdicts
from orchestration_assets.schemas.enums import EntryOutcome
from orchestration_assets.schemas.tables import CONTENT_LEDGER, CONTENT_MANIFEST
from orchestration_assets.schemas.verdicts import GOLD_LABELS
from orchestration_assets.table_assets import Balance, KeyCounts, Stored, table_checks
from resources.damage import leaving_out_damage
from resources.table_store import TableStore


def _check_entries_settled(stored: Stored, manifest: pa.Table) -> list[Balance]:
    entries = stored.entries()
    listed = set(entries["item_id"].to_pylist())
    found = listed & set(manifest["item_id"].to_pylist())
    unpacked = manifest.filter(pc.equal(manifest["outcome"], EntryOutcome.UNPACKED))["entry_id"]
    pieces = entries.filter(pc.is_in(entries["item_id"], unpacked.combine_chunks()))
    records = manifest.filter(pc.is_in(manifest["entry_id"], unpacked.combine_chunks()))
    unchanged = entries.filter(pc.fill_null(entries["unchanged"], False))
    return [
        Balance(len(listed), len(found), "listed entries with an outcome"),
        Balance(
            pc.sum(pieces["record_count"]).as_py() or 0,
            records.num_rows - len(unpacked),
            "records of unpacked files with an outcome",
        ),
        Balance(
            pc.sum(unchanged["record_count"]).as_py() or 0,
            pc.sum(manifest["record_count"]).as_py() or 0,
            "records that earlier batches hold with an outcome",
        ),
    ]


def _ledger_keys(store: TableStore) -> KeyCounts:
    """How many rows the stored ledger has, and how many items. Raises TableMissingError and
    DamagedFileError."""
    parts = store.parts(CONTENT_LEDGER.name)
    try:
        numbers = [part_items(store, part.name) for part in parts]
    except ValueError:
        ids = store.read(CONTENT_LEDGER.name, columns=CONTENT_LEDGER.key)
        return KeyCounts(
            ids.num_rows, ids.group_by(list(CONTENT_LEDGER.key)).aggregate([]).num_rows
        )
    return KeyCounts(sum(map(len, numbers)), distinct(numbers))


def _check_items_in_ledger(stored: Stored, _: pa.Table) -> list[Balance]:
    """Counted from what each manifest names, not from what they were folded into."""
    rows = stored.home.tables.count_rows(CONTENT_LEDGER.name)
    numbers = []
    for batches in manifests_of(stored.home).values():
        for batch in batches:
            with leaving_out_damage():
                numbers.append(manifest_items(stored.home.tables, batch).numbers)
    return [Balance(distinct(numbers), rows, "items of all manifests in the ledger")]


def _check_verdicts_merged(stored: Stored, gold: pa.Table) -> list[Balance]:
    """Counted from the accepted files alone: what was judged, and what was said about it."""
    verdicts = accepted_verdicts(stored.home.verdicts)
    judged = verdicts.group_by(["item_id", "task"]).aggregate([]).num_rows
    statement = ["item_id", "task", "said_at", "who", "kind", "verdict"]
    said = verdicts.group_by(statement).aggregate([]).num_rows
    kept = pc.sum(pc.list_value_length(gold["history"])).as_py() or 0
    return [
        Balance(judged, gold.num_rows, "judged items and tasks with a row"),
        Balance(said, kept, "verdicts kept in a history"),
    ]


content_manifest_checks = table_checks(CONTENT_MANIFEST, _check_entries_settled)
# a row for every item of every batch
content_ledger_checks = table_checks(
    CONTENT_LEDGER, _check_items_in_ledger, per_batch=False, keys=_ledger_keys
)
gold_labels_checks = table_checks(GOLD_LABELS, _check_verdicts_merged, per_batch=False)
