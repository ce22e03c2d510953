"""The vectors of a batch: from the cache or computed, then near-copies and neighbours."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from hashlib import blake2b
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.code_version import code_version
from orchestration_assets.content.content_reader import ContentReader
from orchestration_assets.features.index import (
    NAME,
    EarlierContent,
    Representatives,
    earlier_content,
    number_rows,
    store_segment,
)
from orchestration_assets.features.near_copies import NearCopy, near_copies
from orchestration_assets.features.neighbours import nearest_earlier
from orchestration_assets.features.sketches import PERMUTATIONS, minhashes
from orchestration_assets.features.terms import packed_terms_of
from orchestration_assets.features.vectors import DIMENSIONS, embedded_words, hashed_words
from orchestration_assets.profiling.batch import (
    ProfileChunk,
    UnreadItem,
    divide,
    joined_in_order,
    reread_texts,
    unexpected_failure,
)
from orchestration_assets.profiling.own_table import OWN_TABLE, OwnTable, marked
from orchestration_assets.profiling.placement import Workers
from orchestration_assets.profiling.profile_cache import COMPUTED
from orchestration_assets.progress import Progress
from orchestration_assets.schemas.enums import ProfileStatus
from orchestration_assets.schemas.policy import Execution, Features, Policy
from orchestration_assets.schemas.records import TableResult
from orchestration_assets.schemas.storable_values import whole_text
from orchestration_assets.schemas.tables import AcceptedItem, accepted_items
from orchestration_assets.schemas.vectors import CONTENT_VECTORS
from resources.feature_cache.rows import RowCache
from resources.feature_cache.tier import Counts
from resources.feature_cache.tiered import TieredCache
from resources.home import Home
from resources.machine import give_back_memory

_COMPUTED_COLUMNS: Final = ("vector", "semantic", "sketch", "terms")
_KEPT: Final = pa.schema([CONTENT_VECTORS.schema.field(name) for name in _COMPUTED_COLUMNS])
_FOUND: Final = pa.schema(
    [CONTENT_VECTORS.schema.field(name) for name in ("status", "reason", *_COMPUTED_COLUMNS)]
)
_VECTORS: Final = _FOUND.field("vector").type
_NUMBERS: Final = _FOUND.field("sketch").type
KEPT_FROM_BYTES: Final = 8_192
"""Vectors of smaller items are not kept, unless the policy says otherwise: an entry would take more
disk in all tiers than the content itself (``python -m benchmarks feature_cache``)."""
# vectors computed are kept in portions: a run that dies loses the last one at most
_STORE_EVERY: Final = 2_000
_MOVED_ROWS: Final = 1_024


class CollectedColumns:
    """What is found of so many items, in pieces and in any order.

    Vectors go to their place at once: they are most of it, and would be there twice in the end.
    """

    def __init__(self, count: int) -> None:
        # pages are taken as they are filled
        self._vectors = np.empty((count, DIMENSIONS), np.float32)
        self._has_vector = np.zeros(count, bool)
        self._others: list[pa.Table] = []
        self._positions: list[int] = []

    def add(self, found: pa.Table, positions: Sequence[int]) -> None:
        """Rows with the columns of ``_FOUND``, and the position of each. Raises ValueError for a
        vector that is none."""
        rows, numbers = number_rows(found["vector"], DIMENSIONS)
        places = np.array(positions, np.int64)[rows]
        self._vectors[places] = numbers
        self._has_vector[places] = True
        self._others.append(found.drop_columns(["vector"]))
        self._positions += positions

    def table(self) -> pa.Table:
        """All rows in the order of their positions, once each has one; ends the collection."""
        others = joined_in_order(self._others, self._positions)
        vectors, has_vector = self._vectors, self._has_vector
        del self._vectors
        column = _list_column(_moved_up(vectors, has_vector), has_vector)
        columns = [column if name == "vector" else others[name] for name in _FOUND.names]
        return pa.Table.from_arrays(columns, schema=_FOUND)


def _moved_up(vectors: Any, chosen: Any) -> Any:
    """The chosen rows, one after the other, in the memory of all of them."""
    rows = np.flatnonzero(chosen)
    for start in range(0, len(rows), _MOVED_ROWS) if len(rows) < len(vectors) else ():
        some = rows[start : start + _MOVED_ROWS]
        vectors[start : start + len(some)] = vectors[some]
    return vectors[: len(rows)]


@cache
def _code_version() -> str:
    return "-".join(
        code_version(step.__module__) for step in (hashed_words, minhashes, packed_terms_of)
    )


def vector_key(row: AcceptedItem, semantic: bool) -> str:
    """The key of an accepted item's vectors and sketch: 128 bits of blake2b, hex."""
    parts = ("vectors", row.content_hash, row.encoding, semantic, _code_version())
    return blake2b(repr(parts).encode(), digest_size=16).hexdigest()


