"""Between the postings that are searched and the tables that a store keeps of them."""

from hashlib import blake2b
from typing import Any

import numpy as np
import pyarrow as pa

from orchestration_assets.knowledge.postings import Postings
from resources.knowledge_store import StoredPostings


def stored_postings(postings: Postings) -> StoredPostings:
    """The postings as tables; :func:`postings_of` takes them back without copying them."""
    ends = postings.offsets[1:]
    return StoredPostings(
        pa.table({"term": postings.terms, "end": ends}),
        pa.table({"passage": postings.passages, "count": postings.counts}),
        pa.table({"words": postings.lengths[:, 0], "grams": postings.lengths[:, 1]}),
    )


def postings_of(stored: StoredPostings) -> Postings:
    """The postings that :func:`stored_postings` took apart."""
    ends = _numbers(stored.terms["end"])
    return Postings(
        _numbers(stored.terms["term"]),
        np.concatenate([np.zeros(1, dtype=np.int64), ends]),
        _numbers(stored.postings["passage"]),
        _numbers(stored.postings["count"]),
        np.stack([_numbers(stored.lengths["words"]), _numbers(stored.lengths["grams"])], axis=1),
    )


def digest_of(text: str) -> str:
    """What a passage is named by in plans: blake2b-64 of its text, hex."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _numbers(column: pa.ChunkedArray) -> Any:
    if column.num_chunks == 1:
        return column.chunk(0).to_numpy()
    return column.to_numpy()
