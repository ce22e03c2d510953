"""The size tier of a batch: profiled in this process, by its forked workers, on Dask, or anywhere
with a warning."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeVar

from orchestration_assets.schemas.policy import SizeTiers

# what profiling one byte of content takes at its peak: the bytes, the text, its words and its tree
MEMORY_PER_BYTE: Final = 24

_CHUNKS_OF_EACH: Final = 8
# of less, sending it would be too much of it
_LEAST_ITEMS: Final = 16
_LEAST_BYTES: Final = 1 << 17

Member = TypeVar("Member")


class SizeTier(StrEnum):
    """Where a batch is computed."""

    IN_PROCESS = "in_process"
    DASK = "dask"
    FORKS = "forks"
    BEYOND = "beyond"


@dataclass(frozen=True, slots=True)
class TierChoice:
    """A tier with the reason in words, and the memory that the batch may need in all, in bytes."""

    tier: SizeTier
    reason: str
    estimate_bytes: int


def choose_tier(
    items: int, content_bytes: int, tiers: SizeTiers, cluster_bytes: int | None = None
) -> TierChoice:
    """In this process below both boundaries, else on Dask.

    ``cluster_bytes`` is what the cluster's workers can hold, None while no cluster is asked. The
    estimate is of one chunk for each worker at a time, so a batch is beyond a cluster only when
    its largest chunks do not fit: the batch still runs, and the warning names the figures.
    """
    estimate = min(content_bytes, tiers.chunk_bytes) * MEMORY_PER_BYTE
    if items < tiers.dask_from_items and content_bytes < tiers.dask_from_bytes:
        reason = f"{items:,} items and {content_bytes:,} bytes stay below the boundaries"
        return TierChoice(SizeTier.IN_PROCESS, reason, estimate)
    reason = f"{items:,} items, {content_bytes:,} bytes: beyond what one process does best"
    if cluster_bytes is not None and estimate > cluster_bytes:
        reason = (
            f"a chunk of {min(content_bytes, tiers.chunk_bytes):,} bytes may need {estimate:,} "
            f"bytes of memory, the cluster holds {cluster_bytes:,}: make chunk_bytes smaller or "
            "the cluster larger"
        )
        return TierChoice(SizeTier.BEYOND, reason, estimate)
    return TierChoice(SizeTier.DASK, reason, estimate)


def finer(tiers: SizeTiers, items: int, content_bytes: int, workers: int) -> SizeTiers:
    """The tiers with chunks so small that each of so many ``workers`` gets several: whoever has the
    last one is waited for."""
    parts = workers * _CHUNKS_OF_EACH
    return tiers.model_copy(
        update={
            "chunk_items": min(tiers.chunk_items, max(_LEAST_ITEMS, -(-items // parts))),
            "chunk_bytes": min(tiers.chunk_bytes, max(_LEAST_BYTES, -(-content_bytes // parts))),
        }
    )


def chunks(
    members: Sequence[Member], sizes: Sequence[int], tiers: SizeTiers
) -> Iterator[list[Member]]:
    """Members in order, each chunk capped by count and bytes; one member is never split."""
    chunk: list[Member] = []
    chunk_bytes = 0
    for member, size in zip(members, sizes, strict=True):
        full = len(chunk) >= tiers.chunk_items or chunk_bytes + size > tiers.chunk_bytes
        if chunk and full:
            yield chunk
            chunk, chunk_bytes = [], 0
        chunk.append(member)
        chunk_bytes += size
    if chunk:
        yield chunk
