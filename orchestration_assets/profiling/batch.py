"""Profiling the accepted items of a batch, one row each: from the cache, here, or on workers."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.content.reader import Read, SupersededError, read_text
from orchestration_assets.profiling.kept import COMPUTED, recall, remember
from orchestration_assets.profiling.profiler import profile
from orchestration_assets.profiling.tiers import Tier, TierChoice, choose_tier, chunks
from orchestration_assets.schemas.enums import ProfileStatus
from orchestration_assets.schemas.features import FEATURE_NAMES, FEATURES
from orchestration_assets.schemas.policy import Execution
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import CONTENT_PROFILES
from resources.content_source import ContentError, open_source
from resources.feature_cache.tiered import TieredCache

Row = Mapping[str, Any]

# what a row holds in the columns that may not be empty when there is no profile
_NOTHING = {feature.name: None if feature.nullable else feature.type() for feature in FEATURES}
# profiles computed are kept in portions: a run that dies loses the last one at most
_KEEP_EVERY: Final = 2_000
_WARMING: Final = tuple(
    f"a.{ending}" for ending in "py js ts go rs java c cpp rb sh json yaml html css md txt".split()
)


def profile_items(batch: str, accepted: Iterable[Row], read: Read) -> Iterator[dict[str, Any]]:
    """A profile row for each accepted manifest row; what cannot be read becomes a reason."""
    for row in accepted:
        text = _text_or_reason(batch, row, read)
        if isinstance(text, str):
            found = profile(row["path"], text, size_bytes=row["size_bytes"])
            yield _base(batch, row) | {
                "status": ProfileStatus.OK,
                "reason": None,
                "coverage": found.coverage,
                "features_missing": list(found.features_missing),
                "preprocess_ms": found.preprocess_ms,
                "features_ms": found.features_ms,
                "complexity_ms": found.complexity_ms,
                "aggregation_ms": found.aggregation_ms,
                **found.features,
            }
        else:
            yield text


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of profiling work as plain data: what a worker on another machine needs."""

    batch: str
    source: str
    rows: tuple[dict[str, Any], ...]


def profile_chunk(chunk: Chunk) -> list[dict[str, Any]]:
    """The profile rows of one chunk; runs on a Dask worker, which reads the bytes itself."""
    return list(profile_items(chunk.batch, chunk.rows, _reader(chunk)))


def changed_rows(chunk: Chunk) -> dict[int, dict[str, Any]]:
    """Position -> row that says why, for each item that is no longer what was accepted."""
    read = _reader(chunk)
    read_again = (_text_or_reason(chunk.batch, row, read) for row in chunk.rows)
    return {n: text for n, text in enumerate(read_again) if not isinstance(text, str)}


def warm_up() -> None:
    """Loads what the first profile of each kind would wait for; called once on a new worker."""
    for name in _WARMING:
        profile(name, "word\n", size_bytes=5)


Spread = Callable[[Sequence[Chunk]], Iterable[tuple[Chunk, list[dict[str, Any]]]]]


@dataclass(frozen=True, slots=True)
class Profiled:
    """The table, in the order of the rows that were asked for, and how it came about."""

    profiles: pa.Table
    choice: TierChoice
    from_cache: int


