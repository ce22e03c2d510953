"""Profiling the accepted items of a batch, one row each: from the cache, here, or on workers."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Any, Final, NamedTuple, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.content.content_reader import ContentReader, SupersededError
from orchestration_assets.content.message_places import held_contents
from orchestration_assets.profiling.own_table import OWN_TABLE, OwnTable, marked
from orchestration_assets.profiling.placement import Placement, Workers, chunks_for, shared_out
from orchestration_assets.profiling.profile_cache import (
    COMPUTED,
    ProfileCache,
    profile_key,
    row_key,
    smallest_kept,
)
from orchestration_assets.profiling.profiler import profile
from orchestration_assets.profiling.tiers import SizeTier, TierChoice
from orchestration_assets.progress import Progress
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.enums import EntryOutcome, ProfileStatus
from orchestration_assets.schemas.features import FEATURE_NAMES, FEATURES
from orchestration_assets.schemas.listings import ContentError
from orchestration_assets.schemas.policy import Execution, FeatureCache, SizeTiers
from orchestration_assets.schemas.records import TableResult, rows_to_arrow
from orchestration_assets.schemas.storable_values import whole_text
from orchestration_assets.schemas.tables import (
    CONTENT_MANIFEST,
    CONTENT_PROFILES,
    AcceptedItem,
    ManifestRow,
    accepted_items,
)
from resources.feature_cache.tier import Counts
from resources.feature_cache.tiered import TieredCache
from resources.home import Home

Result = TypeVar("Result")

# what a row holds in the columns that may not be empty when there is no profile
_EMPTY_FEATURES = {
    feature.name: None if feature.nullable else feature.type() for feature in FEATURES
}
STAGE_CLOCKS: Final = ("preprocess_ms", "features_ms", "complexity_ms", "aggregation_ms")
_NAMING: Final = ("item_id", "content_hash", "encoding", "path")
"""The columns of a manifest that a row of a table of profiles is named by."""
# profiles computed are kept in portions: a run that dies loses the last one at most
_STORE_EVERY: Final = 2_000


@dataclass(frozen=True, slots=True)
class ProfileChunk:
    """Manifest rows of a batch with all that a worker on another machine needs to read them."""

    home: Home
    batch: str
    source: str
    rows: tuple[AcceptedItem, ...]


class UnreadItem(NamedTuple):
    """Why the accepted content of an item cannot be read."""

    status: ProfileStatus
    reason: str


def reread_texts(
    chunk: ProfileChunk, reader: ContentReader | None = None
) -> Iterator[str | UnreadItem]:
    """The text of each accepted item, verified against its hash, or why there is none.

    ``reader`` is one of the chunk's source that holds what was read for other chunks.
    """
    with nullcontext(reader) if reader else ContentReader(chunk.home, chunk.source) as reading:
        for row in chunk.rows:
            try:
                yield reading.text(row)
            except SupersededError as error:
                yield UnreadItem(ProfileStatus.SUPERSEDED, str(error))
            except ContentError as error:
                yield UnreadItem(ProfileStatus.FAILED, f"{error.reason}: {error}")
            except Exception as error:  # noqa: BLE001 -- what one item breaks is its own failure
                yield unexpected_failure("reading it again", error)


def unexpected_failure(what: str, error: Exception) -> UnreadItem:
    """The failure of an item by an exception that no code expects."""
    return UnreadItem(
        ProfileStatus.FAILED, whole_text(f"{what} broke: {type(error).__name__}: {error}")
    )


def profile_chunk(chunk: ProfileChunk, reader: ContentReader | None = None) -> pa.Table:
    """A profile row for each item of a chunk; runs on a Dask worker, which reads the bytes."""
    texts = zip(chunk.rows, reread_texts(chunk, reader), strict=True)
    rows = [_profile_row(chunk.batch, row, text) for row, text in texts]
    return rows_to_arrow(CONTENT_PROFILES, rows)


def changed_rows(chunk: ProfileChunk) -> dict[int, dict[str, Any]]:
    """Position -> profile row with the reason, for each item whose content has changed."""
    return {
        n: _profile_row(chunk.batch, chunk.rows[n], text)
        for n, text in enumerate(reread_texts(chunk))
        if isinstance(text, UnreadItem)
    }


@dataclass(frozen=True, slots=True)
class ProfiledBatch:
    """The profile table, in the order of the manifest rows, and where it was computed.

    ``from_cache`` rows came from a tier, ``from_table`` rows from the batch's own stored table,
    which was asked for what no tier keeps; ``own`` has its counts.
    """

    profiles: pa.Table
    choice: TierChoice
    from_cache: int
    from_table: int
    own: Counts


def accepted_work(home: Home, batch: str, manifest: pa.Table) -> ProfileChunk:
    """The accepted items of a manifest, with all that it takes to read them."""
    return ProfileChunk(home, batch, home.batches.source(batch), tuple(accepted_items(manifest)))


def profile_accepted(
    home: Home,
    batch: str,
    manifest: pa.Table,
    execution: Execution,
    workers: Workers,
    progress: Progress,
) -> TableResult:
    """The profiles of the accepted items of a manifest; content that changed since is released."""
    work = accepted_work(home, batch, manifest)
    accepted = work.rows
    cache = home.features(execution.cache)
    progress.stage("profiling", len(accepted))
    done = profile_batch(work, cache, execution, workers, progress.advance)
    home.cache_uses.write(batch, CONTENT_PROFILES.name, cache, {OWN_TABLE: done.own})
    # whoever else holds what could not be computed here computes it in a later batch
    superseded = done.profiles.filter(pc.equal(done.profiles["status"], ProfileStatus.SUPERSEDED))
    if superseded.num_rows:
        gone = manifest.filter(
            pc.is_in(manifest["item_id"], superseded["item_id"].combine_chunks())
        )
        home.content_index.release(batch, held_contents(gone))
    warnings = [done.choice.reason] if done.choice.tier is SizeTier.BEYOND else []
    return TableResult(done.profiles, profile_figures(done) | cache.figures(), warnings)


def profile_batch(
    work: ProfileChunk,
    cache: TieredCache,
    execution: Execution,
    workers: Workers,
    advance: Callable[[int], None] = lambda items: None,
) -> ProfiledBatch:
    """One row an accepted item of ``work``.

    An item whose profile is cached, or stands in the batch's stored table, is only read again, to
    verify its content; the others are profiled in this process or by ``workers``.
    """
    profile_cache = ProfileCache(cache, smallest_kept(execution.cache))
    profiles, recalled = profile_cache.recall(work.batch, work.rows)
    keys = _row_names(work.rows)
    schema = CONTENT_PROFILES.schema
    own = OwnTable(work.home, CONTENT_PROFILES.name, work.batch, keys, schema.names)
    stored, in_table = own.recall(
        [n for n, r in enumerate(work.rows) if not profile_cache.keeps(r)]
    )
    if stored is not None:
        origins = pa.array([OWN_TABLE] * len(in_table), pa.string())
        origin = schema.get_field_index("origin")
        stored = stored.set_column(origin, schema.field(origin), origins)
        profiles = pa.concat_tables([profiles, stored.cast(schema)])
    known = [*recalled.positions, *in_table]
    changed = changed_rows(replace(work, rows=tuple(work.rows[n] for n in known)))
    replaced = {known[n]: row for n, row in changed.items()}
    unchanged = [n for n in range(len(known)) if n not in changed]
    advance(len(known))

    found = set(in_table)
    unknown = [n for n in recalled.missing if n not in found]
    missing = replace(work, rows=tuple(work.rows[n] for n in unknown))
    reader = ContentReader(work.home, work.source)
    here = partial(profile_chunk, reader=reader)
    placement, results = divide(missing, execution.tiers, profile_chunk, workers, here)
    place_of = {work.rows[n].item_id: n for n in unknown}
    parts = [
        profiles.take(pa.array(unchanged, pa.int64())),
        rows_to_arrow(CONTENT_PROFILES, replaced.values()),
    ]
    positions = [*(known[n] for n in unchanged), *replaced]
    with reader:
        for piece, computed in _store_computed(results, profile_cache, advance):
            parts.append(computed)
            positions += [place_of[row.item_id] for row in piece.rows]
    table = marked(joined_in_order(parts, positions), keys)
    from_cache = sum(n < len(recalled.positions) for n in unchanged)
    from_table = len(unchanged) - from_cache
    return ProfiledBatch(table, placement.choice, from_cache, from_table, own.counts)


def _row_names(rows: Iterable[AcceptedItem]) -> list[str]:
    """What each row of a table of profiles was made from: rows name their items, which keys do not.

    Of items with the same content and name another may be accepted when a manifest is made again.
    """
    return [_row_name(row_key(row), row.item_id, row.path) for row in rows]


def _row_name(key: str, item_id: str, path: str) -> str:
    return f"{key} {item_id} {path}"


def stands_in_own_table(home: Home, row: ManifestRow, cache: FeatureCache) -> bool:
    """Whether the item's profile, which no tier keeps, is in the stored table of its batch.

    Raises TableMissingError and DamagedFileError for the manifest of the batch.
    """
    if row.size_bytes >= smallest_kept(cache):
        return False
    read = home.tables.read(CONTENT_MANIFEST.name, row.batch, ("outcome", *_NAMING))
    accepted = read.filter(pc.equal(read["outcome"], EntryOutcome.ACCEPTED))
    # of a batch of many items records would take most of the time
    keys = [
        _row_name(profile_key(content, encoding, path), item, path)
        for item, content, encoding, path in values(accepted, *_NAMING)
    ]
    own = OwnTable(home, CONTENT_PROFILES.name, row.batch, keys, ["status", "cut_by_clock"])
    places = [n for n, item in enumerate(accepted["item_id"].to_pylist()) if item == row.item_id]
    return bool(own.recall(places)[1])


def divide(
    work: ProfileChunk,
    tiers: SizeTiers,
    function: Callable[[ProfileChunk], Result],
    workers: Workers,
    here: Callable[[ProfileChunk], Result],
) -> tuple[Placement, Iterator[tuple[ProfileChunk, Result]]]:
    """The chunks of the work with the result of each, as they are finished; where that was is
    known when all of them are.

    ``here`` is what ``function`` is to workers, for this process: the records of a chunk lie all
    over their file, which it reads once.
    """
    sizes = [row.size_bytes for row in work.rows]
    pieces = [
        replace(work, rows=tuple(part)) for part in chunks_for(workers, work.rows, sizes, tiers)
    ]
    placement = Placement(len(sizes), sum(sizes), tiers, workers)
    return placement, shared_out(pieces, function, _sizes, placement, workers, here)


def _sizes(piece: ProfileChunk) -> list[int]:
    return [row.size_bytes for row in piece.rows]


def joined_in_order(parts: list[pa.Table], positions: Sequence[int]) -> pa.Table:
    """The rows of all parts in ascending order of their ``positions``, each column in one piece.

    Takes the parts out of their list: column by column, so that no more than one is there twice.
    """
    order = None
    if any(after < before for before, after in pairwise(positions)):
        order = pa.array(sorted(range(len(positions)), key=positions.__getitem__), pa.int64())
    left = pa.concat_tables(parts)
    parts.clear()
    schema, columns = left.schema, []
    for name in schema.names:
        column = left.select([name]).combine_chunks()
        left = left.drop_columns([name])
        # of a column in one piece Arrow makes one copy, of others it makes two
        column = column if order is None else column.take(order).combine_chunks()
        columns.append(column[name])
    return pa.Table.from_arrays(columns, schema=schema)


def _store_computed(
    results: Iterable[tuple[ProfileChunk, pa.Table]],
    profile_cache: ProfileCache,
    advance: Callable[[int], None],
) -> Iterator[tuple[ProfileChunk, pa.Table]]:
    """What was computed; it is cached in portions, also when the computation fails."""
    accepted: list[AcceptedItem] = []
    profiles: list[pa.Table] = []
    try:
        for piece, computed in results:
            accepted += piece.rows
            profiles.append(computed)
            if len(accepted) >= _STORE_EVERY:
                profile_cache.remember(accepted, pa.concat_tables(profiles))
                accepted, profiles = [], []
            yield piece, computed
            advance(len(piece.rows))
    finally:
        if profiles:
            profile_cache.remember(accepted, pa.concat_tables(profiles))


def profile_figures(batch: ProfiledBatch) -> dict[str, int | float | str]:
    """The metadata of a batch's profiles: counts, mean time, tier."""
    computed = pc.equal(batch.profiles["origin"], COMPUTED)
    ok = pc.equal(batch.profiles["status"], ProfileStatus.OK)
    profiled = pc.sum(ok).as_py() or 0
    fresh = batch.profiles.filter(pc.and_(computed, ok))
    total_ms = sum(pc.sum(fresh[clock]).as_py() or 0.0 for clock in STAGE_CLOCKS)
    return {
        "profiled": profiled,
        "not_profiled": batch.profiles.num_rows - profiled,
        "computed": fresh.num_rows,
        "from_cache": batch.from_cache,
        "from_table": batch.from_table,
        "not_kept_cheaper_to_compute": batch.own.not_kept,
        "mean_ms_per_item": total_ms / max(fresh.num_rows, 1),
        "tier": batch.choice.tier.value,
        "tier_reason": batch.choice.reason,
        "memory_estimate_bytes": batch.choice.estimate_bytes,
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
            **dict.fromkeys(STAGE_CLOCKS, 0.0),
            **_EMPTY_FEATURES,
            "added_features": None,
        }
    try:
        profiled = profile(row.path, text, size_bytes=row.size_bytes)
    except Exception as error:  # noqa: BLE001 -- what one item breaks is its own failure
        return _profile_row(batch, row, unexpected_failure("profiling it", error))
    return {
        **base,
        "status": ProfileStatus.OK,
        "reason": None,
        "coverage": profiled.coverage,
        "features_missing": list(profiled.features_missing),
        "cut_by_clock": profiled.cut_by_clock,
        **{clock: getattr(profiled, clock) for clock in STAGE_CLOCKS},
        **profiled.features,
        # filled in afterwards: a profile is kept without what plug-ins add
        "added_features": None,
    }
