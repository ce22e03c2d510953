"""The table of the feature cache: what each tier was asked, and what it holds."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from orchestration_assets.schemas.records import Column, table_of


@dataclass(frozen=True, slots=True)
class CacheRow:
    """One row a tier and what it was used for: counts over the latest run of each batch."""

    used_for: Annotated[str, Column("asset that looked things up, or answers")]
    tier: Annotated[
        str, Column("memory, lmdb, redis, durable, or table: what the batch itself had")
    ]
    position: Annotated[int, Column("order of asking, from 0: the nearest first")]
    batches: Annotated[int, Column("batches that are counted", "batches", True)]
    lookups: Annotated[int, Column("keys looked for", "keys", True)]
    hits: Annotated[int, Column("keys found", "keys", True)]
    hit_rate: Annotated[
        float | None, Column("hits over lookups; null without lookups", "0..1", True)
    ]
    written: Annotated[int, Column("entries written, promotions included", "entries", True)]
    evicted: Annotated[int, Column("entries that made room for others", "entries", True)]
    corrupt: Annotated[
        int | None, Column("entries ignored as corrupt; null where not counted", "entries", True)
    ]
    errors: Annotated[int, Column("times that the tier could not be used", "times", True)]
    not_kept: Annotated[
        int | None,
        Column("items whose results no tier keeps: computing them is cheaper", "items", True),
    ]
    last_error: Annotated[str | None, Column("the latest reason of those", "", True)]
    entries: Annotated[
        int | None, Column("entries held now, for all uses together; null: unreachable", "", True)
    ]
    bytes: Annotated[int | None, Column("what they take now", "bytes", True)]
    cap_bytes: Annotated[
        int | None, Column("what they may take; 0: no cap of its own", "bytes", True)
    ]
    oldest_at: Annotated[
        datetime | None, Column("when the oldest entry was written, where known", "UTC", True)
    ]


FEATURE_CACHE_REPORT: Final = table_of("feature_cache_report", CacheRow, ("used_for", "tier"))
