"""Checks of profiling: every accepted item has its row."""

import pyarrow as pa

from orchestration_assets.schemas.tables import CONTENT_MANIFEST, CONTENT_PROFILES, accepted_items
from orchestration_assets.table_assets import Balance, Stored, table_checks


def _check_items_profiled(stored: Stored, profiles: pa.Table) -> list[Balance]:
    manifest = stored.table(CONTENT_MANIFEST.name)
    accepted = {row.item_id for row in accepted_items(manifest)}
    profiled = set(profiles["item_id"].to_pylist())
    return [
        Balance(len(accepted), len(accepted & profiled), "accepted items with a profile row"),
        Balance(0, len(profiled - accepted), "profile rows without an accepted item"),
    ]


content_profiles_checks = table_checks(CONTENT_PROFILES, _check_items_profiled)
