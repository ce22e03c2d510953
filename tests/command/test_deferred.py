"""A service that was away: what could not be asked is said, and the next run asks it."""

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from orchestration_assets.__main__ import main
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import CALL_LOG, DECISION_LOG, PARALLEL_INTERPRETATIONS
from resources.ai_services.drill.faults import Fault, FaultScript
from resources.ai_services.drill.server import DrillServer, serving
from resources.home import Home

NOTES = 30
POLICY = """
version: 2
services:
  names: {{implementation: extension_map}}
  model:
    type: openai_chat
    base_url: {url}
    model: small-1
    api_key_env: DRILL_KEY
    price: {{input_usd: 10.0, output_usd: 20.0}}
    retries: {{backoff_s: 0.01, backoff_max_s: 0.1}}
    breaker: {{open_s: 0.05, wait_s: 0.3}}
    prompt:
      system: "{{{{ task.question }}}} One of: {{{{ labels | join(', ') }}}}."
      user: "{{{{ content }}}}"
    {more}
tasks:
  content_type:
    question: What kind of file is this?
    labels: [python, markdown, json, shell, cpp, text]
    default: {{model: parallel, services: [{services}]}}
"""
# the probe of the service's health, which has other words, is answered
DOWN = FaultScript(faults=(Fault(kind="error", contains="lighthouse"),))


@pytest.fixture(scope="module")
def server() -> Iterator[DrillServer]:
    server = DrillServer()
    with serving(server) as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DRILL_KEY", "a-key-for-the-drill")
        server.url = url
        yield server


@pytest.fixture
def drill(server: DrillServer) -> DrillServer:
    """The server that all tests share, without a fault."""
    server.script = FaultScript()
    return server


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("deferred") / "notes"
    folder.mkdir()
    for n in range(NOTES):
        (folder / f"note{n:02}.md").write_text(f"# Note {n}\n\nThe lighthouse has {n} steps.\n")
    return folder


def call(
    source: Path,
    home: Path,
    url: str,
    *arguments: str,
    services: str = "names, model",
    more: str = "",
) -> tuple[int, Any, str]:
    """The exit code of a run, what it printed (what is JSON is read), and what it said."""
    policy = home.with_suffix(".yaml")
    policy.write_text(POLICY.format(url=url, services=services, more=more))
    place = ["--home", str(home), "--policy", str(policy)]
    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as said:
        code = main(["run", str(source), *place, *arguments])
    printed = out.getvalue()
    return code, json.loads(printed) if "--json" in arguments else printed, said.getvalue()


@pytest.fixture
def run(source: Path, home: Path, drill: DrillServer) -> Callable[..., tuple[int, Any, str]]:
    return partial(call, source, home, drill.url)


@pytest.fixture(scope="module")
def deferred_once(
    tmp_path_factory: pytest.TempPathFactory, server: DrillServer, source: Path
) -> tuple[Path, dict[str, Any]]:
    """A home whose only run found the service away, and the summary of the run."""
    home = tmp_path_factory.mktemp("away") / "home"
    server.script = DOWN
    code, summary, _ = call(source, home, server.url, "--json")
    assert code == 75
    return home, summary


@pytest.fixture
def deferred(deferred_once: tuple[Path, dict[str, Any]], home: Path, drill: DrillServer) -> Any:
    """That summary; the test's own home is a copy of that home, and the service is back."""
    once, summary = deferred_once
    shutil.copytree(once, home)
    drill.script = FaultScript()
    return summary


def asked(drill) -> int:
    return sum(not one.key.startswith("health-") for one in drill.log)


def test_a_partly_answered_item_stands_and_its_missing_question_is_taken_up_again(
    run, drill, home, deferred
) -> None:
    summary = deferred
    (batch,) = summary["batches"]
    # the other service answered: every item resolves with what there is
    assert summary["resolutions"] == {"resolved": NOTES}
    assert (summary["deferred"], summary["deferred_readings"]) == (0, NOTES)
    (shortfall,) = summary["shortfalls"]
    assert (shortfall["kind"], shortfall["service"]) == ("deferred", "model")
    assert shortfall["readings"] == NOTES
    assert "run again" in shortfall["remedy"]
    assert summary["failed"] == 0
    before = asked(drill)
    code, summary, error = run("--json")
    assert (code, summary["batches"]) == (0, [batch])
    assert f"batch {batch}: {NOTES} readings were deferred" in error
    assert summary["deferred_readings"] == 0
    # only the missing questions were asked; all else came from the cache
    assert asked(drill) - before == NOTES
    assert set(summary["calls"]) == {"model"}
    log = Home(home).tables.read("call_log", batch).to_pylist()
    assert {row["origin"] for row in log if row["service"] == "names"} == {"cache"}
    code, summary, _ = run("--json")
    assert (code, summary["batches"]) == (0, [])


