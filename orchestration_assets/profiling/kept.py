"""Profiles that were computed before: under which key they are kept, and in which form."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from typing import Any, Final

import pyarrow as pa

from orchestration_assets.schemas.enums import ProfileStatus
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import CONTENT_PROFILES
from resources.code_version import code_version
from resources.feature_cache.packed import RowCodec
from resources.feature_cache.tiered import TieredCache
from resources.grammars import LANGUAGES

COMPUTED: Final = "computed"
# what of a row is not the profile of its content
_OF_THE_ROW: Final = ("batch", "item_id", "content_hash", "path", "status", "reason", "origin")


@cache
def profiler_version() -> str:
    """The version of the code, grammars and libraries that a profile is computed with."""
    grammars = tuple(f"tree-sitter-{language}" for language in LANGUAGES)
    return code_version("orchestration_assets.profiling.profiler", grammars)


def profile_key(row: Mapping[str, Any]) -> str:
    """The key of an accepted item's profile: 128 bits of blake2b, hex.

    Over the content's hash, how it is decoded, the item's name (its last part only: the profiler
    reads no folder) and the profiler's version.
    """
    name = row["path"].replace("\\", "/").rpartition("/")[2]
    parts = ("profile", row["content_hash"], row["encoding"], name, profiler_version())
    return blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


@cache
def _codec() -> RowCodec:
    schema = CONTENT_PROFILES.schema
    return RowCodec(pa.schema([field for field in schema if field.name not in _OF_THE_ROW]))


@dataclass(frozen=True, slots=True)
class Recalled:
    """What a cache had: ``profiles`` of the accepted rows at ``positions``; the other rows are
    ``missing``."""

    profiles: pa.Table
    positions: list[int]
    missing: list[int]


def recall(
    batch: str, rows: Sequence[Mapping[str, Any]], cache: TieredCache, least: int
) -> Recalled:
    """The profiles of accepted manifest rows that the cache has; items below ``least`` bytes are
    not looked for."""
    keys = {n: profile_key(row) for n, row in enumerate(rows) if row["size_bytes"] >= least}
    hits = cache.find_many(keys.values())
    found_at = [n for n, key in keys.items() if key in hits]
    profiles, kept = _codec().decode([hits[keys[n]].value for n in found_at])
    positions = [found_at[n] for n in kept]
    cache.reject(hits[keys[n]] for n in set(found_at) - set(positions))
    found = [rows[n] for n in positions]
    own: dict[str, list[Any]] = {
        "batch": [batch] * len(found),
        "item_id": [row["item_id"] for row in found],
        "content_hash": [row["content_hash"] for row in found],
        "path": [row["path"] for row in found],
        "status": [ProfileStatus.OK.value] * len(found),
        "reason": [None] * len(found),
        "origin": [hits[keys[n]].tier for n in positions],
    }
    schema = CONTENT_PROFILES.schema
    arrays = [
        pa.chunked_array([pa.array(own[field.name], field.type)])
        if field.name in own
        else profiles[field.name]
        for field in schema
    ]
    there = set(positions)
    missing = [n for n in range(len(rows)) if n not in there]
    return Recalled(pa.Table.from_arrays(arrays, schema=schema), positions, missing)


def remember(
    rows: Sequence[Mapping[str, Any]],
    profiles: Sequence[Mapping[str, Any]],
    cache: TieredCache,
    least: int,
) -> None:
    """Keeps computed profile rows, those that are profiles: a failure is never kept.

    ``rows`` are the manifest rows that they were computed from, in the same order.
    """
    good = [
        (profile_key(row), profile)
        for row, profile in zip(rows, profiles, strict=True)
        if profile["status"] == ProfileStatus.OK and row["size_bytes"] >= least
    ]
    if good:
        keys, computed = zip(*good, strict=True)
        table = rows_to_arrow(CONTENT_PROFILES, computed)
        cache.put_many(dict(zip(keys, _codec().encode(table), strict=True)))
