"""The index over earlier content: one stored segment a batch, read in a bounded window.

A segment names the representatives of its batch; their vectors and sketches stand in the batch's
``content_vectors`` and nowhere else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.features.sketches import PERMUTATIONS, SKETCH_MASK
from orchestration_assets.features.vectors import DIMENSIONS
from orchestration_assets.schemas.errors import DamagedFileError
from orchestration_assets.schemas.vectors import CONTENT_VECTORS
from resources.damage import notice
from resources.model_registry import Artefact, ArtefactError, ModelRegistry
from resources.table_store import MAKE_AGAIN, TableMissingError, TableStore

NAME: Final = "neighbour_index"
# rows that are converted together
_BLOCK_ROWS: Final = 1_024


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
    """What a segment names, as it is read: ``vectors`` (items, 512) in half precision, which of
    the items have a sketch, and the sketches of those, (with sketch, 128)."""

    items: Sequence[str]
    vectors: Any
    has_sketch: Any
    sketches: Any


@dataclass(frozen=True, slots=True)
class Representatives:
    """Items of a batch that stand for their near-copies, the ``rows`` of ``vectors`` (items of the
    batch, 512) that are theirs, and the sketches of those that have one, (with sketch, 128)."""

    items: Sequence[str]
    vectors: Any
    rows: Any
    sketches: Any


def earlier_content(
    registry: ModelRegistry, tables: TableStore, batch: str, window: int
) -> EarlierContent:
    """The last ``window`` representatives of batches before this one, never of later ones.

    A batch that was indexed before, with the same window, sees the segments that it saw then, so
    that its rows are the same whatever was promoted since. A segment that cannot be read, or whose
    table cannot, is left out, with a notice.
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
            found = _representatives(segment, tables, left)
        except (ArtefactError, TableMissingError, DamagedFileError) as error:
            notice(f"left out: {error}")
            continue
        sketched += [len(items) + n for n in np.flatnonzero(found.has_sketch).tolist()]
        # those of before had 32 bits
        sketches.append(found.sketches & np.uint32(SKETCH_MASK))
        vectors.append(found.vectors)
        items += found.items
        batches += [version] * len(found.items)
        versions.append((version, segment.digest))
    return EarlierContent(
        tuple(batches),
        tuple(items),
        _joined(vectors, np.zeros((0, DIMENSIONS), np.float16)),
        tuple(sketched),
        _joined(sketches, np.zeros((0, PERMUTATIONS), np.uint32)),
        tuple(versions),
    )


def _representatives(segment: Artefact, tables: TableStore, most: int) -> IndexedItems:
    """The first so many items that a segment names, with vectors in half precision.

    Raises TableMissingError and DamagedFileError for the table that has them.
    """
    names = [name.decode() for name in segment.arrays["items"].tolist()[:most]]
    if "vectors" in segment.arrays:
        # segments of before held a copy
        has_sketch = segment.arrays["has_sketch"][: len(names)]
        sketches = segment.arrays["sketches"][: int(has_sketch.sum())]
        return IndexedItems(names, segment.arrays["vectors"][: len(names)], has_sketch, sketches)
    place_of = {name: place for place, name in enumerate(names)}
    vectors = np.zeros((len(names), DIMENSIONS), np.float16)
    sketches = np.zeros((len(names), PERMUTATIONS), np.uint32)
    has_vector, has_sketch = np.zeros((2, len(names)), bool)
    numbered = (("vector", vectors, has_vector), ("sketch", sketches, has_sketch))
    columns = ["item_id", "vector", "sketch"]
    for table in tables.portions(CONTENT_VECTORS.name, segment.version, columns):
        at = np.array([place_of.get(item, -1) for item in table["item_id"].to_pylist()], np.int64)
        try:
            for name, found, has in numbered:
                rows, numbers = number_rows(table[name], found.shape[1])
                places = at[rows]
                found[places[places >= 0]] = numbers[places >= 0]
                has[places[places >= 0]] = True
        except ValueError as error:
            path = tables.path(CONTENT_VECTORS.name, segment.version)
            raise DamagedFileError(path, str(error), MAKE_AGAIN) from error
    # what was forgotten since has no row any more
    if not has_vector.all():
        names = [name for name, has in zip(names, has_vector.tolist(), strict=True) if has]
        vectors, sketches, has_sketch = (one[has_vector] for one in (vectors, sketches, has_sketch))
    return IndexedItems(
        names, vectors, has_sketch, sketches if has_sketch.all() else sketches[has_sketch]
    )


def _joined(parts: Sequence[Any], empty: Any) -> Any:
    return parts[0] if len(parts) == 1 else np.concatenate([empty, *parts])


def number_rows(column: pa.ChunkedArray, width: int) -> tuple[Any, Any]:
    """The rows that have numbers, and the numbers of each, shape (rows, width).

    Raises ValueError where a row has fewer or more, or what is no number.
    """
    # a single piece would be copied
    lists = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    rows = np.flatnonzero(lists.is_valid().to_numpy(zero_copy_only=False))
    lengths, flat = pc.list_value_length(lists).drop_null(), lists.flatten()
    numbers = flat.to_numpy(zero_copy_only=False)
    if not pc.all(pc.equal(lengths, width), min_count=0).as_py():
        raise ValueError(f"has a row of other than {width} numbers")
    if flat.null_count or not np.isfinite(numbers).all():
        raise ValueError("has a row with what is no number")
    return rows, numbers.reshape(len(rows), width)


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
    representatives: Representatives,
) -> str:
    """Adds this batch's representatives to the index; the digest, over their numbers too.

    Vectors are compared in half precision, which moves a cosine by less than .001.
    """
    items = sorted(item.encode() for item in representatives.items)
    arrays = {"items": np.array(items, dtype=np.bytes_)}
    numbers, rows = blake2b(digest_size=16), representatives.rows
    for start in range(0, len(rows), _BLOCK_ROWS):
        some = representatives.vectors[rows[start : start + _BLOCK_ROWS]]
        numbers.update(some.astype(np.float16, order="C").data)
    numbers.update(representatives.sketches.astype(np.uint32).tobytes())
    facts = {
        "window": window,
        "earlier": [list(pair) for pair in earlier.versions],
        "representatives": len(items),
        "numbers": numbers.hexdigest(),
    }
    return registry.store(NAME, arrays, facts, batch).digest
