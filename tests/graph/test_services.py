"""Services over HTTP in the graph: probed, gated, budgeted, drilled, repeated without a call."""

import json
from pathlib import Path

import pytest

from orchestration_assets.__main__ import main
from orchestration_assets.schemas.tables import TABLES
from resources.ai_services.drill.faults import Fault, FaultScript
from resources.home import Home

POLICY = """
version: 2
services:
  names: {{implementation: extension_map}}
  model:
    type: openai_chat
    base_url: {url}
    model: small-1
    price: {{input_usd: 10.0, output_usd: 20.0}}
    retries: {{backoff_s: 0.01}}
    breaker: {{open_s: 0.1, wait_s: 0.5}}
    timeouts: {{total_s: 5.0}}
    prompt:
      system: "{{{{ task.question }}}} One of: {{{{ labels | join(', ') }}}}."
      user: "{{{{ content }}}}"
    {more}
  vectors:
    type: openai_embeddings
    base_url: {url}
    model: embed-1
    batch_size: 4
  ngram: {{implementation: ngram_hashing}}
tasks:
  content_type:
    question: What kind of file is this?
    labels: [python, markdown, json, shell, cpp, text]
    default: {{model: parallel, services: [names, model]}}
  meaning:
    question: Where does it lie?
    kind: vector
    applies_to: {{prose_word_count: {{ge: 5}}}}
    default: {{model: parallel, services: [vectors, ngram]}}
"""


@pytest.fixture
def project(project, drill, tmp_path):
    project.policy = write(tmp_path, drill.url)
    return project


def write(folder: Path, url: str, more: str = "") -> Path:
    path = folder / "policy.yaml"
    path.write_text(POLICY.format(url=url, more=more))
    return path


def checks(result) -> dict[str, bool]:
    return {
        e.check_name: e.passed
        for e in result.get_asset_check_evaluations()
        if e.asset_key.to_user_string() == "service_health"
    }


def test_a_batch_is_asked_over_http_and_repeats_without_a_call(project, corpus, drill) -> None:
    (batch,) = project.take_in(corpus)
    first = project.succeeds("process_batch", batch)
    assert checks(first) == dict.fromkeys(
        ("schema", "conservation", "shallow", "deep", "business"), True
    )
    log = project.tables.read("call_log", batch).to_pylist()
    asked = [row for row in log if row["service"] in ("model", "vectors")]
    assert {row["status"] for row in asked} == {"ok"}
    assert all(row["tokens_in"] > 0 and row["content_share"] == 1.0 for row in asked)
    spent = sum(row["cost_usd"] for row in log if row["service"] == "model")
    assert spent == pytest.approx(
        sum(
            one.tokens_in * 10e-6 + one.tokens_out * 20e-6
            for one in drill.billed
            if one.path.endswith("completions") and not one.key.startswith("health-")
        )
    )
    names = [name for name in TABLES if project.tables.exists(name, batch)]
    before = {name: project.tables.read(name, batch) for name in names}
    calls = [one for one in drill.log if not one.key.startswith("health-")]
    project.succeeds("reprocess", batch)
    assert [one for one in drill.log if not one.key.startswith("health-")] == calls
    for name in names:
        stable = TABLES[name].stable_columns
        assert project.tables.read(name, batch).select(stable).equals(before[name].select(stable))
    health = {row["service"]: row for row in project.tables.read("service_health").to_pylist()}
    assert health["model"]["deep_ok"] is True
    assert health["model"]["attempts"] > 0
    assert health["model"]["p50_ms"] > 0
    assert health["model"]["token_ratio"] == pytest.approx(0.9, abs=0.2)
    assert health["names"]["deep_ok"] is None


def test_a_service_that_refuses_every_question_stops_the_run_before_anything_is_paid(
    project, corpus, drill
) -> None:
    drill.script = FaultScript(faults=(Fault(kind="unauthorised", contains="messages"),))
    (batch,) = project.take_in(corpus)
    result = project.execute("process_batch", batch)
    assert not result.success
    assert checks(result)["deep"] is False
    assert all(one.key.startswith("health-") for one in drill.log)
    assert not project.tables.exists("call_log", batch)


def test_a_service_that_fails_for_the_moment_does_not_stop_the_run(project, corpus, drill) -> None:
    # only what the probe asks: when the items come, the bad minute is over
    drill.script = FaultScript(faults=(Fault(kind="error", contains="opens at nine"),))
    (batch,) = project.take_in(corpus)
    result = project.succeeds("process_batch", batch)
    assert checks(result)["deep"] is False
    readings = project.tables.read("parallel_interpretations", batch).to_pylist()
    assert {row["status"] for row in readings if row["service"] == "model"} == {"ok"}


