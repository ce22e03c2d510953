"""The index over earlier content: one stored segment a batch, read in a bounded window."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from orchestration_assets.features.sketches import PERMUTATIONS
from orchestration_assets.features.vectors import DIMENSIONS
from resources.damage import notice
from resources.model_registry import ArtefactError, ModelRegistry

NAME: Final = "neighbour_index"


@dataclass(frozen=True, slots=True)
class EarlierContent:
    """Representatives of earlier batches, the latest batch first, by item within a batch.

    ``sketched`` tells which have a sketch, rows of ``sketches`` stand for those only;
    ``versions`` are the segments that were read, with their digests.
    """

    batches: tuple[str, ...]
    items: tuple[str, ...]
    vectors: Any
    sketched: tuple[int, ...]
    sketches: Any
    versions: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class IndexedItems:
    """Items of a batch that stand for their near-copies: ``vectors`` (items, 512), which of them
    have a sketch, and the sketches of those, (with sketch, 128)."""

    items: Sequence[str]
    vectors: Any
    has_sketch: Any
    sketches: Any


def earlier_content(registry: ModelRegistry, batch: str, window: int) -> EarlierContent:
    """The last ``window`` representatives of batches before this one, never of later ones.

    A batch that was indexed before, with the same window, sees the segments that it saw then, so
    that its rows are the same whatever was promoted since. A segment that cannot be read is left
    out, with a notice.
    """
    batches: list[str] = []
    items: list[str] = []
    vectors: list[Any] = []
    sketches: list[Any] = []
    sketched: list[int] = []
    versions: list[tuple[str, str]] = []
    for version in _versions(registry, batch, window):
        left = window - len(items)
        if left <= 0:
            break
        try:
            segment = registry.load(NAME, version)
        except ArtefactError as error:
            notice(f"left out: {error}")
            continue
        names = [name.decode() for name in segment.arrays["items"].tolist()[:left]]
        has = segment.arrays["has_sketch"][: len(names)]
        sketched += [len(items) + n for n in np.flatnonzero(has).tolist()]
        sketches.append(segment.arrays["sketches"][: int(has.sum())])
        vectors.append(segment.arrays["vectors"][: len(names)])
        items += names
        batches += [version] * len(names)
        versions.append((version, segment.digest))
    empty = np.zeros((0, DIMENSIONS), np.float16), np.zeros((0, PERMUTATIONS), np.uint32)
    return EarlierContent(
        tuple(batches),
        tuple(items),
        np.concatenate([empty[0], *vectors]),
        tuple(sketched),
        np.concatenate([empty[1], *sketches]),
        tuple(versions),
    )


def _versions(registry: ModelRegistry, batch: str, window: int) -> list[str]:
    known = registry.versions(NAME)
    if batch in known:
        try:
            facts = registry.facts(NAME, batch)
            if facts["window"] == window:
                return [version for version, _ in facts["earlier"]]
        except (ArtefactError, KeyError, TypeError, ValueError) as error:
            notice(f"made again: {error}")
    return [version for version in reversed(known) if version < batch]


def store_segment(
    registry: ModelRegistry,
    batch: str,
    window: int,
    earlier: EarlierContent,
    representatives: IndexedItems,
) -> str:
    """Adds this batch's representatives to the index; the digest.

    Vectors are kept in half precision, which moves a cosine by less than .001.
    """
    order = np.array(
        sorted(range(len(representatives.items)), key=representatives.items.__getitem__), int
    )
    sketch_of = np.cumsum(representatives.has_sketch) - 1
    sketched = order[representatives.has_sketch[order]]
    arrays = {
        "items": np.array([representatives.items[n].encode() for n in order], dtype=np.bytes_),
        "vectors": representatives.vectors[order].astype(np.float16),
        "has_sketch": representatives.has_sketch[order],
        "sketches": representatives.sketches[sketch_of[sketched]].astype(np.uint32),
    }
    facts = {
        "window": window,
        "earlier": [list(pair) for pair in earlier.versions],
        "representatives": len(order),
    }
    return registry.store(NAME, arrays, facts, batch).digest
