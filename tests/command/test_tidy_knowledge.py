"""`orchestrate tidy` and knowledge: old versions go, what is in force or shown by a plan stays."""

import json
import os
from contextlib import redirect_stdout
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest

from orchestration_assets.__main__ import main
from orchestration_assets.knowledge.corpus import refresh_corpus
from orchestration_assets.knowledge.retrieval import CorpusReader
from orchestration_assets.schemas.knowledge import RetrievedPassage
from orchestration_assets.schemas.knowledge_config import KnowledgeConfig
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import CONTENT_MANIFEST, PROCESSING_PLANS, PlanRow
from resources.home import Home
from tests.rows import row

BATCH = "20260101T000000Z-00000001"
POLICY = """
version: 2
knowledge: {{lamps: {{source: "{source}"}}}}
services: {{words: {{implementation: stopwords}}}}
tasks:
  language: {{question: "Which?", kind: label, default: {{model: sequential, services: [words]}}}}
"""
NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Three versions of one corpus and one of another, all of them old; a plan shows a passage of
    the first."""
    source = tmp_path / "source"
    source.mkdir()
    found = Home(tmp_path / "home")
    store, versions = found.knowledge, []
    for number in range(3):
        (source / "page.md").write_text(f"# Page\n\nThe lamp has the number {number}{number}7.\n")
        config = KnowledgeConfig(source=str(source))
        versions.append(refresh_corpus(store, "lamps", config, NOW).version)
    refresh_corpus(store, "left", KnowledgeConfig(source=str(source)), NOW)
    for path in store.folder.rglob("*.parquet"):
        os.utime(path, (1e9, 1e9))
    shown = RetrievedPassage("lamps", versions[0], "page.md", "Page", 0, 9, 1.0, "00", "The lamp")
    plan = row(PlanRow, batch=BATCH, passages=(shown,), policy_hash="0" * 16)
    found.tables.write(CONTENT_MANIFEST, CONTENT_MANIFEST.schema.empty_table(), BATCH)
    found.tables.write(PROCESSING_PLANS, rows_to_arrow(PROCESSING_PLANS, [plan]), BATCH)
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY.format(source=source))
    return found


def tidy(home: Home, *more: str) -> dict[str, dict[str, int]]:
    with redirect_stdout(StringIO()) as printed:
        policy = home.folder.parent / "policy.yaml"
        options = ["--home", str(home.folder), "--policy", str(policy), "--json"]
        assert main(["tidy", *options, *more]) == 0
    portions: dict[str, dict[str, int]] = json.loads(printed.getvalue())["portions"]
    return {kind: one for kind, one in portions.items() if kind.startswith("unused index")}


def test_what_is_in_force_or_shown_stays(home: Home) -> None:
    store = home.knowledge
    current = store.current("lamps")
    before = {path: path.read_bytes() for path in store.folder.rglob("*") if path.is_file()}
    told = tidy(home)
    # of a batch whose policy is lost nobody knows which corpora it needs
    assert list(told) == ["unused index of lamps"]
    assert told["unused index of lamps"]["count"] == 2
    assert {path: path.read_bytes() for path in before} == before
    assert tidy(home, "--yes") == told
    gone = {path for path in before if not path.exists()}
    assert sum(len(before[path]) for path in gone) == told["unused index of lamps"]["bytes"] > 0
    assert len(store.versions("lamps")) == len(store.segments("lamps")) == 2
    (found,) = CorpusReader(store, "lamps", str(current)).search("the number of the lamp", 3)
    assert "227" in found.text
    assert tidy(home, "--yes") == {}


def test_a_corpus_that_nobody_declares_goes_whole_and_what_is_young_stays(home: Home) -> None:
    home.tables.forget(PROCESSING_PLANS.name, BATCH)
    os.utime(home.knowledge.version_files("lamps", home.knowledge.versions("lamps")[0])[0])
    told = tidy(home, "--yes")
    assert set(told) == {"unused index of lamps", "unused index of left"}
    assert home.knowledge.current("left") is None
    assert home.knowledge.versions("left") == home.knowledge.segments("left") == []
    assert home.knowledge.current("lamps") in home.knowledge.versions("lamps")
    assert len(home.knowledge.versions("lamps")) == len(home.knowledge.segments("lamps"))
    assert len(home.knowledge.versions("lamps")) in (1, 2)


def test_a_segment_that_is_not_named_yet_stays_until_it_is_old(home: Home) -> None:
    tidy(home, "--yes")
    folder = home.knowledge.folder / "lamps" / "segments" / "ab"
    folder.mkdir()
    (folder / "passages.arrow").write_bytes(b"a run that stands still goes on to name it")
    assert tidy(home, "--yes") == {}
    os.utime(folder / "passages.arrow", (1e9, 1e9))
    assert list(tidy(home, "--yes")) == ["unused index of lamps"]
    assert not folder.exists()


def test_nothing_goes_where_a_plan_cannot_be_read(home: Home) -> None:
    path = home.tables.path(PROCESSING_PLANS.name, BATCH)
    path.write_bytes(path.read_bytes()[:-9])
    assert tidy(home, "--yes") == {}
    assert len(home.knowledge.versions("lamps")) == 3
