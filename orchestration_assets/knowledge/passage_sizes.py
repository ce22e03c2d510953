"""How long the passages of a corpus are: what showing some of them takes."""

from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.errors import SourceError
from orchestration_assets.schemas.knowledge_config import KnowledgeConfig
from orchestration_assets.schemas.listings import ContentError
from orchestration_assets.text.encodings.detection import NotText, decode_text, detect_encoding
from orchestration_assets.text.passages import passage_spans
from orchestration_assets.text.token_estimates import token_estimate
from resources.content_source import open_source
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
    sampled = _sampled(held)
    rows = {segment: store.passage_rows(corpus, segment) for segment, _, _ in sampled}
    # the middle one: first passages may be titles, last ones what was left
    found = [rows[segment].row(first + count // 2) for segment, first, count in sampled]
    tokens = [token_estimate(one["text"][0].as_py()) for one in found]
    return PassageSize(sum(tokens) / len(tokens), sum(count for _, _, count in held))


def mean_size_of_source(config: KnowledgeConfig) -> PassageSize | None:
    """Of a corpus that is not indexed yet, from at most 64 of its documents at even distances; None
    where its source cannot be listed, or none of them is text."""
    tokens: list[int] = []
    try:
        with closing(open_source(config.source, config.include, config.exclude)) as source:
            listed = source.list(datetime.now(UTC)).entries["address"].to_pylist()
            sampled = _sampled(listed)
            for address in sampled:
                try:
                    data = source.read(address, config.max_bytes).data
                except ContentError:
                    continue  # it will be rejected when the corpus is indexed, with the reason
                encoding = detect_encoding(data)
                if not isinstance(encoding, NotText):
                    text = decode_text(data, encoding.name)
                    spans = passage_spans(text, config.passage_tokens)
                    tokens += [token_estimate(text[span.start : span.end]) for span in spans]
    except SourceError:
        return None  # a run says what is wrong with it
    if not tokens:
        return None
    passages = round(len(tokens) * len(listed) / len(sampled))
    return PassageSize(sum(tokens) / len(tokens), passages)


def _sampled(held: Sequence[Any]) -> list[Any]:
    step = max(1.0, len(held) / _SAMPLED)
    return [held[int(n * step)] for n in range(int(len(held) / step))]
