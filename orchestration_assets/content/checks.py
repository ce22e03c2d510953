"""Checks of the intake: every listed entry has its row."""

import pyarrow as pa

from orchestration_assets.schemas.tables import CONTENT_MANIFEST
from resources.table_checks import Balance, Stored, table_checks


def _every_entry(stored: Stored, manifest: pa.Table) -> list[Balance]:
    listed = set(stored.entries()["item_id"].to_pylist())
    found = set(manifest["item_id"].to_pylist())
    return [Balance(len(listed), len(listed & found), "listed entries with an outcome")]


content_manifest_checks = table_checks(CONTENT_MANIFEST, _every_entry)
