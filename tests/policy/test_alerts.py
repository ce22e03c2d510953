"""Alerts in a policy: what cannot be evaluated is refused with line and remedy."""

import pytest

from orchestration_assets.policy.load import parse_policy
from orchestration_assets.policy.problems import PolicyError
from orchestration_assets.schemas.signals import OF_SERVICES, OF_TASKS, Signal
from orchestration_assets.signals.runbooks import RUNBOOKS

TASKS = """\
services:
  grammar: {type: embedded, implementation: grammar}
tasks:
  content_type:
    kind: label
    question: What is it?
    default: {model: sequential, services: [grammar]}
"""


def parsed(rule: str = "", budget: str = ""):
    lines = ["version: 2", "alerts:"]
    lines += ["  rules:", f"    - {{{rule}}}"] if rule else []
    lines += ["  budgets:", f"    - {{{budget}}}"] if budget else []
    return parse_policy("\n".join([*lines, TASKS]), "it.yaml").policy.alerts


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("name: a, signal: eror_rate, above: 1", "did you mean 'error_rate'"),
        ("name: a, signal: error_rate", "give one of above and below"),
        ("name: a, signal: error_rate, above: 1, below: 0", "give one of above and below"),
        ("name: a, signal: error_rate, above: 1, batches: 2, window_h: 1", "give batches or"),
        ("name: a, signal: open_reviews, above: 1, window_h: 1", "is what waits now"),
        ("name: a, signal: error_rate, above: 1, task: content_type", "not measured by task"),
        ("name: a, signal: accuracy, below: 1, service: grammar", "not measured by service"),
        ("name: a, signal: cache_hit_rate, below: 1", "give one, such as answers"),
        ("name: a, signal: calls, above: 1, service: gramar", "did you mean 'grammar'"),
        ("name: a, signal: accuracy, below: 1, task: content_tpe", "did you mean 'content_type'"),
        ("name: A, signal: calls, above: 1", "alerts.rules[0].name"),
        ("name: a, signal: calls, above: .inf", "alerts.rules[0].above"),
        ("name: a, signal: calls, above: 1, severity: loud", "'page', 'ticket' or 'note'"),
    ],
)
def test_a_rule_that_cannot_be_evaluated_is_refused_with_its_line(rule, words) -> None:
    with pytest.raises(PolicyError) as caught:
        parsed(rule)
    assert words in str(caught.value) and "alerts.rules[0]" in str(caught.value)
    assert "line 4" in str(caught.value)


@pytest.mark.parametrize(
    ("budget", "words"),
    [
        ("name: a, usd: 0", "alerts.budgets[0].usd"),
        ("name: a, usd: 1, fast: null, slow: null", "give fast or slow"),
        ("name: a, usd: 1, period_h: 1", "window_h is longer than period_h"),
        ("name: a, usd: 1, service: away", "no such service"),
    ],
)
def test_a_budget_that_cannot_be_looked_at_is_refused(budget, words) -> None:
    with pytest.raises(PolicyError, match="line 4") as caught:
        parsed(budget=budget)
    assert words in str(caught.value)


def test_names_are_those_of_one_alert() -> None:
    with pytest.raises(PolicyError, match=r"alerts.budgets\[0\].name.*is taken"):
        parsed("name: a, signal: calls, above: 1", "name: a, usd: 5")


def test_what_is_left_out_has_a_sensible_value() -> None:
    alerts = parsed("name: a, signal: calls, above: 1", "name: b, usd: 720")
    (rule,), (budget,) = alerts.rules, alerts.budgets
    assert (rule.batches, rule.severity.value) == (1, "ticket")
    assert budget.fast is not None and budget.slow is not None
    # as much as the literature has: 2 % of a month within an hour, 10 % within a day
    shares = [one.factor * one.window_h / budget.period_h for one in (budget.fast, budget.slow)]
    assert shares == [pytest.approx(0.02), pytest.approx(0.1)]


def test_every_signal_has_its_runbook_and_every_subject_a_signal() -> None:
    assert set(RUNBOOKS) == set(Signal)
    assert set(Signal) >= OF_SERVICES | OF_TASKS
