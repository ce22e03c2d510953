"""What a trace is made of: items that are chosen, attempts put together, and a timeline."""

from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.services import ChatConfig
from orchestration_assets.schemas.tracing import Tracing
from orchestration_assets.tracing.endpoints import endpoint_attributes
from orchestration_assets.tracing.operations import AttemptFacts, operations_of
from orchestration_assets.tracing.sampling import (
    TracedFor,
    is_sampled,
    traced_items,
    tracing_in_force,
)
from orchestration_assets.tracing.spans import span_id, trace_id
from orchestration_assets.tracing.timeline import Moment, timeline_lines

_SHARE = st.floats(0.0, 1.0)
_ATTEMPT = AttemptFacts(
    *("item", "task", "asked", 0, 0, None, 1, "called", "asked", Status.OK, None, 0.0, 0, 1.0),
    *(None,) * 6,
)
_MOMENTS = st.builds(
    Moment,
    st.sampled_from(["entry", "task", "call", "attempt", "wait", "decision", "answer", "verdict"]),
    st.text(max_size=40),
    st.text(max_size=20),
    st.none() | st.integers(0, 2**62),
    st.none() | st.integers(0, 2**62),
    st.integers(0, 3),
)


@given(st.text(max_size=20), _SHARE, _SHARE)
def test_items_of_a_smaller_share_are_among_those_of_a_larger(
    item: str, one: float, other: float
) -> None:
    less, more = sorted((one, other))
    assert is_sampled(item, 1.0) and not is_sampled(item, 0.0)
    assert is_sampled(item, more) or not is_sampled(item, less)


def test_a_share_is_of_the_items_and_what_is_wrong_comes_whole() -> None:
    items = [f"{number:016x}" for number in range(10_000)]
    traced = traced_items(items, {items[1], items[2]}, [items[2]], 0.05)
    counts = Counter(traced.values())
    assert 400 < counts[TracedFor.SAMPLED] < 600
    assert traced[items[1]] is TracedFor.DISPUTED and traced[items[2]] is TracedFor.FAILED
    assert list(traced) == sorted(traced)


def test_the_environment_switches_on_and_off() -> None:
    assert tracing_in_force(None, {}) is None
    assert tracing_in_force(Tracing(capture_content=True), {"OTEL_SDK_DISABLED": "True"}) is None
    found = tracing_in_force(Tracing(capture_content=True), {"ORCHESTRATION_TRACE_SHARE": "0.5"})
    assert found == Tracing(share=0.5, capture_content=True)
    assert tracing_in_force(None, {"ORCHESTRATION_TRACE_SHARE": "1"}) == Tracing(share=1.0)


@given(
    st.lists(
        st.builds(
            replace,
            st.just(_ATTEMPT),
            item_id=st.sampled_from("ab"),
            task=st.sampled_from("tu"),
            step=st.integers(0, 2),
            part=st.none() | st.integers(1, 2),
            called=st.none() | st.sampled_from(["asked", "spare"]),
            attempt=st.integers(1, 4),
            started_at=st.integers(0, 2**50),
            elapsed_ms=st.floats(0, 1e6),
        ),
        max_size=30,
    )
)
def test_every_attempt_is_of_one_operation(attempts: list[AttemptFacts]) -> None:
    attempts.sort(
        key=lambda o: (o.item_id, o.task, o.step, o.round, o.part or 0, o.service, o.attempt)
    )
    operations = operations_of(attempts)
    assert Counter(one for each in operations for one in each.attempts) == Counter(attempts)
    assert len({one.key for one in operations}) == len(operations)
    for one in operations:
        assert {each.called or each.service for each in one.attempts} == {one.called}
        assert one.start_ns <= min(each.start_ns for each in one.attempts)
        assert one.end_ns >= max(each.end_ns for each in one.attempts)


def test_an_error_is_a_word_of_few_values() -> None:
    refused = replace(_ATTEMPT, status=Status.FAILED, reason="HTTP 503 Service Unavailable: Anna")
    assert refused.error == "503"
    assert replace(refused, reason="HTTP 2 of Anna").error == "failed"
    assert (
        replace(_ATTEMPT, status=Status.TIMEOUT, reason="no answer within 3 s").error == "timeout"
    )
    assert replace(_ATTEMPT, status=Status.DEFERRED, origin="not_called").error is None
    assert _ATTEMPT.error is None and replace(_ATTEMPT, status=Status.ABSTAINED).error is None


@given(st.lists(_MOMENTS, max_size=12))
def test_a_timeline_takes_any_clock(moments: list[Moment]) -> None:
    lines = timeline_lines(moments)
    assert len(lines) in {len(moments), len(moments) + 1}
    bars = [line.split("|")[1] for line in lines if line.count("|") == 2 and " ms|" not in line]
    assert {len(bar) for bar in bars} <= {20}


def test_a_server_is_told_by_host_and_port_alone() -> None:
    def told(url: str) -> dict[str, object]:
        config = {"type": "openai_chat", "base_url": url, "model": "m", "prompt": {"user": "x"}}
        return dict(endpoint_attributes(ChatConfig.model_validate(config)))

    found = told("https://api.mistral.ai/v1/tenant-4711")
    assert found["gen_ai.provider.name"] == "mistral_ai"
    assert (found["server.address"], found["server.port"]) == ("api.mistral.ai", 443)
    assert "4711" not in str(found)
    assert told("https://team.openai.azure.com/x")["gen_ai.provider.name"] == "azure.ai.openai"
    assert told("http://notmistral.ai:81/v1") == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "m",
        "server.address": "notmistral.ai",
        "server.port": 81,
    }
    variable = {
        "type": "openai_chat",
        "base_url_env": "ORCHESTRATION_THERE",
        "model": "m",
        "prompt": {"user": "x"},
    }
    config = ChatConfig.model_validate(variable)
    assert "server.address" not in endpoint_attributes(config, {})
    there = endpoint_attributes(config, {"ORCHESTRATION_THERE": "https://u:p@models.example/v1"})
    assert there["server.address"] == "models.example" and "p@" not in str(there)


@given(st.text(), st.text())
def test_ids_are_those_of_their_names(batch: str, key: str) -> None:
    trace = trace_id(batch, "run")
    assert 0 < trace < 2**128 and trace == trace_id(batch, "run") != trace_id(batch, "another")
    assert 0 < span_id(trace, key) < 2**64
