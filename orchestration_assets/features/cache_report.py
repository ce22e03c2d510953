"""What the caches did for the batches so far, and what they hold now."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Final

import pyarrow.compute as pc

from orchestration_assets.profiling.own_table import OWN_TABLE
from orchestration_assets.schemas.cache import FEATURE_CACHE_REPORT, CacheRow
from orchestration_assets.schemas.policy import FeatureCache
from orchestration_assets.schemas.records import TableResult, rows_to_arrow
from orchestration_assets.schemas.tables import CALL_LOG
from resources.damage import leaving_out_damage
from resources.derived_facts import kept_facts
from resources.feature_cache.tier import CacheTier, Counts, TierContents, TierError
from resources.home import Home
from resources.table_store import TableStore

ANSWERS: Final = "answers"
# another number where origins are counted in another way
_ORIGINS: Final = "answer_origins_1"


def report_cache(home: Home, settings: FeatureCache) -> TableResult:
    """A row for each tier of each use: the features' from their counts, the answers' from the
    call logs, which say for every reading whether it was cached."""
    tiers = home.features(settings).tiers
    asked = list(_asked(home.tables))
    rows = [*_features(home.cache_uses.read(), tiers), *_answers(asked, home.answers)]
    rows.sort(key=lambda row: (row.used_for, row.position))
    figures: dict[str, int | float] = {}
    for row in rows:
        figures[f"{row.used_for}_{row.tier}_hit_rate"] = row.hit_rate or 0.0
        figures[f"{row.used_for}_{row.tier}_bytes"] = row.bytes or 0
    figures["not_kept"] = sum(row.not_kept or 0 for row in rows)
    figures["corrupt"] = sum(row.corrupt or 0 for row in rows)
    figures["errors"] = sum(row.errors for row in rows)
    return TableResult(rows_to_arrow(FEATURE_CACHE_REPORT, rows), figures)


def _features(
    uses: Iterable[tuple[str, str, Mapping[str, Counts]]], tiers: Sequence[CacheTier]
) -> list[CacheRow]:
    total: dict[tuple[str, str], Counts] = {}
    batches: dict[tuple[str, str], set[str]] = {}
    for batch, asset, counted in uses:
        for name, counts in counted.items():
            _add(total.setdefault((asset, name), Counts()), counts)
            batches.setdefault((asset, name), set()).add(batch)
    order = {tier.name: position for position, tier in enumerate(tiers)}
    held = {tier.name: _held(tier) for tier in tiers}
    return [
        _row(*key, order.get(key[1], len(order)), len(batches[key]), counts, held.get(key[1]))
        for key, counts in sorted(total.items())
    ]


def _asked(store: TableStore) -> Iterator[Mapping[str, int]]:
    """Of each batch how many readings came from the cache and how many were called for, kept beside
    its tables; a damaged call log is left out."""
    for batch in store.batches(CALL_LOG.name):
        with leaving_out_damage():
            yield kept_facts(
                store, batch, _ORIGINS, (CALL_LOG.name,), partial(_count, store, batch)
            )


def _count(store: TableStore, batch: str) -> dict[str, int]:
    origins = store.read(CALL_LOG.name, batch, ["origin"])["origin"]
    return {name: pc.sum(pc.equal(origins, name)).as_py() or 0 for name in ("cache", "called")}


def _answers(asked: Sequence[Mapping[str, int]], store: CacheTier) -> Iterator[CacheRow]:
    counts = Counts()
    for origins in asked:
        counts.hits += origins["cache"]
        counts.lookups += origins["cache"] + origins["called"]
    if asked:
        yield _row(ANSWERS, store.name, 0, len(asked), counts, _held(store), corrupt=False)


def _row(
    used_for: str,
    tier: str,
    position: int,
    batches: int,
    counts: Counts,
    found: TierContents | TierError | None,
    *,
    corrupt: bool = True,
) -> CacheRow:
    held = found if isinstance(found, TierContents) else None
    now_broken = str(found) if isinstance(found, TierError) else None
    oldest = held.oldest if held else None
    return CacheRow(
        used_for=used_for,
        tier=tier,
        position=position,
        batches=batches,
        lookups=counts.lookups,
        hits=counts.hits,
        hit_rate=counts.hits / counts.lookups if counts.lookups else None,
        written=counts.written,
        evicted=counts.evicted,
        corrupt=counts.corrupt if corrupt else None,
        errors=counts.errors,
        not_kept=counts.not_kept if tier == OWN_TABLE else None,
        last_error=now_broken or counts.last_error,
        entries=held.entries if held else None,
        bytes=held.bytes if held else None,
        cap_bytes=held.cap_bytes if held else None,
        oldest_at=datetime.fromtimestamp(oldest, UTC) if oldest is not None else None,
    )


def _held(tier: CacheTier) -> TierContents | TierError:
    try:
        return tier.contents()
    except TierError as error:
        return error


def _add(total: Counts, counts: Counts) -> None:
    for name in ("lookups", "hits", "written", "evicted", "corrupt", "errors", "not_kept"):
        setattr(total, name, getattr(total, name) + getattr(counts, name))
    total.last_error = counts.last_error or total.last_error
