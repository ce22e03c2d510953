"""Traces as a receiver of OTLP over HTTP gets them, of a real run with services that fail."""

import csv
import json
import sys
from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest

pytest.importorskip("opentelemetry.sdk")

from orchestration_assets.command.instance import open_instance
from orchestration_assets.command.run_traces import run_traces
from orchestration_assets.definitions import build_definitions
from orchestration_assets.policy.load import load_policy
from orchestration_assets.schemas.tables import CALL_LOG
from orchestration_assets.settings import Settings
from orchestration_assets.tracing.marks import TraceMark, TraceMarks
from orchestration_assets.tracing.spans import ROOT, span_id, trace_id
from resources.home import Home
from sensors.traces import trace_sensor
from tests.tracing.receiver import Receiver, attributes
from tests.tracing.runs import KEY, SECRET_WORD, TracedRun, call, policy_text, traced_run

# of a client span, by the semantic conventions for GenAI: required, or required where it is known
REQUIRED = {"gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model"}
KNOWN = {"server.address", "server.port", "gen_ai.output.type"}
ANSWERED = {
    *("gen_ai.response.model", "gen_ai.response.id", "gen_ai.response.finish_reasons"),
    *("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"),
}
CLIENT, ERROR = 3, 2


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TracedRun]:
    with traced_run(tmp_path_factory.mktemp("traced"), share=0.0) as found:
        yield found


@pytest.fixture
def heard(run: TracedRun) -> Iterator[Receiver]:
    """The receiver, which hears nothing but what the test sends."""
    kept = {name: list(getattr(run.receiver, name)) for name in _HEARD}
    for name in _HEARD:
        getattr(run.receiver, name).clear()
    yield run.receiver
    for name in _HEARD:
        getattr(run.receiver, name)[:] = kept[name]
    run.receiver.status = 200


_HEARD = ("spans", "logs", "metrics", "resources", "bodies", "headers")


def _by_name(spans: list[Any], start: str) -> list[Any]:
    return [one for one in spans if one.name.startswith(start)]


def _of_item(receiver: Receiver, run: TracedRun, name: str) -> list[Any]:
    """The spans below that of an item."""
    code, out, _ = run.call("explain", f"{name}.md", "--trace", "--json")
    assert code == 0
    item = json.loads(out)["item_id"]
    own = {
        one.span_id
        for one in receiver.spans
        if attributes(one).get("orchestration.item.id") == item
    }
    for one in receiver.spans:
        if one.parent_span_id in own:
            own.add(one.span_id)
    return [one for one in receiver.spans if one.span_id in own]


def test_a_batch_is_one_trace_of_its_run_its_steps_and_items(run: TracedRun) -> None:
    spans = run.receiver.spans
    assert len({one.trace_id for one in spans}) == 1
    assert len({one.span_id for one in spans}) == len(spans)
    by_id = {one.span_id: one for one in spans}
    (root,) = (one for one in spans if not one.parent_span_id)
    about = attributes(root)
    assert about["orchestration.batch.id"] == run.batch
    assert about["url.full"] == f"http://dagster.example/runs/{about['dagster.run_id']}"
    assert int.from_bytes(root.trace_id, "big") == trace_id(run.batch, about["dagster.run_id"])
    assert int.from_bytes(root.span_id, "big") == span_id(
        int.from_bytes(root.trace_id, "big"), ROOT
    )
    steps = {one.name: one for one in _by_name(spans, "step ")}
    assert {"step content_manifest", "step interpretations", "step disagreements"} <= set(steps)
    assert all(one.parent_span_id == root.span_id for one in steps.values())
    for one in spans:
        assert one.start_time_unix_nano <= one.end_time_unix_nano
        assert not one.parent_span_id or one.parent_span_id in by_id
    for item in _by_name(spans, "item"):
        assert by_id[item.parent_span_id].name == "step interpretations"
    resource = attributes(run.receiver.resources[0])
    assert resource["service.name"] == "content-orchestration"
    assert run.receiver.headers[0]["x-tenant"] == "docs"


