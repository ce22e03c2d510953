"""Checks of what a policy says of knowledge."""

from collections.abc import Iterator

from orchestration_assets.policy.problems import Problem, closest_name, describe_value, safe_key
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.services import ChatConfig


def knowledge_problems(policy: Policy) -> Iterator[Problem]:
    """Corpora that are named and not declared, and prompts that show passages of nothing."""
    known = list(policy.knowledge)
    for name, task in policy.tasks.items():
        for place, corpus in enumerate(task.passages.of if task.passages else ()):
            if corpus not in policy.knowledge:
                path = f"tasks.{safe_key(name)}.passages.of[{place}]"
                message = "is not declared under knowledge"
                yield Problem(
                    path, describe_value(corpus, known), message, closest_name(corpus, known)
                )
    yield from _prompt_problems(policy)


def _prompt_problems(policy: Policy) -> Iterator[Problem]:
    from orchestration_assets.text.prompts.templates import PromptError, variables_in

    with_passages = {name for name, task in policy.tasks.items() if task.passages}
    for name, service in policy.services.items():
        if not isinstance(service, ChatConfig):
            continue
        for task, prompt in service.prompts.items():
            try:
                shows = "passages" in variables_in(prompt)
            except PromptError:
                continue  # said by the check of prompts
            if shows and task in policy.tasks and task not in with_passages:
                path = f"services.{safe_key(name)}.prompts.{safe_key(task)}"
                yield Problem(
                    path, "", f"shows passages, and the task {task} has none: give it passages"
                )
