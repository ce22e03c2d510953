"""What is known of items before any call, from the tables of profiles and vectors."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.evidence.item_inputs import Floats32, ItemInputs
from orchestration_assets.evidence.item_terms import ItemTerms
from orchestration_assets.evidence.recorded_answers import Bools
from orchestration_assets.features.vectors import DIMENSIONS
from orchestration_assets.schemas.enums import ProfileStatus
from orchestration_assets.schemas.errors import DamagedFileError
from orchestration_assets.schemas.features import FEATURE_NAMES
from orchestration_assets.schemas.tables import CONTENT_PROFILES
from orchestration_assets.schemas.vectors import CONTENT_VECTORS
from resources.damage import leaving_out_damage
from resources.table_store import TableStore

_HASH: Final = "content_hash"
_PROFILE_COLUMNS: Final = (_HASH, "status", *FEATURE_NAMES)
_VECTOR_COLUMNS: Final = (_HASH, "status", "vector", "terms")
_SEMANTIC: Final = "semantic"
FEATURE_TYPES: Final = pa.schema(
    [CONTENT_PROFILES.schema.field(name).with_nullable(True) for name in FEATURE_NAMES]
)


def inputs_of_contents(
    contents: Sequence[str],
    profiles: Iterable[pa.Table],
    vectors: Iterable[pa.Table],
    *,
    semantic: bool,
) -> tuple[ItemInputs, Bools]:
    """The inputs of contents, and (n,) which of them have both a profile and vectors.

    Of several rows of a content in the tables the last counts. An item that lacks a profile has
    features without values; one that lacks a vector, or has no words, zeros. One that has words but
    no terms, from a table that was stored before these were declared, counts as lacking vectors:
    that its terms are not known tells nothing of it.
    """
    known_profiles, profile_rows = _last_rows(contents, profiles, _PROFILE_COLUMNS)
    known_vectors, vector_rows = _last_rows(contents, vectors, _vector_columns(semantic))
    without_terms = pc.and_(pc.is_valid(vector_rows["vector"]), pc.is_null(vector_rows["terms"]))
    inputs = ItemInputs(
        profile_rows.select(FEATURE_NAMES).cast(FEATURE_TYPES),
        _matrix(vector_rows["vector"], DIMENSIONS),
        _semantic(vector_rows[_SEMANTIC]) if semantic else None,
        _terms(vector_rows["terms"]),
    )
    known_terms = ~without_terms.to_numpy(zero_copy_only=False)
    return inputs, known_profiles & known_vectors & known_terms


def _vector_columns(semantic: bool) -> tuple[str, ...]:
    return (*_VECTOR_COLUMNS, _SEMANTIC) if semantic else _VECTOR_COLUMNS


def read_inputs(
    store: TableStore, contents: Sequence[str], *, semantic: bool
) -> tuple[ItemInputs, Bools]:
    """The inputs of contents from the stored tables of all batches; see
    :func:`inputs_of_contents`. Of batches without any of them only the hashes are read."""
    return inputs_of_contents(
        contents,
        _stored(store, CONTENT_PROFILES.name, _PROFILE_COLUMNS, contents),
        _stored(store, CONTENT_VECTORS.name, _vector_columns(semantic), contents),
        semantic=semantic,
    )


def _stored(
    store: TableStore, table: str, columns: Sequence[str], contents: Sequence[str]
) -> Iterator[pa.Table]:
    wanted = pa.array(contents, pa.string())
    for batch in store.batches(table):
        with leaving_out_damage():
            held = pc.is_in(store.read(table, batch, [_HASH])[_HASH], wanted)
            if pc.any(held).as_py():
                yield _columns_there(store, table, batch, columns).filter(held)


def _columns_there(store: TableStore, table: str, batch: str, columns: Sequence[str]) -> pa.Table:
    """The columns, or those of them that the table has: others were declared later."""
    try:
        return store.read(table, batch, columns)
    except DamagedFileError:
        whole = store.read(table, batch)
        return whole.select([name for name in columns if name in whole.column_names])


def _last_rows(
    contents: Sequence[str], tables: Iterable[pa.Table], columns: Sequence[str]
) -> tuple[Bools, pa.Table]:
    """(n,) which contents have a row whose status is ok, and the last such row of each."""
    wanted = pa.array(contents, pa.string())
    parts = []
    for table in tables:
        usable = pc.and_(
            pc.equal(table["status"], ProfileStatus.OK.value), pc.is_in(table[_HASH], wanted)
        )
        kept = table.filter(usable)
        if kept.num_rows:
            parts.append(_with_columns(kept, columns))
    if not parts:
        return np.zeros(len(contents), np.bool_), _nothing(len(contents), columns)
    rows = pa.concat_tables(parts, promote_options="permissive")
    last = {content: n for n, content in enumerate(rows[_HASH].to_pylist())}
    positions = pa.array([last.get(content) for content in contents], pa.int64())
    return positions.is_valid().to_numpy(zero_copy_only=False), rows.take(positions)


def _with_columns(table: pa.Table, columns: Sequence[str]) -> pa.Table:
    """The columns in their order; one that was declared after the table was written is null."""
    return pa.table(
        {
            name: table[name] if name in table.column_names else pa.nulls(table.num_rows)
            for name in columns
        }
    )


def _nothing(n_items: int, columns: Sequence[str]) -> pa.Table:
    return pa.table({name: pa.nulls(n_items) for name in columns})


def _semantic(column: pa.ChunkedArray) -> Floats32 | None:
    """(n, D) the embedded words, of the length that the last of them has; None without any."""
    lists = _lists(column, pa.float32())
    lengths = [n for n in pc.list_value_length(lists).to_pylist() if n]
    return _matrix(column, lengths[-1]) if lengths else None


def _matrix(column: pa.ChunkedArray, width: int) -> Floats32:
    """(n, width) the vectors; zeros where there is none of that length."""
    lists = _lists(column, pa.float32())
    matrix = np.zeros((len(lists), width), np.float32)
    fits = pc.fill_null(pc.equal(pc.list_value_length(lists), width), False)
    flat = pc.list_flatten(lists.filter(fits))
    matrix[fits.to_numpy(zero_copy_only=False)] = flat.to_numpy(zero_copy_only=False).reshape(
        -1, width
    )
    return matrix


def _terms(column: pa.ChunkedArray) -> ItemTerms:
    lists = _lists(column, pa.uint32())
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    packed = pc.list_flatten(lists).to_numpy(zero_copy_only=False)
    return ItemTerms(packed.astype(np.uint32), starts)


def _lists(column: pa.ChunkedArray, kind: pa.DataType) -> pa.Array:
    return column.combine_chunks().cast(pa.list_(kind))
