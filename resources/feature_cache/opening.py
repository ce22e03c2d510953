"""The cache that a policy asks for, below one home."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from orchestration_assets.schemas.policy import FeatureCache
from resources.feature_cache.lmdb_store import LmdbStore
from resources.feature_cache.memory_tier import MemoryTier
from resources.feature_cache.parquet_tier import ParquetTier
from resources.feature_cache.redis_tier import RedisTier
from resources.feature_cache.tier import CacheTier
from resources.feature_cache.tiered import TieredCache

_DAY_SECONDS: Final = 86_400.0


def open_cache(
    home: Path, settings: FeatureCache, environment: Mapping[str, str] = os.environ
) -> TieredCache:
    """Memory, then LMDB below the home or Redis, then the durable table; each may be turned off.

    Nothing is opened before it is first asked. A Redis that is named by a variable which is not
    set leaves this machine's own store in its place.
    """
    keep = settings.keep_days * _DAY_SECONDS
    tiers: list[CacheTier] = []
    if settings.memory_bytes:
        tiers.append(MemoryTier(str(home), settings.memory_bytes))
    address = environment.get(settings.redis_url_env) if settings.redis_url_env else None
    if address:
        tiers.append(RedisTier(address, keep))
    elif settings.local_bytes:
        tiers.append(LmdbStore(home / "cache" / "features", settings.local_bytes))
    if settings.durable:
        url = settings.durable
        elsewhere = re.match(r"^[a-z][a-z0-9+.-]*://", url)
        tiers.append(
            ParquetTier(url if elsewhere else str(home / url), settings.durable_bytes, keep)
        )
    return TieredCache(tiers)
