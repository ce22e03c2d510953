"""Rows of one Arrow schema in a cache: recalled and remembered many at a time."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from orchestration_assets.schemas.packed_rows import RowCodec
from resources.feature_cache.tiered import TieredCache


@dataclass(frozen=True, slots=True)
class Recalled:
    """What a cache had of the keys that it was asked for, by their positions.

    ``rows`` belong to ``positions``, and ``tiers`` name the tier that had each; the other
    positions are ``missing``.
    """

    rows: pa.Table
    positions: list[int]
    tiers: list[str]
    missing: list[int]


class RowCache:
    """A cache as a table of rows. Raises TypeError for a schema that cannot be packed."""

    def __init__(self, cache: TieredCache, schema: pa.Schema) -> None:
        self._cache = cache
        self._codec = RowCodec(schema)

    def recall(self, keys: Sequence[str | None]) -> Recalled:
        """The rows under these keys; None is not looked for. What is no row counts as corrupt."""
        hits = self._cache.find_many(key for key in keys if key is not None)
        hits_at = [(n, hits[key]) for n, key in enumerate(keys) if key is not None and key in hits]
        rows, kept = self._codec.decode([hit.value for _, hit in hits_at])
        good = set(kept)
        self._cache.reject(hit for n, (_, hit) in enumerate(hits_at) if n not in good)
        positions = [hits_at[n][0] for n in kept]
        recalled = set(positions)
        missing = [n for n in range(len(keys)) if n not in recalled]
        return Recalled(rows, positions, [hits_at[n][1].tier for n in kept], missing)

    def remember(self, keys: Sequence[str | None], rows: pa.Table) -> None:
        """Keeps each row under its key; one without a key is not kept."""
        places = [n for n, key in enumerate(keys) if key is not None]
        if not places:
            return
        # packing is what takes long
        kept = rows if len(places) == len(keys) else rows.take(pa.array(places, pa.int64()))
        packed = self._codec.encode(kept)
        named = (key for key in keys if key is not None)
        self._cache.put_many(dict(zip(named, packed, strict=True)))