def test_items_without_any_answer_are_deferred_with_their_reason(run, drill, home) -> None:
    drill.script = DOWN
    code, text, _ = run(services="model")
    assert code == 75
    line = next(line for line in text.splitlines() if line.startswith("  deferred "))
    assert f"{NOTES} questions of model" in line
    assert "run again" in line
    (batch,) = Home(home).batches.recorded()
    tables = Home(home).tables
    resolutions = tables.read("resolutions", batch).to_pylist()
    assert {row["status"] for row in resolutions} == {"deferred"}
    states = [row for row in tables.read("item_states", batch).to_pylist() if row["final"]]
    assert {row["to_state"] for row in states} == {"deferred"}
    assert all("content_type: no answer (model: " in row["why"] for row in states)
    page = (home / "reports" / f"{batch}.html").read_text()
    assert "whose services were unavailable" in page
    # still away: nothing is dropped, and nothing but the circuit's probes is asked
    before = asked(drill)
    code, text, _ = run(services="model")
    assert code == 75
    assert 0 < asked(drill) - before <= 60
    drill.script = FaultScript()
    code, summary, _ = run("--json", services="model")
    assert (code, summary["resolutions"]) == (0, {"resolved": NOTES})


def test_a_stopped_service_is_an_error_whose_questions_are_taken_up_once_it_is_mended(
    run, drill
) -> None:
    drill.script = FaultScript(faults=(Fault(kind="unauthorised", contains="lighthouse"),))
    code, summary, _ = run("--json")
    # waiting does not mend it
    assert code == 1
    (shortfall,) = summary["shortfalls"]
    assert (shortfall["kind"], shortfall["readings"]) == ("stopped", NOTES)
    assert "HTTP 401" in shortfall["reason"]
    assert "mend" in shortfall["remedy"]
    drill.script = FaultScript()
    code, summary, _ = run("--json")
    assert (code, summary["statuses"]) == (0, {"ok": 2 * NOTES})


def test_under_another_policy_deferred_batches_are_planned_again(run, deferred) -> None:
    code, summary, _ = run("--json", more="concurrency: 3")
    assert (code, summary["deferred_readings"]) == (0, 0)
    assert summary["statuses"] == {"ok": 2 * NOTES}


def test_deadlines_are_said_with_their_remedy(run, drill) -> None:
    drill.script = FaultScript(faults=(Fault(kind="hang", contains="has 7 steps"),))
    more = "timeouts: {total_s: 0.3}\n    concurrency: 1"
    _, text, _ = run(more=more)
    assert "1 question of model (no answer within 0.3 s" in text
    assert "raise timeouts.total_s" in text


def test_a_take_up_carries_out_only_plans_with_a_deferred_reading(
    run, drill, home, deferred
) -> None:
    (batch,) = deferred["batches"]
    tables = Home(home).tables
    stored = (PARALLEL_INTERPRETATIONS, DECISION_LOG, CALL_LOG)
    ended = sorted(set(tables.read("call_log", batch)["item_id"].to_pylist()))[:5]
    for table in (PARALLEL_INTERPRETATIONS, CALL_LOG):
        rows = [
            replace(row, status=Status.REJECTED_OUTPUT, reason="not one of the labels")
            if row.item_id in ended and row.service == "model"
            else row
            for row in table.rows(tables.read(table.name, batch))
        ]
        tables.write(table, rows_to_arrow(table, rows), batch)

    def of_ended(table) -> list:
        rows = tables.read(table.name, batch).to_pylist()
        return [row for row in rows if row["item_id"] in ended]

    before = list(map(of_ended, stored))
    # whatever is asked now is answered: who asks a rejected question again would change its row
    sent = asked(drill)
    _, summary, _ = run("--json")
    assert summary["deferred_readings"] == 0
    # calls of the earlier run are not counted as this one's
    assert summary["calls"] == {"model": NOTES - len(ended)}
    assert asked(drill) - sent == NOTES - len(ended)
    assert list(map(of_ended, stored)) == before
    for table in stored:
        rows = tables.read(table.name, batch).to_pylist()
        keys = [(row["item_id"], row["task"]) for row in rows]
        assert keys == sorted(keys)
    readings = tables.read("parallel_interpretations", batch)["status"].to_pylist()
    assert Counter(readings) == {"ok": 2 * NOTES - len(ended), "rejected_output": len(ended)}


def test_what_a_killed_take_up_leaves_is_taken_up_again(run, deferred, monkeypatch) -> None:

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("orchestration_assets.reporting.publication.publish_batch", dies)
        with pytest.raises(BaseException):  # noqa: B017 -- however the command ends then
            assert run("--json")[0] == 0
    code, summary, _ = run("--json")
    assert (code, summary["deferred_readings"]) == (0, 0)
    assert len(summary["batches"]) == 1
    assert Path(summary["reports"][0]).exists()
