"""Tables of knowledge: the documents of each corpus, and the passages that a plan shows."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final

from orchestration_assets.schemas.enums import RejectReason
from orchestration_assets.schemas.records import Column, table_of


class DocumentOutcome(StrEnum):
    """What became of a document when its corpus was last looked at."""

    UNCHANGED = "unchanged"
    INDEXED = "indexed"
    REJECTED = "rejected"
    FORGOTTEN = "forgotten"


@dataclass(frozen=True, slots=True)
class KnowledgeRow:
    """One row a document that a corpus lists."""

    corpus: Annotated[str, Column("name of the corpus in the policy")]
    document: Annotated[str, Column("path relative to the corpus's source")]
    outcome: Annotated[
        DocumentOutcome,
        Column(
            "unchanged since the version before, indexed (new or changed), rejected, or forgotten"
        ),
    ]
    reason: Annotated[RejectReason | None, Column("why it was rejected")]
    detail: Annotated[str | None, Column("the rejection in words")]
    content_hash: Annotated[str | None, Column("blake2b-128 of the document's bytes, hex")]
    size_bytes: Annotated[int, Column("size of the document", "bytes")]
    passages: Annotated[int, Column("passages that it is cut into")]
    version: Annotated[str, Column("version of the corpus: hash of its documents, hex")]


KNOWLEDGE: Final = table_of("knowledge", KnowledgeRow, ("corpus", "document"))


@dataclass(frozen=True, slots=True)
class RetrievedPassage:
    """A passage of a document that services are shown for a question.

    ``start`` and ``end`` are its characters in the document's text. ``score`` orders the passages
    of one question and means nothing beyond it. ``digest`` names the text: blake2b-64, hex.
    """

    corpus: str
    version: str
    document: str
    heading: str
    start: int
    end: int
    score: float
    digest: str
    text: str


@dataclass(frozen=True, slots=True)
class IndexedDocument:
    """A document of one version of a corpus, as the store keeps it."""

    document: Annotated[str, Column("path relative to the corpus's source")]
    size_bytes: Annotated[int, Column("size of the file that was read", "bytes")]
    modified_ns: Annotated[int, Column("when that file was modified", "ns")]
    etag: Annotated[str | None, Column("what its store says of its version")]
    content_hash: Annotated[str | None, Column("blake2b-128 of its bytes, hex")]
    segment: Annotated[str | None, Column("segment that holds its passages; null: rejected")]
    first: Annotated[int, Column("row of its first passage in the segment")]
    passages: Annotated[int, Column("passages that it is cut into")]
    reason: Annotated[RejectReason | None, Column("why it was rejected")]
    detail: Annotated[str | None, Column("the rejection in words")]


INDEXED_DOCUMENTS: Final = table_of("indexed_documents", IndexedDocument, ("document",))


@dataclass(frozen=True, slots=True)
class SegmentPassage:
    """A passage as a segment keeps it."""

    content_hash: Annotated[str, Column("blake2b-128 of its document's bytes, hex")]
    heading: Annotated[str, Column("heading that it stands under")]
    start: Annotated[int, Column("its first character in the document's text")]
    end: Annotated[int, Column("the character behind its last one")]
    text: Annotated[str, Column("the passage")]


SEGMENT_PASSAGES: Final = table_of("passages", SegmentPassage, ("content_hash", "start"))
