"""What each batch found in the cache: written when it was used, read for the report."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from resources.damage import notice
from resources.feature_cache.tier import Counts
from resources.feature_cache.tiered import TieredCache
from resources.table_store import write_atomically


class CacheUses:
    """The counts ``<asset>/<batch>.json``: one file a batch and asset, of its latest run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(
        self, batch: str, asset: str, cache: TieredCache, beside: Mapping[str, Counts]
    ) -> None:
        """``beside`` has the counts of what was asked beside the tiers, by name."""
        counts = {tier.name: asdict(tier.counts) for tier in cache.tiers}
        counts |= {name: asdict(one) for name, one in beside.items()}
        write_atomically(self._folder / asset / f"{batch}.json", json.dumps(counts).encode())

    def read(self) -> Iterator[tuple[str, str, dict[str, Counts]]]:
        """Batch, asset, and the counts of each tier in the order of asking."""
        yield from self._read("*/[!.]*.json")

    def of_batch(self, batch: str) -> Iterator[tuple[str, dict[str, Counts]]]:
        """The same of one batch: asset, and the counts of each tier."""
        yield from ((asset, counts) for _, asset, counts in self._read(f"*/{batch}.json"))

    def _read(self, names: str) -> Iterator[tuple[str, str, dict[str, Counts]]]:
        for path in sorted(self._folder.glob(names)):
            try:
                counts = json.loads(path.read_bytes())
                tiers = {name: _counts(fields) for name, fields in counts.items()}
            except (OSError, ValueError, TypeError, AttributeError) as error:
                why = " ".join(str(error).split())
                notice(f"left out: {path}: {why}; delete it, or process its batch again")
                continue
            yield path.stem, path.parent.name, tiers


def _counts(fields: Any) -> Counts:
    """Raises TypeError for what are no counts."""
    counts = Counts(**fields)
    # the fields that are given; the others have numbers of their own
    if not all(type(fields[name]) is int for name in fields if name != "last_error"):
        raise TypeError("counts are no numbers")
    return counts