def vector_chunk(
    chunk: ProfileChunk, semantic: bool, reader: ContentReader | None = None
) -> pa.Table:
    """Vectors and sketches of the items of a chunk; runs on a Dask worker."""
    read = list(reread_texts(chunk, reader))
    try:
        return _computed(read, semantic)
    except Exception:  # noqa: BLE001 -- one by one, the item that breaks it stands alone
        if semantic:
            # a model that is missing is no item's fault, and is said so
            embedded_words(["word"])
        return pa.concat_tables(_row_alone(one, semantic) for one in read)


def _computed(read: Sequence[str | UnreadItem], semantic: bool) -> pa.Table:
    """One row each; many texts at once take much less time than one by one."""
    unread = [text if isinstance(text, UnreadItem) else None for text in read]
    texts = [text for text in read if not isinstance(text, UnreadItem)]
    has_text = np.array([reason is None for reason in unread], dtype=bool)
    meanings = embedded_words(texts) if semantic and texts else None
    statuses = [ProfileStatus.OK if one is None else one.status for one in unread]
    reasons = [None if one is None else whole_text(one.reason) for one in unread]
    columns = {
        "status": pa.array(statuses, pa.string()),
        "reason": pa.array(reasons, pa.string()),
        "vector": _vectors(hashed_words(texts), has_text),
        "semantic": pa.nulls(len(read), _VECTORS)
        if meanings is None
        else _vectors(meanings, has_text),
        "sketch": _numbers(minhashes(texts), has_text),
        "terms": _numbers(packed_terms_of(texts), has_text),
    }
    return pa.Table.from_arrays([columns[name] for name in _FOUND.names], schema=_FOUND)


def _vectors(vectors: Any, has_text: Any) -> pa.Array:
    """The vector of each item that has a text with words, else null; ``vectors`` has a row for
    each item that has a text."""
    worded, with_words = np.zeros(len(has_text), dtype=bool), vectors.any(axis=1)
    worded[has_text] = with_words
    return _list_column(vectors[with_words], worded)


def _list_column(vectors: Any, has_vector: Any) -> pa.Array:
    """The rows of ``vectors``, one for each item that has one; null for the others."""
    offsets = np.concatenate([[0], np.cumsum(has_vector)]).astype(np.int32) * vectors.shape[1]
    absent = pa.array(offsets, mask=np.append(~has_vector, False))
    return pa.ListArray.from_arrays(absent, pa.array(vectors.ravel()), type=_VECTORS)


def _numbers(found: Iterable[Any], has_text: Any) -> pa.Array:
    """The numbers of each item that has a text with some, else null; ``found`` has an array for
    each item that has a text."""
    numbers = list(found)
    counts = np.zeros(len(has_text), np.int64)
    counts[has_text] = np.fromiter(map(len, numbers), np.int64, len(numbers))
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    absent = pa.array(offsets, mask=np.append(counts == 0, False))
    flat = np.concatenate([*numbers, np.zeros(0, np.uint32)])
    return pa.ListArray.from_arrays(absent, pa.array(flat), type=_NUMBERS)


def _row_alone(text: str | UnreadItem, semantic: bool) -> pa.Table:
    try:
        return _computed([text], semantic)
    except Exception as error:  # noqa: BLE001 -- what one item breaks is its own failure
        return _computed([unexpected_failure("computing its vectors", error)], semantic)


def vectorise_batch(
    home: Home,
    batch: str,
    manifest: pa.Table,
    profiles: pa.Table,
    policy: Policy,
    workers: Workers,
    progress: Progress,
) -> TableResult:
    """The vectors of the profiled items of a batch, related to each other and to earlier content.

    Adds the batch to the index over earlier content.
    """
    features = policy.features
    place = ProfileChunk(home, batch, home.batches.source(batch), ())
    work = to_vectorise(manifest, profiles, place)
    cache = home.features(policy.execution.cache)
    progress.stage("vectors", len(work.rows))
    vectors = compute_vectors(
        work, cache, policy.execution, features.semantic, workers, progress.advance
    )
    # what reading and computing took; others may be waiting for it
    give_back_memory()
    home.series.await_earlier(batch, CONTENT_VECTORS.name)
    earlier = earlier_content(home.models, home.tables, batch, features.window)
    related = relate(vectors, earlier, features)
    digest = store_segment(home.models, batch, features.window, earlier, related.representatives)
    home.cache_uses.write(batch, CONTENT_VECTORS.name, cache, {OWN_TABLE: vectors.own})
    figures = vector_figures(related, earlier) | cache.figures()
    figures |= {"not_kept_cheaper_to_compute": vectors.own.not_kept}
    figures |= {"index": f"{NAME}/{batch}", "index_digest": digest}
    return TableResult(marked(related.table, vectors.keys), figures)


