"""The vectors of a batch: from the cache or computed, then near-copies and neighbours."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from hashlib import blake2b
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.code_version import code_version
from orchestration_assets.features.index import (
    NAME,
    EarlierContent,
    earlier_content,
    store_segment,
)
from orchestration_assets.features.near_copies import NearCopy, near_copies
from orchestration_assets.features.neighbours import nearest_earlier
from orchestration_assets.features.sketches import minhash, sketch_matrix
from orchestration_assets.features.terms import packed_terms
from orchestration_assets.features.vectors import DIMENSIONS, embedded_words, hashed_words
from orchestration_assets.profiling.batch import (
    ProfileChunk,
    UnreadItem,
    divide,
    reread_texts,
    sort_by_position,
    unexpected_failure,
)
from orchestration_assets.profiling.profile_cache import COMPUTED
from orchestration_assets.progress import Progress
from orchestration_assets.schemas.enums import ProfileStatus
from orchestration_assets.schemas.policy import Execution, Features, Policy
from orchestration_assets.schemas.records import TableResult, rows_to_arrow
from orchestration_assets.schemas.tables import AcceptedItem, accepted_items
from orchestration_assets.schemas.vectors import CONTENT_VECTORS, Neighbour
from resources.feature_cache.rows import RowCache
from resources.feature_cache.tiered import TieredCache
from resources.home import Home

_COMPUTED_COLUMNS: Final = ("vector", "semantic", "sketch", "terms")
_KEPT: Final = pa.schema([CONTENT_VECTORS.schema.field(name) for name in _COMPUTED_COLUMNS])
_FOUND: Final = pa.schema(
    [CONTENT_VECTORS.schema.field(name) for name in ("status", "reason", *_COMPUTED_COLUMNS)]
)

Spread = Callable[
    [Callable[[ProfileChunk], pa.Table], Sequence[ProfileChunk]],
    Iterable[tuple[ProfileChunk, pa.Table]],
]


@cache
def _code_version() -> str:
    return "-".join(code_version(step.__module__) for step in (hashed_words, minhash, packed_terms))


def vector_key(row: AcceptedItem, semantic: bool) -> str:
    """The key of an accepted item's vectors and sketch: 128 bits of blake2b, hex."""
    parts = ("vectors", row.content_hash, row.encoding, semantic, _code_version())
    return blake2b(repr(parts).encode(), digest_size=16).hexdigest()


def vector_chunk(chunk: ProfileChunk, semantic: bool) -> pa.Table:
    """Vectors and sketches of the items of a chunk; runs on a Dask worker."""
    read = list(reread_texts(chunk))
    try:
        rows = _rows(read, semantic)
    except Exception:  # noqa: BLE001 -- one by one, the item that breaks it stands alone
        if semantic:
            # a model that is missing is no item's fault, and is said so
            embedded_words(["word"])
        rows = [_row_alone(one, semantic) for one in read]
    return pa.Table.from_pylist(rows, schema=_FOUND)


def _rows(read: Sequence[str | UnreadItem], semantic: bool) -> list[dict[str, Any]]:
    """One row each; many texts at once take much less time than one by one."""
    texts = [text for text in read if not isinstance(text, UnreadItem)]
    vectors = iter(hashed_words(texts))
    meanings = iter(embedded_words(texts)) if semantic and texts else iter(())
    rows: list[dict[str, Any]] = []
    for text in read:
        if isinstance(text, UnreadItem):
            rows.append({"status": text.status, "reason": text.reason})
            continue
        rows.append(
            {
                "status": ProfileStatus.OK,
                "vector": _unless_zero(next(vectors)),
                "semantic": _unless_zero(next(meanings)) if semantic else None,
                "sketch": minhash(text),
                "terms": packed_terms(text) or None,
            }
        )
    return rows


def _row_alone(text: str | UnreadItem, semantic: bool) -> dict[str, Any]:
    try:
        (row,) = _rows([text], semantic)
    except Exception as error:  # noqa: BLE001 -- what one item breaks is its own failure
        (row,) = _rows([unexpected_failure("computing its vectors", error)], semantic)
    return row


def _unless_zero(vector: Any) -> Any:
    return vector if vector.any() else None


def vectorise_batch(
    home: Home,
    batch: str,
    manifest: pa.Table,
    profiles: pa.Table,
    policy: Policy,
    spread: Spread,
    cluster_bytes: Callable[[], int],
    progress: Progress,
) -> TableResult:
    """The vectors of the profiled items of a batch, related to each other and to earlier content.

    Adds the batch to the index over earlier content.
    """
    features = policy.features
    place = ProfileChunk(home, batch, home.batches.source(batch), ())
    work = to_vectorise(manifest, profiles, place)
    earlier = earlier_content(home.models, batch, features.window)
    cache = home.features(policy.execution.cache)
    progress.stage("vectors", len(work.rows))
    vectors = compute_vectors(
        work, cache, policy.execution, features.semantic, spread, cluster_bytes, progress.advance
    )
    related = relate(vectors, earlier, features)
    digest = store_segment(home.models, batch, features.window, earlier, related.representatives)
    home.cache_uses.write(batch, CONTENT_VECTORS.name, cache)
    index = {"index": f"{NAME}/{batch}", "index_digest": digest}
    return TableResult(related.table, vector_figures(related, earlier) | cache.figures() | index)


