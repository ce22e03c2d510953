"""The passages that are shown for questions about items."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache, partial
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa

from orchestration_assets.knowledge.search import (
    WEIGHTS,
    FoundPassage,
    PassageIndex,
    PassagePlace,
    SearchedSegment,
)
from orchestration_assets.knowledge.segments import digest_of, postings_of
from orchestration_assets.schemas.decoding import decode, values
from orchestration_assets.schemas.knowledge import RetrievedPassage, SegmentPassage
from resources.knowledge_store import KnowledgeError, KnowledgeStore

_SOUGHT_CHARS: Final = 8_000
"""What an item is about shows within so many characters."""


class CorpusReader:
    """One version of a corpus, searched and read.

    Raises KnowledgeError when it is made of what is not there or is damaged.
    """

    def __init__(self, store: KnowledgeStore, corpus: str, version: str) -> None:
        self._corpus, self.version = corpus, version
        placed = _placed(store.documents(corpus, version))
        self._names = placed.names
        segments, self._owners = [], {}
        for name, own in placed.segments.items():
            postings = postings_of(store.postings(corpus, name))
            owners = _owners(own, postings.size)
            segments.append(SearchedSegment(name, postings, owners >= 0))
            self._owners[name] = owners
        self._index = PassageIndex(segments)
        self._passages = cache(partial(store.passage_rows, corpus))

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
        found.sort(key=lambda one: (-one.score, self._owner(one.place), one.place.row))
        return [self._passage(one) for one in found[:at_most]]

    def _passage(self, found: FoundPassage) -> RetrievedPassage:
        row = self._passages(found.place.segment).row(found.place.row)
        (passage,) = decode(SegmentPassage, row)
        return RetrievedPassage(
            self._corpus,
            self.version,
            self._names[self._owner(found.place)],
            passage.heading,
            passage.start,
            passage.end,
            found.score,
            digest_of(passage.text),
            passage.text,
        )

    def _owner(self, place: PassagePlace) -> int:
        """The document of a passage, by its place among the names."""
        return int(self._owners[place.segment][place.row])


class _PlacedDocuments(NamedTuple):
    """``names`` of documents as they rise; by segment [3, d]: the place of a document among them,
    its first row, and how many it has."""

    names: Sequence[str]
    segments: Mapping[str, Any]


def _placed(documents: pa.Table) -> _PlacedDocuments:
    rows = sorted(values(documents, "document", "segment", "first", "passages"))
    held: defaultdict[str, list[tuple[int, int, int]]] = defaultdict(list)
    for place, (_, segment, first, passages) in enumerate(rows):
        if segment is not None:
            held[segment].append((place, first, passages))
    names = [document for document, *_ in rows]
    return _PlacedDocuments(
        names, {segment: np.array(held[segment], dtype=np.int64).T for segment in sorted(held)}
    )


def _owners(documents: Any, size: int) -> Any:
    """The document of each of so many passages, int64, [size]; -1 where they are gone.

    ``documents``: those of a segment, as :class:`_PlacedDocuments` has them.
    """
    # documents of the same content share their passages: the first by name, written last, stands
    places, first, passages = documents[:, ::-1]
    begins = np.cumsum(passages) - passages
    rows = np.repeat(first - begins, passages) + np.arange(int(passages.sum()))
    owners = np.full(size, -1, dtype=np.int64)
    owners[rows] = np.repeat(places, passages)
    return owners


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

        A score is that of its corpus: its best passage by words has between 1 and 1.5.
        """
        found = [one for corpus in corpora for one in self._readers[corpus].search(text, at_most)]
        found.sort(key=lambda one: (-one.score, one.corpus, one.document, one.start))
        return tuple(found[:at_most])
