"""Checks of the rules that answers must keep: every name is a value that can be there."""

from collections.abc import Iterator, Mapping

from orchestration_assets.policy.problems import Problem, closest_name, describe_value, safe_key
from orchestration_assets.policy.tasks import build_tasks
from orchestration_assets.schemas.comparisons import ANSWERS
from orchestration_assets.schemas.items import Task
from orchestration_assets.schemas.policy import Policy, TaskConfig
from orchestration_assets.text.answer_rules import names_after, rule_names
from orchestration_assets.text.expressions import ExpressionError, expression


def rule_problems(policy: Policy) -> Iterator[Problem]:
    """Rules that cannot be read, that name no value, that use several values as one, or that
    neither hold nor fail."""
    tasks = build_tasks(policy)
    for name, task in policy.tasks.items():
        for number, one in enumerate(task.validate_):
            if one.rule is not None:
                path = f"tasks.{safe_key(name)}.validate[{number}].rule"
                yield from _problems(path, one.rule, tasks[name], task, tasks)


def _problems(
    path: str, rule: str, task: Task, config: TaskConfig, tasks: Mapping[str, Task]
) -> Iterator[Problem]:
    before = [tasks[name] for name in config.shown_tasks if name in tasks]
    known = names_after(task, before)
    try:
        read = expression(rule)
    except ExpressionError as error:
        yield Problem(path, "", str(error))
        return
    for name in sorted(read.names - known.all):
        yield _unknown(path, name, sorted(known.all), task, config, tasks)
    for name in sorted(read.single & known.lists):
        message = f"{name} has several values: use its sum, min, max or len, or ask what is in it"
        yield Problem(path, "", message)
    if read.senseless is not None:
        words = f"{read.senseless!r} neither holds nor fails: compare it with something"
        yield Problem(path, "", words)
    for name in sorted(read.truths & known.all - known.truths):
        message = f"{name} neither holds nor fails: compare it, or ask missing({name})"
        yield Problem(path, "", message)


def _unknown(
    path: str,
    name: str,
    known: list[str],
    task: Task,
    config: TaskConfig,
    tasks: Mapping[str, Task],
) -> Problem:
    """Why a name is none of a value: the task that it names has another place, or there is none."""
    shown = describe_value(name, known)
    other = name.removeprefix(ANSWERS).partition(".")[0] if name.startswith(ANSWERS) else ""
    if not other:
        wanted = "field of the task" if task.fields else "value: an answer without fields is answer"
        own = sorted(rule_names(task))
        return Problem(path, shown, f"no such {wanted}", closest_name(name, own))
    if other not in tasks:
        return Problem(path, shown, "no such task", closest_name(other, list(tasks)))
    if other in config.shown_tasks:
        return Problem(path, shown, f"{other} has no such value", closest_name(name, known))
    if other == task.name:
        return Problem(path, shown, "its own values are named without answers.")
    return Problem(path, shown, f"{other} is not answered before it: add it to after")
