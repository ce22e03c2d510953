"""Whole commands over homes of several machines that belong to one S3-compatible store."""

import json
import shutil
import signal
import time
from pathlib import Path

import pytest

from orchestration_assets.content.intake import unfinished
from resources.bucket import Bucket
from resources.home import Home
from resources.home_store import copy_of_store, use_store
from tests.forked import Captured, command
from tests.servers import s3_server

pytestmark = pytest.mark.slow

PATIENCE_S = 400.0
POLICY = """
version: 2
content:
  keep: true
  batch: {max_items: 6}
services:
  stopwords: {implementation: stopwords}
tasks:
  natural_language:
    question: In which language is the prose written?
    kind: label
    default: {model: sequential, services: [stopwords]}
"""


@pytest.fixture
def server():
    with s3_server() as running:
        yield running


class Machines:
    """Homes that share a store and a source."""

    def __init__(self, root: Path) -> None:
        self.root, self.url = root, f"s3://bucket/{root.name}"
        self.source, self.policy = root / "source", root / "policy.yaml"
        self.source.mkdir()
        self.policy.write_text(POLICY)
        for number in range(12):
            text = f"Note {number} says that the meeting of the group {number} was moved again.\n"
            (self.source / f"note{number}.txt").write_text(text)

    def start(self, name: str, *given: str) -> Captured:
        places = ("--home", self.root / name, "--policy", self.policy, "--json")
        environment = {"ORCHESTRATION_STORE": self.url}
        return command(self.root, *given, *places, environment=environment)

    def run(self, name: str, *given: str) -> tuple[int | None, str, str]:
        child = self.start(name, *given)
        out, said = child.communicate(timeout=PATIENCE_S)
        return child.returncode, out, said

    def outcome(self, name: str, *given: str) -> dict:
        code, out, said = self.run(name, *given)
        assert code == 0, said
        return json.loads(out)

    def objects(self) -> set[str]:
        bucket = Bucket(self.url)
        folders = ("batches", "tables", "models", "policies", "reports", "content")
        return {key for folder in folders for key in bucket.list(folder)}


@pytest.fixture
def machines(tmp_path, server) -> Machines:
    return Machines(tmp_path)


def test_what_one_machine_finished_another_explains_forgets_and_tidies(machines) -> None:
    made = machines.outcome("one", "run", str(machines.source))
    assert len(made["batches"]) == 2
    kept = machines.objects()
    assert {key.split("/")[0] for key in kept} >= {"batches", "tables", "policies", "reports"}
    # a machine that has nothing yet: nothing is new to it, and everything is known
    shutil.rmtree(machines.root / "one")
    again = machines.outcome("other", "run", str(machines.source))
    assert again["batches"] == []
    assert (machines.root / "other" / "reports" / "index.html").exists()
    found = machines.outcome("other", "explain", "note3.txt")
    assert "note3" in json.dumps(found)
    machines.outcome("other", "job", "calibrate")
    assert machines.run("job only", "job")[0] == 0
    assert copy_of_store(machines.root / "job only") is not None
    gone = machines.outcome("other", "forget", "note3.txt", "--yes")
    assert gone
    bucket = Bucket(machines.url)
    for key in machines.objects():
        stored = bucket.get(key)
        assert stored is not None and b"Note 3 says" not in stored.data, key
    before = machines.objects()
    (machines.root / "other" / "tables" / "call_log" / "x.parquet.damaged").write_bytes(b"")
    machines.outcome("other", "tidy", "--yes", "--keep-batches", "0", "--older-than", "0")
    assert machines.objects() <= before
    third = Home(machines.root / "third")
    use_store(third.folder, machines.url)
    assert len(third.tables.batches("content_manifest")) == 2


def test_two_machines_at_once_do_every_batch_once(machines) -> None:
    children = [machines.start(name, "run", str(machines.source)) for name in ("one", "other")]
    found = [child.communicate(timeout=PATIENCE_S) for child in children]
    assert [child.returncode for child in children] == [0, 0], found
    summaries = [json.loads(out) for out, _ in found]
    done = sorted(batch for one in summaries for batch in one["batches"])
    last = Home(machines.root / "last")
    use_store(last.folder, machines.url)
    assert done == last.batches.recorded() == last.tables.batches("disagreement_report")
    assert len(done) == 2
    assert unfinished(last) == []


def test_a_store_that_goes_away_in_a_run_is_named_and_the_next_run_ends_it(
    machines, server
) -> None:
    child = machines.start("one", "run", str(machines.source))
    deadline = time.monotonic() + PATIENCE_S
    while not any(Bucket(machines.url).list("tables/content_manifest")):
        assert child.poll() is None and time.monotonic() < deadline
        time.sleep(0.2)
    server.stop()
    _, said = child.communicate(timeout=PATIENCE_S)
    assert child.returncode not in (0, None)
    assert machines.url in said and "cannot be used" in said and "run the same command" in said
    assert "Traceback" not in said
    assert all(len(line) < 1_000 for line in said.splitlines())
    server.start()
    machines.outcome("one", "run", str(machines.source))
    last = Home(machines.root / "last")
    use_store(last.folder, machines.url)
    assert len(last.tables.batches("disagreement_report")) == 2
    assert unfinished(last) == []


def test_a_batch_of_a_machine_that_died_is_taken_over(machines) -> None:
    child = machines.start("one", "run", str(machines.source))
    deadline = time.monotonic() + PATIENCE_S
    while not any(Bucket(machines.url).list("tables/content_manifest")):
        assert child.poll() is None and time.monotonic() < deadline
        time.sleep(0.2)
    child.send_signal(signal.SIGKILL)
    child.communicate()
    shutil.rmtree(machines.root / "one")
    summary = machines.outcome("other", "run", str(machines.source))
    assert len(summary["batches"]) == 2
    last = Home(machines.root / "last")
    use_store(last.folder, machines.url)
    assert unfinished(last) == []