def profile_batch(
    work: Chunk,
    cache: TieredCache,
    execution: Execution,
    spread: Spread,
    cluster_bytes: Callable[[], int],
    advance: Callable[[int], None] = lambda items: None,
) -> Profiled:
    """One row an accepted item of ``work``: the whole batch, whatever of it is new.

    An item whose profile is kept is only read again, to see that it is still what was accepted;
    the others are profiled in this process or by ``spread``, which runs chunks elsewhere and
    hands back each with its rows. ``cluster_bytes`` is asked only when that is about to happen.
    """
    least, tiers = execution.cache.min_item_bytes, execution.tiers
    recalled = recall(work.batch, work.rows, cache, least)
    changed = changed_rows(replace(work, rows=tuple(work.rows[n] for n in recalled.positions)))
    rows = {recalled.positions[n]: row for n, row in changed.items()}
    stand = [n for n in range(len(recalled.positions)) if n not in changed]
    advance(len(recalled.positions))

    sizes = [work.rows[n]["size_bytes"] for n in recalled.missing]
    choice = choose_tier(len(sizes), sum(sizes), tiers)
    if choice.tier is not Tier.IN_PROCESS:
        choice = choose_tier(len(sizes), sum(sizes), tiers, cluster_bytes())
    missing = [work.rows[n] for n in recalled.missing]
    pieces = [replace(work, rows=tuple(part)) for part in chunks(missing, sizes, tiers)]
    here = ((piece, profile_chunk(piece)) for piece in pieces)
    made = here if choice.tier is Tier.IN_PROCESS else spread(pieces)
    computed = {row["item_id"]: row for row in _kept(made, cache, least, advance)}
    rows |= {n: computed[work.rows[n]["item_id"]] for n in recalled.missing}

    table = pa.concat_tables(
        [
            recalled.profiles.take(pa.array(stand, pa.int64())),
            rows_to_arrow(CONTENT_PROFILES, rows.values()),
        ]
    )
    at = [*(recalled.positions[n] for n in stand), *rows]
    order = sorted(range(len(at)), key=at.__getitem__)
    return Profiled(table.take(pa.array(order, pa.int64())).combine_chunks(), choice, len(stand))


def _kept(
    made: Iterable[tuple[Chunk, list[dict[str, Any]]]],
    cache: TieredCache,
    least: int,
    advance: Callable[[int], None],
) -> Iterator[dict[str, Any]]:
    """The computed rows; they are kept as they come, also when what makes them breaks."""
    accepted: list[Row] = []
    profiles: list[dict[str, Any]] = []
    try:
        for piece, computed in made:
            accepted += piece.rows
            profiles += computed
            if len(profiles) >= _KEEP_EVERY:
                remember(accepted, profiles, cache, least)
                accepted, profiles = [], []
            yield from computed
            advance(len(piece.rows))
    finally:
        remember(accepted, profiles, cache, least)


def profile_figures(done: Profiled) -> dict[str, int | float | str]:
    """The figures that a batch's profiles are described by."""
    computed = pc.equal(done.profiles["origin"], COMPUTED)
    ok = pc.equal(done.profiles["status"], ProfileStatus.OK)
    profiled = pc.sum(ok).as_py() or 0
    fresh = done.profiles.filter(pc.and_(computed, ok))
    clocks = [name for name in fresh.schema.names if name.endswith("_ms")]
    total_ms = sum(pc.sum(fresh[clock]).as_py() or 0.0 for clock in clocks)
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


def _reader(chunk: Chunk) -> Read:
    return open_source(chunk.source, ("**",), ()).read


def _text_or_reason(batch: str, row: Row, read: Read) -> str | dict[str, Any]:
    """The content of an accepted row, or the profile row that says why there is none."""
    try:
        return read_text(row, read)
    except SupersededError as error:
        return _without(batch, row, ProfileStatus.SUPERSEDED, str(error))
    except ContentError as error:
        return _without(batch, row, ProfileStatus.FAILED, f"{error.reason}: {error}")


def _base(batch: str, row: Row) -> dict[str, Any]:
    return {
        "batch": batch,
        "item_id": row["item_id"],
        "content_hash": row["content_hash"],
        "path": row["path"],
        "origin": COMPUTED,
    }


def _without(batch: str, row: Row, status: ProfileStatus, reason: str) -> dict[str, Any]:
    clocks = ("preprocess_ms", "features_ms", "complexity_ms", "aggregation_ms")
    return {
        **_base(batch, row),
        "status": status,
        "reason": reason,
        "coverage": 0.0,
        "features_missing": list(FEATURE_NAMES),
        **dict.fromkeys(clocks, 0.0),
        **_NOTHING,
    }
