"""Probes of services, and what the latest batches say of them."""

from datetime import UTC, datetime

import pytest

from orchestration_assets.policy.load import parse_policy
from orchestration_assets.policy.tasks import build_tasks
from orchestration_assets.processing.batch import build_work
from orchestration_assets.processing.health import health_rows, probe_services
from orchestration_assets.processing.pricing import forecast_prices
from orchestration_assets.processing.usage import observed_usage
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import CALL_LOG, CallRow, PlanRow
from resources.ai_services.drill.faults import Fault, FaultScript
from resources.ai_services.resilience.spend_budget import SpendBudget
from resources.home import Home
from tests.rows import row

POLICY = """
version: 2
services:
  names: {{implementation: extension_map}}
  model:
    type: openai_chat
    base_url: {url}
    model: m
    price: {{input_usd: 1.0, output_usd: 2.0}}
    retries: {{backoff_s: 0.001}}
    api_key_env: {key}
    prompt: {{user: "{{{{ content }}}}"}}
    fallbacks: [names]
  unused:
    type: openai_chat
    base_url: {url}
    model: m
    prompt: {{user: "{{{{ content }}}}"}}
tasks:
  kind:
    question: What is it?
    labels: [python, text]
    default: {{model: sequential, services: [names, model], stop_at: 0.9}}
"""


def probed(url: str, budget: SpendBudget | None = None, key: str = "null"):
    policy = parse_policy(POLICY.format(url=url, key=key), "p").policy
    services, tasks = build_work(policy).services, build_tasks(policy)
    probes = probe_services(policy, services, tasks, budget or SpendBudget())
    return probes, {row.service: row for row in health_rows(policy, "h", probes, {})}


def test_a_service_that_nobody_asks_is_not_probed(drill) -> None:
    probes, rows = probed(drill.url)
    assert set(probes) == {"model"}
    assert rows["model"].shallow_ok and rows["model"].deep_ok
    assert (rows["unused"].needed, rows["unused"].deep_ok) == (False, None)
    assert rows["model"].probe_cost_usd > 0


def test_probes_are_paid_from_the_budget_of_the_run(drill) -> None:
    budget = SpendBudget(1.0)
    _, rows = probed(drill.url, budget)
    assert budget.spent_usd == rows["model"].probe_cost_usd > 0
    _, rows = probed(drill.url, SpendBudget(0.0))
    assert (rows["model"].shallow_ok, rows["model"].deep_ok) == (True, None)
    assert rows["model"].problem is None
    assert len(drill.log) == 1


def test_a_missing_key_is_found_before_anything_is_asked(drill) -> None:
    _, rows = probed(drill.url, key="NO_SUCH_KEY_HERE")
    assert rows["model"].deep_ok is False
    assert "NO_SUCH_KEY_HERE is not set" in str(rows["model"].problem)
    assert rows["model"].covered
    assert drill.log == []


def test_what_fails_says_how(drill) -> None:
    drill.script = FaultScript(faults=(Fault(kind="error"),))
    _, rows = probed(drill.url)
    assert (rows["model"].shallow_ok, rows["model"].deep_ok) == (False, False)
    assert "shallow: HTTP 503" in str(rows["model"].problem)
    assert "deep: HTTP 500" in str(rows["model"].problem)


def test_an_unusable_reply_stops_nothing_and_one_that_always_is_does(drill) -> None:
    drill.script = FaultScript(faults=(Fault(kind="wrong_schema", end=2),))
    _, rows = probed(drill.url)
    assert rows["model"].deep_ok and rows["model"].problem is None
    drill.script = FaultScript(faults=(Fault(kind="wrong_schema"),))
    _, rows = probed(drill.url)
    assert rows["model"].deep_ok is False
    assert "deep: " in str(rows["model"].problem)


def call(number: int, ms: float, **changes) -> CallRow:
    about = {"batch": "b1", "item_id": f"i{number}", "task": "kind", "service": "model"}
    made = {
        "step": 0,
        "round": 0,
        "attempt": 1,
        "origin": "called",
        "status": Status.OK,
        "cost_usd": 0.001,
        "started_at": datetime(2026, 1, 1, tzinfo=UTC),
        "elapsed_ms": ms,
        "called": "model",
        "tokens_estimated": 100,
        "tokens_in": 130,
        "tokens_out": 10,
    }
    return CallRow(**{**about, **made, **changes})


def test_times_failures_and_tokens_are_those_of_the_call_log(tmp_path) -> None:
    rows = [call(n, float(n + 1)) for n in range(1000)]
    rows += [call(n, 9e9, attempt=2, status=Status.TIMEOUT, tokens_in=None) for n in range(250)]
    rows += [call(n, 0.1, service="x", origin="cache", called=None) for n in range(5)]
    store = Home(tmp_path).tables
    store.write(CALL_LOG, rows_to_arrow(CALL_LOG, rows), "b1")
    (usage,) = observed_usage(store).values()
    assert usage.attempts == 1250
    assert usage.failed_share == pytest.approx(0.2)
    assert usage.attempts_per_call == pytest.approx(1.25)
    assert usage.p50_ms == pytest.approx(500.5)
    assert usage.p995_ms == pytest.approx(995.0, abs=0.1)
    assert usage.suggested_timeout_ms == pytest.approx(1.5 * usage.p995_ms)
    assert usage.token_ratio is not None
    assert usage.token_ratio.mean == pytest.approx(1.3)
    assert observed_usage(Home(tmp_path / "new").tables) == {}


def test_a_price_counts_what_is_certain_and_what_may_come(tmp_path) -> None:
    policy = parse_policy(POLICY.format(url="http://localhost/v1", key="null"), "p").policy
    services = build_work(policy).services
    asked = {"item_id": "i", "task": "kind", "services": ("names", "model"), "calls_max": 2}
    plans = [row(PlanRow, calls_min=1, **asked)]
    paid, free = forecast_prices(plans, {"i": 1000}, services, {}, {}).prices
    assert (free.service, free.calls_low, free.calls_high, free.usd_high) == ("names", 1, 1, 0.0)
    assert (paid.service, paid.calls_low, paid.calls_high) == ("model", 0, 1)
    assert paid.usd_low == 0.0 < paid.usd < paid.usd_high
    both = [row(PlanRow, calls_min=2, **asked)]
    (certain, _) = forecast_prices(both, {"i": 1000}, services, {}, {}).prices
    assert 0.0 < certain.usd_low < certain.usd < certain.usd_high
    kept = {("i", "kind", "model"): True}
    assert forecast_prices(both, {"i": 1000}, services, {}, kept).usd_high == 0.0
