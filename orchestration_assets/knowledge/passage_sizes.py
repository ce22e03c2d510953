"""How long the passages of a corpus are: what showing some of them takes."""

from typing import Final, NamedTuple

from orchestration_assets.schemas.decoding import values
from orchestration_assets.text.token_estimates import token_estimate
from resources.knowledge_store import KnowledgeStore

_SAMPLED: Final = 64


class PassageSize(NamedTuple):
    """The estimated tokens of a passage in the mean; None ``passages``: not known how many."""

    tokens: float
    passages: int | None = None


def mean_size(store: KnowledgeStore, corpus: str) -> PassageSize | None:
    """Of the version in force, from passages of at most 64 documents at even distances; None where
    there is none, or nothing in it. Raises KnowledgeError."""
    version = store.current(corpus)
    if version is None:
        return None
    table = store.documents(corpus, version)
    held = [row for row in values(table, "segment", "first", "passages") if row[0] is not None]
    if not held:
        return None
    step = max(1.0, len(held) / _SAMPLED)
    sampled = [held[int(n * step)] for n in range(int(len(held) / step))]
    rows = {segment: store.passage_rows(corpus, segment) for segment, _, _ in sampled}
    # the middle one: first passages may be titles, last ones what was left
    found = [rows[segment].row(first + count // 2) for segment, first, count in sampled]
    tokens = [token_estimate(one["text"][0].as_py()) for one in found]
    return PassageSize(sum(tokens) / len(tokens), sum(count for _, _, count in held))