@dataclass(frozen=True, slots=True)
class VectorColumns:
    """The columns of each item of ``work`` that rest on its content alone, in order.

    ``keys`` names what each rests on; ``own`` has the counts of the batch's own stored table, which
    was asked for what no tier keeps.
    """

    work: ProfileChunk
    found: pa.Table
    origins: list[str]
    keys: list[str]
    own: Counts


def compute_vectors(
    work: ProfileChunk,
    cache: TieredCache,
    execution: Execution,
    semantic: bool,
    workers: Workers,
    advance: Callable[[int], None] = lambda items: None,
) -> VectorColumns:
    """Vectors and sketches of the items of ``work``; what a tier keeps, or the batch's stored table
    has, is neither read nor computed."""
    least = execution.cache.min_item_bytes
    least = KEPT_FROM_BYTES if least is None else least
    every_key = [vector_key(row, semantic) for row in work.rows]
    keys = [
        key if r.size_bytes >= least else None for key, r in zip(every_key, work.rows, strict=True)
    ]
    kept = RowCache(cache, _KEPT)
    recalled = kept.recall(keys)
    own = OwnTable(work.home, CONTENT_VECTORS.name, work.batch, every_key, _FOUND.names)
    stored, in_table = own.recall([n for n, key in enumerate(keys) if key is None])
    advance(len(recalled.positions) + len(in_table))
    in_own = set(in_table)
    unknown = [n for n in recalled.missing if n not in in_own]
    missing = replace(work, rows=tuple(work.rows[n] for n in unknown))
    key_of = {work.rows[n].item_id: (n, keys[n]) for n in unknown}
    function = partial(vector_chunk, semantic=semantic)
    reader = ContentReader(work.home, work.source)
    _, made = divide(missing, execution.tiers, function, workers, partial(function, reader=reader))
    there = len(recalled.positions)
    known = recalled.rows.add_column(0, "status", pa.array([ProfileStatus.OK.value] * there))
    collected = CollectedColumns(len(work.rows))
    known = known.add_column(1, "reason", pa.nulls(there, pa.string())).cast(_FOUND)
    collected.add(known, recalled.positions)
    if stored is not None:
        collected.add(stored.cast(_FOUND), in_table)
    unkept: list[tuple[list[str | None], pa.Table]] = []

    def keep() -> None:
        if unkept:
            keys = [key for of_piece, _ in unkept for key in of_piece]
            kept.remember(keys, pa.concat_tables(found for _, found in unkept))
            unkept.clear()

    try:
        with reader:
            for piece, found in made:
                places = [key_of[row.item_id] for row in piece.rows]
                good = pc.equal(found["status"], ProfileStatus.OK).to_pylist()
                of_piece = [key if ok else None for (_, key), ok in zip(places, good, strict=True)]
                unkept.append((of_piece, found.select(_COMPUTED_COLUMNS)))
                collected.add(found, [n for n, _ in places])
                advance(len(piece.rows))
                if sum(len(keys) for keys, _ in unkept) >= _STORE_EVERY:
                    keep()
    finally:
        keep()
    origins = [COMPUTED] * len(work.rows)
    for n, tier in zip(recalled.positions, recalled.tiers, strict=True):
        origins[n] = tier
    for n in in_table:
        origins[n] = OWN_TABLE
    return VectorColumns(work, collected.table(), origins, every_key, own.counts)


@dataclass(frozen=True, slots=True)
class RelatedItems:
    """The whole table, and the representatives that the index gets."""

    table: pa.Table
    representatives: Representatives


