"""Sources of other distributions: documents behind a scheme of their own."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from orchestration_assets.__main__ import main
from orchestration_assets.plugins import PluginError
from orchestration_assets.policy.load import load_policy
from orchestration_assets.schemas.enums import RejectReason
from orchestration_assets.schemas.errors import SourceError
from orchestration_assets.schemas.listings import ContentError
from resources.content_source import UrlSource, open_source
from resources.home import Home
from tests.docs.pages import ROOT
from tests.plugins.distributions import install

GROUP = "content_orchestration.sources"
SOURCE = '''
"""A desk with tickets."""

from collections.abc import Iterator

from orchestration_assets.schemas.listings import FileContent, Version
from resources.content_source import DocumentSource

TICKETS = {"open/1.txt": "The printer is on fire.", "open/2 ä.txt": "No paper.", "3.md": "Done"}


class Desk(DocumentSource):
    def documents(self) -> Iterator[tuple[str, Version]]:
        if self.source.endswith("away"):
            raise ConnectionError("the desk is closed")
        for path, text in TICKETS.items():
            yield path, Version(len(text.encode()), 1_700_000_000_000_000_000)

    def fetch(self, path: str) -> FileContent:
        if path not in TICKETS:
            raise FileNotFoundError(path)
        data = TICKETS[path].encode()
        return FileContent(data, len(data), 1_700_000_000_000_000_000)
'''


@pytest.fixture
def desk(site: Path) -> Path:
    install(
        site, "acme-desk", {"desk": "acme_desk:Desk"}, group=GROUP, modules={"acme_desk": SOURCE}
    )
    return site


def test_documents_are_listed_and_read(desk: Path) -> None:
    source = open_source("desk://support/", exclude=("*.md",))
    listing = source.list(datetime.now(UTC))
    addresses = {row.path: row.address for row in listing.rows()}
    assert sorted(addresses.values()) == [
        "desk://support/open/1.txt",
        "desk://support/open/2%20%C3%A4.txt",
    ]
    assert listing.complete
    texts = [source.read(one, 100).data.decode() for one in sorted(addresses.values())]
    assert texts == ["The printer is on fire.", "No paper."]
    with pytest.raises(ContentError) as caught:
        source.read("desk://support/open/9.txt", 100)
    assert caught.value.reason is RejectReason.VANISHED
    with pytest.raises(ContentError) as caught:
        source.read("desk://support/open/1.txt", 3)
    assert caught.value.reason is RejectReason.TOO_LARGE


def test_a_desk_that_is_closed_is_said(desk: Path) -> None:
    with pytest.raises(SourceError, match="the desk is closed"):
        open_source("desk://away").list(datetime.now(UTC))


def test_paths_that_lead_out_are_rejected(site: Path) -> None:
    outside = SOURCE.replace('"3.md"', '"../3.md"').replace('"open/1.txt"', '"open//1.txt"')
    install(
        site, "acme-desk", {"desk": "acme_desk:Desk"}, group=GROUP, modules={"acme_desk": outside}
    )
    rows = open_source("desk://support").list(datetime.now(UTC)).rows()
    problems = {row.path: row.problem for row in rows}
    assert problems["../3.md"] is RejectReason.SPECIAL_FILE
    assert problems["open//1.txt"] is RejectReason.SPECIAL_FILE
    assert problems["open/2 ä.txt"] is None


def test_a_broken_source_is_named(site: Path) -> None:
    install(site, "acme-desk", {"desk": "acme_desk:Desk"}, group=GROUP)
    with pytest.raises(
        PluginError, match=r"plug-in source 'desk' \(acme-desk 1.0, acme_desk:Desk\)"
    ):
        open_source("desk://support")


def test_schemes_of_this_project_stay_its_own(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    points = {"s3": "acme_desk:Desk", "memory": "acme_desk:Desk", "https": "acme_desk:Desk"}
    install(site, "acme-desk", points, group=GROUP, modules={"acme_desk": "raise OSError"})
    assert isinstance(open_source("memory://folder"), UrlSource)
    assert "acme_desk" not in sys.modules
    assert main(["plugins"]) == 1
    assert capsys.readouterr().out.count("the name belongs to a source of this project") == 3


def test_a_run_takes_its_content_from_a_plug_in(
    desk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    assert main(["run", "desk://support", "--home", str(home)]) == 0
    opened = Home(home)
    (batch,) = opened.batches.recorded()
    rows = opened.tables.read("content_manifest", batch).to_pylist()
    assert {(row["path"], row["outcome"]) for row in rows} == {
        ("3.md", "accepted"),
        ("open/1.txt", "accepted"),
        ("open/2 ä.txt", "accepted"),
    }


@pytest.mark.slow
def test_workers_of_a_cluster_read_from_a_plug_in(desk: Path, tmp_path: Path) -> None:
    """Processes of Dask open the source themselves; what they need is installed for them too."""
    policy = tmp_path / "policy.yaml"
    shown = load_policy().policy.canonical()
    shown["execution"]["tiers"] |= {"dask_from_items": 0, "dask_from_s": 0, "chunk_items": 1}
    policy.write_text(yaml.safe_dump(shown))
    home = tmp_path / "home"
    command = [sys.executable, "-m", "orchestration_assets", "run", "desk://support"]
    done = subprocess.run(
        [*command, "--home", str(home), "--policy", str(policy), "--jobs", "1"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(desk), str(ROOT)])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    opened = Home(home)
    (batch,) = opened.batches.recorded()
    rows = opened.tables.read("content_profiles", batch).to_pylist()
    assert {(row["path"], row["status"]) for row in rows} == {
        ("3.md", "ok"),
        ("open/1.txt", "ok"),
        ("open/2 ä.txt", "ok"),
    }