def test_disputed_and_failed_items_are_told_and_no_others(run: TracedRun) -> None:
    items = _by_name(run.receiver.spans, "item")
    why = sorted(attributes(one)["orchestration.traced_for"] for one in items)
    assert why == ["disputed", "disputed", "failed"]
    (broken,) = _by_name(_of_item(run.receiver, run, "broken"), "item")
    assert attributes(broken)["orchestration.traced_for"] == "failed"
    assert broken.status.code == ERROR and attributes(broken)["error.type"] == "failed"


def test_calls_have_what_the_conventions_require(run: TracedRun) -> None:
    calls = _by_name(run.receiver.spans, "chat ")
    assert calls
    for one in calls:
        about = attributes(one)
        assert one.kind == CLIENT
        assert one.name == f"chat {about['gen_ai.request.model']}"
        assert set(about) >= REQUIRED | KNOWN
        assert about["server.address"] == "127.0.0.1" and about["server.port"] > 0
        if one.status.code == ERROR:
            assert about["error.type"] in {"400", "500"}
        else:
            assert set(about) >= ANSWERED and "error.type" not in about
    (retried,) = _by_name(_of_item(run.receiver, run, "retried"), "chat big-1")
    about = attributes(retried)
    assert about["gen_ai.response.model"] == "big-1-2026"
    assert about["gen_ai.response.finish_reasons"] == ["stop"]
    assert (about["gen_ai.request.temperature"], about["gen_ai.request.seed"]) == (0.2, 7)
    assert about["orchestration.cost_usd"] == pytest.approx(0.002)
    # one operation with all its attempts, of which the first broke
    attempts = [one for one in run.receiver.spans if one.parent_span_id == retried.span_id]
    assert [attributes(one).get("error.type") for one in attempts] == ["500", None]
    embedded = _by_name(run.receiver.spans, "service stopwords")
    assert embedded and all(one.kind != CLIENT for one in embedded)


def test_histograms_count_the_calls_of_all_items(run: TracedRun) -> None:
    metrics = {one.name: one for one in run.receiver.metrics}
    assert set(metrics) == {"gen_ai.client.operation.duration", "gen_ai.client.token.usage"}
    duration = metrics["gen_ai.client.operation.duration"]
    assert duration.unit == "s"
    points = duration.histogram.data_points
    assert all(list(one.explicit_bounds) == [0.01 * 2**n for n in range(14)] for one in points)
    calls = Home(run.home).tables.read(CALL_LOG.name, run.batch).to_pylist()
    over_http = {
        (one["item_id"], one["called"])
        for one in calls
        if one["origin"] == "called" and one["called"] != "stopwords"
    }
    assert sum(one.count for one in points) == len(over_http)
    assert {attributes(one).get("error.type") for one in points} == {None, "400", "500"}
    tokens = metrics["gen_ai.client.token.usage"].histogram.data_points
    billed = {"input": 0.0, "output": 0.0}
    for one in tokens:
        assert set(attributes(one)) >= REQUIRED
        billed[attributes(one)["gen_ai.token.type"]] += one.sum
    assert billed == {
        "input": sum(one["tokens_in"] or 0 for one in calls),
        "output": sum(one["tokens_out"] or 0 for one in calls),
    }


def test_the_risk_of_an_answer_is_an_evaluation_of_the_call_that_gave_it(run: TracedRun) -> None:
    spans = {one.span_id: one for one in run.receiver.spans}
    assert run.receiver.logs
    for one in run.receiver.logs:
        about = attributes(one)
        assert one.event_name == "gen_ai.evaluation.result"
        assert about["gen_ai.evaluation.name"] == "error_risk"
        assert 0.0 <= about["gen_ai.evaluation.score.value"] <= 1.0
        assert one.trace_id == spans[one.span_id].trace_id
    judged = {spans[one.span_id].name for one in run.receiver.logs}
    assert judged == {"task language", "chat small-1"}
    (about,) = (
        attributes(one)
        for one in run.receiver.logs
        if one.span_id in {span.span_id for span in _of_item(run.receiver, run, "disputed")}
        and spans[one.span_id].name == "chat small-1"
    )
    call = _by_name(_of_item(run.receiver, run, "disputed"), "chat small-1")[0]
    assert about["gen_ai.response.id"] == attributes(call)["gen_ai.response.id"]


