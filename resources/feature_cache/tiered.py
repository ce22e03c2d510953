"""Several tiers as one store: asked from the nearest on, hits promoted, failures only noted."""

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Final, NamedTuple

from resources.feature_cache.tier import CacheTier, Holds, TierError

# a tier that failed is left alone this long, so that a dead server does not slow everything down
_REST_SECONDS: Final = 30.0


class CacheHit(NamedTuple):
    """A value, and the name of the tier that had it."""

    value: bytes
    tier: str


class TieredCache:
    """Looks where it is nearest first. Never raises: without its tiers it merely finds nothing."""

    def __init__(
        self, tiers: Sequence[CacheTier], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.tiers = tuple(tiers)
        self._clock = clock
        self._rests_until: dict[str, float] = {}

    def find_many(self, keys: Iterable[str]) -> dict[str, CacheHit]:
        """The values that some tier has; those are from now on in every nearer tier too."""
        missing = dict.fromkeys(keys)
        found: dict[str, CacheHit] = {}
        for position, tier in enumerate(self.tiers):
            if not missing:
                break
            tier.counts.lookups += len(missing)
            hits = self._get(tier, missing)
            tier.counts.hits += len(hits)
            for nearer in self.tiers[:position]:
                self._put(nearer, hits)
            for key, value in hits.items():
                found[key] = CacheHit(value, tier.name)
                del missing[key]
        return found

    def peek_many(self, keys: Iterable[str]) -> dict[str, str]:
        """The tier that has each value; nothing is promoted or counted."""
        missing = dict.fromkeys(keys)
        found: dict[str, str] = {}
        for tier in self.tiers:
            hits = self._get(tier, missing) if missing else {}
            found |= dict.fromkeys(hits, tier.name)
            missing = dict.fromkeys(key for key in missing if key not in hits)
        return found

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        return {key: hit.value for key, hit in self.find_many(keys).items()}

    def put_many(self, values: Mapping[str, bytes]) -> None:
        for tier in self.tiers:
            self._put(tier, values)

    def forget(self, keys: Collection[str], holds: Holds) -> int:
        """Removes entries from every tier; see :meth:`CacheTier.forget`.

        Raises TierError for a tier that cannot be used: what must go may still be there.
        """
        return sum(tier.forget(keys, holds) for tier in self.tiers)

    def figures(self) -> dict[str, int | str]:
        """The counts of every tier that was used, by name, for people."""
        return {
            f"cache_{tier.name}_{name}": value
            for tier in self.tiers
            for name, value in asdict(tier.counts).items()
            if value
        }

    def reject(self, hits: Iterable[CacheHit]) -> None:
        """Notes values that were found but that no reader understands."""
        by_name = {tier.name: tier.counts for tier in self.tiers}
        for hit in hits:
            by_name[hit.tier].corrupt += 1

    def _get(self, tier: CacheTier, keys: Iterable[str]) -> dict[str, bytes]:
        if self._resting(tier):
            return {}
        try:
            return tier.get_many(keys)
        except TierError as error:
            self._note(tier, error)
            return {}

    def _put(self, tier: CacheTier, values: Mapping[str, bytes]) -> None:
        if not values or self._resting(tier):
            return
        try:
            tier.put_many(values)
        except TierError as error:
            self._note(tier, error)
        else:
            tier.counts.written += len(values)

    def _resting(self, tier: CacheTier) -> bool:
        return self._clock() < self._rests_until.get(tier.name, 0.0)

    def _note(self, tier: CacheTier, error: TierError) -> None:
        tier.counts.errors += 1
        tier.counts.last_error = str(error)
        self._rests_until[tier.name] = self._clock() + _REST_SECONDS
