"""The real daemon and web server on a temporary home: content dropped in becomes a report."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest
import yaml

from orchestration_assets.command.instance import open_instance
from orchestration_assets.content.intake import unfinished
from orchestration_assets.policy.load import load_policy
from resources.ai_services.drill.faults import FaultScript
from resources.home import Home
from tests.command.test_deferred import DOWN, POLICY

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
# generous: the machine may be busy; what is asserted is that it happens, not how fast
PATIENCE_S = 400.0


class Service:
    """Dagster's daemon and web server for one home, started as a user would."""

    def __init__(self, home: Path, source: Path, policy: Path) -> None:
        self.home = home
        self.policy = policy
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.environment = {
            **os.environ,
            "ORCHESTRATION_HOME": str(home),
            "ORCHESTRATION_POLICY": str(policy),
            "ORCHESTRATION_SOURCES": str(source),
            "ORCHESTRATION_TICK_SECONDS": "2",
            "DAGSTER_HOME": str(home / "dagster"),
            "PYTHONPATH": str(ROOT),
        }
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        log = (self.home / f"{command[0]}.log").open("ab")
        started = subprocess.Popen(
            [str(Path(sys.executable).with_name(command[0])), *command[1:]],
            env=self.environment,
            cwd=self.home,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        log.close()
        self.running.append(started)
        return started

    def daemon(self) -> subprocess.Popen[bytes]:
        return self.start("dagster-daemon", "run", "-m", "orchestration_assets.definitions")

    def start_sensors(self, *names: str) -> None:
        """Turns sensors on, all at once: each is a process that loads the definitions."""
        module = ("-m", "orchestration_assets.definitions")
        starting = [self.start("dagster", "sensor", "start", name, *module) for name in names]
        assert [one.wait(PATIENCE_S) for one in starting] == [0] * len(names)

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """Kills it with everything it started: servers of code and runs under way."""
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def failures(self) -> str:
        """What the runs that failed say."""
        with open_instance(Home(self.home)) as instance:
            failed = instance.get_run_records(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE]))
            return "\n".join(
                f"{record.dagster_run.run_id}: {entry.message}"
                for record in failed
                for entry in instance.all_logs(record.dagster_run.run_id)
                if entry.dagster_event is not None and entry.dagster_event.is_failure
            )

    def until(self, holds: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not holds():
            if time.monotonic() > deadline:
                logs = "".join(path.read_text()[-3000:] for path in self.home.glob("*.log"))
                pytest.fail(f"no {what} within {PATIENCE_S} s\n{logs}\n{self.failures()}")
            time.sleep(0.5)

    def ask(self, query: str) -> dict:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/graphql",
            json.dumps({"query": query}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return json.load(answer)["data"]


@pytest.fixture
def service(home, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    home.mkdir()
    shown = load_policy().policy.model_dump(mode="json", by_alias=True, exclude_none=True)
    shown["content"] |= {"settle_s": 0.5}
    shown["content"]["batch"] |= {"wait_s": 1, "max_items": 10}
    policy = tmp_path / "policy.yaml"
    policy.write_text(yaml.safe_dump(shown))
    with open_instance(Home(home)):
        pass
    # a run that is killed before it began is found out by Dagster itself, after this long
    configured = home / "dagster" / "dagster.yaml"
    instance = yaml.safe_load(configured.read_text())
    instance["run_monitoring"] |= {"start_timeout_seconds": 45, "poll_interval_seconds": 5}
    configured.write_text(yaml.safe_dump(instance))
    service = Service(home, source, policy)
    yield service
    for process in service.running:
        if process.poll() is None:
            service.kill(process)


def test_questions_of_a_service_that_was_away_are_asked_again_by_themselves(
    service, home, tmp_path, drill
) -> None:
    service.environment["DRILL_KEY"] = "a-key-for-the-drill"
    content = yaml.safe_load(service.policy.read_text())["content"]
    policy = POLICY.format(url=drill.url, services="names, model", more="")
    execution = {"deferred_pause_s": 3.0}
    service.policy.write_text(
        policy + yaml.safe_dump({"content": content, "execution": execution}, sort_keys=False)
    )
    configured = home / "dagster" / "dagster.yaml"
    instance = yaml.safe_load(configured.read_text())
    # nothing is killed here, and a busy machine may need long to start a run
    instance["run_monitoring"]["start_timeout_seconds"] = int(PATIENCE_S)
    configured.write_text(yaml.safe_dump(instance))
    drill.script = DOWN
    service.daemon()
    service.start_sensors("new_content_sensor", "deferred_questions_sensor")
    for number in range(4):
        text = f"# Note {number}\n\nThe lighthouse has {number} steps.\n"
        (tmp_path / "source" / f"note{number}.md").write_text(text)

    def deferred() -> list[int]:
        tables = Home(home).tables
        reports = [tables.read("disagreement_report", b) for b in tables.batches("call_log")]
        return [row["deferred_readings"] for one in reports for row in one.to_pylist()]

    def reported() -> bool:
        return bool(Home(home).tables.batches("disagreement_report"))

    service.until(lambda: reported() and sum(deferred()) == 4, "deferred questions")
    drill.script = FaultScript()
    service.until(lambda: sum(deferred()) == 0, "answers to the deferred questions")


def drop(source: Path, names: range) -> None:
    for number in names:
        words = f"Note {number} says that the meeting of group {number % 7} was moved again.\n"
        (source / f"note{number}.txt").write_text(words * 3)


def test_content_dropped_in_becomes_reports_whatever_is_killed_meanwhile(
    service, home, tmp_path
) -> None:
    source = tmp_path / "source"
    daemon = service.daemon()
    service.start_sensors("new_content_sensor")
    drop(source, range(5))
    service.until(lambda: bool(list((home / "reports").glob("2*.html"))), "first report")

    drop(source, range(5, 30))
    service.until(lambda: len(unfinished(Home(home))) > 1, "batches under way")
    service.until(lambda: bool(list((home / "cache" / "running").iterdir())), "run under way")
    service.kill(daemon)
    left = unfinished(Home(home))
    assert left, "something was still to be done when the daemon died"
    service.daemon()
    drop(source, range(30, 33))

    def all_done() -> bool:
        recorded = Home(home).batches.recorded()
        listed = sum(Home(home).batches.read(key).num_rows for key in recorded)
        return listed == 33 and not unfinished(Home(home))

    service.until(all_done, "report of every batch")
    batches = Home(home).batches.recorded()
    manifests = [Home(home).tables.read("content_manifest", key).to_pylist() for key in batches]
    outcomes = Counter((row["path"], row["outcome"]) for rows in manifests for row in rows)
    assert outcomes == {(f"note{number}.txt", "accepted"): 1 for number in range(33)}

    port = str(service.port)
    service.start("dagster-webserver", "-m", "orchestration_assets.definitions", "-p", port)

    def answers() -> bool:
        try:
            return bool(service.ask("{version}"))
        except OSError:
            return False

    service.until(answers, "answer of the web server")
    shown = service.ask(
        "{runsOrError {... on Runs {results {jobName status tags {key value}}}}"
        ' partitionSet: assetNodeOrError(assetKey: {path: ["content_manifest"]})'
        " {... on AssetNode {partitionKeys}}}"
    )
    assert sorted(shown["partitionSet"]["partitionKeys"]) == batches
    with dg.DagsterInstance.from_config(str(home / "dagster")) as instance:
        runs = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.SUCCESS]))
    succeeded = Counter(run.tags["dagster/partition"] for run in runs)
    assert succeeded == dict.fromkeys(batches, 1)
