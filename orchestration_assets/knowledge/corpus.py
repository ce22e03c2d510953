"""Bringing a corpus up to date: what is new or changed is cut and indexed, the rest stands."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final

from orchestration_assets.content.forgotten import FORGOTTEN, mark_of
from orchestration_assets.content.manifest import content_hash
from orchestration_assets.knowledge.compaction import (
    cutting_code,
    store_segment,
    with_few_segments,
)
from orchestration_assets.schemas.decoding import decode
from orchestration_assets.schemas.enums import RejectReason
from orchestration_assets.schemas.knowledge import (
    INDEXED_DOCUMENTS,
    DocumentOutcome,
    IndexedDocument,
    KnowledgeRow,
    SegmentPassage,
)
from orchestration_assets.schemas.knowledge_config import KnowledgeConfig
from orchestration_assets.schemas.listings import ContentError, relative_path
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.text.encodings.detection import NotText, decode_text, detect_encoding
from orchestration_assets.text.passages import passage_spans
from resources.content_source import Source, open_source
from resources.knowledge_store import KnowledgeStore

_MOST_SEGMENTS: Final = 24
"""With more of them searching slows down: small ones are made one."""
CUT: Final = b"cut"
"""Under this key a version says how its documents were cut into passages."""


@dataclass(frozen=True, slots=True)
class RefreshedCorpus:
    """A corpus as it is in force now; ``changes``: documents that are new, changed or gone."""

    version: str
    rows: tuple[KnowledgeRow, ...]
    changes: int


def refresh_corpus(
    store: KnowledgeStore,
    name: str,
    config: KnowledgeConfig,
    now: datetime,
    forgotten: Collection[str] = (),
) -> RefreshedCorpus:
    """Lists the corpus and indexes what is new or changed; the version that is in force then.

    A document whose content bears one of the marks ``forgotten`` is not read into the index. Raises
    SourceError where its source cannot be listed: the version before stays in force.
    """
    before = _known(store, name, config)
    with_source = open_source(config.source, config.include, config.exclude)
    try:
        documents, fresh = _look(with_source, before, config, now, forgotten)
    finally:
        with_source.close()
    if fresh:
        segment = store_segment(store, name, list(fresh))
        documents = [
            replace(one, segment=segment) if one.passages and one.segment is None else one
            for one in documents
        ]
    documents = with_few_segments(store, name, documents, _MOST_SEGMENTS)
    version = put_in_force(store, name, documents, _cut(config).encode())
    gone = len(before.keys() - {one.document for one in documents})
    rows = tuple(_row(name, one, before.get(one.document), version) for one in documents)
    return RefreshedCorpus(
        version, rows, gone + sum(row.outcome is DocumentOutcome.INDEXED for row in rows)
    )


def put_in_force(
    store: KnowledgeStore, name: str, documents: Sequence[IndexedDocument], cut: bytes
) -> str:
    """Makes these documents, ``cut`` in this way, what is searched; the name of the version."""
    version = version_name(documents, cut)
    if not store.has_version(name, version):
        table = rows_to_arrow(INDEXED_DOCUMENTS, documents)
        metadata = {**(table.schema.metadata or {}), CUT: cut}
        store.store_version(name, version, table.replace_schema_metadata(metadata))
    if store.current(name) != version:
        store.put_in_force(name, version)
    return version


def _known(store: KnowledgeStore, name: str, config: KnowledgeConfig) -> dict[str, IndexedDocument]:
    """The documents of the version in force; none where they were cut in another way."""
    version = store.current(name)
    if version is None or not store.has_version(name, version):
        return {}
    table = store.documents(name, version)
    if (table.schema.metadata or {}).get(CUT) != _cut(config).encode():
        return {}
    return {one.document: one for one in decode(IndexedDocument, table)}


class _Fresh:
    """Passages that no segment holds yet, in the order of their documents."""

    def __init__(self) -> None:
        self._passages: list[SegmentPassage] = []
        self._places: dict[str, tuple[int, int]] = {}

    def __iter__(self) -> Iterator[SegmentPassage]:
        return iter(self._passages)

    def __bool__(self) -> bool:
        return bool(self._passages)

    def place(self, hashed: str, text: str, max_tokens: int) -> tuple[int, int]:
        """The first passage of a content, and how many it has; it is cut once."""
        if hashed not in self._places:
            first = len(self._passages)
            for span in passage_spans(text, max_tokens):
                piece = text[span.start : span.end]
                self._passages.append(
                    SegmentPassage(hashed, span.heading, span.start, span.end, piece)
                )
            self._places[hashed] = (first, len(self._passages) - first)
        return self._places[hashed]


def _look(
    source: Source,
    before: Mapping[str, IndexedDocument],
    config: KnowledgeConfig,
    now: datetime,
    forgotten: Collection[str],
) -> tuple[list[IndexedDocument], _Fresh]:
    """The documents as they are listed now, and the passages of those that are not indexed."""
    fresh = _Fresh()
    # what was taken out of a document stays out of it when it is touched or renamed
    indexed = {
        one.content_hash: one
        for one in before.values()
        if one.content_hash and (one.passages or one.detail == FORGOTTEN)
    }
    documents = []
    for entry in source.list(now).entries.to_pylist():
        document = relative_path(source.source, entry["address"]) or entry["path"]
        version = (entry["size_bytes"], entry["modified_ns"], entry["etag"])
        known = before.get(document)
        if known and version == (known.size_bytes, known.modified_ns, known.etag):
            documents.append(known)
            continue
        read = IndexedDocument(document, *version, None, None, 0, 0, None, None)
        found = _read(source, entry, read, indexed, fresh, config, forgotten)
        documents.append(found)
    return documents, fresh


def _read(
    source: Source,
    entry: Mapping[str, Any],
    read: IndexedDocument,
    indexed: Mapping[str, IndexedDocument],
    fresh: _Fresh,
    config: KnowledgeConfig,
    forgotten: Collection[str],
) -> IndexedDocument:
    if entry["problem"] is not None:
        return replace(read, reason=RejectReason(entry["problem"]), detail="as it was listed")
    try:
        data = source.read(entry["address"], config.max_bytes).data
    except ContentError as error:
        return replace(read, reason=error.reason, detail=str(error))
    hashed = content_hash(data)
    if forgotten and mark_of(hashed) in forgotten:
        return without_content(read)
    read = replace(read, content_hash=hashed)
    if (same := indexed.get(hashed)) is not None:
        read = replace(read, segment=same.segment, first=same.first, passages=same.passages)
        return replace(read, detail=same.detail)
    encoding = detect_encoding(data)
    if isinstance(encoding, NotText):
        return replace(read, reason=encoding.reason, detail=encoding.detail)
    first, held = fresh.place(hashed, decode_text(data, encoding.name), config.passage_tokens)
    if not held:
        return replace(read, reason=RejectReason.EMPTY, detail="it holds no text")
    return replace(read, first=first, passages=held)


def without_content(one: IndexedDocument) -> IndexedDocument:
    """The document as one whose content was removed on request: listed, with nothing of it."""
    return replace(
        one, content_hash=None, segment=None, first=0, passages=0, reason=None, detail=FORGOTTEN
    )


def version_name(documents: Iterable[IndexedDocument], cut: bytes) -> str:
    """Named by what it holds and how it is ``cut``, whichever segments hold it."""
    digest = blake2b(cut, digest_size=8)
    for one in sorted(documents, key=lambda one: one.document):
        digest.update(repr((one.document, one.content_hash, one.segment)).encode())
    return digest.hexdigest()


def _cut(config: KnowledgeConfig) -> str:
    return f"{config.passage_tokens} {cutting_code()}"


def shown_name(document: str) -> str:
    """The name of a document as tables may hold it."""
    return document.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _row(
    name: str, one: IndexedDocument, before: IndexedDocument | None, version: str
) -> KnowledgeRow:
    if one.detail == FORGOTTEN:
        outcome = DocumentOutcome.FORGOTTEN
    elif not one.passages:
        outcome = DocumentOutcome.REJECTED
    elif before is not None and before.content_hash == one.content_hash:
        outcome = DocumentOutcome.UNCHANGED
    else:
        outcome = DocumentOutcome.INDEXED
    return KnowledgeRow(
        name,
        shown_name(one.document),
        outcome,
        one.reason,
        one.detail,
        one.content_hash,
        one.size_bytes,
        one.passages,
        version,
    )
