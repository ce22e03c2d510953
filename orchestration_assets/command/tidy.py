"""`orchestrate tidy`: says what nobody needs any more, and deletes it when asked to."""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from orchestration_assets.command.instance_paths import check_home
from orchestration_assets.command.tidy_plan import STAYS, TidyPlan, plan_tidying
from orchestration_assets.policy.load import load_policy
from orchestration_assets.reporting.publication import publish_corpus
from orchestration_assets.schemas.errors import unwritable
from orchestration_assets.schemas.policy import FeatureCache
from orchestration_assets.settings import Settings
from resources.fact_packs import drop_facts
from resources.feature_cache.lmdb_store import LmdbStore
from resources.feature_cache.parquet_tier import ParquetTier
from resources.home import Home
from resources.maintenance import maintaining


@dataclass(frozen=True, slots=True)
class CacheShare:
    """Entries of a cache that nobody asks for any more, their bytes, and of how many."""

    name: str
    entries: int
    size_bytes: int
    of: int


def tidy(
    settings: Settings,
    *,
    as_json: bool,
    confirmed: bool,
    keep_batches: int,
    older_than_days: float,
) -> int:
    """Says what would be deleted, with its bytes; deletes it when ``confirmed``. Returns 0.

    Raises PolicyError, HomeInUseError, DamagedFileError and UnwritableError.
    """
    home = Home(settings.home)
    check_home(home)
    policy = load_policy(settings.policy).policy
    cache = policy.execution.cache
    age = timedelta(days=older_than_days)
    before = _sizes(home)
    now = datetime.now(UTC)
    if not confirmed:
        plan = plan_tidying(home, now, keep_batches, age, policy.knowledge)
        shares = list(_cache_shares(home, cache, plan, now, age))
        _show(plan, shares, before, None, as_json=as_json)
        return 0
    with maintaining(home, "orchestrate tidy"):
        plan = plan_tidying(home, now, keep_batches, age, policy.knowledge)
        shares = list(_cache_shares(home, cache, plan, now, age))
        _delete(home, cache, plan, now, age)
    _show(plan, shares, before, _sizes(home), as_json=as_json)
    return 0


def _cache_shares(
    home: Home, cache: FeatureCache, plan: TidyPlan, now: datetime, age: timedelta
) -> Iterator[CacheShare]:
    for name, store, needed, latest in _stores(home, cache, plan, now, age):
        count = size = of = 0
        for key, bytes_, written in store.entries():
            of += 1
            if key not in needed and written < latest:
                count, size = count + 1, size + bytes_
        yield CacheShare(name, count, size, of)


def _stores(
    home: Home, cache: FeatureCache, plan: TidyPlan, now: datetime, age: timedelta
) -> Iterator[tuple[str, LmdbStore | ParquetTier, frozenset[str], float]]:
    """Each store by its name for people, the keys that stay, and since when others stay too."""
    for tier in home.features(cache).tiers:
        # memory ends with the process, and Redis lets entries expire by itself
        if isinstance(tier, LmdbStore | ParquetTier):
            yield f"profiles, vectors ({tier.name})", tier, plan.cached, now.timestamp()
    # what was paid for is kept until it is old, even if nothing refers to it
    yield "answers", home.answers, plan.answers, (now - age).timestamp()


def _delete(home: Home, cache: FeatureCache, plan: TidyPlan, now: datetime, age: timedelta) -> None:
    for batch, contents in plan.computed.items():
        # it is computed anew should it ever come back
        home.content_index.release(batch, contents)
    # several batches stand in one file; of a batch without tables nobody would know that it went
    drop_facts(home.tables, plan.batches, STAYS)
    for portion in plan.portions:
        for path in portion.paths:
            _unlink(path)
    for index in plan.indexes:
        for version in index.versions:
            home.knowledge.remove_version(index.corpus, version)
        for segment in index.segments:
            home.knowledge.remove_segment(index.corpus, segment)
    for name, version in plan.models:
        home.models.delete(name, version)
    for _, store, needed, latest in _stores(home, cache, plan, now, age):
        going = {
            key for key, _, written in store.entries() if key not in needed and written < latest
        }
        if going:
            store.forget(going, lambda key, value: False)
    if plan.batches and (home.reports / "index.html").exists():
        publish_corpus(home)


def _unlink(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(path, error) from error


def _sizes(home: Home) -> dict[str, int]:
    """The bytes below each folder of the home."""
    return {
        folder.name: sum(
            path.stat().st_size
            for path in folder.rglob("*")
            if path.is_file() and not path.is_symlink()
        )
        for folder in sorted(home.folder.iterdir())
        if folder.is_dir()
    }


def _show(
    plan: TidyPlan,
    shares: list[CacheShare],
    before: dict[str, int],
    after: dict[str, int] | None,
    *,
    as_json: bool,
) -> None:
    if as_json:
        text = json.dumps(_plain(plan, shares, before, after), indent=1)
    else:
        text = "\n".join(_lines(plan, shares, before, after))
    sys.stdout.write(text + "\n")


def _lines(
    plan: TidyPlan, shares: list[CacheShare], before: dict[str, int], after: dict[str, int] | None
) -> Iterator[str]:
    yield f"{'Below the home':<30} {'MB':>9}{'' if after is None else '    MB now'}"
    for name, size in before.items():
        now = "" if after is None else f"{after.get(name, 0) / 1e6:>10,.1f}"
        yield f"  {name:<28} {size / 1e6:>10,.1f}{now}"
    yield "Deleted" if after is not None else "Nobody needs"
    portions = [(p.kind, p.count, p.size_bytes, "") for p in plan.portions]
    portions += [(s.name, s.entries, s.size_bytes, f" of {s.of}") for s in shares]
    for kind, count, size, of in portions:
        if count:
            # files that were deleted have no size any more
            shown = f", {size / 1e6:,.1f} MB" if size else ""
            yield f"  {kind:<30} {count}{of}{shown}"
    if not any(count for _, count, _, _ in portions):
        yield "  nothing"
    for batch, why in plan.kept.items():
        yield f"  batch {batch} stays: {why}"
    if after is None:
        yield "Nothing was deleted yet. To delete it: the same command with --yes"


def _plain(
    plan: TidyPlan, shares: list[CacheShare], before: dict[str, int], after: dict[str, int] | None
) -> dict[str, Any]:
    return {
        "deleted": after is not None,
        "batches": list(plan.batches),
        "batches_kept": dict(plan.kept),
        "models": [list(one) for one in plan.models],
        "portions": {p.kind: {"count": p.count, "bytes": p.size_bytes} for p in plan.portions},
        "caches": {
            s.name: {"entries": s.entries, "bytes": s.size_bytes, "of": s.of} for s in shares
        },
        "bytes_before": before,
        "bytes_after": after,
    }
