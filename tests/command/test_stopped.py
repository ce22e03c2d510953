"""The command as a process: killed, stopped, and with little allowed to it."""

import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from orchestration_assets.command.corpus_reports import reports_are_due
from orchestration_assets.content.intake import unfinished
from orchestration_assets.schemas.tables import TABLES
from resources.ai_services.drill.faults import FaultScript
from resources.ai_services.drill.server import DrillServer, running
from resources.home import Home
from resources.run_locks import STOPPED_TAG
from tests.fuzzing import EXHAUSTIVE

# what a run leaves behind, in its order: it is killed as soon as it is there
MOMENTS = (
    "batches/*.parquet",
    "cache/content/data.mdb",
    "tables/content_manifest/*.parquet",
    "tables/content_profiles/*.parquet",
    "tables/content_vectors/*.parquet",
    "tables/processing_plans/*.parquet",
    "cache/answers/data.mdb",
    "asked",
    "tables/sequential_interpretations/*.parquet",
    "tables/resolutions/*.parquet",
    "tables/disagreements/*.parquet",
    "tables/review_queue/*.parquet",
    "tables/item_states/*.parquet",
    "tables/disagreement_report/*.parquet",
    "tables/service_scorecards.parquet",
    "tables/content_ledger.parquet",
)
# sixteen runs take a while: the ordinary suite kills a fourth of them
KILLED_AT = MOMENTS if EXHAUSTIVE else MOMENTS[1::4]


def start(source: Path, home: Path, policy: Path | None = None, **options):
    more = [] if policy is None else ["--policy", str(policy)]
    program = [sys.executable, "-m", "orchestration_assets", "run", str(source)]
    return subprocess.Popen(
        [*program, "--home", str(home), *more],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_says_how_to_go_on_and_is_no_failure(corpus, home, number) -> None:
    import dagster as dg

    for n in range(60):
        (corpus / f"note{n}.md").write_text(f"# Note {n}\n\nThis is the note with number {n}.\n")
    with start(corpus, home) as child:
        assert child.stderr is not None
        for line in child.stderr:
            if line.startswith("profiling"):
                break
        child.send_signal(number)
        said = child.stderr.read()
        assert child.wait() == 128 + number
    assert "orchestrate: stopped; run the same command to go on" in said
    assert "Traceback" not in said
    with dg.DagsterInstance.from_config(str(home / "dagster")) as instance:
        (run,) = instance.get_runs()
        # what a signal raises inside a callback is lost: then it takes effect behind the job
        assert run.status in (dg.DagsterRunStatus.CANCELED, dg.DagsterRunStatus.SUCCESS)
        assert STOPPED_TAG in run.tags


def test_too_few_open_files_are_said_before_anything_breaks(corpus, home) -> None:
    def few() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))

    with start(corpus, home, preexec_fn=few) as child:
        assert child.stderr is not None
        said = child.stderr.read()
        assert child.wait() == 2
    assert said.count("\n") == 1
    assert "ulimit -n 1024" in said


def test_a_full_disk_is_said_with_the_remedy(corpus, home) -> None:
    """A limit on the size of files refuses writes as a full disk does."""

    def small() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (8_000, 8_000))

    with start(corpus, home, preexec_fn=small) as child:
        assert child.stderr is not None
        said = child.stderr.read()
        assert child.wait() == 2
    assert "Traceback" not in said
    assert "File too large; allow larger files" in said
    assert str(home) in said


POLICY = """
version: 1
services:
  extension_map: {implementation: extension_map}
  model:
    type: openai_chat
    base_url: %s
    model: drill-small
    concurrency: 4
    max_output_tokens: 64
    prompt:
      system: "{{ task.question }} Answer with one of: {{ labels | join(', ') }}."
      user: "{{ content }}"
tasks:
  content_type:
    question: What kind of file is this?
    labels: [python, javascript, json, markdown, html, shell, c, cpp, text]
    default: {model: parallel, services: [extension_map, model]}
"""
# a process that has loaded everything, and makes a child for every run: loading takes longest
ZYGOTE = """
import os, sys
import dagster, pyarrow.parquet
import orchestration_assets.definitions, orchestration_assets.command.run
from orchestration_assets.__main__ import main
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        os.dup2(2, 1)
        os._exit(main(line.split()))
    print(child, flush=True)
    _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)
"""


class Runs:
    """Runs of the command, one after the other, each in a process of its own."""

    def __init__(self, zygote: "subprocess.Popen[str]", source: Path, policy: Path) -> None:
        self._zygote, self._source, self._policy = zygote, source, policy

    def start(self, home: Path) -> int:
        assert self._zygote.stdin is not None
        words = f"run {self._source} --home {home} --policy {self._policy} --json"
        self._zygote.stdin.write(words + "\n")
        self._zygote.stdin.flush()
        return self._said()

    def end(self) -> int:
        return self._said()

    def _said(self) -> int:
        assert self._zygote.stdout is not None
        return int(self._zygote.stdout.readline())


def seen(home: Path, moment: str) -> set[tuple[str, int, int]]:
    found = set()
    for path in home.glob(moment):
        stat = path.stat()
        found.add((str(path), stat.st_ino, stat.st_mtime_ns))
    return found


@pytest.mark.slow
def test_kills_lose_nothing_and_ask_nothing_twice(tmp_path) -> None:
    """The rerun of each killed run is the next that is killed; new content comes in between."""
    chance = random.Random(11)
    source = tmp_path / "source"
    source.mkdir()
    policy = tmp_path / "policy.yaml"
    server = DrillServer(FaultScript(median_ms=5))
    with (
        running(server) as url,
        subprocess.Popen(
            [sys.executable, "-c", ZYGOTE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as zygote,
    ):
        policy.write_text(POLICY % url)
        runs = Runs(zygote, source, policy)
        home = tmp_path / "home"
        written = 0
        for moment in KILLED_AT:
            # a batch that is left is gone on with; when none is, there is something new
            for _ in range(0 if unfinished(Home(home)) else 8):
                text = f"This is the text of note {written}, which is unlike all others."
                (source / f"note{written}.md").write_text(text)
                written += 1
            before, asked = seen(home, moment), len(server.log)
            child = runs.start(home)
            while not (
                len(server.log) > asked if moment == "asked" else seen(home, moment) - before
            ):
                assert Path(f"/proc/{child}/fd").exists(), f"it ended before {moment}"
                time.sleep(0.002)
            time.sleep(chance.random() * 0.02)
            os.kill(child, signal.SIGKILL)
            assert runs.end() == -signal.SIGKILL, moment
        runs.start(home)
        assert runs.end() == 0
        assert unfinished(Home(home)) == []
        assert not reports_are_due(Home(home))
        asked = len(server.log)
        whole = tmp_path / "whole"
        runs.start(whole)
        assert runs.end() == 0
        assert zygote.stdin is not None
        zygote.stdin.close()
    # a call that was under way at a kill is lost: at most as many as the service takes at once
    repeated = asked - len({one.key for one in server.log[:asked]})
    assert repeated <= len(KILLED_AT) * 4
    assert rows(home, "resolutions") == rows(whole, "resolutions")
    assert len(rows(home, "resolutions")) == written
    assert rows(home, "content_profiles") == rows(whole, "content_profiles")


def rows(home: Path, table: str) -> list[dict]:
    """The rows of all batches without what names the batch and the run."""
    tables = Home(home).tables
    names = [name for name in TABLES[table].stable_columns if name != "batch"]
    found = [row for one in tables.intact(table, names) for row in one.to_pylist()]
    return sorted(found, key=lambda row: (row["item_id"], row.get("task", "")))
