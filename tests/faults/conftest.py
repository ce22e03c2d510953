"""One server that counts, one prepared home that tests copy, one process that makes the others."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from orchestration_assets.content.intake import unfinished
from orchestration_assets.schemas.tables import TABLES
from resources.ai_services.drill.faults import FaultScript
from resources.ai_services.drill.server import DrillServer, ServedRequest, serving
from resources.home import Home
from tests.faults.processes import Command, Processes, processes

AT_ONCE = 4
KNOWN = 4
"""Notes of the prepared home."""
POLICY = """
version: 2
services:
  extension_map: {implementation: extension_map}
  model:
    type: openai_chat
    base_url: %s
    model: drill-small
    concurrency: 4
    max_output_tokens: 64
    price: {input_usd: 1.0, output_usd: 2.0}
    prompt:
      system: "{{ task.question }} Answer with one of: {{ labels | join(', ') }}."
      user: "{{ content }}"
tasks:
  content_type:
    question: What kind of file is this?
    labels: [python, javascript, json, markdown, html, shell, c, cpp, text]
    default: {model: parallel, services: [extension_map, model]}
"""


@pytest.fixture(scope="session")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    with processes(tmp_path_factory.mktemp("commands")) as started:
        yield started


@pytest.fixture(scope="session")
def counting() -> Iterator[tuple[DrillServer, str]]:
    server = DrillServer()
    with serving(server) as url:
        yield server, url


@dataclass
class Place:
    """A source, a home and a policy of a test's own, and the server that its services ask."""

    root: Path
    commands: Processes
    server: DrillServer

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def source(self) -> Path:
        return self.root / "source"

    @property
    def policy(self) -> Path:
        return self.root / "policy.yaml"

    def add(self, count: int) -> None:
        """New notes in the source."""
        for number in range(count):
            written = len(list(self.source.iterdir()))
            text = f"This is the text of note {written}, number {number} of its day.\n"
            (self.source / f"note{written}.md").write_text(text)

    def run(self, *more: object, home: Path | None = None, **options) -> Command:
        places = ("--home", home or self.home, "--policy", self.policy, "--json")
        return self.commands.start("run", self.source, *places, *more, **options)

    def finishes(self, **options) -> Command:
        """A run to the end, after which nothing is left to be done."""
        command = self.run(**options)
        assert command.end() == 0, command.said[-3000:]
        assert unfinished(Home(self.home)) == []
        return command

    @property
    def repeated(self) -> list[str]:
        """The questions of the finished calls that were asked again, each as often as that."""
        finished: set[str] = set()
        again = []
        for call in sorted(self.calls, key=lambda call: call.number):
            if call.key in finished:
                again.append(call.key)
            if call.finished and call.status == 200:
                finished.add(call.key)
        return again

    @property
    def calls(self) -> list[ServedRequest]:
        """What the service was asked about content; a look at its health is no such question."""
        return [call for call in self.server.log if not call.key.startswith("health-")]

    def rows(self, table: str) -> list[dict]:
        """The rows of all batches without what names the batch and the run."""
        tables = Home(self.home).tables
        names = [name for name in TABLES[table].stable_columns if name != "batch"]
        rows = [row for part in tables.intact(table, names) for row in part.to_pylist()]
        order = ("item_id", "task", "service")
        return sorted(rows, key=lambda row: [row.get(name, "") for name in order])


@pytest.fixture(scope="session")
def prepared(
    commands: Processes,
    counting: tuple[DrillServer, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A place whose home knows a few notes: to be copied."""
    server, url = counting
    place = Place(tmp_path_factory.mktemp("prepared"), commands, server)
    place.source.mkdir()
    place.policy.write_text(POLICY % url)
    place.add(KNOWN)
    place.finishes()
    return place.root


@pytest.fixture
def place(
    prepared: Path, tmp_path: Path, commands: Processes, counting: tuple[DrillServer, str]
) -> Iterator[Place]:
    """A copy of the prepared place; notes that come next are asked about by nobody yet."""
    server, _ = counting
    shutil.copytree(prepared, tmp_path / "place", symlinks=True)
    server.log.clear()
    server.script = FaultScript()
    yield Place(tmp_path / "place", commands, server)
