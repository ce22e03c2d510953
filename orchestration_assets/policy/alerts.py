"""Checks of a policy's alerts: each has a name of its own, and is about something that exists."""

from collections.abc import Iterator

from orchestration_assets.policy.problems import Problem, closest_name, describe_value
from orchestration_assets.schemas.policy import Policy


def alert_problems(policy: Policy) -> Iterator[Problem]:
    """What is wrong with the alerts of a policy, each with its path."""
    services, tasks = list(policy.services), list(policy.tasks)
    named: list[tuple[str, str]] = []
    for number, rule in enumerate(policy.alerts.rules):
        path = f"alerts.rules[{number}]"
        named.append((path, rule.name))
        yield from _unknown(f"{path}.service", rule.service, "service", services)
        yield from _unknown(f"{path}.task", rule.task, "task", tasks)
    for number, budget in enumerate(policy.alerts.budgets):
        path = f"alerts.budgets[{number}]"
        named.append((path, budget.name))
        yield from _unknown(f"{path}.service", budget.service, "service", services)
    taken: set[str] = set()
    for path, name in named:
        if name in taken:
            message = "is taken: give each alert its own name"
            yield Problem(f"{path}.name", describe_value(name), message)
        taken.add(name)


def _unknown(path: str, name: str | None, kind: str, known: list[str]) -> Iterator[Problem]:
    if name is not None and name not in known:
        message = f"no such {kind}"
        yield Problem(path, describe_value(name, known), message, closest_name(name, known))
