"""Taking the passages of a content out of the index: out of its bytes, not only out of sight."""

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import NamedTuple

import pyarrow as pa

from orchestration_assets.knowledge.compaction import store_segment
from orchestration_assets.knowledge.corpus import CUT, put_in_force, shown_name, without_content
from orchestration_assets.knowledge.segments import digest_of
from orchestration_assets.schemas.decoding import decode
from orchestration_assets.schemas.knowledge import IndexedDocument, SegmentPassage
from orchestration_assets.text.traces import Traces, signs_as_read
from resources.knowledge_store import KnowledgeError, KnowledgeStore


@dataclass(frozen=True, slots=True)
class Sought:
    """What goes: documents with one of the ``contents``, by hash, and every passage of others that
    holds one of the ``pieces``, which are signs as :func:`signs_as_read` leaves them."""

    contents: frozenset[str]
    pieces: tuple[str, ...]

    def rows(self, passages: pa.Table) -> frozenset[int]:
        """The rows of a segment's passages that go; a piece may run over several of them."""
        hashes = passages["content_hash"].to_pylist()
        going = {row for row, held in enumerate(hashes) if held in self.contents}
        for name in ("text", "heading"):
            going |= _rows_holding(passages[name].to_pylist(), self.pieces)
        return frozenset(going)


class QuotingDocument(NamedTuple):
    """A document of the version in force, and how many of its passages go, of how many."""

    corpus: str
    document: str
    going: int
    of: int


def quoting_documents(store: KnowledgeStore, sought: Sought) -> list[QuotingDocument]:
    """The documents in force of which passages go; without what cannot be read."""
    found = []
    for corpus in store.corpora():
        going = _going(store, corpus, sought)
        for one in _in_force(store, corpus):
            rows = going.get(one.segment or "") or frozenset()
            count = len(rows.intersection(range(one.first, one.first + one.passages)))
            if count:
                name = shown_name(one.document)
                found.append(QuotingDocument(corpus, name, count, one.passages))
    return found


def pieces_held(store: KnowledgeStore, pieces: Collection[str]) -> frozenset[str]:
    """Those of the pieces that some passage of some corpus holds."""
    found: set[str] = set()
    traces = Traces(tuple(pieces))
    for corpus in store.corpora():
        for segment in store.segments(corpus):
            passages = _passages(store, corpus, segment)
            if passages is None:
                continue
            for name in ("text", "heading"):
                found |= traces.in_text("\n".join(passages[name].to_pylist()))
    return frozenset(found)


def passage_digests(store: KnowledgeStore, sought: Sought) -> frozenset[str]:
    """The digests by which plans name the passages that go."""
    found = set()
    for corpus in store.corpora():
        for segment, rows in _going(store, corpus, sought).items():
            if rows and (passages := _passages(store, corpus, segment)) is not None:
                texts = passages["text"].take(pa.array(sorted(rows))).to_pylist()
                found |= {digest_of(text) for text in texts}
    return frozenset(found)


def forget_passages(store: KnowledgeStore, corpus: str, sought: Sought) -> int:
    """Removes the passages from a corpus; how many were stored.

    Each segment that holds one is written anew without it, and without what no document has any
    more; versions that named it go, but for the one in force, which becomes another. A segment that
    cannot be read goes with the versions that name it, as does a version that cannot: the corpus is
    then indexed anew. May be done
    again after it was stopped.
    """
    going = _going(store, corpus, sought)
    touched = {segment for segment, rows in going.items() if rows is None or rows}
    current = store.current(corpus)
    held = None if current is None else _documents(store, corpus, current)
    documents = held or []
    broken = held is None or any(going.get(one.segment or "", frozenset()) is None for one in held)
    is_told = any(one.content_hash in sought.contents for one in documents)
    if documents and not broken and (is_told or _names(documents, touched)):
        assert current is not None
        left = _without(store, corpus, documents, going, sought.contents)
        cut = (store.documents(corpus, current).schema.metadata or {}).get(CUT, b"")
        current = put_in_force(store, corpus, left, cut)
    for version in store.versions(corpus):
        if version == current and not broken:
            continue
        told = _documents(store, corpus, version)
        if told is None or _names(told, touched) or _tells(told, sought.contents):
            store.remove_version(corpus, version)
    for segment in sorted(touched):
        store.remove_segment(corpus, segment)
    return sum(len(rows) for rows in going.values() if rows)


