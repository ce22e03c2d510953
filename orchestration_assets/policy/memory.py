"""Checks of what a policy says of conversations: whose answers are facts, and who is shown them."""

from collections.abc import Iterator
from typing import Final

from orchestration_assets.plugins import PluginError
from orchestration_assets.policy.problems import Problem, closest_name, describe_value, safe_key
from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.services import ChatConfig, EmbeddedConfig, TaughtConfig
from orchestration_assets.services.registry import embedded_class

MEMORY: Final = "memory"
"""What services read, and the variable of a prompt, that holds a conversation's memory."""
_KINDS: Final = {
    "facts_from": (AnswerKind.RECORD, AnswerKind.SET),
    "summary_from": (AnswerKind.TEXT,),
}


def remembered_tasks(policy: Policy) -> tuple[str, ...]:
    """The tasks whose answers about earlier messages are part of the memory of later ones."""
    conversation = policy.conversation
    named = (conversation.facts_from, conversation.summary_from)
    return tuple(dict.fromkeys(one for one in named if one is not None))


def memory_problems(policy: Policy) -> Iterator[Problem]:
    """Facts and summaries from tasks that give none."""
    for key, kinds in _KINDS.items():
        given = getattr(policy.conversation, key)
        if given is None:
            continue
        fitting = [name for name, task in policy.tasks.items() if task.kind in kinds]
        path, close = f"conversation.{key}", closest_name(given, fitting)
        if given not in policy.tasks:
            yield Problem(path, describe_value(given, fitting), "no such task", close)
        elif given not in fitting:
            words = " or ".join(kinds)
            message = f"is a task of kind {policy.tasks[given].kind}; it takes one of kind {words}"
            yield Problem(path, describe_value(given, fitting), message, close)
    taught = [name for name, one in policy.services.items() if isinstance(one, TaughtConfig)]
    if remembered_tasks(policy) and taught:
        key = "facts_from" if policy.conversation.facts_from else "summary_from"
        message = (
            f"needs messages to be asked about in their order, and {taught[0]} is taught by "
            "messages that are asked about first: remove one of them"
        )
        yield Problem(f"conversation.{key}", "", message)


def memory_warnings(policy: Policy) -> Iterator[str]:
    """What is declared of memory and has no effect, one line each."""
    remembering = [name for name, task in policy.tasks.items() if task.memory]
    in_threads = any(records.thread for records in policy.content.records)
    for name in remembering:
        path = f"tasks.{safe_key(name)}.memory"
        if not in_threads:
            yield f"{path}: no records name their thread: set thread under content.records"
        if not any(shows_memory(policy, service, name) for service in policy.tasks[name].askable):
            yield f"{path}: no service that is asked shows it: name memory in a prompt"
    if remembered_tasks(policy) and not remembering:
        yield "conversation: no task is shown it: set memory: true of one"


def memory_tasks(policy: Policy) -> frozenset[str]:
    """The tasks that some service is shown the memory of a conversation for."""
    return frozenset(
        name
        for name, task in policy.tasks.items()
        if task.memory and any(shows_memory(policy, one, name) for one in task.askable)
    )


def shows_memory(policy: Policy, service: str, task: str) -> bool:
    """Whether the service is shown the memory when it is asked this task."""
    from orchestration_assets.text.prompts.templates import variables_in

    config = policy.services.get(service)
    if isinstance(config, ChatConfig):
        return MEMORY in variables_in(config.prompts.get(task, config.prompt))
    if isinstance(config, EmbeddedConfig):
        try:
            return MEMORY in embedded_class(config.implementation).reads
        except (KeyError, PluginError):
            return False
    return False
