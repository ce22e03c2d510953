"""Checks of a policy's alerts: each has a name of its own, and is about something that exists."""

from collections.abc import Iterator

from orchestration_assets.policy.problems import Problem, closest_name, describe_value
from orchestration_assets.schemas.policy import Policy


def alert_problems(policy: Policy) -> Iterator[Problem]:
    """What is wrong with the alerts of a policy, each with its path."""
    alerts = policy.alerts
    named = [
        *((f"alerts.rules[{n}]", one, one.task) for n, one in enumerate(alerts.rules)),
        *((f"alerts.budgets[{n}]", one, None) for n, one in enumerate(alerts.budgets)),
    ]
    taken: set[str] = set()
    for path, alert, task in named:
        if alert.name in taken:
            message = "is taken: give each alert its own name"
            yield Problem(f"{path}.name", describe_value(alert.name), message)
        taken.add(alert.name)
        yield from _unknown(f"{path}.service", alert.service, "service", list(policy.services))
        yield from _unknown(f"{path}.task", task, "task", list(policy.tasks))


def _unknown(path: str, name: str | None, kind: str, known: list[str]) -> Iterator[Problem]:
    if name is not None and name not in known:
        message = f"no such {kind}"
        yield Problem(path, describe_value(name, known), message, closest_name(name, known))