def _without(
    store: KnowledgeStore,
    corpus: str,
    documents: Sequence[IndexedDocument],
    going: Mapping[str, frozenset[int] | None],
    contents: Collection[str],
) -> list[IndexedDocument]:
    """The documents with what is left of them, in segments that hold nothing else."""
    moved: dict[tuple[str, int], tuple[str, int, int]] = {}
    for segment in sorted({one.segment for one in documents if one.segment and going[one.segment]}):
        held = list(decode(SegmentPassage, store.passages(corpus, segment)))
        rows = going[segment] or frozenset()
        places = sorted({(one.first, one.passages) for one in documents if one.segment == segment})
        left: list[SegmentPassage] = []
        spans = []
        for first, count in places:
            own = [held[row] for row in range(first, first + count) if row not in rows]
            spans.append((first, len(left), len(own)))
            left += own
        name = store_segment(store, corpus, left) if left else ""
        moved |= {(segment, first): (name, at, count) for first, at, count in spans}
    found = []
    for one in documents:
        if one.content_hash in contents:
            found.append(without_content(one))
        elif one.segment is not None and (one.segment, one.first) in moved:
            name, first, count = moved[one.segment, one.first]
            if count:
                found.append(replace(one, segment=name, first=first, passages=count))
            else:
                # known by its content, so that what is left of it does not come back
                hashed = one.content_hash
                found.append(replace(without_content(one), content_hash=hashed))
        else:
            found.append(one)
    return found


def _going(store: KnowledgeStore, corpus: str, sought: Sought) -> dict[str, frozenset[int] | None]:
    """Segment -> its rows that go; None where it cannot be read, or was never finished."""
    found: dict[str, frozenset[int] | None] = {}
    for segment in store.segments(corpus):
        passages = _passages(store, corpus, segment)
        found[segment] = None if passages is None else sought.rows(passages)
    return found


def _passages(store: KnowledgeStore, corpus: str, segment: str) -> pa.Table | None:
    try:
        return store.passages(corpus, segment)
    except KnowledgeError:
        return None


def _documents(store: KnowledgeStore, corpus: str, version: str) -> list[IndexedDocument] | None:
    try:
        return list(decode(IndexedDocument, store.documents(corpus, version)))
    except KnowledgeError:
        return None


def _in_force(store: KnowledgeStore, corpus: str) -> list[IndexedDocument]:
    current = store.current(corpus)
    return [] if current is None else _documents(store, corpus, current) or []


def _names(documents: Sequence[IndexedDocument], segments: Collection[str]) -> bool:
    return any(one.segment in segments for one in documents)


def _tells(documents: Sequence[IndexedDocument], contents: Collection[str]) -> bool:
    return any(one.content_hash in contents for one in documents)


def _rows_holding(texts: Sequence[str], pieces: Collection[str]) -> set[int]:
    """The places of the texts that hold one of the pieces, or a share of one."""
    found: set[int] = set()
    views = [signs_as_read(text) for text in texts] if pieces else []
    # as they are, and, where one of them looks otherwise as HTML, so
    for number in range(max(map(len, views), default=0)):
        told = [view[min(number, len(view) - 1)] for view in views]
        ends = list(accumulate(map(len, told)))
        whole = "".join(told)
        for piece in pieces:
            at = whole.find(piece)
            while at >= 0:
                first, last = bisect_right(ends, at), bisect_right(ends, at + len(piece) - 1)
                found.update(range(first, last + 1))
                at = whole.find(piece, at + 1)
    return found
