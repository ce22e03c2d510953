"""What each batch found in the cache: written when it was used, read for the report."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from resources.feature_cache.tier import Counts
from resources.feature_cache.tiered import TieredCache
from resources.table_store import write_atomically


class CacheUses:
    """The counts below ``<home>/cache/uses``: one file a batch and asset, of its latest run."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "cache" / "uses"

    def write(self, batch: str, asset: str, cache: TieredCache) -> None:
        counts = {tier.name: asdict(tier.counts) for tier in cache.tiers}
        write_atomically(self._folder / asset / f"{batch}.json", json.dumps(counts).encode())

    def read(self) -> Iterator[tuple[str, str, dict[str, Counts]]]:
        """Batch, asset, and the counts of each tier in the order of asking."""
        for path in sorted(self._folder.glob("*/[!.]*.json")):
            counts = json.loads(path.read_bytes())
            tiers = {name: Counts(**fields) for name, fields in counts.items()}
            yield path.stem, path.parent.name, tiers
