"""Checks of the services over HTTP in a policy, beyond their format."""

from collections.abc import Iterator

from orchestration_assets.plugins import PluginError
from orchestration_assets.policy.problems import Problem, closest_name, describe_value, safe_key
from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.policy import Policy, TaskConfig
from orchestration_assets.schemas.services import (
    ChatConfig,
    EmbeddedConfig,
    HttpConfig,
    Prompt,
    RemoteConfig,
    ServiceConfig,
    TaughtConfig,
)
from orchestration_assets.services.registry import embedded_class
from orchestration_assets.services.taught.lessons import TEACHABLE

_RESERVED = ("model", "messages", "input", "stream", "response_format")


def answer_kinds(service: ServiceConfig) -> frozenset[AnswerKind]:
    """The kinds of answers that a service gives; all when it is not known."""
    if isinstance(service, EmbeddedConfig):
        try:
            return embedded_class(service.implementation).kinds
        except (KeyError, PluginError):
            return frozenset(AnswerKind)
    if isinstance(service, TaughtConfig):
        return TEACHABLE
    if isinstance(service, ChatConfig):
        return frozenset(AnswerKind) - {AnswerKind.VECTOR}
    return frozenset({AnswerKind.VECTOR})


def remote_problems(policy: Policy, name: str, service: RemoteConfig) -> Iterator[Problem]:
    """Reserved parameters, and fallbacks, known items and prompts that name nothing usable."""
    path = f"services.{safe_key(name)}"
    for reserved in _RESERVED:
        if reserved in service.parameters:
            yield Problem(f"{path}.parameters.{reserved}", "", "is set by the service itself")
    yield from _fallback_problems(policy, name, service)
    if service.known_item is not None:
        task = policy.tasks.get(service.known_item.task)
        if task is None or task.kind not in answer_kinds(service):
            fitting = [
                n for n, config in policy.tasks.items() if config.kind in answer_kinds(service)
            ]
            given = service.known_item.task
            message = "no such task that this service can answer"
            yield Problem(
                f"{path}.known_item.task",
                describe_value(given, fitting),
                message,
                closest_name(given, fitting),
            )
    if isinstance(service, ChatConfig):
        for task_name in service.prompts:
            if task_name not in policy.tasks:
                close = closest_name(task_name, list(policy.tasks))
                yield Problem(f"{path}.prompts.{safe_key(task_name)}", "", "no such task", close)
        if service.output_tokens >= service.context.window_tokens:
            message = "leaves no room for the content: window_tokens must be larger"
            yield Problem(f"{path}.max_output_tokens", str(service.max_output_tokens), message)


def _fallback_problems(policy: Policy, name: str, service: RemoteConfig) -> Iterator[Problem]:
    for position, other in enumerate(service.fallbacks):
        path = f"services.{safe_key(name)}.fallbacks[{position}]"
        if other not in policy.services:
            known = list(policy.services)
            yield Problem(
                path, describe_value(other, known), "no such service", closest_name(other, known)
            )
        elif other == name or other in service.fallbacks[:position]:
            yield Problem(path, describe_value(other), "stands for itself or is named twice")
        elif not answer_kinds(service) & answer_kinds(policy.services[other]):
            yield Problem(path, describe_value(other), f"gives no kind of answer that {name} gives")


def prompt_problems(policy: Policy) -> Iterator[Problem]:
    """Prompts that cannot be rendered. All of them are tried within one bound."""
    chats = {n: config for n, config in policy.services.items() if isinstance(config, ChatConfig)}
    if not chats:
        return
    from orchestration_assets.text.prompts.templates import PromptTrial

    trial = PromptTrial()
    for name, service in chats.items():
        prompts = {"prompt": service.prompt}
        prompts |= {f"prompts.{task}": prompt for task, prompt in service.prompts.items()}
        for where, prompt in prompts.items():
            if (refused := trial.problem_of(prompt)) is not None:
                part, message = refused
                yield Problem(f"services.{safe_key(name)}.{where}.{part}", "", message)
            else:
                yield from _shown_problems(policy, name, where, prompt)


def _shown_problems(policy: Policy, service: str, where: str, prompt: Prompt) -> Iterator[Problem]:
    """Answers that a prompt names and that no task which it is used for is shown."""
    from orchestration_assets.text.prompts.templates import answers_named, variables_in

    own = where.removeprefix("prompts.") if where != "prompt" else None
    task = policy.tasks.get(own) if own else None
    if task is not None and task.passages is None and "passages" in variables_in(prompt):
        path = f"services.{safe_key(service)}.{where}"
        yield Problem(path, "", f"shows passages, and the task {own} has none: give it passages")
    used_for = [own] if own else _asked_with_prompt(policy, service)
    known = [one for one in used_for if one in policy.tasks]
    if (
        known
        and "memory" in variables_in(prompt)
        and not any(policy.tasks[n].memory for n in known)
    ):
        path = f"services.{safe_key(service)}.{where}"
        message = f"shows memory, and the task {known[0]} has none: give it memory: true"
        yield Problem(path, "", message)
    if "earlier" not in variables_in(prompt):
        for one in used_for:
            if one in policy.tasks and service in _panel_members(policy.tasks[one]):
                message = (
                    f"shows no earlier, and {service} is in the panel of {one}: its members are to "
                    "see what the others answered"
                )
                yield Problem(f"services.{safe_key(service)}.{where}", "", message)
    tasks = [policy.tasks[one] for one in used_for if one in policy.tasks]
    shown = {one for task in tasks for one in task.shown_tasks}
    for part, named in answers_named(prompt).items():
        path = f"services.{safe_key(service)}.{where}.{part}"
        for one in sorted(named - shown):
            key = safe_key(one)
            if one not in policy.tasks:
                near = closest_name(one, list(policy.tasks))
                yield Problem(path, "", f"names answers.{key}: no such task", near)
            elif tasks:
                message = f"names answers.{key}, which is not shown: put {key} into after"
                yield Problem(path, "", message)


def _panel_members(task: TaskConfig) -> set[str]:
    """The services that are in a panel of the task, whatever chooses it."""
    ruled = [*(one.choose for one in task.directives), *(one.choose for one in task.rules)]
    options = [task.default, *ruled]
    found: set[str] = set()
    while options:
        choice = options.pop()
        options += choice.sub_choices.values()
        if choice.panel is not None:
            found |= set(choice.services)
    return found


def _asked_with_prompt(policy: Policy, service: str) -> list[str]:
    """The tasks for which a service may be asked with its general prompt."""
    config = policy.services[service]
    named = {service} | {
        other
        for other, one in policy.services.items()
        if isinstance(one, HttpConfig) and service in one.fallbacks
    }
    return [
        name
        for name, task in policy.tasks.items()
        if not (isinstance(config, ChatConfig) and name in config.prompts)
        and not named.isdisjoint(task.askable)
    ]