def relate(vectors: VectorColumns, earlier: EarlierContent, features: Features) -> RelatedItems:
    """Near-copies and neighbours of every item: a pure function of vectors and earlier content."""
    rows, batch = vectors.work.rows, vectors.work.batch
    items = [row.item_id for row in rows]
    worded, found = number_rows(vectors.found["vector"], DIMENSIONS)
    matrix = found
    if len(worded) < len(items):
        matrix = np.zeros((len(items), DIMENSIONS), np.float32)
        matrix[worded] = found
    near = nearest_earlier(matrix, items, earlier.vectors, earlier.items, features.neighbours)
    sketched, sketches = number_rows(vectors.found["sketch"], PERMUTATIONS)
    copies = _copies(vectors, sketched, sketches, earlier, features.near_duplicate_at)
    of_items = [copies.get(n, NearCopy(False, n, 1.0)) for n in range(len(items))]
    related: dict[str, Any] = {
        "batch": [batch] * len(rows),
        "item_id": items,
        "content_hash": [row.content_hash for row in rows],
        "path": [row.path for row in rows],
        "origin": vectors.origins,
        "representative": [(earlier.items if c.earlier else items)[c.row] for c in of_items],
        "representative_batch": [
            earlier.batches[copy.row] if copy.earlier else batch for copy in of_items
        ],
        "similarity": [copy.similarity for copy in of_items],
        "neighbours": _neighbours(near, earlier),
    }
    own = np.array([not one.earlier and one.row == n for n, one in enumerate(of_items)], bool)
    chosen = np.intersect1d(worded, np.flatnonzero(own))
    has_sketch = np.isin(chosen, sketched)
    representatives = Representatives(
        [items[n] for n in chosen],
        matrix,
        chosen,
        sketches[np.searchsorted(sketched, chosen[has_sketch])],
    )
    columns = [
        vectors.found[field.name]
        if field.name in _FOUND.names
        else pa.array(related[field.name], field.type)
        for field in CONTENT_VECTORS.schema
    ]
    table = pa.Table.from_arrays(columns, schema=CONTENT_VECTORS.schema)
    return RelatedItems(table, representatives)


def _neighbours(near: Sequence[Sequence[tuple[int, float]]], earlier: EarlierContent) -> pa.Array:
    """The column of the nearest earlier items: rows of ``earlier`` and cosines, by item."""
    kind = CONTENT_VECTORS.schema.field("neighbours").type
    found = [pair for neighbours in near for pair in neighbours]
    values: dict[str, list[Any]] = {
        "batch": [earlier.batches[row] for row, _ in found],
        "item_id": [earlier.items[row] for row, _ in found],
        "similarity": [cosine for _, cosine in found],
    }
    of_struct = kind.value_type
    fields = [of_struct.field(n) for n in range(of_struct.num_fields)]
    arrays = [pa.array(values[field.name], field.type) for field in fields]
    structs = pa.StructArray.from_arrays(arrays, fields=fields)
    ends = np.concatenate([[0], np.cumsum([len(one) for one in near])]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(ends), structs, type=kind)


def _copies(
    vectors: VectorColumns, sketched: Any, sketches: Any, earlier: EarlierContent, at: float
) -> dict[int, NearCopy]:
    """Whose copy each item with a sketch is, by its position in the batch."""
    rows = [vectors.work.rows[n] for n in sketched]
    copies = near_copies(
        [row.content_hash for row in rows],
        [row.item_id for row in rows],
        sketches,
        [earlier.items[n] for n in earlier.sketched],
        earlier.sketches,
        at,
    )
    places = sketched.tolist()
    return {
        n: copy._replace(row=earlier.sketched[copy.row] if copy.earlier else places[copy.row])
        for n, copy in zip(places, copies, strict=True)
    }


def to_vectorise(manifest: pa.Table, profiles: pa.Table, place: ProfileChunk) -> ProfileChunk:
    """``place`` with the accepted items that have a profile, in the order of the profiles."""
    by_item = {row.item_id: row for row in accepted_items(manifest)}
    good = profiles.filter(pc.equal(profiles["status"], ProfileStatus.OK))
    return replace(place, rows=tuple(by_item[item] for item in good["item_id"].to_pylist()))


def vector_figures(related: RelatedItems, earlier: EarlierContent) -> dict[str, int | float]:
    """The figures that a batch's vectors are described by."""
    table = related.table
    own = pc.equal(table["representative"], table["item_id"])
    copies = table.filter(pc.invert(own))
    inside = pc.equal(copies["representative_batch"], copies["batch"])
    linked = pc.greater(pc.list_value_length(table["neighbours"]), 0)
    return {
        "computed": pc.sum(pc.equal(table["origin"], COMPUTED)).as_py() or 0,
        "near_copies": copies.num_rows,
        "near_copies_of_earlier_items": copies.num_rows - (pc.sum(inside).as_py() or 0),
        "groups_in_batch": len(pc.unique(copies.filter(inside)["representative"])),
        "with_neighbours": pc.sum(linked).as_py() or 0,
        "earlier_items_searched": len(earlier.items),
        "without_words": table["vector"].null_count,
    }