def test_no_content_and_no_secret_leaves_unless_asked_for(
    run: TracedRun, heard: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCHESTRATION_TRACE_SHARE", "1")
    assert run.call("traces", "--batch", run.batch)[0] == 0
    quiet = b"".join(heard.bodies)
    assert SECRET_WORD.encode() not in quiet and KEY.encode() not in quiet
    assert b".md" not in quiet and b"scripted" not in quiet
    assert b'"red"' not in quiet and b"gen_ai.output.messages" not in quiet
    url = json.loads(_policy_url(run))
    open_policy = run.home.parent / "content.yaml"
    open_policy.write_text(policy_text(url, 0.0, content=True), "utf-8")
    heard.bodies.clear()
    assert run.call("traces", "--batch", run.batch, policy=open_policy)[0] == 0
    told = b"".join(heard.bodies)
    assert b"disputed.md" in told and KEY.encode() not in told
    (one,) = _by_name(_of_item(heard, run, "disputed"), "chat small-1")[-1:]
    (message,) = json.loads(attributes(one)["gen_ai.output.messages"])
    assert message["parts"] == [{"type": "text", "content": "blue"}]


def _policy_url(run: TracedRun) -> str:
    text = run.policy.read_text("utf-8")
    return json.dumps(text.partition("base_url: ")[2].partition(",")[0])


def test_a_trace_that_is_sent_again_replaces_itself(
    run: TracedRun, heard: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for share in ("0", "1"):
        monkeypatch.setenv("ORCHESTRATION_TRACE_SHARE", share)
        code, out, _ = run.call("traces", "--batch", run.batch)
        assert (code, out) == (0, "1 traces sent, 0 events about verdicts\n")
    items = {
        share: {one.span_id for one in _by_name(spans, "item")}
        for share, spans in (
            ("0", heard.spans[: len(heard.spans) // 3]),
            ("1", heard.spans[len(heard.spans) // 3 :]),
        )
    }
    assert items["0"] <= items["1"] and len(items["1"]) == 6
    assert len({one.trace_id for one in heard.spans}) == 1
    # the fallback stands beside the service that it answered for
    fallen = _of_item(heard, run, "fallen")
    (spare,) = _by_name(fallen, "chat spare-1")
    assert attributes(spare)["orchestration.fallback_for"] == "careful"
    assert {one.status.code for one in _by_name(fallen, "chat big-1")} == {ERROR}


def test_a_verdict_is_told_once_of_the_call_that_it_is_about(
    run: TracedRun, heard: Receiver
) -> None:
    (sheet,) = (run.home / "review").glob("*.csv")
    with sheet.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    (row,) = (one for one in rows if one["path"] == "disputed.md" and one["task"] == "colour")
    dropped = run.home / "verdicts" / "verdicts.csv"
    dropped.parent.mkdir(exist_ok=True)
    with dropped.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(row))
        writer.writeheader()
        writer.writerow(row | {"verdict": "red", "who": "Ada", "when": "2026-11-29"})
    for _ in range(2):
        assert run.call("job", "take_feedback")[0] == 0
    (event,) = heard.logs
    assert attributes(event) == {
        "gen_ai.evaluation.name": "verdict",
        "gen_ai.evaluation.score.value": 0.0,
        "gen_ai.evaluation.score.label": "corrected",
        "gen_ai.response.id": attributes(event)["gen_ai.response.id"],
    }
    assert b"Ada" not in b"".join(heard.bodies)
    assert run.call("traces", "--batch", run.batch)[0] == 0
    calls = {one.span_id: one for one in _by_name(heard.spans, "chat small-1")}
    told = attributes(calls[event.span_id])
    assert told["gen_ai.response.id"] == attributes(event)["gen_ai.response.id"]


def test_a_receiver_that_fails_costs_no_run_and_is_told_once(
    run: TracedRun, heard: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    home, policy = Home(run.home), load_policy(run.policy).policy
    heard.status = 400
    with open_instance(home) as instance:
        traces = run_traces(home, policy, instance, run.home / "told")
        for _ in range(2):
            with traces.of(run.batch):
                pass
        TraceMarks(home).keep(run.batch, TraceMark())
        beside = run_traces(home, policy, instance, run.home / "told")
        with pytest.raises(ArithmeticError), beside.of(run.batch):
            raise ArithmeticError
        traces.close()
    said = capsys.readouterr().err
    assert said.count("traces are not sent") == 1 and "400" in said
    assert TraceMarks(home).of(run.batch).due
    heard.status = 200
    assert run.call("traces") == (0, "1 traces sent, 0 events about verdicts\n", "")
    assert not TraceMarks(home).of(run.batch).due
    assert _by_name(heard.spans, "batch")
    assert run.call("traces")[1] == "0 traces sent, 0 events about verdicts\n"


def test_a_batch_that_was_named_in_vain_is_due(run: TracedRun, heard: Receiver) -> None:
    heard.status = 400
    code, out, said = run.call("traces", "--batch", run.batch)
    assert (code, out) == (1, "0 traces sent, 0 events about verdicts; 1 still due\n")
    assert "`orchestrate traces` sends them later" in said
    heard.status = 200
    assert run.call("traces") == (0, "1 traces sent, 0 events about verdicts\n", "")


def test_without_the_extra_the_remedy_is_said(
    run: TracedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    code, _, said = run.call("traces", "--batch", run.batch)
    assert code == 1
    assert "OpenTelemetry is not installed: pip install 'content-orchestration[otel]'" in said
    code, out, _ = run.call("explain", "retried.md", "--trace")
    assert code == 0 and "attempt 2" in out


def test_an_exporter_that_nobody_installed_is_named(
    run: TracedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "zipkin")
    code, _, said = run.call("traces", "--batch", run.batch)
    assert code == 1 and "OTEL_TRACES_EXPORTER: no exporter zipkin is installed" in said


def test_a_disabled_sdk_and_a_share_that_is_none(
    run: TracedRun, heard: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "none")
    assert run.call("traces", "--batch", run.batch)[0] == 0
    assert not heard.spans and heard.logs and heard.metrics
    monkeypatch.setenv("ORCHESTRATION_TRACE_SHARE", "most")
    code, _, said = run.call("traces", "--batch", run.batch)
    assert code == 2 and "ORCHESTRATION_TRACE_SHARE is 'most'; give a share from 0 to 1" in said
    assert call("explain", "nothing.md", "--trace", "--home", str(run.home))[0] == 2


def test_a_run_that_no_command_started_is_told_by_the_sensor(
    run: TracedRun, heard: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(run.home)
    made = build_definitions(Settings(run.home, run.policy)).resources or {}
    resources = {name: made[name] for name in ("home", "policy_file")}
    with open_instance(home) as instance:

        def tick(cursor: str | None) -> str | None:
            with dg.build_sensor_context(instance, cursor, resources=resources) as context:
                trace_sensor(context)
                return context.cursor

        since = tick(None)
        assert since and not heard.spans
        TraceMarks(home).keep(run.batch, TraceMark())
        # what ran while nothing was traced is not told later
        with monkeypatch.context() as patch:
            patch.setenv("OTEL_SDK_DISABLED", "true")
            off = tick("0.0")
        tick(off)
        assert not heard.spans
        # since before the run of the command, which counts as one of the daemon here
        later = tick("0.0")
        (root,) = _by_name(heard.spans, "batch")
        assert attributes(root)["orchestration.batch.id"] == run.batch
        heard.spans.clear()
        tick(later)
        tick("0.0")
        assert not heard.spans
