"""Profiles that were computed before: under which key they are kept, and in which form."""

from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import blake2b
from typing import Any, Final

import pyarrow as pa

from orchestration_assets.schemas.enums import ProfileStatus
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import CONTENT_PROFILES, AcceptedItem
from resources.code_version import code_version
from resources.feature_cache.rows import Recalled, RowCache
from resources.feature_cache.tiered import TieredCache

COMPUTED: Final = "computed"
# what of a row is not the profile of its content
_OF_THE_ROW: Final = ("batch", "item_id", "content_hash", "path", "status", "reason", "origin")


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


class ProfileCache:
    """Kept profiles of accepted manifest rows; those of items below ``least`` bytes are not."""

    def __init__(self, cache: TieredCache, least: int) -> None:
        schema = CONTENT_PROFILES.schema
        kept = pa.schema([field for field in schema if field.name not in _OF_THE_ROW])
        self._rows = RowCache(cache, kept)
        self._least = least

    def recall(self, batch: str, rows: Sequence[AcceptedItem]) -> tuple[pa.Table, Recalled]:
        """The profile rows that are kept, in full, and which they are."""
        recalled = self._rows.recall([self._key(row) for row in rows])
        found = [rows[n] for n in recalled.positions]
        own: dict[str, list[Any]] = {
            "batch": [batch] * len(found),
            "item_id": [row.item_id for row in found],
            "content_hash": [row.content_hash for row in found],
            "path": [row.path for row in found],
            "status": [ProfileStatus.OK.value] * len(found),
            "reason": [None] * len(found),
            "origin": recalled.tiers,
        }
        arrays = [
            pa.chunked_array([pa.array(own[field.name], field.type)])
            if field.name in own
            else recalled.rows[field.name]
            for field in CONTENT_PROFILES.schema
        ]
        return pa.Table.from_arrays(arrays, schema=CONTENT_PROFILES.schema), recalled

    def remember(self, rows: Sequence[AcceptedItem], profiles: Sequence[Mapping[str, Any]]) -> None:
        """Keeps computed rows, those that are whole profiles.

        A failure is never kept, nor what the clock cut short: the next run may get further.
        ``rows`` are the manifest rows that they were computed from, in the same order.
        """
        keys = [
            self._key(row)
            if profile["status"] == ProfileStatus.OK and not profile["cut_by_clock"]
            else None
            for row, profile in zip(rows, profiles, strict=True)
        ]
        self._rows.remember(keys, rows_to_arrow(CONTENT_PROFILES, profiles))

    def _key(self, row: AcceptedItem) -> str | None:
        if row.size_bytes < self._least:
            return None
        return profile_key(row.content_hash, row.encoding, row.path)