def test_a_fallback_that_works_lets_the_run_go_on_and_its_answers_say_so(
    project, corpus, drill, tmp_path
) -> None:
    project.policy = write(tmp_path, drill.url, "fallbacks: [names]")
    drill.script = FaultScript(faults=(Fault(kind="error", contains="messages"),))
    (batch,) = project.take_in(corpus)
    result = project.succeeds("process_batch", batch)
    assert checks(result)["deep"] is True
    readings = project.tables.read("parallel_interpretations", batch).to_pylist()
    statuses = {row["status"] for row in readings if row["service"] == "model"}
    assert "fallback" in statuses
    assert statuses <= {"fallback", "deferred"}
    # an answer that is not its own is no voice of its own
    assert not [
        row
        for row in project.tables.read("disagreements", batch).to_pylist()
        if "model" in (row["service_a"], row["service_b"])
    ]


def test_a_known_item_that_is_answered_wrongly_is_told_and_stops_nothing(
    project, corpus, drill, tmp_path
) -> None:
    known = "known_item: {task: content_type, text: 'import os', expect: python}"
    project.policy = write(tmp_path, drill.url, known)
    drill.script = FaultScript(answers={"import os": "shell"})
    result = project.succeeds("check_services", None)
    assert checks(result)["business"] is False
    row = project.tables.read("service_health").to_pylist()
    assert "said 'shell', 'python' is expected" in str(row)
    drill.script = FaultScript(answers={"import os": "python"})
    drill._answers_by_key.clear()
    assert checks(project.execute("check_services", None))["business"] is True


def test_the_outage_drill_loses_nothing_and_leaves_the_machine_alone(project, drill) -> None:
    result = project.execute("outage_drill", None)
    (evaluation,) = result.get_asset_check_evaluations()
    assert evaluation.passed, evaluation.description
    figures = {name: value.value for name, value in evaluation.metadata.items()}
    for service in ("model", "vectors"):
        assert figures[f"{service}/items_lost"] == 0
        assert sum(figures[f"{service}/statuses"].values()) == 200
        assert figures[f"{service}/p95_ms"] > 0
    assert figures["model/cost_usd"] > 0
    assert drill.log == []


@pytest.mark.slow
def test_preview_prices_a_budget_caps_and_the_rest_is_asked_by_the_next_run(
    corpus, home, drill, tmp_path, capsys
) -> None:
    policy = write(tmp_path, drill.url)
    where = [str(corpus), "--home", str(home), "--policy", str(policy), "--json"]

    def said(command: str, *more: str) -> tuple[int, dict]:
        code = main([command, *where, *more])
        return code, json.loads(capsys.readouterr().out)

    _, preview = said("preview")
    assert drill.log == []
    # items without any answer make the exit code 1
    cap = 0.4 * preview["usd"]
    code, capped = said("run", "--budget-usd", str(cap))
    assert capped["over_budget"] > 0
    assert code == (1 if capped["failed"] else 0)
    assert 0 < capped["cost_usd"] <= cap
    (batch,) = capped["batches"]
    readings = Home(home).tables.read("parallel_interpretations", batch).to_pylist()
    statuses = {row["status"] for row in readings if row["service"] == "model"}
    assert statuses == {"ok", "over_budget"}
    _, rest = said("run", "--reprocess")
    assert rest["over_budget"] == 0
    assert rest["calls"] == {"model": capped["over_budget"]}
    paid = capped["cost_usd"] + rest["cost_usd"]
    assert preview["usd_low"] <= paid <= preview["usd_high"]
    calls = {one["service"]: one["calls_low"] for one in preview["prices"]}
    assert calls["model"] == capped["calls"]["model"] + rest["calls"]["model"]
    # known content under another name is a duplicate: it is asked nothing
    (corpus / "app" / "main_copy.py").write_text((corpus / "docs" / "guide.md").read_text())
    _, again = said("preview")
    assert again["usd_high"] == 0.0


@pytest.mark.parametrize("amount", ["-1", "nan", "lots"])
def test_a_budget_that_is_no_amount_is_a_usage_error(amount, capsys) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["run", ".", "--budget-usd", amount])
    assert stopped.value.code == 2
    assert "budget-usd" in capsys.readouterr().err
