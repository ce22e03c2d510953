"""The segments of a corpus: made of passages, and made fewer as edits add small ones."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b

from orchestration_assets.code_version import code_version
from orchestration_assets.knowledge.postings import build_postings
from orchestration_assets.knowledge.segments import stored_postings
from orchestration_assets.schemas.decoding import decode
from orchestration_assets.schemas.knowledge import (
    SEGMENT_PASSAGES,
    IndexedDocument,
    SegmentPassage,
)
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.text.passages import PassageTerms, passage_terms
from resources.knowledge_store import KnowledgeStore


def cutting_code() -> str:
    """Which code cuts documents into passages, and passages into terms."""
    return code_version("orchestration_assets.text.passages")


def store_segment(store: KnowledgeStore, name: str, passages: Sequence[SegmentPassage]) -> str:
    """The name of the segment of these passages: a hash of what it holds."""
    digest = blake2b(cutting_code().encode(), digest_size=8)
    for one in passages:
        digest.update(f"{one.content_hash}:{one.start}:{one.end};".encode())
    segment = digest.hexdigest()
    if not store.has_segment(name, segment):
        postings = build_postings(map(_terms, passages))
        store.store_segment(
            name, segment, rows_to_arrow(SEGMENT_PASSAGES, passages), stored_postings(postings)
        )
    return segment


def with_few_segments(
    store: KnowledgeStore, name: str, documents: Sequence[IndexedDocument], most: int
) -> list[IndexedDocument]:
    """The documents with their passages in at most so many segments."""
    listed = list(documents)
    places = {(one.segment, one.first): one.passages for one in listed if one.segment is not None}
    live: Counter[str] = Counter()
    for (segment, _), passages in places.items():
        live[segment] += passages
    if len(live) <= most:
        return listed
    stored = {one: store.postings(name, one).lengths.num_rows for one in live}
    merged = segments_to_merge(live, stored, most)
    return _as_one_segment(store, name, listed, frozenset(merged))


def segments_to_merge(
    live: Mapping[str, int], stored: Mapping[str, int], most: int
) -> tuple[str, ...]:
    """Which segments are to be made one, by how many passages of each are in force and stored.

    So many of the small ones that half of ``most`` are left, those that are no larger than the
    ones before them together, and those of which less than half is in force: a passage is indexed
    again only when what it stands in grows to twice its size or loses half of it, so that edits
    cost by their own size, and only seldom by that of the corpus.
    """
    rising = sorted(live, key=lambda one: (live[one], one))
    taken, passages = [], 0
    for number, segment in enumerate(rising):
        wanted = len(rising) - number > max(1, most // 2) or live[segment] <= passages
        if wanted or 2 * live[segment] < stored[segment]:
            taken.append(segment)
            passages += live[segment]
    return tuple(taken)


def _as_one_segment(
    store: KnowledgeStore, name: str, documents: Iterable[IndexedDocument], merged: frozenset[str]
) -> list[IndexedDocument]:
    """The documents with those passages in one segment that the merged ones hold."""
    moved: defaultdict[str, dict[int, int]] = defaultdict(dict)
    held: dict[str, list[SegmentPassage]] = {}
    passages: list[SegmentPassage] = []
    listed = list(documents)
    for one in listed:
        if one.segment not in merged or one.first in moved[one.segment]:
            continue
        if one.segment not in held:
            held[one.segment] = list(decode(SegmentPassage, store.passages(name, one.segment)))
        moved[one.segment][one.first] = len(passages)
        passages += held[one.segment][one.first : one.first + one.passages]
    segment = store_segment(store, name, passages)
    return [
        replace(one, segment=segment, first=moved[one.segment][one.first])
        if one.segment in merged
        else one
        for one in listed
    ]


def _terms(passage: SegmentPassage) -> PassageTerms:
    # a later piece of a section does not hold its heading
    begins = passage.heading in passage.text[: 2 * len(passage.heading) + 16]
    return passage_terms(passage.text if begins else f"{passage.heading}\n{passage.text}")
