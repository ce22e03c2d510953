"""Checks of tasks that are asked of parts, beyond their format."""

from collections.abc import Iterator

from orchestration_assets.policy.problems import Problem, closest_name, describe_value, safe_key
from orchestration_assets.policy.remote import answer_kinds
from orchestration_assets.schemas.enums import AnswerKind, ProcessingModel
from orchestration_assets.schemas.parts_config import ServiceJoin
from orchestration_assets.schemas.policy import Choice, Policy, TaskConfig
from orchestration_assets.schemas.record_fields import FieldType
from orchestration_assets.schemas.services import ChatConfig, TaughtConfig


def parts_problems(policy: Policy) -> Iterator[Problem]:
    """Lists that are none, services that cannot join, parts that would be cut or read in rounds."""
    for name, task in policy.tasks.items():
        if task.parts is not None:
            path = f"tasks.{safe_key(name)}"
            yield from _list_problems(policy, path, task)
            yield from _joiner_problems(policy, path, task)
            for option, choice in task.choices.items():
                yield from _choice_problems(policy, path, option, choice, task)


def _list_problems(policy: Policy, path: str, task: TaskConfig) -> Iterator[Problem]:
    assert task.parts is not None
    other, field = task.parts.list_named
    if not other or other not in policy.tasks:
        # that after names no such task is told there
        return
    lists = [one.name for one in policy.tasks[other].record_fields if one.type is FieldType.LIST]
    if field not in lists:
        kind = policy.tasks[other].kind
        what = "no such list" if kind is AnswerKind.RECORD else f"{other} is no record"
        near = closest_name(field, lists)
        yield Problem(f"{path}.parts.of", describe_value(field, lists), what, near)


def _joiner_problems(policy: Policy, path: str, task: TaskConfig) -> Iterator[Problem]:
    if not isinstance(task.join, ServiceJoin):
        return
    where, name = f"{path}.join.service", task.join.service
    known = list(policy.services)
    service = policy.services.get(name)
    if service is None:
        near = closest_name(name, known)
        yield Problem(where, describe_value(name, known), "no such service", near)
    elif isinstance(service, TaughtConfig):
        message = "is a taught service, which reads no other answers: it cannot join them"
        yield Problem(where, describe_value(name, known), message)
    elif task.kind not in answer_kinds(service):
        message = f"gives no {task.kind}, which the joined answer must be"
        yield Problem(where, describe_value(name, known), message)


def _choice_problems(
    policy: Policy, path: str, option: str, choice: Choice, task: TaskConfig
) -> Iterator[Problem]:
    assert task.parts is not None
    for one in _with_inner(choice):
        if one.panel is not None:
            message = (
                f"{option} is a panel, whose members are shown what was answered of whole items: "
                "ask the parts by another model"
            )
            yield Problem(f"{path}.parts", "", message)
            return
        if one.model is ProcessingModel.ITERATIVE:
            message = (
                f"{option} is iterative, which reads more and more of a content until the answer "
                "settles; all parts are read in any case: use another model"
            )
            yield Problem(f"{path}.parts", "", message)
            return
    longest = task.parts.max_tokens or 0
    for name in choice.admissible:
        service = policy.services.get(name)
        if isinstance(service, ChatConfig) and longest > service.context.content_tokens:
            given = service.context.content_tokens
            message = (
                f"is more than {name} is sent (context.content_tokens: {given}): parts would be "
                "cut; lower it, or raise content_tokens"
            )
            yield Problem(f"{path}.parts.max_tokens", str(longest), message)
            return


def _with_inner(choice: Choice) -> Iterator[Choice]:
    yield choice
    for inner in choice.sub_choices.values():
        yield from _with_inner(inner)
