"""The cache of computed profiles: their keys, and the rows that are stored."""

from collections.abc import Sequence
from functools import cache
from hashlib import blake2b
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.code_version import code_version
from orchestration_assets.schemas.enums import ProfileStatus
from orchestration_assets.schemas.policy import FeatureCache
from orchestration_assets.schemas.tables import CONTENT_PROFILES, AcceptedItem
from resources.feature_cache.rows import Recalled, RowCache
from resources.feature_cache.tiered import TieredCache

COMPUTED: Final = "computed"
KEPT_FROM_BYTES: Final = 1_024
"""Profiles of smaller items are not kept, unless the policy says otherwise: an entry would take
more disk in all tiers than the content itself (``python -m benchmarks feature_cache``)."""
# not cached: filled in when a profile is recalled, from the manifest row, the batch and the tier
_ROW_COLUMNS: Final = (
    *("batch", "item_id", "content_hash", "path", "status", "reason", "origin", "added_features"),
)


@cache
def profiler_version() -> str:
    """The version of the code, grammars and libraries that a profile is computed with."""
    return code_version("orchestration_assets.profiling.profiler")


def profile_key(content_hash: str | None, encoding: str | None, path: str) -> str:
    """The key of an accepted item's profile: 128 bits of blake2b, hex.

    Over the content's hash, how it is decoded, the item's name (its last part only: the profiler
    reads no folder) and the profiler's version.
    """
    name = path.replace("\\", "/").rpartition("/")[2]
    parts = ("profile", content_hash, encoding, name, profiler_version())
    return blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def row_key(row: AcceptedItem) -> str:
    """The key of an accepted item's profile."""
    return profile_key(row.content_hash, row.encoding, row.path)


def smallest_kept(settings: FeatureCache) -> int:
    """From how many bytes of content on a profile is kept."""
    return KEPT_FROM_BYTES if settings.min_item_bytes is None else settings.min_item_bytes


class ProfileCache:
    """Kept profiles of accepted manifest rows; those of items below ``min_bytes`` bytes are not."""

    def __init__(self, cache: TieredCache, min_bytes: int) -> None:
        schema = CONTENT_PROFILES.schema
        profile_schema = pa.schema([field for field in schema if field.name not in _ROW_COLUMNS])
        self._rows = RowCache(cache, profile_schema)
        self._min_bytes = min_bytes

    def keeps(self, row: AcceptedItem) -> bool:
        """Whether the profile of this item is kept once it is complete."""
        return row.size_bytes >= self._min_bytes

    def recall(self, batch: str, rows: Sequence[AcceptedItem]) -> tuple[pa.Table, Recalled]:
        """The profile rows that are cached, in full, and their positions in ``rows``."""
        recalled = self._rows.recall([self._key(row) for row in rows])
        recalled_rows = [rows[n] for n in recalled.positions]
        row_columns: dict[str, list[Any]] = {
            "batch": [batch] * len(recalled_rows),
            "item_id": [row.item_id for row in recalled_rows],
            "content_hash": [row.content_hash for row in recalled_rows],
            "path": [row.path for row in recalled_rows],
            "status": [ProfileStatus.OK.value] * len(recalled_rows),
            "reason": [None] * len(recalled_rows),
            "origin": recalled.tiers,
            "added_features": [None] * len(recalled_rows),
        }
        arrays = [
            pa.chunked_array([pa.array(row_columns[field.name], field.type)])
            if field.name in row_columns
            else recalled.rows[field.name]
            for field in CONTENT_PROFILES.schema
        ]
        return pa.Table.from_arrays(arrays, schema=CONTENT_PROFILES.schema), recalled

    def remember(self, rows: Sequence[AcceptedItem], profiles: pa.Table) -> None:
        """Stores computed rows that are complete profiles.

        Failures are not stored, nor profiles that the deadline cut: the next run may get further.
        ``rows`` are the manifest rows that they were computed from, in the same order.
        """
        good = pc.and_not(pc.equal(profiles["status"], ProfileStatus.OK), profiles["cut_by_clock"])
        complete = good.to_pylist()
        keys = [self._key(row) if one else None for row, one in zip(rows, complete, strict=True)]
        self._rows.remember(keys, profiles)

    def _key(self, row: AcceptedItem) -> str | None:
        return row_key(row) if self.keeps(row) else None
