"""The table of vectors: what an item is close to."""

from dataclasses import dataclass
from typing import Annotated, Final

import pyarrow as pa

from orchestration_assets.schemas.enums import ProfileStatus
from orchestration_assets.schemas.records import Column, table_of

Float32 = Annotated[float, pa.float32()]
UInt32 = Annotated[int, pa.uint32()]


@dataclass(frozen=True, slots=True)
class Neighbour:
    """An item of an earlier batch, and the cosine between both vectors."""

    batch: str
    item_id: str
    similarity: float


@dataclass(frozen=True, slots=True)
class VectorRow:
    """One row a profiled item: its vectors, its sketch, whose near-copy it is, its neighbours."""

    batch: Annotated[str, Column("batch (= partition) that the row belongs to")]
    item_id: Annotated[str, Column("item: blake2b-64 of its address, hex")]
    content_hash: Annotated[str, Column("blake2b-128 of the item's bytes, hex")]
    path: Annotated[str, Column("path relative to the source, for people")]
    status: Annotated[ProfileStatus, Column("ok, superseded (changed since profiled) or failed")]
    reason: Annotated[str | None, Column("why there are no vectors")]
    origin: Annotated[
        str,
        Column("computed, or what had it: memory, lmdb, redis, durable, table (its own)", "", True),
    ]
    vector: Annotated[
        tuple[Float32, ...] | None, Column("hashed words, 512 numbers, length 1; null: no words")
    ]
    semantic: Annotated[
        tuple[Float32, ...] | None, Column("embedded words, when the policy asks for them")
    ]
    sketch: Annotated[
        tuple[UInt32, ...] | None,
        Column("MinHash of word runs, 128 numbers of 16 bits; null: too short"),
    ]
    terms: Annotated[
        tuple[UInt32, ...] | None,
        Column(
            "hashed words, pairs and parts of words, signs: 24 bits of hash, 8 of count; up to 512"
        ),
    ]
    representative: Annotated[
        str, Column("item that stands for this one's near-copies; itself when it is no copy")
    ]
    representative_batch: Annotated[str, Column("batch of the representative")]
    similarity: Annotated[
        float, Column("share of word runs in common with the representative, estimated", "0..1")
    ]
    neighbours: Annotated[
        tuple[Neighbour, ...], Column("nearest representatives of earlier batches, nearest first")
    ]


@dataclass(frozen=True, slots=True)
class NeighboursRow:
    """The columns of ``content_vectors`` that name an item's nearest earlier items."""

    batch: str
    item_id: str
    neighbours: tuple[Neighbour, ...]


CONTENT_VECTORS: Final = table_of("content_vectors", VectorRow, ("batch", "item_id"))
