"""Signals, usage and alerts of real runs against a server that is well, then away, then well."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest
import yaml

from resources.ai_services.drill.faults import Fault, FaultKind, FaultScript
from resources.ai_services.drill.server import DrillServer, serving
from resources.home_resource import HomeResource, PolicyFileResource
from tests.graph.conftest import Project, project_in
from tests.webhooks import Receiver, receiving

pytestmark = pytest.mark.slow
VARIABLE, EXPLORER = "ALERTS_URL", "http://127.0.0.1:8400"


def policy(url: str) -> str:
    remote = {
        "type": "openai_chat",
        "base_url": url,
        "model": "drill",
        "price": {"input_usd": 5.0, "output_usd": 5.0},
        "prompt": {"system": "{{ task.question }}", "user": "{{ content }}"},
        "retries": {"attempts": 1},
        "breaker": {"open_s": 0.1, "wait_s": 0.2},
    }
    task = {
        "question": "What is it about?",
        "labels": ["yes", "no"],
        "default": {"model": "sequential", "services": ["remote"]},
    }
    rules = [
        {"name": "errors", "signal": "error_rate", "service": "remote", "above": 0.5},
        {"name": "left", "signal": "deferred_questions", "above": 0, "severity": "page"},
    ]
    return yaml.safe_dump(
        {
            "version": 2,
            "alerts": {"webhook": {"url_env": VARIABLE, "timeout_s": 5.0}, "rules": rules},
            "services": {"remote": remote},
            "tasks": {"topic": task},
        }
    )


@dataclass
class Outage:
    """Three batches: the service is well, away, and well again; reports of the latter two."""

    project: Project
    receiver: Receiver
    batches: list[str]
    reports: list[dg.ExecuteInProcessResult]
    sensed: list[str]

    def metadata(self, asset: str, batch: str | None = None) -> dict[str, object]:
        key = dg.AssetKey(asset)
        records = self.project.instance.fetch_materializations(
            dg.AssetRecordsFilter(key, asset_partitions=[batch] if batch else None), limit=1
        ).records
        made = records[0].asset_materialization
        assert made is not None
        return {name: one.value for name, one in made.metadata.items()}


def sense(project: Project) -> str:
    repository = project.definitions.get_repository_def()
    with dg.build_sensor_context(
        instance=project.instance,
        repository_def=repository,
        resources={
            "home": HomeResource(path=str(project.home)),
            "policy_file": PolicyFileResource(path=str(project.policy)),
        },
    ) as context:
        found = repository.get_sensor_def("alerts_sensor").evaluate_tick(context)
    assert not found.run_requests
    return found.skip_message or ""


@pytest.fixture(scope="module")
def outage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outage]:
    folder = tmp_path_factory.mktemp("outage")
    away = FaultScript(faults=(Fault(kind=FaultKind.ERROR),))
    server = DrillServer()
    with (
        serving(server) as url,
        project_in(folder) as project,
        receiving() as receiver,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv(VARIABLE, receiver.url)
        patch.setenv("ORCHESTRATION_EXPLORER_URL", EXPLORER)
        project.write_policy(policy(url))
        held = Outage(project, receiver, [], [], [])
        for n, script in enumerate([FaultScript(), away, FaultScript()]):
            server.script = script
            held.batches += project.take_in(texts(folder / str(n), n))
            project.execute("process_batch", held.batches[-1])
            held.sensed.append(sense(project))
            if n:
                held.reports.append(project.succeeds("corpus_reports", None))
        yield held


def texts(folder: Path, n: int) -> Path:
    folder.mkdir()
    for number in range(4):
        (folder / f"{n}-{number}.txt").write_text(f"Text {number} of the batch {n}.\n")
    return folder


def test_alerts_are_told_of_once_by_the_sensor_and_checked_with_the_reports(
    outage: Outage,
) -> None:
    told = [(one["event"], one["alert"]) for _, one in outage.receiver.received]
    assert told[:2] == [("alert_began", "errors"), ("alert_began", "left")]
    assert told[2:] == [("alert_ended", "errors")]
    well, away, again = outage.sensed
    assert well == "None of 2 alerts holds."
    assert "errors: error_rate of remote is 1.000" in away and "left:" in away
    assert again.startswith("left: deferred_questions is")

    def check(n: int) -> dg.AssetCheckEvaluation:
        return next(
            one
            for one in outage.reports[n].get_asset_check_evaluations()
            if one.check_name == "alerts"
        )

    held = check(0)
    assert not held.passed and held.severity is dg.AssetCheckSeverity.ERROR
    assert "What to do: Read the reasons in call_log" in str(held.metadata["errors"].value)
    assert "errors" not in (check(1).description or "")


def test_usage_has_the_names_of_dagster_openai_and_signals_are_plotted(outage: Outage) -> None:
    batch = outage.batches[0]
    found = outage.metadata("sequential_interpretations", batch)
    log = outage.project.tables.read("call_log", batch).to_pylist()
    usage = {name: value for name, value in found.items() if name.startswith("openai.")}
    assert usage == {
        "openai.calls": 4,
        "openai.prompt_tokens": sum(row["tokens_in"] for row in log),
        "openai.completion_tokens": sum(row["tokens_out"] for row in log),
        "openai.total_tokens": sum(row["tokens_in"] + row["tokens_out"] for row in log),
    }
    assert usage["openai.total_tokens"] > 0
    nothing = outage.metadata("sequential_interpretations", outage.batches[1])
    assert not [name for name in nothing if name.startswith("openai.")]

    for n, rate in enumerate([0.0, 1.0, 0.0]):
        found = outage.metadata("disagreement_report", outage.batches[n])
        assert found["error_rate"] == rate
        assert found["explorer"] == f"{EXPLORER}/batch/{outage.batches[n]}"
    found = outage.metadata("golden_signals")
    assert (found["error_rate"], found["deferred_questions"]) == (0.0, 4.0)
    assert isinstance(found["latency_p95_ms"], float) and found["cost_usd"] > 0
    assert found["alerts_firing"] == 1

    rows = outage.project.tables.read("golden_signals").to_pylist()
    rates = [
        row["value"] for row in rows if row["signal"] == "error_rate" and row["service"] == "remote"
    ]
    assert rates == [0.0, 1.0, 0.0]
    costs = {
        (row["batch"], row["service"], row["task"]): row["value"]
        for row in rows
        if row["signal"] == "cost_usd"
    }
    paid = outage.project.tables.read("corpus_report").to_pylist()
    for one in paid:
        assert costs[one["batch"], "", ""] == pytest.approx(one["paid_usd"])
    assert costs[outage.batches[0], "", "topic"] == costs[outage.batches[0], "remote", ""]
