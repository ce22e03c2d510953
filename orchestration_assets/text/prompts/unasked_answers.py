"""Answers for prompts that are only tried: those that they name, without any value."""

from orchestration_assets.schemas.answers import Answer
from orchestration_assets.schemas.services import ChatConfig, ServiceConfig


def no_answers(config: ServiceConfig, task: str) -> tuple[tuple[str, Answer | None], ...]:
    """What stands of the tasks that a service's prompt names where nothing was asked before: for
    questions that only try the service."""
    if not isinstance(config, ChatConfig):
        return ()
    # whoever tries no service needs no templates
    from orchestration_assets.text.prompts.templates import answers_named

    named = answers_named(config.prompts.get(task, config.prompt)).values()
    return tuple((one, None) for one in sorted({name for names in named for name in names}))