@dataclass(frozen=True, slots=True)
class VectorColumns:
    """The columns of each item of ``work`` that rest on its content alone, in order."""

    work: ProfileChunk
    found: pa.Table
    origins: list[str]


def compute_vectors(
    work: ProfileChunk,
    cache: TieredCache,
    execution: Execution,
    semantic: bool,
    spread: Spread,
    cluster_bytes: Callable[[], int],
    advance: Callable[[int], None] = lambda items: None,
) -> VectorColumns:
    """Vectors and sketches of the items of ``work``; what is kept is neither read nor computed."""
    least = execution.cache.min_item_bytes
    keys = [vector_key(r, semantic) if r.size_bytes >= least else None for r in work.rows]
    kept = RowCache(cache, _KEPT)
    recalled = kept.recall(keys)
    advance(len(recalled.positions))
    missing = replace(work, rows=tuple(work.rows[n] for n in recalled.missing))
    key_of = {work.rows[n].item_id: (n, keys[n]) for n in recalled.missing}
    function = partial(vector_chunk, semantic=semantic)
    _, made = divide(missing, execution.tiers, function, partial(spread, function), cluster_bytes)
    there = len(recalled.positions)
    known = recalled.rows.add_column(0, "status", pa.array([ProfileStatus.OK.value] * there))
    parts = [known.add_column(1, "reason", pa.nulls(there, pa.string())).cast(_FOUND)]
    positions = list(recalled.positions)
    for piece, found in made:
        places = [key_of[row.item_id] for row in piece.rows]
        good = pc.equal(found["status"], ProfileStatus.OK).to_pylist()
        keep = [key if ok else None for (_, key), ok in zip(places, good, strict=True)]
        kept.remember(keep, found.select(_COMPUTED_COLUMNS))
        parts.append(found)
        positions += [n for n, _ in places]
        advance(len(piece.rows))
    origins = [COMPUTED] * len(work.rows)
    for n, tier in zip(recalled.positions, recalled.tiers, strict=True):
        origins[n] = tier
    return VectorColumns(work, sort_by_position(pa.concat_tables(parts), positions), origins)


@dataclass(frozen=True, slots=True)
class RelatedItems:
    """The whole table, and the representatives (item, vector, sketch) that the index gets."""

    table: pa.Table
    representatives: list[tuple[str, Any, Any | None]]


def relate(vectors: VectorColumns, earlier: EarlierContent, features: Features) -> RelatedItems:
    """Near-copies and neighbours of every item: a pure function of vectors and earlier content."""
    rows, batch = vectors.work.rows, vectors.work.batch
    items = [row.item_id for row in rows]
    found = vectors.found.to_pydict()
    matrix = np.zeros((len(items), DIMENSIONS), np.float32)
    for n, vector in enumerate(found["vector"]):
        if vector is not None:
            matrix[n] = vector
    near = nearest_earlier(matrix, items, earlier.vectors, earlier.items, features.neighbours)
    copies = _copies(vectors, found["sketch"], earlier, features.near_duplicate_at)
    made = []
    representatives: list[tuple[str, Any, Any | None]] = []
    for n, row in enumerate(rows):
        copy = copies.get(n, NearCopy(False, n, 1.0))
        if not copy.earlier and copy.row == n and found["vector"][n] is not None:
            representatives.append((items[n], matrix[n], found["sketch"][n]))
        made.append(
            {
                "batch": batch,
                "item_id": items[n],
                "content_hash": row.content_hash,
                "path": row.path,
                "origin": vectors.origins[n],
                "representative": (earlier.items if copy.earlier else items)[copy.row],
                "representative_batch": earlier.batches[copy.row] if copy.earlier else batch,
                "similarity": copy.similarity,
                "neighbours": [
                    asdict(Neighbour(earlier.batches[m], earlier.items[m], cosine))
                    for m, cosine in near[n]
                ],
                **{name: found[name][n] for name in _FOUND.names},
            }
        )
    return RelatedItems(rows_to_arrow(CONTENT_VECTORS, made), representatives)


def _copies(
    vectors: VectorColumns, sketches: Sequence[Any], earlier: EarlierContent, at: float
) -> dict[int, NearCopy]:
    """Whose copy each item with a sketch is, by its position in the batch."""
    rows = vectors.work.rows
    sketched = [n for n, one in enumerate(sketches) if one is not None]
    copies = near_copies(
        [rows[n].content_hash for n in sketched],
        [rows[n].item_id for n in sketched],
        sketch_matrix([sketches[n] for n in sketched]),
        [earlier.items[n] for n in earlier.sketched],
        earlier.sketches,
        at,
    )
    return {
        n: copy._replace(row=earlier.sketched[copy.row] if copy.earlier else sketched[copy.row])
        for n, copy in zip(sketched, copies, strict=True)
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
