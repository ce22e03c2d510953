"""A corpus follows its documents: what is new is indexed, what stands is not touched."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from orchestration_assets.knowledge import corpus as corpora
from orchestration_assets.knowledge.corpus import refresh_corpus
from orchestration_assets.knowledge.retrieval import CorpusReader, Retrieval
from orchestration_assets.schemas.enums import RejectReason
from orchestration_assets.schemas.errors import SourceError
from orchestration_assets.schemas.knowledge import DocumentOutcome, KnowledgeRow
from orchestration_assets.schemas.knowledge_config import KnowledgeConfig
from resources.knowledge_store import KnowledgeError, KnowledgeStore

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "handbook"
    folder.mkdir()
    for number in range(12):
        (folder / f"page{number:02}.md").write_text(
            f"# Page {number}\n\nThe {'abcdefghijkl'[number] * 6} is kept in room {number}.\n"
        )
    return folder


@pytest.fixture
def store(tmp_path: Path) -> KnowledgeStore:
    return KnowledgeStore(tmp_path / "knowledge")


def refreshed(store: KnowledgeStore, source: Path, **settings: object):
    config = KnowledgeConfig(source=str(source), **settings)
    return refresh_corpus(store, "handbook", config, NOW)


def outcomes(rows: tuple[KnowledgeRow, ...]) -> dict[str, DocumentOutcome]:
    return {row.document: row.outcome for row in rows}


def first_found(store: KnowledgeStore, version: str, text: str) -> str | None:
    found = CorpusReader(store, "handbook", version).search(text, 3)
    return found[0].document if found else None


def segments(store: KnowledgeStore) -> set[str]:
    return {path.name for path in (store.folder / "handbook" / "segments").iterdir()}


def test_an_edit_indexes_one_document(store, source) -> None:
    before = refreshed(store, source)
    assert set(outcomes(before.rows).values()) == {DocumentOutcome.INDEXED}
    held = segments(store)
    (source / "page03.md").write_text("# Page 3\n\nThe zebra is kept outside.\n")
    after = refreshed(store, source)
    assert after.changes == 1
    assert after.version != before.version
    assert outcomes(after.rows)["page03.md"] is DocumentOutcome.INDEXED
    assert list(outcomes(after.rows).values()).count(DocumentOutcome.UNCHANGED) == 11
    (new,) = segments(store) - held
    assert store.passages("handbook", new).num_rows == 1
    assert first_found(store, after.version, "where is the zebra?") == "page03.md"
    assert first_found(store, after.version, "dddddd") is None
    # the version before is still what plans have pinned
    assert first_found(store, before.version, "dddddd") == "page03.md"


def test_nothing_new_is_the_same_version_and_reads_no_document(store, source, monkeypatch) -> None:
    before = refreshed(store, source)
    monkeypatch.setattr(corpora, "_read", lambda *given: pytest.fail("a document was read"))
    after = refreshed(store, source)
    assert (after.version, after.changes) == (before.version, 0)


def test_the_same_bytes_under_another_time_are_not_indexed_again(store, source) -> None:
    before = refreshed(store, source)
    held = segments(store)
    os.utime(source / "page05.md", ns=(1, 1))
    after = refreshed(store, source)
    assert (after.version, after.changes, segments(store)) == (before.version, 0, held)


def test_what_is_gone_is_found_no_more(store, source) -> None:
    refreshed(store, source)
    (source / "page07.md").unlink()
    after = refreshed(store, source)
    assert after.changes == 1
    assert "page07.md" not in outcomes(after.rows)
    assert first_found(store, after.version, "hhhhhh") is None


def test_copies_share_their_passages(store, source) -> None:
    (source / "copy.md").write_bytes((source / "page01.md").read_bytes())
    found = refreshed(store, source)
    reader = CorpusReader(store, "handbook", found.version)
    assert reader.size == 12
    assert [one.document for one in reader.search("bbbbbb", 5)] == ["copy.md"]
    (source / "copy.md").unlink()
    after = refreshed(store, source)
    assert first_found(store, after.version, "bbbbbb") == "page01.md"


def test_what_is_no_text_is_rejected_with_its_reason(store, source) -> None:
    (source / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4)
    (source / "blank.md").write_text("  \n \n")
    (source / "large.md").write_text("word " * 400)
    found = refreshed(store, source, max_bytes=1000)
    reasons = {row.document: row.reason for row in found.rows if row.reason}
    assert reasons["large.md"] is RejectReason.TOO_LARGE
    assert reasons["blank.md"] is RejectReason.EMPTY
    assert "picture.png" in reasons
    assert all(row.detail for row in found.rows if row.reason)
    # tried again, and said again, at every look
    assert {row.document for row in refreshed(store, source, max_bytes=1000).rows if row.reason}


def test_many_edits_end_in_few_segments(store, source, monkeypatch) -> None:
    monkeypatch.setattr(corpora, "_MOST_SEGMENTS", 3)
    for number in range(6):
        (source / f"page{number:02}.md").write_text(f"# New\n\nNumber {number} of the edited.\n")
        found = refreshed(store, source)
        used = {row["segment"] for row in store.documents("handbook", found.version).to_pylist()}
        assert len(used) <= 3
    alone = KnowledgeStore(store.folder.parent / "alone")
    version = refreshed(alone, source).version
    for text in ("number 4 of the edited", "kkkkkk", "in which room"):
        grown = CorpusReader(store, "handbook", found.version).search(text, 4)
        fresh = CorpusReader(alone, "handbook", version).search(text, 4)
        assert [(one.score, one.document) for one in grown] == [
            (one.score, one.document) for one in fresh
        ]


def test_another_size_of_passages_cuts_everything_anew(store, source) -> None:
    (source / "long.md").write_text("# Long\n\n" + "This is a sentence of the page. " * 60)
    coarse = refreshed(store, source, passage_tokens=400)
    fine = refreshed(store, source, passage_tokens=50)
    assert sum(row.passages for row in fine.rows) > sum(row.passages for row in coarse.rows)
    assert fine.version != coarse.version


def test_a_source_that_is_not_there_leaves_the_version_in_force(store, source) -> None:
    found = refreshed(store, source)
    source.rename(source.parent / "moved")
    with pytest.raises(SourceError):
        refreshed(store, source)
    assert store.current("handbook") == found.version


def test_a_corpus_that_was_never_indexed_says_what_to_do(store) -> None:
    with pytest.raises(KnowledgeError, match="refresh_knowledge"):
        Retrieval(store, ["handbook"])


def test_damage_is_told_with_the_remedy(store, source) -> None:
    found = refreshed(store, source)
    for path in store.folder.rglob("postings.arrow"):
        path.write_bytes(b"nothing")
    with pytest.raises(KnowledgeError, match="remove the folder"):
        CorpusReader(store, "handbook", found.version)


def test_segments_of_before_are_read_and_merged_as_they_are(store, source, monkeypatch) -> None:
    found = refreshed(store, source)
    (segment,) = segments(store)
    (path,) = store.folder.rglob("passages.arrow")
    # they had their passages in one Parquet file
    pq.write_table(store.passages("handbook", segment), path.with_name("passages.parquet"))
    path.unlink()
    assert store.has_segment("handbook", segment)
    assert first_found(store, found.version, "dddddd") == "page03.md"
    monkeypatch.setattr(corpora, "_MOST_SEGMENTS", 1)
    (source / "page05.md").write_text("# Page 5\n\nThe zebra is kept outside.\n")
    after = refreshed(store, source)
    assert first_found(store, after.version, "dddddd") == "page03.md"
    assert first_found(store, after.version, "where is the zebra?") == "page05.md"


def test_damaged_passages_are_told_when_one_is_read(store, source) -> None:
    found = refreshed(store, source)
    reader = CorpusReader(store, "handbook", found.version)
    (path,) = store.folder.rglob("passages.arrow")
    data = bytearray(path.read_bytes())
    middle = data.index(b"\x28\xb5\x2f\xfd")
    data[middle : middle + 64] = bytes(64)
    path.write_bytes(bytes(data))
    with pytest.raises(KnowledgeError, match="remove the folder"):
        reader.search("dddddd", 1)
