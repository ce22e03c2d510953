"""The passages that are shown for questions about items."""

from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final

import numpy as np

from orchestration_assets.knowledge.search import (
    WEIGHTS,
    FoundPassage,
    PassageIndex,
    PassagePlace,
    SearchedSegment,
)
from orchestration_assets.knowledge.segments import postings_of
from orchestration_assets.schemas.decoding import decode
from orchestration_assets.schemas.knowledge import (
    IndexedDocument,
    RetrievedPassage,
    SegmentPassage,
)
from resources.knowledge_store import KnowledgeError, KnowledgeStore

_SOUGHT_CHARS: Final = 8_000
"""What an item is about shows within so many characters."""


class CorpusReader:
    """One version of a corpus, searched and read.

    Raises KnowledgeError when it is made of what is not there or is damaged.
    """

    def __init__(self, store: KnowledgeStore, corpus: str, version: str) -> None:
        self._store, self._corpus, self.version = store, corpus, version
        documents = list(decode(IndexedDocument, store.documents(corpus, version)))
        indexed = [one for one in documents if one.segment is not None]
        segments = []
        self._documents: dict[PassagePlace, str] = {}
        for name in sorted({one.segment for one in indexed if one.segment}):
            postings = postings_of(store.postings(corpus, name))
            live = np.zeros(postings.size, dtype=bool)
            # documents of the same content share their passages: the first by name stands for them
            for one in sorted(
                (one for one in indexed if one.segment == name), key=lambda one: one.document
            ):
                rows = range(one.first, one.first + one.passages)
                live[one.first : one.first + one.passages] = True
                for row in rows:
                    self._documents.setdefault(PassagePlace(name, row), one.document)
            segments.append(SearchedSegment(name, postings, live))
        self._index = PassageIndex(segments)
        self._segment_passages = lru_cache(maxsize=64)(self._read_segment)

    @property
    def size(self) -> int:
        """Passages that are in force."""
        return self._index.size

    def search(
        self, text: str, at_most: int, weights: tuple[float, float] = WEIGHTS
    ) -> list[RetrievedPassage]:
        """The passages that the text is most about, the best first; ties by document and place,
        whatever segments an index grew to."""
        found = self._index.search(text[:_SOUGHT_CHARS], at_most, weights)
        found.sort(key=lambda one: (-one.score, self._documents[one.place], one.place.row))
        return [self._passage(one) for one in found[:at_most]]

    def _passage(self, found: FoundPassage) -> RetrievedPassage:
        rows = self._segment_passages(found.place.segment).slice(found.place.row, 1)
        (passage,) = decode(SegmentPassage, rows)
        return RetrievedPassage(
            self._corpus,
            self.version,
            self._documents[found.place],
            passage.heading,
            passage.start,
            passage.end,
            found.score,
            blake2b(passage.text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest(),
            passage.text,
        )

    def _read_segment(self, segment: str) -> Any:
        return self._store.passages(self._corpus, segment)


class Retrieval:
    """The corpora of a policy as they are in force now: pinned for as long as this lives."""

    def __init__(self, store: KnowledgeStore, corpora: Sequence[str]) -> None:
        """Raises KnowledgeError for a corpus that was never indexed."""
        self._readers: dict[str, CorpusReader] = {}
        for corpus in corpora:
            version = store.current(corpus)
            if version is None:
                raise KnowledgeError(
                    f"the corpus {corpus} is not indexed: run `orchestrate job refresh_knowledge`"
                )
            self._readers[corpus] = CorpusReader(store, corpus, version)

    @property
    def versions(self) -> dict[str, str]:
        """Corpus -> its version."""
        return {corpus: reader.version for corpus, reader in self._readers.items()}

    def search(
        self, text: str, corpora: Sequence[str], at_most: int
    ) -> tuple[RetrievedPassage, ...]:
        """The passages of these corpora that the text is most about, the best first.

        A score is that of its corpus: its best passage by words has between 1 and 1.6.
        """
        found = [one for corpus in corpora for one in self._readers[corpus].search(text, at_most)]
        found.sort(key=lambda one: (-one.score, one.corpus, one.document, one.start))
        return tuple(found[:at_most])
