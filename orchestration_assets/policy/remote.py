"""What the services over HTTP must satisfy beyond their format."""

from collections.abc import Iterator

from orchestration_assets.policy.problems import Problem, found, key, nearest
from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.services import (
    ChatConfig,
    EmbeddedConfig,
    RemoteConfig,
    ServiceConfig,
)
from orchestration_assets.services.registry import EMBEDDED, embedded_class

_RESERVED = ("model", "messages", "input", "stream", "response_format")


def kinds_of(service: ServiceConfig) -> frozenset[AnswerKind]:
    """The kinds of answers that a service gives; all when it is not known."""
    if isinstance(service, EmbeddedConfig):
        known = service.implementation in EMBEDDED
        return embedded_class(service.implementation).kinds if known else frozenset(AnswerKind)
    if isinstance(service, ChatConfig):
        return frozenset(AnswerKind) - {AnswerKind.VECTOR}
    return frozenset({AnswerKind.VECTOR})


def remote_problems(policy: Policy, name: str, service: RemoteConfig) -> Iterator[Problem]:
    """Prompts that cannot be rendered, fallbacks and known items that stand for nothing."""
    path = f"services.{key(name)}"
    for reserved in _RESERVED:
        if reserved in service.parameters:
            yield Problem(f"{path}.parameters.{reserved}", "", "is set by the service itself")
    yield from _fallback_problems(policy, name, service)
    if service.known_item is not None:
        task = policy.tasks.get(service.known_item.task)
        if task is None or task.kind not in kinds_of(service):
            fitting = [n for n, one in policy.tasks.items() if one.kind in kinds_of(service)]
            given = service.known_item.task
            words = "no such task that this service can answer"
            yield Problem(
                f"{path}.known_item.task", found(given, fitting), words, nearest(given, fitting)
            )
    if isinstance(service, ChatConfig):
        for asked in service.prompts:
            if asked not in policy.tasks:
                close = nearest(asked, list(policy.tasks))
                yield Problem(f"{path}.prompts.{key(asked)}", "", "no such task", close)
        if service.max_output_tokens >= service.context.window_tokens:
            words = "leaves no room for the content: window_tokens must be larger"
            yield Problem(f"{path}.max_output_tokens", str(service.max_output_tokens), words)


def _fallback_problems(policy: Policy, name: str, service: RemoteConfig) -> Iterator[Problem]:
    for position, other in enumerate(service.fallbacks):
        here = f"services.{key(name)}.fallbacks[{position}]"
        if other not in policy.services:
            known = list(policy.services)
            yield Problem(here, found(other, known), "no such service", nearest(other, known))
        elif other == name or other in service.fallbacks[:position]:
            yield Problem(here, found(other), "stands for itself or is named twice")
        elif not kinds_of(service) & kinds_of(policy.services[other]):
            yield Problem(here, found(other), f"gives no kind of answer that {name} gives")


def prompt_problems(policy: Policy) -> Iterator[Problem]:
    """Prompts that cannot be rendered. All of them are tried within one bound."""
    chats = {n: one for n, one in policy.services.items() if isinstance(one, ChatConfig)}
    if not chats:
        return
    from orchestration_assets.text.prompts.templates import PromptTrial

    trial = PromptTrial()
    for name, service in chats.items():
        prompts = {"prompt": service.prompt}
        prompts |= {f"prompts.{task}": prompt for task, prompt in service.prompts.items()}
        for where, prompt in prompts.items():
            if (refused := trial.problem_of(prompt)) is not None:
                part, words = refused
                yield Problem(f"services.{key(name)}.{where}.{part}", "", words)
