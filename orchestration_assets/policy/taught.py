"""Checks of the taught services in a policy, beyond their format."""

from collections.abc import Iterator

from orchestration_assets.policy.problems import Problem, closest_name, describe_value, safe_key
from orchestration_assets.policy.remote import answer_kinds
from orchestration_assets.schemas.policy import Choice, Learned, Policy
from orchestration_assets.schemas.services import TaughtConfig
from orchestration_assets.services.taught.lessons import TEACHABLE


def taught_problems(policy: Policy, name: str, service: TaughtConfig) -> Iterator[Problem]:
    """A teacher or task that is none, and places where a taught service would be of no use."""
    path = f"services.{safe_key(name)}"
    yield from _teacher_problems(policy, path, service)
    task = policy.tasks.get(service.task)
    if task is None:
        known = list(policy.tasks)
        given = describe_value(service.task, known)
        yield Problem(f"{path}.task", given, "no such task", closest_name(service.task, known))
    elif task.kind not in TEACHABLE:
        kinds = ", ".join(sorted(kind.value for kind in TEACHABLE))
        message = f"cannot be taught: it asks for a {task.kind.value}, and only {kinds} can be"
        yield Problem(f"{path}.task", describe_value(service.task), message)
    for task_name, config in policy.tasks.items():
        where = f"tasks.{safe_key(task_name)}"
        asked = {option: set(_asked(choice)) for option, choice in config.choices.items()}
        if task_name != service.task and any(name in one for one in asked.values()):
            message = f"was taught {service.task} and knows nothing of this task"
            yield Problem(where, describe_value(name), message)
        for option, services in asked.items():
            if name in services and service.by not in services:
                message = (
                    f"is asked by {option} without {service.by}, its teacher, which answers its "
                    f"lessons and its audits: name {service.by} beside it"
                )
                yield Problem(where, describe_value(name), message)
        if config.learned is not None and name in config.learned.services:
            message = (
                "is a taught service, which has no voice of its own beside its teacher: name it "
                "under learned.taught, and it is asked before the others"
            )
            yield Problem(f"{where}.learned.services", describe_value(name), message)
        judges = {choice.judge.service for choice in config.choices.values() if choice.judge}
        if name in judges:
            message = "is a taught service, which reads no other answers: it cannot judge them"
            yield Problem(where, describe_value(name), message)


def untaught_problems(policy: Policy, path: str, learned: Learned) -> Iterator[Problem]:
    """Services that are named as taught ones and are none."""
    known = [name for name, one in policy.services.items() if isinstance(one, TaughtConfig)]
    for number, name in enumerate(learned.taught):
        if name not in known:
            given = describe_value(name, known)
            message = "is no taught service" if name in policy.services else "no such service"
            yield Problem(f"{path}.taught[{number}]", given, message, closest_name(name, known))


def _asked(choice: Choice) -> Iterator[str]:
    """The services that a choice asks about its own task, at any depth; a router's is another."""
    yield from choice.own_services
    for inside in choice.sub_choices.values():
        yield from _asked(inside)


def _teacher_problems(policy: Policy, path: str, service: TaughtConfig) -> Iterator[Problem]:
    teacher = policy.services.get(service.by)
    if teacher is None:
        known = [name for name, one in policy.services.items() if not isinstance(one, TaughtConfig)]
        given = describe_value(service.by, known)
        yield Problem(f"{path}.by", given, "no such service", closest_name(service.by, known))
        return
    if isinstance(teacher, TaughtConfig):
        message = f"is a taught service itself: name its own teacher, {teacher.by}"
        yield Problem(f"{path}.by", describe_value(service.by), message)
        return
    task = policy.tasks.get(service.task)
    if task is not None and task.kind not in answer_kinds(teacher):
        message = f"does not give answers of kind {task.kind.value}"
        yield Problem(f"{path}.by", describe_value(service.by), message)
