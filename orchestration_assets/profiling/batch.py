"""Profiling the accepted items of a batch, one row each: from the cache, here, or on workers."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.content.content_reader import ContentReader, SupersededError
from orchestration_assets.profiling.profile_cache import COMPUTED, ProfileCache
from orchestration_assets.profiling.profiler import profile
from orchestration_assets.profiling.tiers import SizeTier, TierChoice, choose_tier, chunks
from orchestration_assets.progress import Progress
from orchestration_assets.schemas.enums import ProfileStatus
from orchestration_assets.schemas.features import FEATURE_NAMES, FEATURES
from orchestration_assets.schemas.policy import Execution, SizeTiers
from orchestration_assets.schemas.records import TableResult, rows_to_arrow
from orchestration_assets.schemas.storable_values import whole_text
from orchestration_assets.schemas.tables import CONTENT_PROFILES, AcceptedItem, accepted_items
from resources.content_source import ContentError
from resources.feature_cache.tiered import TieredCache
from resources.home import Home

Made = TypeVar("Made")

# what a row holds in the columns that may not be empty when there is no profile
_NOTHING = {feature.name: None if feature.nullable else feature.type() for feature in FEATURES}
_CLOCKS: Final = ("preprocess_ms", "features_ms", "complexity_ms", "aggregation_ms")
# profiles computed are kept in portions: a run that dies loses the last one at most
_KEEP_EVERY: Final = 2_000
_WARMING: Final = tuple(
    f"a.{ending}" for ending in "py js ts go rs java c cpp rb sh json yaml html css md txt".split()
)


@dataclass(frozen=True, slots=True)
class ProfileChunk:
    """A piece of a batch as plain data: what a worker on another machine needs to read it."""

    home: Home
    batch: str
    source: str
    rows: tuple[AcceptedItem, ...]


class UnreadItem(NamedTuple):
    """Why an accepted item cannot be read as what was accepted."""

    status: ProfileStatus
    reason: str


def read_again(chunk: ProfileChunk) -> Iterator[str | UnreadItem]:
    """The text of each accepted item, verified against its hash, or why there is none."""
    with ContentReader(chunk.home, chunk.source) as reader:
        for row in chunk.rows:
            try:
                yield reader.text(row)
            except SupersededError as error:
                yield UnreadItem(ProfileStatus.SUPERSEDED, str(error))
            except ContentError as error:
                yield UnreadItem(ProfileStatus.FAILED, f"{error.reason}: {error}")
            except Exception as error:  # noqa: BLE001 -- what one item breaks is its own failure
                yield broken("reading it again", error)


def broken(what: str, error: Exception) -> UnreadItem:
    """The failure of an item at something that was not foreseen."""
    return UnreadItem(
        ProfileStatus.FAILED, whole_text(f"{what} broke: {type(error).__name__}: {error}")
    )


def profile_chunk(chunk: ProfileChunk) -> list[dict[str, Any]]:
    """A profile row for each item of a chunk; runs on a Dask worker, which reads the bytes."""
    texts = zip(chunk.rows, read_again(chunk), strict=True)
    return [_profile_row(chunk.batch, row, text) for row, text in texts]


def changed_rows(chunk: ProfileChunk) -> dict[int, dict[str, Any]]:
    """Position -> row that says why, for each item that is no longer what was accepted."""
    return {
        n: _profile_row(chunk.batch, chunk.rows[n], text)
        for n, text in enumerate(read_again(chunk))
        if isinstance(text, UnreadItem)
    }


def warm_up() -> None:
    """Loads what the first profile of each kind would wait for; called once on a new worker."""
    for name in _WARMING:
        profile(name, "word\n", size_bytes=5)


Spread = Callable[[Sequence[ProfileChunk]], Iterable[tuple[ProfileChunk, list[dict[str, Any]]]]]


@dataclass(frozen=True, slots=True)
class ProfiledBatch:
    """The table, in the order of the rows that were asked for, and how it came about."""

    profiles: pa.Table
    choice: TierChoice
    from_cache: int


def profile_accepted(
    home: Home,
    batch: str,
    manifest: pa.Table,
    execution: Execution,
    spread: Spread,
    cluster_bytes: Callable[[], int],
    progress: Progress,
) -> TableResult:
    """The profiles of the accepted items of a manifest; content that changed since is released."""
    accepted = tuple(accepted_items(manifest))
    work = ProfileChunk(home, batch, home.batches.source(batch), accepted)
    cache = home.features(execution.cache)
    progress.stage("profiling", len(accepted))
    done = profile_batch(work, cache, execution, spread, cluster_bytes, progress.advance)
    home.cache_uses.write(batch, CONTENT_PROFILES.name, cache)
    # whoever else holds what could not be computed here computes it in a later batch
    superseded = done.profiles.filter(pc.equal(done.profiles["status"], ProfileStatus.SUPERSEDED))
    home.content_index.release(batch, superseded["content_hash"].to_pylist())
    warnings = [done.choice.reason] if done.choice.tier is SizeTier.BEYOND else []
    return TableResult(done.profiles, profile_figures(done) | cache.figures(), warnings)


def profile_batch(
    work: ProfileChunk,
    cache: TieredCache,
    execution: Execution,
    spread: Spread,
    cluster_bytes: Callable[[], int],
    advance: Callable[[int], None] = lambda items: None,
) -> ProfiledBatch:
    """One row an accepted item of ``work``: the whole batch, whatever of it is new.

    An item whose profile is kept is only read again, to see that it is still what was accepted;
    the others are profiled in this process or by ``spread``, which runs chunks elsewhere and
    hands back each with its rows. ``cluster_bytes`` is asked only when that is about to happen.
    """
    kept = ProfileCache(cache, execution.cache.min_item_bytes)
    profiles, recalled = kept.recall(work.batch, work.rows)
    changed = changed_rows(replace(work, rows=tuple(work.rows[n] for n in recalled.positions)))
    rows = {recalled.positions[n]: row for n, row in changed.items()}
    stand = [n for n in range(len(recalled.positions)) if n not in changed]
    advance(len(recalled.positions))

    missing = replace(work, rows=tuple(work.rows[n] for n in recalled.missing))
    choice, made = divide(missing, execution.tiers, profile_chunk, spread, cluster_bytes)
    computed = {row["item_id"]: row for row in _kept(made, kept, advance)}
    rows |= {n: computed[work.rows[n].item_id] for n in recalled.missing}

    table = pa.concat_tables(
        [
            profiles.take(pa.array(stand, pa.int64())),
            rows_to_arrow(CONTENT_PROFILES, rows.values()),
        ]
    )
    at = [*(recalled.positions[n] for n in stand), *rows]
    return ProfiledBatch(in_order(table, at), choice, len(stand))


def divide(
    work: ProfileChunk,
    tiers: SizeTiers,
    function: Callable[[ProfileChunk], Made],
    spread: Callable[[Sequence[ProfileChunk]], Iterable[tuple[ProfileChunk, Made]]],
    cluster_bytes: Callable[[], int],
) -> tuple[TierChoice, Iterable[tuple[ProfileChunk, Made]]]:
    """Where the work fits, and its chunks with what was made of each, as they are finished."""
    sizes = [row.size_bytes for row in work.rows]
    choice = choose_tier(len(sizes), sum(sizes), tiers)
    if choice.tier is not SizeTier.IN_PROCESS:
        choice = choose_tier(len(sizes), sum(sizes), tiers, cluster_bytes())
    pieces = [replace(work, rows=tuple(part)) for part in chunks(work.rows, sizes, tiers)]
    if choice.tier is SizeTier.IN_PROCESS:
        return choice, ((piece, function(piece)) for piece in pieces)
    return choice, spread(pieces)


def in_order(table: pa.Table, positions: Sequence[int]) -> pa.Table:
    """The rows sorted by the positions that they belong at."""
    order = sorted(range(len(positions)), key=positions.__getitem__)
    return table.take(pa.array(order, pa.int64())).combine_chunks()


def _kept(
    made: Iterable[tuple[ProfileChunk, list[dict[str, Any]]]],
    kept: ProfileCache,
    advance: Callable[[int], None],
) -> Iterator[dict[str, Any]]:
    """The computed rows; they are kept as they come, also when what makes them breaks."""
    accepted: list[AcceptedItem] = []
    profiles: list[dict[str, Any]] = []
    try:
        for piece, computed in made:
            accepted += piece.rows
            profiles += computed
            if len(profiles) >= _KEEP_EVERY:
                kept.remember(accepted, profiles)
                accepted, profiles = [], []
            yield from computed
            advance(len(piece.rows))
    finally:
        kept.remember(accepted, profiles)


def profile_figures(done: ProfiledBatch) -> dict[str, int | float | str]:
    """The figures that a batch's profiles are described by."""
    computed = pc.equal(done.profiles["origin"], COMPUTED)
    ok = pc.equal(done.profiles["status"], ProfileStatus.OK)
    profiled = pc.sum(ok).as_py() or 0
    fresh = done.profiles.filter(pc.and_(computed, ok))
    total_ms = sum(pc.sum(fresh[clock]).as_py() or 0.0 for clock in _CLOCKS)
    return {
        "profiled": profiled,
        "not_profiled": done.profiles.num_rows - profiled,
        "computed": fresh.num_rows,
        "from_cache": done.from_cache,
        "mean_ms_per_item": total_ms / max(fresh.num_rows, 1),
        "tier": done.choice.tier.value,
        "tier_reason": done.choice.reason,
        "memory_estimate_bytes": done.choice.estimate_bytes,
    }


def _profile_row(batch: str, row: AcceptedItem, text: str | UnreadItem) -> dict[str, Any]:
    base = {
        "batch": batch,
        "item_id": row.item_id,
        "content_hash": row.content_hash,
        "path": row.path,
        "origin": COMPUTED,
    }
    if isinstance(text, UnreadItem):
        return {
            **base,
            "status": text.status,
            "reason": text.reason,
            "coverage": 0.0,
            "features_missing": list(FEATURE_NAMES),
            "cut_by_clock": False,
            **dict.fromkeys(_CLOCKS, 0.0),
            **_NOTHING,
        }
    try:
        found = profile(row.path, text, size_bytes=row.size_bytes)
    except Exception as error:  # noqa: BLE001 -- what one item breaks is its own failure
        return _profile_row(batch, row, broken("profiling it", error))
    return {
        **base,
        "status": ProfileStatus.OK,
        "reason": None,
        "coverage": found.coverage,
        "features_missing": list(found.features_missing),
        "cut_by_clock": found.cut_by_clock,
        **{clock: getattr(found, clock) for clock in _CLOCKS},
        **found.features,
    }
