"""A run that is killed while its trace is on the way: the next one sends the same trace."""

from pathlib import Path

import pytest

pytest.importorskip("opentelemetry.sdk")

from tests.forked import Captured, command
from tests.tracing.receiver import otlp_receiver
from tests.tracing.runs import answers, policy_text


@pytest.mark.slow
def test_a_trace_is_sent_after_a_kill_and_once(tmp_path: Path) -> None:
    source, policy = tmp_path / "source", tmp_path / "policy.yaml"
    source.mkdir()
    (source / "calm.md").write_text("A calm text for all who read it.\n", "utf-8")

    def orchestrate(*arguments: object, url: str) -> Captured:
        environment = {"TRACE_TEST_KEY": "sk-none", "OTEL_EXPORTER_OTLP_ENDPOINT": url}
        options = ("--home", tmp_path / "home", "--policy", policy)
        return command(tmp_path, *arguments, *options, environment=environment)

    with answers() as service, otlp_receiver() as receiver:
        policy.write_text(policy_text(service, 1.0), "utf-8")
        # it takes the spans and does not answer: the run is killed with its trace half told
        receiver.hold.set()
        run = orchestrate("run", str(source), url=receiver.url)
        assert receiver.arrived.wait(120)
        run.kill()
        run.wait(30)
        first = {(one.trace_id, one.span_id, one.name) for one in receiver.spans}
        receiver.spans.clear()
        receiver.hold.clear()
        again = orchestrate("traces", url=receiver.url)
        assert "1 traces sent" in again.communicate(timeout=120)[0]
        second = {(one.trace_id, one.span_id, one.name) for one in receiver.spans}
        assert first and first <= second
        assert any(name == "chat big-1" for _, _, name in second)
        receiver.spans.clear()
        once_more = orchestrate("traces", url=receiver.url)
        assert once_more.communicate(timeout=120)[0].startswith("0 traces sent")
        assert not receiver.spans
